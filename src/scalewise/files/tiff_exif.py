"""Exif in TIFF files, where libvips neither reads nor writes it.

There it is no block: what an Exif block begins with, such as the camera's name, are entries of
the picture's own directory, and one of these says where the directory of the exposure is.
"""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

from scalewise.files.directory import (
    EXIF,
    GPS,
    Directory,
    directory_bytes,
    read_directory,
    read_header,
)

# Description, make, model, software, time, artist, copyright: what is no matter of the pixels.
_SHARED = frozenset({0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298, EXIF, GPS})
_BLOCK = b"Exif\0\0"
_HEADER = b"II*\0\x08\0\0\0"
_OFFSETS_END = 2**32


def exif_of_tiff(file: BinaryIO) -> bytes | None:
    """What a TIFF file's first page has of Exif, as a block; None if nothing."""
    try:
        order, offset = read_header(file)
        found = read_directory(file, offset, order, _SHARED)
    except ValueError:
        return None
    return _BLOCK + _HEADER + directory_bytes(found, len(_HEADER)) if found else None


def add_exif_to_tiff(file: BinaryIO, exif: bytes) -> bool:
    """Add an Exif block to a TIFF file; whether that can be done.

    The new directories go to the end, and the one that was the first is abandoned.  What makers
    keep in their own note is copied as it is.

    Args:
        file: open to be read and written; little-endian, of less than 4 GiB.
        exif: the block.
    """
    block = io.BytesIO(exif.removeprefix(_BLOCK))
    try:
        order, offset = read_header(block)
        added = read_directory(block, offset, order, _SHARED)
        order, offset = read_header(file)
        if order != "<":
            return False
    except ValueError:
        return False
    if added:
        _replace_first_directory(file, offset, added)
    return True


def _replace_first_directory(file: BinaryIO, offset: int, added: Directory) -> None:
    file.seek(offset)
    (count,) = struct.unpack("<H", file.read(2))
    entries = {entry[:2]: entry for entry in (file.read(12) for _ in range(count))}
    following = file.read(4)
    end = file.seek(0, io.SEEK_END)
    end += file.write(bytes(end % 2))
    # The new entries in a table of their own first: its rows then go among the old ones.
    kept = {tag: value for tag, value in added.items() if struct.pack("<H", tag) not in entries}
    rows = len(entries) + len(kept)
    shift = 12 * (rows - len(kept))
    content = directory_bytes(kept, end + shift)
    table, values = content[2 : 2 + 12 * len(kept)], content[2 + 12 * len(kept) + 4 :]
    entries |= {table[i : i + 2]: table[i : i + 12] for i in range(0, len(table), 12)}
    ordered = sorted(entries.values(), key=lambda entry: struct.unpack_from("<H", entry))
    if end + len(content) + shift >= _OFFSETS_END:
        raise OSError("a TIFF file of more than 4 GiB")
    file.write(struct.pack("<H", rows) + b"".join(ordered) + following + values)
    file.seek(4)
    file.write(struct.pack("<I", end))
