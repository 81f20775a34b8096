"""Exif blocks: reading entries, and editing them so that they stay true.

Source: Exif 2.32 (CIPA DC-008), 4.5 and 4.6: an optional ``Exif`` marker, a TIFF header, then
directories of 12-byte entries (tag, type, count, value).  Changes are made in place: what makers
keep in their own note points to other places of the block.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scalewise.files.metadata.colour import ADOBE_RGB, StatedColour
from scalewise.files.tiff.ifd import (
    ASCII,
    EXIF,
    GPS,
    INTEROPERABILITY,
    LONG,
    RATIONAL,
    SHORT,
    Directory,
    directory_bytes,
    read_directory,
    read_header,
)

EXIF_MARK = b"Exif\0\0"
HEADER = b"II*\0\x08\0\0\0"
_ENTRY_SIZE = 12
_IMAGE_WIDTH, _IMAGE_LENGTH, DESCRIPTION, _ORIENTATION = 0x0100, 0x0101, 0x010E, 0x0112
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
_PIXEL_X, _PIXEL_Y = 0xA002, 0xA003
_FOCAL_X, _FOCAL_Y = 0xA20E, 0xA20F
_SUBJECT_AREA, _SUBJECT_LOCATION = 0x9214, 0xA214
_THUMBNAIL, _THUMBNAIL_LENGTH = 0x0201, 0x0202
_PADDING = frozenset({0xEA1C, 0xEA1D})  # which says nothing of the image
_UNITS_PER_INCH = {2: 1.0, 3: 2.54}  # inches, centimetres
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_LARGEST_FRACTION = 2**32 // 1000
_LETTERS = {SHORT: "H", LONG: "I", RATIONAL: "I"}


@dataclass(frozen=True)
class _Entry:
    """An entry of a directory: where it is, where its value is, and in which table."""

    table: int
    at: int
    kind: int
    count: int
    value: int
    size: int


class _Block:
    """An Exif block that is changed in place.

    Raises:
        ValueError: it is damaged.
    """

    def __init__(self, exif: bytes) -> None:
        self.data = bytearray(exif)
        self._base = len(EXIF_MARK) if exif.startswith(EXIF_MARK) else 0
        order = {b"II": "<", b"MM": ">"}.get(exif[self._base : self._base + 2])
        if order is None:
            raise ValueError("no TIFF header")
        self._order = order
        (first,) = self._numbers("I", self._base + 4)
        self.main = self._base + first
        self._tables = [self.main]
        self.entries = self._read(self.main)
        for pointer in (EXIF, GPS, INTEROPERABILITY):
            if entry := self.entries.get(pointer):
                (offset,) = self._numbers("I", entry.value)
                if self._base + offset not in self._tables:
                    self._tables.append(self._base + offset)
                    self.entries = self._read(self._base + offset) | self.entries

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return the numbers of an entry; none if it has none."""
        entry = self.entries.get(tag)
        letter = _LETTERS.get(entry.kind) if entry else None
        if entry is None or letter is None:
            return ()
        return self._numbers(f"{entry.size // struct.calcsize(letter)}{letter}", entry.value)

    def set(self, tag: int, numbers: Sequence[int]) -> None:
        """Write an entry's numbers, if it is there, and has as many; it goes if they do not fit."""
        entry = self.entries.get(tag)
        if entry is None:
            return
        letter = _LETTERS.get(entry.kind)
        if letter is None or entry.size != struct.calcsize("=" + letter) * len(numbers):
            self.remove(tag)
            return
        try:
            struct.pack_into(
                f"{self._order}{len(numbers)}{letter}", self.data, entry.value, *numbers
            )
        except struct.error:
            self.remove(tag)

    def remove(self, tag: int) -> None:
        """Take an entry out; those behind it move up."""
        entry = self.entries.pop(tag, None)
        if entry is None:
            return
        (count,) = self._numbers("H", entry.table)
        end = entry.table + 2 + count * _ENTRY_SIZE + 4
        self.data[entry.at : end] = self.data[entry.at + _ENTRY_SIZE : end] + bytes(_ENTRY_SIZE)
        struct.pack_into(self._order + "H", self.data, entry.table, count - 1)
        for other, each in self.entries.items():
            if each.table == entry.table and each.at > entry.at:
                inside = each.at < each.value < each.at + _ENTRY_SIZE
                self.entries[other] = replace(
                    each,
                    at=each.at - _ENTRY_SIZE,
                    value=each.value - _ENTRY_SIZE * inside,
                )

    def remove_thumbnail(self) -> None:
        """Take the second directory out, and the small image that it stands for."""
        (count,) = self._numbers("H", self.main)
        pointer = self.main + 2 + count * _ENTRY_SIZE
        if pointer + 4 > len(self.data):
            return
        (second,) = self._numbers("I", pointer)
        struct.pack_into(self._order + "I", self.data, pointer, 0)
        table = self._base + second
        if not second or table >= len(self.data):
            return
        begin = table
        try:
            entries = self._read(table)
            (offset,) = self._numbers("I", entries[_THUMBNAIL].value)
            (length,) = self._numbers("I", entries[_THUMBNAIL_LENGTH].value)
        except (KeyError, ValueError):
            pass
        else:
            start, stop = self._base + offset, min(self._base + offset + length, len(self.data))
            if start < stop and not any(
                first < stop and start < last for first, last in self._used()
            ):
                begin = min(table, start)
                self.data[start:stop] = bytes(stop - start)
        if begin >= max(last for _, last in self._used()):
            del self.data[begin:]

    def _used(self) -> list[tuple[int, int]]:
        """Return begin and end of all known parts of the block, but for its thumbnail."""
        tables = [(at, at + 2 + self._numbers("H", at)[0] * _ENTRY_SIZE + 4) for at in self._tables]
        return tables + [(each.value, each.value + each.size) for each in self.entries.values()]

    def _numbers(self, letters: str, at: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self._order + letters, self.data, at)
        except struct.error:
            raise ValueError("a damaged block") from None

    def _read(self, table: int) -> dict[int, _Entry]:
        found: dict[int, _Entry] = {}
        (count,) = self._numbers("H", table)
        for at in range(table + 2, table + 2 + count * _ENTRY_SIZE, _ENTRY_SIZE):
            if at + _ENTRY_SIZE > len(self.data):
                break
            tag, kind, items, offset = self._numbers("HHII", at)
            size = _SIZES.get(kind, 0) * items
            value = at + 8 if size <= 4 else self._base + offset
            if size and value + size <= len(self.data):
                found[tag] = _Entry(table, at, kind, items, value, size)
        return found


