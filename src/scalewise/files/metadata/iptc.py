"""IPTC records (captions, keywords, credits), and the Photoshop resources that hold them.

Source: IPTC-NAA Information Interchange Model 4.2; Adobe Photoshop File Formats Specification,
"Image Resource Blocks": ``8BIM``, an identifier, a name and a content, both of even length.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

PHOTOSHOP_MARK = b"Photoshop 3.0\0"
_SIGNATURES = (b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR")
_IPTC = 0x0404
_PATHS = range(2000, 2999)
_RECORD = 0x1C  # which every record begins with


def iptc_of_resources(resources: bytes) -> bytes | None:
    """Return the IPTC records among Photoshop's resources; None if there are none."""
    found = b"".join(data for number, data in _resources(resources) if number == _IPTC)
    return plain_iptc(found)


def has_paths(resources: bytes) -> bool:
    """Return whether there are paths, such as a clipping path, among the resources."""
    return any(number in _PATHS for number, _ in _resources(resources))


def plain_iptc(data: bytes) -> bytes | None:
    """Return IPTC records without what surrounds them in a file; None if there are none.

    Some programs write the resources where the records should be, and TIFF writers of old wrote
    them as numbers of 4 bytes, which were then turned around.
    """
    if data.startswith(_SIGNATURES):
        return iptc_of_resources(data)
    if data[:1] != bytes([_RECORD]) and data[3:4] == bytes([_RECORD]) and len(data) % 4 == 0:
        data = b"".join(data[at : at + 4][::-1] for at in range(0, len(data), 4))
    return data if data[:1] == bytes([_RECORD]) else None


def resources_of_iptc(iptc: bytes) -> bytes:
    """Return IPTC records as a resource of Photoshop's."""
    head = struct.pack(">4sHHI", b"8BIM", _IPTC, 0, len(iptc))
    return head + iptc + bytes(len(iptc) % 2)


def _resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while data[at : at + 4] in _SIGNATURES:
        name = data[at + 6] if at + 6 < len(data) else 0
        at_length = at + 6 + name + 1 + (name + 1) % 2
        if at_length + 4 > len(data):
            return
        number = int.from_bytes(data[at + 4 : at + 6])
        length = int.from_bytes(data[at_length : at_length + 4])
        begin = at_length + 4
        yield number, data[begin : begin + length]
        at = begin + length + length % 2
