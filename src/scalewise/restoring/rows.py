"""Pictures that come and go row by row, so that none need be in memory whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scalewise.restoring.samples import data_range

BLOCK = 64
"""Rows that are asked for at once."""

Progress = Callable[[int, int], None]
"""Told how many of the picture's pixels are done, and how many there are."""


class RowSource(Protocol):
    """Where a picture's rows come from, such as :class:`scalewise.files.PictureReader`.

    One that has an attribute ``separate`` may say that every band stands for itself: see
    :class:`Rows`.
    """

    @property
    def height(self) -> int:
        """Rows of the picture."""
        ...

    @property
    def width(self) -> int:
        """Columns of the picture."""
        ...

    @property
    def channels(self) -> int:
        """1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha)."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the samples: uint8, uint16 or floating."""
        ...

    def read_rows(self, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop``, (n, W, C); they are asked for in order, each once."""
        ...


class RowSink(Protocol):
    """Where a picture's rows go, such as :class:`scalewise.files.PictureWriter`."""

    def write_rows(self, rows: Any) -> None:
        """Take the next rows, (n, W, C), from the top down."""
        ...


@dataclass(frozen=True)
class Rows:
    """A picture on its way: what it is, and its rows in blocks (n, W, C) from the top down.

    Attributes:
        separate: whether every channel stands for itself, such as near infrared beside red:
            none of them is alpha, and there may be more than four.
    """

    height: int
    width: int
    channels: int
    dtype: np.dtype[Any]
    blocks: Iterator[NDArray[Any]]
    separate: bool = False


def rows_of(source: RowSource) -> Rows:
    """The rows of a source."""
    height = source.height

    def blocks() -> Iterator[NDArray[Any]]:
        for start in range(0, height, BLOCK):
            yield source.read_rows(start, min(start + BLOCK, height))

    separate: bool = getattr(source, "separate", False)
    return Rows(height, source.width, source.channels, source.dtype, blocks(), separate)


def rows_of_array(image: NDArray[Any], separate: bool = False) -> Rows:
    """The rows of an array (H, W, C) with C 1 to 4, or any where they are separate; not a copy.

    Raises:
        ValueError: another shape or dtype.
    """
    if image.ndim != 3 or (image.shape[2] > 4 and not separate) or 0 in image.shape:
        raise ValueError(
            f"an image is (H, W) or (H, W, C) with C 1 to 4, not of shape {image.shape}"
        )
    data_range(image.dtype)  # says which are known
    height, width, channels = image.shape
    return Rows(height, width, channels, image.dtype, iter([image]), separate)


def to_array(rows: Rows) -> NDArray[Any]:
    """All rows, as an array (H, W, C)."""
    image = np.empty((rows.height, rows.width, rows.channels), rows.dtype)
    done = 0
    for block in rows.blocks:
        image[done : done + len(block)] = block
        done += len(block)
    return image


class RowBuffer:
    """Windows of rows, that may overlap, from blocks that come once.

    >>> buffer = RowBuffer(iter([np.arange(4), np.arange(4, 8)]))
    >>> buffer.rows(0, 3).tolist(), buffer.rows(2, 6).tolist()
    ([0, 1, 2], [2, 3, 4, 5])
    """

    def __init__(self, blocks: Iterator[NDArray[Any]]) -> None:
        self._blocks = blocks
        self._kept: list[NDArray[Any]] = []
        self._first = 0
        self._next = 0

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop``, not to be written to; ``start`` never goes back."""
        while self._next < stop:
            block = next(self._blocks)
            self._kept.append(block)
            self._next += len(block)
        while self._first + len(self._kept[0]) <= start:
            self._first += len(self._kept.pop(0))
        if len(self._kept) > 1:
            self._kept = [np.concatenate([self._kept[0][start - self._first :], *self._kept[1:]])]
            self._first = start
        return self._kept[0][start - self._first : stop - self._first]
