"""Chunks of a PNG file, of which the coded image is one kind.

Source: PNG, third edition (W3C, 2025), 5.3: length, type, content and a checksum.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
IMAGE, END = b"IDAT", b"IEND"
_MOST_CHUNKS = 2**22
_LARGEST = 2**26  # bytes of a chunk of metadata


def read_chunks(file: BinaryIO, wanted: frozenset[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of the chunks of these types, those behind the image included.

    It ends where the file is damaged; chunks whose checksum is wrong are left out.
    """
    at = len(SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or head[4:] == END:
            return
        length = int.from_bytes(head[:4])
        at += 12 + length
        if head[4:] not in wanted or length > _LARGEST:
            continue
        content, checksum = file.read(length), file.read(4)
        if len(checksum) < 4:
            return
        if zlib.crc32(head[4:] + content) == int.from_bytes(checksum):
            yield head[4:], content


def places_before_image(file: BinaryIO, start: int) -> dict[bytes, tuple[int, int]]:
    """Where the chunks up to the image are in a PNG file that begins at ``start``.

    Returns:
        Of each type, the last chunk's begin and end; the image's first chunk included.
    """
    found: dict[bytes, tuple[int, int]] = {}
    at = start + len(SIGNATURE)
    while IMAGE not in found:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            break
        end = at + 12 + int.from_bytes(head[:4])
        found[head[4:]] = at, end
        at = end
    return found


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk, with its checksum.

    >>> chunk(b"IEND", b"").hex(" ")
    '00 00 00 00 49 45 4e 44 ae 42 60 82'
    """
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", checksum)
