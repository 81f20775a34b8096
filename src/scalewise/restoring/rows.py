"""Image rows, read and written in blocks, so that no image need be in memory whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scalewise.imaging.data_range import white_of

FloatImage = NDArray[np.float32]

Progress = Callable[[int, int], None]
"""A function of the image's pixels that are done, and of all of them."""

BLOCK = 64
"""Rows that are read at once."""

_PREFETCH_BYTES = 2**25
"""Bytes that are read ahead at most: all of an image of 11 megapixels."""
_PATIENCE = 0.05  # seconds after which a thread checks whether it is still needed


class RowSource(Protocol):
    """A source of an image's rows, such as :class:`scalewise.files.PictureReader`.

    A source that has an attribute ``separate`` may say that every channel stands for itself: see
    :class:`Rows`.
    """

    @property
    def height(self) -> int:
        """Rows of the image."""
        ...

    @property
    def width(self) -> int:
        """Columns of the image."""
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
        """Return rows ``start`` to ``stop``, (n, W, C); called in order, once for each row."""
        ...


class RowSink(Protocol):
    """A sink of an image's rows, such as :class:`scalewise.files.PictureWriter`."""

    def write_rows(self, rows: Any) -> None:
        """Take the next rows, (n, W, C), from the top down."""
        ...


@dataclass(frozen=True)
class Rows:
    """An image as a stream: what it is, and its rows in blocks (n, W, C) from the top down.

    Attributes:
        separate: whether every channel stands for itself, such as near infrared next to red:
            none of them is alpha, and there may be more than four.
    """

    height: int
    width: int
    channels: int
    dtype: np.dtype[Any]
    blocks: Iterator[NDArray[Any]]
    separate: bool = False


def rows_of(source: RowSource) -> Rows:
    """Return the rows of a source."""
    height = source.height

    def blocks() -> Iterator[NDArray[Any]]:
        for start in range(0, height, BLOCK):
            yield source.read_rows(start, min(start + BLOCK, height))

    separate: bool = getattr(source, "separate", False)
    return Rows(height, source.width, source.channels, source.dtype, blocks(), separate)


def rows_of_array(image: NDArray[Any], separate: bool = False) -> Rows:
    """Return the rows of an array (H, W, C) with C 1 to 4, or any C if separate; not a copy.

    Raises:
        ValueError: another shape or dtype.
    """
    if image.ndim != 3 or (image.shape[2] > 4 and not separate) or 0 in image.shape:
        raise ValueError(
            f"an image is (H, W) or (H, W, C) with C 1 to 4, not of shape {image.shape}"
        )
    data_range(image.dtype)  # raises for an unknown dtype
    height, width, channels = image.shape
    return Rows(height, width, channels, image.dtype, iter([image]), separate)


def to_array(rows: Rows) -> NDArray[Any]:
    """Return all rows, as an array (H, W, C)."""
    image = np.empty((rows.height, rows.width, rows.channels), rows.dtype)
    done = 0
    for block in rows.blocks:
        image[done : done + len(block)] = block
        done += len(block)
    return image


class RowBuffer:
    """Windows of rows, which may overlap, from blocks that come once.

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
        """Return rows ``start`` to ``stop``, not to be written to; ``start`` never goes back."""
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


class Prefetcher:
    """Prefetch: a thread reads the blocks of some rows ahead, from now on.

    An iterator.  An error of the thread is raised where the blocks are taken, after those that
    were read before it.

    Args:
        rows: whose blocks to read.
    """

    def __init__(self, rows: Rows) -> None:
        self._blocks = rows.blocks
        size = BLOCK * rows.width * rows.channels * rows.dtype.itemsize
        room = max(2, _PREFETCH_BYTES // size)
        self._queue: Queue[NDArray[Any] | Exception | None] = Queue(room)
        self._stopped = Event()
        self._thread = Thread(target=self._fetch, daemon=True)
        self._thread.start()
        self.rows = replace(rows, blocks=self)

    def __iter__(self) -> Prefetcher:
        return self

    def __next__(self) -> NDArray[Any]:
        while True:
            try:
                item = self._queue.get(timeout=_PATIENCE)
                break
            except Empty:
                if self._stopped.is_set():
                    raise StopIteration from None
        if isinstance(item, np.ndarray):
            return item
        self._stopped.set()
        if item is None:
            raise StopIteration
        raise item

    def close(self) -> None:
        """Stop reading, and wait for the thread to end."""
        self._stopped.set()
        self._thread.join()

    def _fetch(self) -> None:
        try:
            for block in self._blocks:
                if not self._put(block):
                    return
            self._put(None)
        except Exception as error:
            self._put(error)

    def _put(self, item: NDArray[Any] | Exception | None) -> bool:
        """Queue an item; return False if nobody needs it any more."""
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=_PATIENCE)
            except Full:
                continue
            return True
        return False


def data_range(dtype: np.dtype[Any]) -> float:
    """Return the value of white.

    Raises:
        ValueError: samples of another kind than uint8, uint16 and floating.

    >>> data_range(np.dtype(np.uint16)), data_range(np.dtype(np.float32))
    (65535.0, 1.0)
    """
    white = white_of(dtype)
    if white is None:
        raise ValueError(f"an image is uint8, uint16 or floating, not {dtype}")
    return white


def to_samples(values: FloatImage, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return values in [0, 1] as samples: clipped, and rounded where they are integers.

    Args:
        values: any shape; they are overwritten.
        dtype: of the samples.

    Returns:
        The samples; integers still as float32, which assignment casts to ``dtype``.

    >>> to_samples(np.array([-1.0, 0.1, 2.0], np.float32), np.dtype(np.uint8)).tolist()
    [0.0, 26.0, 255.0]
    """
    np.clip(values, 0, 1, out=values)
    white = data_range(dtype)
    if white != 1:
        values *= np.float32(white)
        np.rint(values, out=values)
    return values
