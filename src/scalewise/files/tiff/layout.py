"""TIFF pages as they lie in the file, and virtual files with changed entries.

Source: TIFF 6.0 (Adobe, 1992), sections 2 and 8; BigTIFF (Aware Systems, 2004), whose offsets
and counts have 8 bytes; TIFF Technical Note 1 (1995) for directories within a page's.

:class:`VirtualTiff` shows a file to a decoder as if one of its directories had other entries.
Nothing is copied: the entries that stay point to where their values lie.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, BinaryIO

import pyvips

from scalewise.files.tiff.ifd import Header, read_header, read_table

NEW_SUBFILE_TYPE, SUBFILE_TYPE = 254, 255
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES, STRIP_SIZES, PLANAR = 273, 277, 279, 284
TILE_OFFSETS, TILE_SIZES = 324, 325
TRANSFER_FUNCTION, WHITE_POINT, PRIMARIES = 301, 318, 319
SUB_DIRECTORIES, INK_SET, EXTRA_SAMPLES, SAMPLE_FORMAT = 330, 332, 338, 339

_SHORT, _LONG, _FRACTION, _LONG8 = 3, 4, 5, 16
_LETTERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}  # the types of whole numbers
_MOST_PAGES = 10_000
_MOST_NUMBERS = 2**22
_CLASSIC_END = 2**32


@dataclass(frozen=True)
class Page:
    """A directory of a TIFF file.

    Attributes:
        file: the file.
        header: its byte order, and where the directory is.
        index: which page of the file it is, or is part of, from 0.
        entries: type, count, and the field that holds the value or where it is, by tag.
        within: the directories that belong to it at any depth, such as a thumbnail's full image.
    """

    file: BinaryIO
    header: Header
    index: int
    entries: dict[int, tuple[int, int, bytes]]
    within: list[Page] = field(default_factory=list["Page"])

    @property
    def order(self) -> str:
        """Of the bytes, ``<`` or ``>``."""
        return self.header.order

    @property
    def big(self) -> bool:
        """True in a BigTIFF."""
        return self.header.big

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return the whole numbers of an entry; none if it is damaged or not there."""
        kind, count, data = self.entries.get(tag, (0, 0, b""))
        letter = _LETTERS.get(kind)
        if letter is None or not 0 < count <= _MOST_NUMBERS:
            return ()
        size = struct.calcsize(letter) * count
        if size > len(data):
            (offset,) = struct.unpack(self.order + ("Q" if self.big else "I"), data)
            self.file.seek(offset)
            data = self.file.read(size)
        if len(data) < size:
            return ()
        return struct.unpack(f"{self.order}{count}{letter}", data[:size])

    def fractions(self, tag: int) -> tuple[float, ...]:
        """Return the fractions of an entry; none if it is damaged or not there."""
        kind, count, data = self.entries.get(tag, (0, 0, b""))
        if kind != _FRACTION or not 0 < count <= _MOST_NUMBERS:
            return ()
        # They lie as twice as many whole numbers.
        twin = replace(self, entries={tag: (_LONG, 2 * count, data)})
        numbers = twin.numbers(tag)
        if len(numbers) < 2 * count or 0 in numbers[1::2]:
            return ()
        return tuple(a / b for a, b in zip(numbers[::2], numbers[1::2], strict=True))

    def number(self, tag: int, default: int = 0) -> int:
        """Return the first number of an entry."""
        return next(iter(self.numbers(tag)), default)

    @property
    def is_reduced(self) -> bool:
        """True for a smaller copy of another image, such as a thumbnail."""
        return self.number(NEW_SUBFILE_TYPE) & 1 > 0 or self.number(SUBFILE_TYPE) == 2

    @property
    def is_mask(self) -> bool:
        """True for the transparency of another image."""
        return self.number(NEW_SUBFILE_TYPE) & 4 > 0 or self.number(PHOTOMETRIC) == 4


def read_pages(file: BinaryIO) -> list[Page]:
    """Read the pages of a TIFF file, up to the first damaged one; none of another file."""
    try:
        header = read_header(file)
    except ValueError:
        return []
    pages: list[Page] = []
    seen: set[int] = set()
    while header.offset and header.offset not in seen and len(pages) < _MOST_PAGES:
        seen.add(header.offset)
        found = _read_page(file, header, len(pages))
        if found is None:
            break
        page, following = found
        page.within.extend(_read_within(page, seen))
        pages.append(page)
        header = header.at(following)
    return pages


