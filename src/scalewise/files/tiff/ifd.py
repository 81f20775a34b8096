"""TIFF directories: the tables of tagged values that TIFF files and Exif blocks are made of.

Source: TIFF 6.0 (Adobe, 1992), section 2: a count, entries of 12 bytes (tag, type, count, and
the value itself if it fits in 4 bytes, else where it is), and where the next directory is.
BigTIFF (Aware Systems, 2004) has entries of 20 bytes, and 8 bytes for counts and offsets.
Exif 2.32 (CIPA DC-008), 4.6.3, adds the directories within directories.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
_WITHIN = frozenset({EXIF, GPS, INTEROPERABILITY})

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, DOUBLE = 1, 2, 3, 4, 5, 7, 12
_CLASSIC_SIZE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_ITEM_SIZE = _CLASSIC_SIZE | {16: 8, 17: 8, 18: 8}
_NUMBER_SIZE = _ITEM_SIZE | {5: 4, 10: 4}  # a fraction is two numbers
_SHORTER = {16: (LONG, "<Q", "<I"), 17: (9, "<q", "<i"), 18: (LONG, "<Q", "<I")}
_LARGEST = 2**24  # bytes of a value; larger ones are damage, or no metadata
_MOST_ENTRIES = 4096

Value = tuple[int, int, bytes]
"""Type, count and little-endian bytes."""

Directory = dict[int, "Value | Directory"]
"""The values by their tags; those that stand for another directory hold that one."""


class Header(NamedTuple):
    """The header of a TIFF file or an Exif block.

    Attributes:
        order: of the bytes, ``<`` or ``>``.
        offset: where the first directory is.
        big: whether it is a BigTIFF.
    """

    order: str
    offset: int
    big: bool = False

    def at(self, offset: int) -> Header:
        """Return the same file with another directory."""
        return self._replace(offset=offset)


Row = tuple[int, int, int, bytes]
"""Tag, type, count, and the field with the value or its place."""


class Table(NamedTuple):
    """A directory as it lies.

    Attributes:
        rows: its entries.
        following: where the next directory is; 0 for nowhere.
    """

    rows: list[Row]
    following: int


def read_header(file: BinaryIO) -> Header:
    """Read the byte order, and where the first directory is.

    Raises:
        ValueError: this is neither a TIFF file nor what an Exif block holds.
    """
    file.seek(0)
    start = file.read(16)
    if start[:4] in (b"II*\0", b"MM\0*") and len(start) >= 8:
        order = "<" if start.startswith(b"II") else ">"
        return Header(order, struct.unpack(order + "I", start[4:8])[0])
    if start[:8] in (b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0") and len(start) == 16:
        order = "<" if start.startswith(b"II") else ">"
        return Header(order, struct.unpack(order + "Q", start[8:])[0], big=True)
    raise ValueError("no TIFF header")


def read_directory(
    file: BinaryIO, header: Header, wanted: frozenset[int] | None = None, depth: int = 2
) -> Directory:
    """Read a directory and those within it; entries that make no sense are left out.

    Args:
        file: where offsets count from its beginning.
        header: its byte order, and where the directory is.
        wanted: the tags to read; None for all.
        depth: how many levels of directories may lie within.

    Raises:
        ValueError: the directory is damaged.
    """
    return values_of_table(file, header, read_table(file, header), wanted, depth)


def values_of_table(
    file: BinaryIO,
    header: Header,
    table: Table,
    wanted: frozenset[int] | None = None,
    depth: int = 2,
) -> Directory:
    """Read the values of a directory's entries; see :func:`read_directory`."""
    directory: Directory = {}
    order, width = header.order, 8 if header.big else 4
    for tag, kind, items, field in table.rows:
        size = _ITEM_SIZE.get(kind, 0) * items
        if (wanted is not None and tag not in wanted) or not 0 < size <= _LARGEST:
            continue
        (position,) = struct.unpack(order + ("Q" if header.big else "I"), field)
        if tag in _WITHIN:
            if kind in (SHORT, BYTE, ASCII):
                continue
            if depth > 0 and (inner := _inner(file, header.at(position), depth - 1)):
                directory[tag] = inner
            continue
        try:
            if size > width:
                file.seek(position)
            value = field[:size] if size <= width else file.read(size)
        except (OSError, OverflowError):
            continue
        if len(value) == size and (found := _classic(kind, items, value, order)) is not None:
            directory[tag] = found
    return directory


def read_table(file: BinaryIO, header: Header) -> Table:
    """Read a directory's entries, whose values may lie elsewhere.

    Raises:
        ValueError: the directory is damaged.
    """
    head, row, place = ("Q", "HHQ8s", "Q") if header.big else ("H", "HHI4s", "I")
    head, row, place = header.order + head, header.order + row, header.order + place
    try:
        file.seek(header.offset)
        (count,) = struct.unpack(head, file.read(struct.calcsize(head)))
        if count > _MOST_ENTRIES:
            raise ValueError("a damaged directory")
        rows: list[Row] = list(struct.iter_unpack(row, file.read(struct.calcsize(row) * count)))
        following = file.read(struct.calcsize(place))
    except (struct.error, OSError, OverflowError):
        raise ValueError("a damaged directory") from None
    is_whole = len(following) == struct.calcsize(place)
    return Table(rows, struct.unpack(place, following)[0] if is_whole else 0)


def directory_bytes(directory: Directory, position: int, big: bool = False) -> bytes:
    """Encode a directory and those within it, little-endian, for ``position`` of a file."""
    head, row, place, width = ("<Q", "<HHQ", "<Q", 8) if big else ("<H", "<HHI", "<I", 4)
    table = struct.pack(head, len(directory))
    values = bytearray()
    begin = position + len(table) + (struct.calcsize(row) + width) * len(directory) + width
    for tag, value in sorted(directory.items()):
        at = begin + len(values)
        if isinstance(value, dict):
            values += directory_bytes(value, at, big)
            values += bytes(len(values) % 2)
            table += struct.pack(row, tag, 18 if big else LONG, 1) + struct.pack(place, at)
        elif len(value[2]) <= width:
            table += struct.pack(row, tag, *value[:2]) + value[2].ljust(width, b"\0")
        else:
            values += value[2] + bytes(len(value[2]) % 2)
            table += struct.pack(row, tag, *value[:2]) + struct.pack(place, at)
    return table + bytes(width) + bytes(values)


def text_value(text: str) -> Value:
    """Encode a text as the value of a tag."""
    data = text.encode() + b"\0"
    return ASCII, len(data), data


def _inner(file: BinaryIO, header: Header, depth: int) -> Directory:
    try:
        return read_directory(file, header, None, depth)
    except ValueError:
        return {}


def _classic(kind: int, items: int, value: bytes, order: str) -> Value | None:
    """Convert a value to little-endian bytes of a type that is not BigTIFF's own."""
    width = _NUMBER_SIZE[kind]
    if order == ">" and width > 1:
        value = b"".join(value[i : i + width][::-1] for i in range(0, len(value), width))
    if kind in _SHORTER:
        kind, long, short = _SHORTER[kind]
        try:
            value = b"".join(struct.pack(short, *each) for each in struct.iter_unpack(long, value))
        except struct.error:  # a number that needs 8 bytes
            return None
    return kind, items, value
