"""The packed store: images decoded once, into one file that is mapped into memory.

Decoding and shrinking images costs far more than training on them, so it happens once.  A
store holds, for every image, the HR pixels and the LR pixels at each chosen scale, as plain
8-bit RGB; of squashed images, both as squares of one size.  It may also hold what a teacher, a
stronger model, made of each LR image.  The file's layout, so that anything can read it::

    magic (8 bytes) | pixels, image after image | index (JSON, UTF-8) |
    length of the index (uint64, little-endian) | magic (8 bytes)

The index comes last, so that packing streams; a file that lacks its start or its end is
recognised by the magic.  No PyTorch.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import AnyPath, path_of
from scalewise.errors import ScalewiseError

MAGIC = b"SCALEW01"
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Entry:
    """One image's place in a store.

    Attributes:
        name: the image's name, unique in its dataset.
        licence: as the dataset's manifest states it, or empty.
        shape: height and width of the HR image.
        offset: where the HR pixels begin, in bytes.
        lr: for each scale, (height, width, offset) of the LR pixels.
        teacher: (height, width, offset) of the teacher's pixels; None in a store without.
    """

    name: str
    licence: str
    shape: tuple[int, int]
    offset: int
    lr: dict[int, tuple[int, int, int]]
    teacher: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class TeacherInfo:
    """The teacher of a store: who made its images.

    Attributes:
        name: of the model.
        licence: of its images.
        scale: of the LR images that it enlarged.
    """

    name: str
    licence: str
    scale: int


class Store:
    """A packed store, opened read-only and mapped into memory.

    Args:
        path: a file written by :func:`~scalewise.data.packing.pack`.

    Attributes:
        bytes: the whole file, (n,) uint8; where images lie in it is in ``entries``.
        scales: the scales that LR pixels are held at.
        squash: side of the square that all LR images were squashed to, or None.
        teacher_info: who made the teacher's images, or None.
        source: what it was packed from, as ``pack`` was told, or None.
        entries: the images.

    Raises:
        ScalewiseError: not a store, or damaged: its start, its end or its index is.
    """

    def __init__(self, path: AnyPath) -> None:
        self.path = path_of(path, "path")
        try:
            self.bytes: NDArray[np.uint8] = np.memmap(self.path, dtype=np.uint8, mode="r")
        except OSError as error:
            raise ScalewiseError(
                f"{path}: cannot open the packed store ({error.strerror})"
            ) from error
        except ValueError:  # empty
            self.bytes = np.empty(0, np.uint8)
        try:
            end = self._find_index()
            index = json.loads(self.bytes[end:-16].tobytes())
            self.scales: tuple[int, ...] = tuple(index["scales"])
            self.squash: int | None = index.get("squash")
            self.source: str | None = index.get("source")
            taught = index.get("teacher")
            self.teacher_info = None if taught is None else TeacherInfo(**taught)
            self.entries = [_entry_from_json(entry) for entry in index["entries"]]
            for entry in self.entries:
                _check_entry(entry, self.scales, taught is not None, end)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ScalewiseError(
                f"{path}: not a packed store, or damaged; make it with 'scalewise data pack'"
            ) from error

    def _find_index(self) -> int:
        """Return where the pixels end and the index begins; raise ValueError in other files."""
        if len(self.bytes) < 24 or not (
            self.bytes[:8].tobytes() == self.bytes[-8:].tobytes() == MAGIC
        ):
            raise ValueError("no magic at the start, or at the end")
        (length,) = struct.unpack("<Q", self.bytes[-16:-8].tobytes())
        if length > len(self.bytes) - 24:
            raise ValueError("the index is longer than the file")
        return len(self.bytes) - 16 - length

    def __len__(self) -> int:
        return len(self.entries)

    def hr(self, index: int) -> Pixels:
        """Return the HR image, (H, W, 3), a view into the file."""
        entry = self.entries[index]
        return self._view(*entry.shape, entry.offset)

    def lr(self, index: int, scale: int) -> Pixels:
        """Return the LR image at a scale, (H // scale, W // scale, 3), a view into the file."""
        if scale == 1:
            return self.hr(index)
        return self._view(*self.entries[index].lr[scale])

    def teacher(self, index: int) -> Pixels:
        """Return what the teacher made of the LR image: HR's size, a view into the file.

        HR rows and columns beyond a multiple of the scale may be missing.
        """
        place = self.entries[index].teacher
        assert place is not None, "see require_teacher"
        return self._view(*place)

    def require_teacher(self, scale: int) -> None:
        """Raise :class:`ScalewiseError` unless the store has a teacher's images at a scale."""
        if self.teacher_info is None:
            raise ScalewiseError(
                f"{self.path}: holds no teacher's images; pack again with teacher=, "
                "or set loss.teacher=0",
                arguments=["teacher"],
            )
        if self.teacher_info.scale != scale:
            raise ScalewiseError(
                f"{self.path}: its teacher's images are for x{self.teacher_info.scale}, not "
                f"x{scale}; pack again with scale={scale} and teacher=, or set loss.teacher=0",
                arguments=["scale", "teacher"],
            )

    def lr_shapes(self, scale: int) -> list[tuple[int, int]]:
        """Return height and width of every LR image at a scale (1: of the HR images).

        Raises:
            ScalewiseError: the store does not hold that scale.
        """
        if scale == 1:
            return [entry.shape for entry in self.entries]
        if scale not in self.scales:
            held = ", ".join(f"x{held}" for held in self.scales) or "no scale"
            raise ScalewiseError(
                f"{self.path}: holds {held}, not x{scale}; pack again with scale={scale}",
                arguments=["scale"],
            )
        return [entry.lr[scale][:2] for entry in self.entries]

    @cached_property
    def licences(self) -> dict[str, int]:
        """The number of images that each licence covers."""
        counts: dict[str, int] = {}
        for entry in self.entries:
            counts[entry.licence] = counts.get(entry.licence, 0) + 1
        return counts

    def _view(self, height: int, width: int, offset: int) -> Pixels:
        return self.bytes[offset : offset + height * width * 3].reshape(height, width, 3)


def _entry_from_json(entry: dict[str, Any]) -> Entry:
    height, width, offset = entry["hr"]
    lr = {int(scale): tuple(place) for scale, place in entry["lr"].items()}
    teacher = tuple(entry["teacher"]) if "teacher" in entry else None
    return Entry(entry["name"], entry["licence"], (height, width), offset, lr, teacher)


def _check_entry(entry: Entry, scales: Sequence[int], taught: bool, end: int) -> None:
    """Raise ValueError unless an image has all its pixels between the start and the index."""
    if {*entry.lr} != {*scales} or (entry.teacher is not None) != taught:
        raise ValueError("images are missing")
    places = [(*entry.shape, entry.offset), *entry.lr.values()]
    for height, width, offset in [*places, *filter(None, [entry.teacher])]:
        if any(type(number) is not int for number in (height, width, offset)):
            raise ValueError("places are whole numbers")
        if min(height, width) < 1 or not len(MAGIC) <= offset <= end - height * width * 3:
            raise ValueError("pixels lie outside of the file")