def _read_within(page: Page, seen: set[int]) -> list[Page]:
    """Read the directories within a page's, and those within them, outermost first."""
    found: list[Page] = []
    outer = [page]
    while outer:
        parent = outer.pop(0)
        for offset in parent.numbers(SUB_DIRECTORIES):
            if offset in seen or len(found) == _MOST_PAGES:
                continue
            seen.add(offset)
            if inner := _read_page(parent.file, parent.header.at(offset), page.index):
                found.append(inner[0])
                outer.append(inner[0])
    return found


def _read_page(file: BinaryIO, header: Header, index: int) -> tuple[Page, int] | None:
    """Read a page, and where the next one is."""
    try:
        table = read_table(file, header)
    except ValueError:
        return None
    if not table.rows:
        return None
    return Page(file, header, index, {row[0]: row[1:] for row in table.rows}), table.following


def overwrite_numbers(file: BinaryIO, tag: int, numbers: Sequence[int]) -> bool:
    """Put other numbers, as many as there are, in an entry of the first page, if it has one.

    Args:
        file: open to be read and written.
        tag: of the entry.
        numbers: that it shall have.
    """
    page = next(iter(read_pages(file)), None)
    if page is None or len(page.numbers(tag)) != len(numbers):
        return False
    kind, count, data = page.entries[tag]
    values = struct.pack(f"{page.order}{count}{_LETTERS[kind]}", *numbers)
    if len(values) > len(data):
        (at,) = struct.unpack(page.order + ("Q" if page.big else "I"), data)
    else:
        head, row = (8, 20) if page.big else (2, 12)
        at = page.header.offset + head + row * (list(page.entries).index(tag) + 1) - len(data)
    file.seek(at)
    file.write(values)
    return True


class VirtualTiff:
    """A TIFF file as it would be with one page alone, some of whose entries are others.

    Args:
        page: the page; its file is not needed any longer.
        changes: the new numbers of entries; None for entries to leave out.

    Raises:
        OSError: there is no room for it below 4 GiB, where offsets end.
    """

    def __init__(self, page: Page, changes: Mapping[int, Sequence[int] | None]) -> None:
        # Another descriptor: the reader's own is closed once the header is read.
        self._file = os.fdopen(os.dup(page.file.fileno()), "rb", buffering=0)
        self._lock = Lock()
        self._at = 0
        self._length = self._file.seek(0, io.SEEK_END)
        begin = self._length + self._length % 2
        self._tail = bytes(begin - self._length) + _directory(page, changes, begin)
        if not page.big and begin + len(self._tail) >= _CLASSIC_END:
            raise OSError("a TIFF file of almost 4 GiB whose samples need another order")
        magic = b"II" if page.order == "<" else b"MM"
        pattern, values = ("HHHQ", (43, 8, 0, begin)) if page.big else ("HI", (42, begin))
        self._head = magic + struct.pack(page.order + pattern, *values)

    def source(self) -> Any:
        """Return a source of libvips that reads it; keep it as long as the image is read."""
        source = pyvips.SourceCustom()
        source.on_read(self.read)
        source.on_seek(self.seek)
        return source

    def read(self, count: int) -> bytes:
        """Read up to ``count`` bytes."""
        if self._at < len(self._head):
            data = self._head[self._at : self._at + count]
        elif self._at < self._length:
            with self._lock:
                self._file.seek(self._at)
                data = self._file.read(min(count, self._length - self._at))
        else:
            data = self._tail[self._at - self._length : self._at - self._length + count]
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int) -> int:
        """Go to a place, as files do."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at}
        self._at = base.get(whence, self._length + len(self._tail)) + offset
        return self._at

    def close(self) -> None:
        """Read no further."""
        self._file.close()


def _directory(page: Page, changes: Mapping[int, Sequence[int] | None], begin: int) -> bytes:
    """Encode the page's directory with its changes, and the changed values behind it."""
    order, big = page.order, page.big
    entries = {tag: entry for tag, entry in page.entries.items() if tag not in changes}
    changed = {tag: numbers for tag, numbers in changes.items() if numbers is not None}
    head, offset, row, width = ("Q", "Q", "HHQ8s", 8) if big else ("H", "I", "HHI4s", 4)
    rows = len(entries) + len(changed)
    values = bytearray()
    at = begin + struct.calcsize(head) + struct.calcsize("=" + row) * rows + width
    for tag, numbers in changed.items():
        kind = (_LONG8 if big else _LONG) if max(numbers) > 0xFFFF else _SHORT
        data = struct.pack(f"{order}{len(numbers)}{_LETTERS[kind]}", *numbers)
        if len(data) > width:
            place = struct.pack(order + offset, at + len(values))
            values += data + bytes(len(data) % 2)
            data = place
        entries[tag] = kind, len(numbers), data
    table = b"".join(
        struct.pack(order + row, tag, *entry) for tag, entry in sorted(entries.items())
    )
    return struct.pack(order + head, rows) + table + bytes(width) + bytes(values)
