"""Exif tags in TIFF files, where libvips neither reads nor writes them.

There Exif is not a block: what an Exif block begins with, such as the camera's name, are entries of
the image's own directory, and one of these says where the directory of the exposure is.
"""

from __future__ import annotations

import io
import struct
from typing import BinaryIO, NamedTuple

from scalewise.files.metadata.exif import exif_directory, exif_of
from scalewise.files.tiff.ifd import (
    EXIF,
    GPS,
    Directory,
    Header,
    Table,
    directory_bytes,
    read_header,
    read_table,
    values_of_table,
)

# Of the image and not of its pixels: description, make, model, page, software, time, artist,
# host, copyright, Windows's title, comment, author, keywords, subject and rating; the camera's
# own name, its serial number, and the moment of TIFF/EP.
_WITH_TEXT = {0x010D, 0x010E, 0x010F, 0x0110, 0x011D, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298}
_OTHERS = {0x4746, 0x4749, *range(0x9C9B, 0x9CA0), 0x9003, 0xC614, 0xC62F}
SHARED = frozenset({*_WITH_TEXT, *_OTHERS, EXIF, GPS})
# Of the pixels: how they lie in the file that the block came from.
_STRUCTURE = frozenset(
    {*range(0xFE, 0x10D), *range(0x111, 0x131), *range(0x13D, 0x15C), 0x0201, 0x0202}
    | {*range(0x0211, 0x0215)}
) - {*SHARED}
_OFFSETS_END = 2**32


class PageMetadata(NamedTuple):
    """Metadata in the directory of a TIFF page.

    Attributes:
        values: those of the entries that were asked for.
        tags: of all entries, whatever their values.
    """

    values: Directory
    tags: frozenset[int]

    def select(self, tags: frozenset[int]) -> Directory:
        """Return the values of these tags, as far as they are there."""
        return {tag: value for tag, value in self.values.items() if tag in tags}

    def completed(self, other: PageMetadata, tags: frozenset[int]) -> PageMetadata:
        """Return this with the values of these tags that only the other directory has."""
        return PageMetadata(other.select(tags) | self.values, self.tags)

    def content(self, tag: int) -> bytes:
        """Return an entry's value as bytes; empty if it is not there."""
        value = self.values.get(tag)
        return value[2] if isinstance(value, tuple) else b""

    def number(self, tag: int) -> int | None:
        """Return an entry's first number; None if it is not there."""
        content = self.content(tag)
        return int.from_bytes(content[:4], "little") if content else None

    def exif(self) -> bytes | None:
        """Return what the directory has of Exif, as a block; None if nothing."""
        found = self.select(SHARED)
        return exif_of(found) if found else None


def read_page_metadata(
    file: BinaryIO, header: Header | None, wanted: frozenset[int]
) -> PageMetadata:
    """Read the directory of a TIFF page; it is empty where it is damaged.

    Args:
        file: the file.
        header: where the directory is; None for that of the first page.
        wanted: the tags whose values are read, in addition to those of Exif.
    """
    try:
        header = header or read_header(file)
        table = read_table(file, header)
        values = values_of_table(file, header, table, SHARED | wanted)
    except ValueError:
        return PageMetadata({}, frozenset())
    return PageMetadata(values, frozenset(row[0] for row in table.rows))


def lost_in_tiff(exif: bytes) -> frozenset[int]:
    """Return the tags of an Exif block that have no place in a TIFF file."""
    return frozenset(exif_directory(exif)) - SHARED - _STRUCTURE


def shared_tags(exif: bytes) -> Directory:
    """Return the entries of an Exif block that stand in a TIFF file's own directory."""
    return {tag: value for tag, value in exif_directory(exif).items() if tag in SHARED}


def add_to_tiff(file: BinaryIO, added: Directory) -> bool:
    """Add entries to the first directory of a TIFF file; whether that can be done.

    The new directory goes to the end, and the one that was the first is abandoned.

    Args:
        file: open to be read and written; little-endian.
        added: the entries, which replace those of the same tags.
    """
    try:
        header = read_header(file)
        table = read_table(file, header)
    except ValueError:
        return False
    if header.order != "<":
        return False
    if added:
        _replace_first_directory(file, header, table, added)
    return True


def _replace_first_directory(
    file: BinaryIO, header: Header, table: Table, added: Directory
) -> None:
    head, row, place, width = ("<Q", "<HHQ8s", "<Q", 8) if header.big else ("<H", "<HHI4s", "<I", 4)
    kept = {entry[0]: struct.pack(row, *entry) for entry in table.rows if entry[0] not in added}
    end = file.seek(0, io.SEEK_END)
    end += file.write(bytes(end % 8 and 8 - end % 8))
    # The new entries in a table of their own first: its rows then go among the old ones.
    shift = struct.calcsize(row) * len(kept)
    content = directory_bytes(added, end + shift, header.big)
    begin = struct.calcsize(head)
    lines = content[begin : begin + struct.calcsize(row) * len(added)]
    values = content[begin + len(lines) + width :]
    new = dict(
        zip(sorted(added), struct.iter_unpack(f"{struct.calcsize(row)}s", lines), strict=True)
    )
    ordered = sorted({**kept, **{tag: each for tag, (each,) in new.items()}}.items())
    if not header.big and end + len(content) + shift >= _OFFSETS_END:
        raise OSError("a TIFF file of more than 4 GiB")
    file.write(struct.pack(head, len(ordered)) + b"".join(each for _, each in ordered))
    file.write(struct.pack(place, table.following) + values)
    file.seek(8 if header.big else 4)
    file.write(struct.pack(place, end))