def upright_exif(exif: bytes, orientation: int) -> bytes:
    """Return the Exif block of an image that was made upright: its orientation is 1.

    Its thumbnail is gone, which would show the image as it lay, and small as it was.  So is the
    place of the subject, if the image was turned.  A damaged block comes back as it is.

    Args:
        exif: the block.
        orientation: what the pixels had, 1 to 8.

    >>> entry = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
    >>> block = b"MM" + struct.pack(">HIH", 42, 8, 1) + entry + bytes(4)
    >>> upright_exif(block, 6)[-8:]
    b'\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00'
    """
    try:
        block = _Block(exif)
        block.set(_ORIENTATION, [1])
        if orientation != 1:
            block.remove(_SUBJECT_AREA)
            block.remove(_SUBJECT_LOCATION)
        block.remove_thumbnail()
    except ValueError:
        return exif
    return bytes(block.data)


def sized_exif(
    exif: bytes, size: tuple[int, int], before: tuple[int, int], dpi: tuple[float, float] | None
) -> bytes:
    """Return the Exif block of a resized image, with its sizes in pixels updated.

    Args:
        exif: the block; a damaged one comes back as it is.
        size: width and height of the image.
        before: those that the block states.
        dpi: pixels per inch, which replace those of the block; None leaves them.
    """
    factors = size[0] / before[0], size[1] / before[1]
    try:
        block = _Block(exif)
        for tag, number in zip((_PIXEL_X, _PIXEL_Y), size, strict=True):
            block.set(tag, [number])
        for tag, number in zip((_IMAGE_WIDTH, _IMAGE_LENGTH), size, strict=True):
            if (entry := block.entries.get(tag)) and entry.table == block.main:
                block.set(tag, [number])
        if factors != (1, 1):
            for tag, factor in zip((_FOCAL_X, _FOCAL_Y), factors, strict=True):
                if len(fraction := block.numbers(tag)) == 2 and fraction[1]:
                    block.set(tag, _fraction(fraction[0] / fraction[1] * factor))
            for tag in (_SUBJECT_AREA, _SUBJECT_LOCATION):
                if numbers := block.numbers(tag):
                    scaled = [round(n * factors[i % 2]) for i, n in enumerate(numbers)]
                    block.set(tag, scaled)
        if dpi is not None and resolution(exif) is not None:
            for tag, dots in zip((_X_RESOLUTION, _Y_RESOLUTION), dpi, strict=True):
                block.set(tag, _fraction(dots))
            block.set(_RESOLUTION_UNIT, [2])
    except ValueError:
        return exif
    return bytes(block.data)


