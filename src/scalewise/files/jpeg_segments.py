"""Segments of a JPEG file: where its metadata lies, ahead of the coded image.

Source: ITU-T T.81, annex B: a marker of two bytes, and a length that counts itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

SOI = b"\xff\xd8"
APP0, APP1, APP2, APP11, APP13, COM = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xFE
TABLES, SCAN = 0xDB, 0xDA
MOST = 65533
"""Bytes that a segment holds."""

_APPLICATION = range(0xE0, 0xF0)
_END = 0xD9
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_MOST_SEGMENTS = 10_000


def read_segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment ahead of the first scan; ends where it is damaged.

    The first scan comes last, without its content; the file is then right behind its marker.
    """
    file.seek(2)
    for _ in range(_MOST_SEGMENTS):
        start = file.read(2)
        while start[:1] == b"\xff" and start[1:] == b"\xff":  # fill bytes
            start = b"\xff" + file.read(1)
        if len(start) < 2 or start[0] != 0xFF or start[1] == _END:
            return
        if start[1] == SCAN:
            yield SCAN, b""
            return
        if start[1] in _WITHOUT_LENGTH:
            continue
        length = file.read(2)
        size = int.from_bytes(length) - 2
        content = file.read(max(size, 0))
        if len(length) < 2 or size < 0 or len(content) < size:
            return
        yield start[1], content


def application_end(file: BinaryIO, start: int) -> int:
    """Where the application segments of a JPEG file end that begins at ``start``."""
    at = start + 2
    while True:
        file.seek(at)
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] not in _APPLICATION:
            return at
        at += 2 + int.from_bytes(head[2:])


def segment(marker: int, content: bytes) -> bytes:
    """A segment.

    >>> segment(COM, b"hello").hex(" ")
    'ff fe 00 07 68 65 6c 6c 6f'
    """
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
