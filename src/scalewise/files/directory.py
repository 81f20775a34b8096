"""TIFF directories: the tables of tagged values that TIFF files and Exif blocks are made of.

Source: TIFF 6.0 (Adobe, 1992), section 2: a count, entries of 12 bytes (tag, type, count, and
the value itself if it fits in 4 bytes, else where it is), and where the next directory is.
Exif 2.32 (CIPA DC-008), 4.6.3, adds the directories within directories.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
_WITHIN = frozenset({EXIF, GPS, INTEROPERABILITY})

_ITEM_SIZE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_NUMBER_SIZE = _ITEM_SIZE | {5: 4, 10: 4}  # a fraction is two numbers
_LARGEST = 2**24  # bytes of a value; larger ones are damage, or no metadata
_LONG = 4

Value = tuple[int, int, bytes]
"""Type, count and little-endian bytes."""

Directory = dict[int, "Value | Directory"]
"""The values by their tags; those that stand for another directory hold that one."""


def read_header(file: BinaryIO) -> tuple[str, int]:
    """The byte order, ``<`` or ``>``, and where the first directory is.

    Raises:
        ValueError: this is neither a TIFF file nor what an Exif block holds.
    """
    file.seek(0)
    start = file.read(8)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(start[:4])
    if order is None or len(start) < 8:
        raise ValueError("no TIFF header")
    return order, struct.unpack(order + "I", start[4:])[0]


def read_directory(
    file: BinaryIO, offset: int, order: str, wanted: frozenset[int] | None = None, depth: int = 2
) -> Directory:
    """Read a directory and those within it; entries that make no sense are left out.

    Args:
        file: where offsets count from its beginning.
        offset: where the directory is.
        order: ``<`` or ``>``.
        wanted: the tags to read; None for all.
        depth: how many levels of directories may lie within.

    Raises:
        ValueError: the directory is damaged.
    """
    directory: Directory = {}
    file.seek(offset)
    try:
        (count,) = struct.unpack(order + "H", file.read(2))
        entries = list(struct.iter_unpack(order + "HHI4s", file.read(12 * count)))
    except struct.error:
        raise ValueError("a damaged directory") from None
    for tag, kind, items, field in entries:
        size = _ITEM_SIZE.get(kind, 0) * items
        if (wanted is not None and tag not in wanted) or not 0 < size <= _LARGEST:
            continue
        (position,) = struct.unpack(order + "I", field)
        if tag in _WITHIN:
            if depth > 0 and (inner := _inner(file, position, order, depth - 1)):
                directory[tag] = inner
            continue
        if size > 4:
            file.seek(position)
        value = field[:size] if size <= 4 else file.read(size)
        if len(value) == size:
            directory[tag] = kind, items, _little_endian(value, kind, order)
    return directory


def directory_bytes(directory: Directory, position: int) -> bytes:
    """A directory and those within it, little-endian, to be put at ``position`` of a file."""
    table = struct.pack("<H", len(directory))
    values = bytearray()
    begin = position + 2 + 12 * len(directory) + 4
    for tag, value in sorted(directory.items()):
        at = begin + len(values)
        if isinstance(value, dict):
            values += directory_bytes(value, at)
            table += struct.pack("<HHII", tag, _LONG, 1, at)
        elif len(value[2]) <= 4:
            table += struct.pack("<HHI4s", tag, *value)  # which pads with zeros
        else:
            values += value[2] + bytes(len(value[2]) % 2)
            table += struct.pack("<HHII", tag, value[0], value[1], at)
    return table + bytes(4) + bytes(values)


def _inner(file: BinaryIO, offset: int, order: str, depth: int) -> Directory:
    try:
        return read_directory(file, offset, order, None, depth)
    except ValueError:
        return {}


def _little_endian(value: bytes, kind: int, order: str) -> bytes:
    width = _NUMBER_SIZE[kind]
    if order == "<" or width == 1:
        return value
    return b"".join(value[i : i + width][::-1] for i in range(0, len(value), width))
