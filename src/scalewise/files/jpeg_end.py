"""JPEG files that stop without their end marker, as broken downloads leave them."""

from __future__ import annotations

import struct
from typing import BinaryIO

_END = b"\xff\xd9"
_SCAN = 0xDA
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_MOST_SEGMENTS = 1000
_AT_ONCE = 2**20


def lacks_end_marker(file: BinaryIO) -> bool:
    """Whether no end marker comes after a JPEG file's first scan has begun (ITU-T T.81, B.2.1).

    Files may go on after it, and pictures within the header have markers of their own.
    """
    file.seek(-len(_END), 2)
    if file.read() == _END:
        return False
    if not _find_first_scan(file):
        return False
    last = b""
    while block := file.read(_AT_ONCE):
        if _END in last + block:
            return False
        last = block[-1:]
    return True


def with_end_marker(file: BinaryIO) -> bytes:
    """The whole file, and an end marker; without zeros that only fill it up.

    The bits of the last row are filled up with ones: a 0 there belongs to the byte before it.
    """
    file.seek(0)
    whole = file.read()
    data = whole.rstrip(b"\0")
    if data.endswith(b"\xff") and len(data) < len(whole):
        data += b"\0"
    return data + _END


def _find_first_scan(file: BinaryIO) -> bool:
    """Go to where the first scan begins, if there is one."""
    file.seek(0)
    for _ in range(_MOST_SEGMENTS):
        marker = file.read(2)
        if len(marker) < 2 or marker[0] != 0xFF:
            return False
        if marker[1] == 0xFF:  # filling
            file.seek(-1, 1)
        elif marker[1] == _SCAN:
            return True
        elif marker[1] not in _WITHOUT_LENGTH:
            length = file.read(2)
            if len(length) < 2:
                return False
            file.seek(struct.unpack(">H", length)[0] - 2, 1)
    return False
