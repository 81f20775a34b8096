"""The one thing we change in an Exif block, its orientation; and what we learn from one."""

from __future__ import annotations

import io
import struct

from scalewise.files.directory import Directory, read_directory, read_header

_ORIENTATION = 0x0112
_ENTRY_SIZE = 12
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
_PADDING = frozenset({0xEA1C, 0xEA1D})  # which says nothing of the picture
_UNITS_PER_INCH = {2: 1.0, 3: 2.54}  # inches, centimetres


def with_upright_orientation(exif: bytes) -> bytes:
    """An Exif block whose orientation is 1 (upright); nothing else changes.

    Source: Exif 2.32 (CIPA DC-008), 4.6: an optional ``Exif`` marker, a TIFF header, then a
    directory of 12-byte entries (tag, type, count, value).  A block without an orientation,
    or one that is damaged, comes back as it is.

    >>> entry = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    >>> block = b"MM" + struct.pack(">HIH", 42, 8, 1) + entry
    >>> with_upright_orientation(block)[-4:]
    b'\\x00\\x01\\x00\\x00'
    """
    start = 6 if exif.startswith(b"Exif\0\0") else 0
    order = {b"II": "<", b"MM": ">"}.get(exif[start : start + 2])
    if order is None:
        return exif
    block = bytearray(exif)
    try:
        (offset,) = struct.unpack_from(order + "I", block, start + 4)
        (entries,) = struct.unpack_from(order + "H", block, start + offset)
        for index in range(entries):
            entry = start + offset + 2 + index * _ENTRY_SIZE
            (tag,) = struct.unpack_from(order + "H", block, entry)
            if tag == _ORIENTATION:
                struct.pack_into(order + "HH", block, entry + 8, 1, 0)
    except struct.error:
        return exif
    return bytes(block)


def tags(exif: bytes) -> frozenset[int]:
    """What an Exif block tells, in its main directory and those within; none if it is damaged."""
    found: set[int] = set()
    waiting = [_main_directory(exif)]
    while waiting:
        for tag, value in waiting.pop().items():
            found.add(tag)
            if isinstance(value, dict):
                waiting.append(value)
    return frozenset(found) - _PADDING


def resolution(exif: bytes) -> tuple[float, float] | None:
    """Horizontal and vertical pixels per inch, where an Exif block tells."""
    directory = _main_directory(exif)
    numbers = b"".join(
        value[2]
        for tag in (_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT)
        if isinstance(value := directory.get(tag), tuple)
    )
    try:
        across, per_across, down, per_down, unit = struct.unpack("<IIIIH", numbers)
        dpi = across / per_across * _UNITS_PER_INCH[unit], down / per_down * _UNITS_PER_INCH[unit]
    except (struct.error, KeyError, ZeroDivisionError):
        return None
    return dpi if all(dpi) else None


def _main_directory(exif: bytes) -> Directory:
    block = io.BytesIO(exif.removeprefix(b"Exif\0\0"))
    try:
        order, offset = read_header(block)
        return read_directory(block, offset, order)
    except ValueError:
        return {}
