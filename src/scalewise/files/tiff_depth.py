"""Bits per sample of a TIFF file, where libvips fails and does not say that this is why."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_BITS, _SAMPLE_FORMAT = 258, 339
_FLOATING = 3
_WHOLE, _FLOATS = (1, 2, 4, 8, 16, 32), (16, 32, 64)
_MOST_PAGES = 100
_MOST_VALUES = 64
_LETTERS = {1: "B", 3: "H", 4: "I", 16: "Q"}


def odd_depth(path: Path) -> str | None:
    """What kind of samples a TIFF file has that no decoder here reads; None for others.

    >>> odd_depth(Path("there is no such file"))
    """
    try:
        with path.open("rb") as file:
            for bits, kind in _depths(file):
                if kind == _FLOATING and bits not in _FLOATS:
                    return f"floating-point samples of {bits} bits"
                if kind != _FLOATING and bits not in _WHOLE:
                    return f"samples of {bits} bits"
    except (OSError, struct.error, OverflowError):
        pass
    return None


def _depths(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Bits and kind of every page's first sample (TIFF 6.0, section 8 and SampleFormat)."""
    start = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(start[:2], "<")
    is_big = start[2:4] in (b"+\0", b"\0+")
    head, entry, place = ("Q", "HHQ8s", "Q") if is_big else ("H", "HHI4s", "I")
    head, entry, place = order + head, order + entry, order + place
    width = struct.calcsize(place)
    (offset,) = struct.unpack(place, start[8:16] if is_big else start[4:8])
    for _ in range(_MOST_PAGES):
        if not offset:
            return
        file.seek(offset)
        (count,) = struct.unpack(head, file.read(struct.calcsize(head)))
        rows = file.read(min(count, 4096) * struct.calcsize(entry))
        following = file.read(width)
        found = {_BITS: 1, _SAMPLE_FORMAT: 1}
        for tag, kind, number, data in struct.iter_unpack(entry, rows):
            if tag in found and kind in _LETTERS and 0 < number <= _MOST_VALUES:
                letter = order + _LETTERS[kind]
                if number * struct.calcsize(letter) > width:
                    file.seek(struct.unpack(place, data)[0])
                    data = file.read(8)
                found[tag] = struct.unpack_from(letter, data)[0]
        yield found[_BITS], found[_SAMPLE_FORMAT]
        (offset,) = struct.unpack(place, following)
