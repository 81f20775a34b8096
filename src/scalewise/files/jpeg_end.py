"""JPEG files that stop without their end marker, as broken downloads leave them."""

from __future__ import annotations

from typing import BinaryIO

from scalewise.files.jpeg_segments import SCAN, read_segments

_END = b"\xff\xd9"
_AT_ONCE = 2**20


def lacks_end_marker(file: BinaryIO) -> bool:
    """Whether no end marker comes after a JPEG file's first scan has begun (ITU-T T.81, B.2.1).

    Files may go on after it, and pictures within the header have markers of their own.
    """
    file.seek(-len(_END), 2)
    if file.read() == _END:
        return False
    if not any(marker == SCAN for marker, _ in read_segments(file)):
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