def exif_of(directory: Directory) -> bytes:
    """Return an Exif block with these entries."""
    return EXIF_MARK + HEADER + directory_bytes(directory, len(HEADER))


def exif_directory(exif: bytes) -> Directory:
    """Return the entries of an Exif block; none if it is damaged."""
    block = io.BytesIO(exif.removeprefix(EXIF_MARK))
    try:
        return read_directory(block, read_header(block))
    except ValueError:
        return {}


def with_entries(exif: bytes | None, entries: Directory) -> bytes:
    """Add entries to the main directory of an Exif block, and to those within it."""
    directory = exif_directory(exif or b"")
    for tag, value in entries.items():
        within = directory.get(tag)
        both = isinstance(value, dict) and isinstance(within, dict)
        directory[tag] = within | value if both else value  # pyright: ignore[reportOperatorIssue]
    return exif_of(directory)


def resolution_entries(dpi: tuple[float, float]) -> Directory:
    """Return entries that tell pixels per inch."""
    across, down = (struct.pack("<II", *_fraction(dots)) for dots in dpi)
    return {
        _X_RESOLUTION: (RATIONAL, 1, across),
        _Y_RESOLUTION: (RATIONAL, 1, down),
        _RESOLUTION_UNIT: (SHORT, 1, struct.pack("<H", 2)),
    }


def smaller_exif(exif: bytes, most: int) -> bytes | None:
    """Remove the largest values until a block has at most so many bytes; None if none is left."""
    if len(exif) <= most:
        return exif
    directory = exif_directory(exif)
    while directory:
        if len(block := exif_of(directory)) <= most:
            return block
        _remove_largest(directory)
    return None


def orientation_of(exif: bytes) -> int | None:
    """Return the orientation, 1 to 8; None if the block does not tell."""
    value = exif_directory(exif).get(_ORIENTATION)
    number = value[2][0] if isinstance(value, tuple) else 0
    return number if 1 <= number <= 8 else None


def description_of(exif: bytes) -> str | None:
    """Return the image's description, if there is one."""
    value = exif_directory(exif).get(DESCRIPTION)
    if not isinstance(value, tuple) or value[0] != ASCII:
        return None
    return value[2].rstrip(b"\0").decode(errors="replace")


def without_tag(exif: bytes, tag: int) -> bytes:
    """Return an Exif block without an entry."""
    try:
        block = _Block(exif)
    except ValueError:
        return exif
    block.remove(tag)
    return bytes(block.data)


def tags(exif: bytes) -> frozenset[int]:
    """Return all tags of an Exif block, nested ones included; none if it is damaged."""
    found: set[int] = set()
    waiting = [exif_directory(exif)]
    while waiting:
        for tag, value in waiting.pop().items():
            found.add(tag)
            if isinstance(value, dict):
                waiting.append(value)
    return frozenset(found) - _PADDING


def resolution(exif: bytes) -> tuple[float, float] | None:
    """Return horizontal and vertical pixels per inch, where an Exif block tells."""
    directory = exif_directory(exif)
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


def _fraction(number: float) -> tuple[int, int]:
    if number != round(number) and number < _LARGEST_FRACTION:
        return round(number * 1000), 1000
    return min(round(number), 2**32 - 1), 1


def _remove_largest(directory: Directory) -> None:
    sizes = {
        tag: len(directory_bytes(value, 0)) if isinstance(value, dict) else len(value[2])
        for tag, value in directory.items()
    }
    tag = max(sizes, key=lambda each: sizes[each])
    inner = directory[tag]
    if isinstance(inner, dict) and len(inner) > 1:
        _remove_largest(inner)
    else:
        del directory[tag]


_INDEX = 1
_ADOBE_RGB = b"R03"  # DCF 2.0 (CIPA DC-009), 3.1.4: the optional colour space


def colour_of_exif(exif: bytes) -> StatedColour | None:
    """Return the colour space that an Exif block states, if it is not sRGB.

    Args:
        exif: the block.
    """
    found = exif_directory(exif)
    for tag in (EXIF, INTEROPERABILITY):
        inner = found.get(tag)
        if not isinstance(inner, dict):
            return None
        found = inner
    index = found.get(_INDEX)
    return ADOBE_RGB if isinstance(index, tuple) and index[2].startswith(_ADOBE_RGB) else None
