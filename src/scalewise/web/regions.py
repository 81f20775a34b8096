"""Regions and overviews of images before and after, as PNG.

Both sides come from the same decoder and the same conversion to sRGB.  Decoded images are kept
for the next region, and encoded answers for other clients, both within limits.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scalewise.files.raster import Raster, encode_png
from scalewise.imaging.resize import Kernel, contributions

Resampler = Literal["nearest", "bicubic", "lanczos3"]
Check = Callable[[], None]
Source = Callable[[], AbstractContextManager[Path]]
"""A function that provides the path of an image's file."""

MAX_REGION = 1024
"""Pixels of an answer along a side."""

_KEPT_RASTER_BYTES = 2_000_000_000
_KEPT_RASTERS = 24
_BAND = 32
"""Pixels that are computed at once by a matrix product."""
_KEPT_ANSWER_BYTES = 64_000_000


@dataclass
class _Entry:
    raster: Raster | None = None
    users: int = 0
    dropped: bool = False
    lock: Lock = field(default_factory=Lock)


class Rasters:
    """Decoded images on the disk, those that were used last.

    Args:
        folder: where they are kept, in files without a name.
        max_bytes: disk space of all that are not in use.
        max_count: their number.
    """

    def __init__(
        self, folder: Path, max_bytes: int = _KEPT_RASTER_BYTES, max_count: int = _KEPT_RASTERS
    ) -> None:
        self._folder = folder
        self._max_bytes, self._max_count = max_bytes, max_count
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def use(self, key: str, source: Source) -> Generator[Raster]:
        """Provide an image's raster, which is decoded as far as it is used.

        Args:
            key: of the image.
            source: where its file is, if the raster is not there yet.

        Raises:
            ScalewiseError, FileNotFoundError: the image cannot be read.
        """
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            entry.users += 1
        try:
            with entry.lock:
                if entry.raster is None:
                    with source() as path:
                        entry.raster = Raster(path, self._folder)
            yield entry.raster
        finally:
            with self._lock:
                entry.users -= 1
                if entry.raster is None and not entry.users:
                    entry.dropped = True
                    if self._entries.get(key) is entry:
                        del self._entries[key]
                unused = self._drop_unused()
                if entry.dropped and not entry.users and entry not in unused:
                    unused.append(entry)
            _close(unused)

    def drop(self, key: str) -> None:
        """Give the disk space of an image back, at once or when it is no longer in use."""
        with self._lock:
            entry = self._entries.pop(key, None)
            if entry is None:
                return
            entry.dropped = True
            unused = [] if entry.users else [entry]
        _close(unused)

    def close(self) -> None:
        """Give all disk space back."""
        for key in list(self._entries):
            self.drop(key)

    def _drop_unused(self) -> list[_Entry]:
        """Take the images out that were not used for longest, if there are too many."""
        dropped: list[_Entry] = []
        size = sum(entry.raster.bytes for entry in self._entries.values() if entry.raster)
        for key, entry in list(self._entries.items()):
            if size <= self._max_bytes and len(self._entries) <= self._max_count:
                break
            if entry.users or entry.raster is None:
                continue
            size -= entry.raster.bytes
            entry.dropped = True
            dropped.append(self._entries.pop(key))
        return dropped


def _close(entries: list[_Entry]) -> None:
    for entry in entries:
        if entry.raster is not None:
            entry.raster.close()


class AnswerCache:
    """Encoded answers in memory, those that were used last.

    Args:
        max_bytes: of all of them.
    """

    def __init__(self, max_bytes: int = _KEPT_ANSWER_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._answers: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> bytes | None:
        """Return an answer; None if it is not there."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: str, answer: bytes) -> None:
        """Keep an answer, and drop older ones if necessary."""
        with self._lock:
            self._bytes += len(answer) - len(self._answers.pop(key, b""))
            self._answers[key] = answer
            while self._bytes > self._max_bytes:
                self._bytes -= len(self._answers.popitem(last=False)[1])

    def drop(self, prefix: str) -> None:
        """Drop all answers whose key begins with a text."""
        with self._lock:
            for key in [key for key in self._answers if key.startswith(prefix)]:
                self._bytes -= len(self._answers.pop(key))


@dataclass(frozen=True)
class Region:
    """A part of an image, in its pixels, and the scale at which it is shown."""

    x: int
    y: int
    width: int
    height: int
    scale: float = 1.0

    def within(self, width: int, height: int) -> Region | None:
        """Return the part of the region that is in an image; None if there is none."""
        if self.x >= width or self.y >= height:
            return None
        across, down = min(self.width, width - self.x), min(self.height, height - self.y)
        return Region(self.x, self.y, across, down, self.scale)


def show_region(raster: Raster, region: Region, check: Check) -> bytes:
    """Encode a region of an image."""
    pixels = raster.display(region.x, region.y, region.width, region.height, check)
    check()
    return encode_png(_reduced(pixels, region.scale))


def show_enlarged(
    raster: Raster, size: tuple[int, int], region: Region, resampler: Resampler, check: Check
) -> bytes:
    """Encode a region of an image that is enlarged by a resampler.

    Args:
        raster: the image.
        size: width and height to which it is enlarged.
        region: in pixels of the enlarged image.
        resampler: ``nearest``, ``bicubic`` or ``lanczos3``.
        check: called now and then; it may raise to stop.
    """
    if size == (raster.width, raster.height):
        return show_region(raster, region, check)
    side = round(1 / region.scale)
    axes = ((raster.width, size[0], region.x, region.width),)
    axes = (*axes, (raster.height, size[1], region.y, region.height))
    (left, across), (top, down) = (_weights(*axis, resampler, side) for axis in axes)
    pixels = raster.display(left, top, across.shape[1], down.shape[1], check)
    check()
    return encode_png(_weighted(pixels, down, across, check))


def show_overview(raster: Raster, side: int, check: Check) -> bytes:
    """Encode a whole image with at most ``side`` pixels along a side."""
    pixels = raster.overview(check)
    height, width = pixels.shape[:2]
    factor = side / max(height, width)
    if factor < 1:
        rows, columns = max(1, round(height * factor)), max(1, round(width * factor))
        _, down = _weights(height, rows, 0, rows, "bicubic")
        _, across = _weights(width, columns, 0, columns, "bicubic")
        pixels = _weighted(pixels, down, across, check)
    return encode_png(pixels)


def _weights(
    length: int, out_length: int, start: int, count: int, resampler: Resampler, side: int = 1
) -> tuple[int, NDArray[np.float32]]:
    """Return the weights of pixels along an axis in a part of the enlarged one.

    Args:
        length: of the axis.
        out_length: of the enlarged axis.
        start, count: the part of it.
        resampler: how it is enlarged.
        side: as many pixels of the part are averaged; the last one counts more if some are missing.

    Returns:
        The first pixel that is needed, and a matrix (pixels of the answer, pixels needed).
    """
    places = np.arange(start, start + -(-count // side) * side).clip(max=start + count - 1)
    if resampler == "nearest":
        nearest = ((places + 0.5) * length / out_length).astype(np.intp)
        indices = nearest.clip(0, length - 1)[:, None]
        weights = np.ones((len(places), 1), np.float32)
    else:
        kernel = "cubic" if resampler == "bicubic" else "lanczos3"
        all_indices, all_weights = _taps(length, out_length, kernel)
        indices, weights = all_indices[places], all_weights[places]
    first = int(indices.min())
    matrix = np.zeros((len(places) // side, int(indices.max()) + 1 - first), np.float32)
    rows = np.arange(len(places))[:, None] // side
    np.add.at(matrix, (rows, indices - first), weights / side)
    return first, matrix


@lru_cache(8)
def _taps(
    length: int, out_length: int, kernel: Kernel
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    indices, weights = contributions(length, out_length, out_length / length, kernel)
    return indices, weights.astype(np.float32)


def _bands(
    matrix: NDArray[np.float32],
) -> Iterator[tuple[slice, slice, NDArray[np.float32]]]:
    """Yield the parts of a matrix around its diagonal, beyond which there are zeros only."""
    for start in range(0, len(matrix), _BAND):
        rows = matrix[start : start + _BAND]
        used = np.flatnonzero(rows.any(axis=0))
        needed = slice(int(used[0]), int(used[-1]) + 1)
        yield slice(start, start + len(rows)), needed, np.ascontiguousarray(rows[:, needed])


def _weighted(
    pixels: NDArray[np.uint8], down: NDArray[np.float32], across: NDArray[np.float32], check: Check
) -> NDArray[np.uint8]:
    """Return weighted means of pixels along both axes; transparent ones do not count."""
    values = pixels.astype(np.float32)
    has_alpha = pixels.shape[2] in (2, 4)
    if has_alpha:
        values[..., :-1] *= values[..., -1:]
    _, width, channels = values.shape
    rows = np.empty((len(down), width, channels), np.float32)
    for answered, needed, weights in _bands(down):
        part = weights @ values[needed].reshape(weights.shape[1], -1)
        rows[answered] = part.reshape(-1, width, channels)
    check()
    values = np.empty((len(down), len(across), channels), np.float32)
    for answered, needed, weights in _bands(across):
        for channel in range(channels):
            values[:, answered, channel] = rows[:, needed, channel] @ weights.T
    if has_alpha:
        values[..., :-1] /= values[..., -1:].clip(1e-3)
    return np.rint(values).clip(0, 255).astype(np.uint8)


def _reduced(pixels: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Average squares of pixels."""
    side = round(1 / scale)
    if side == 1:
        return pixels
    height, width = pixels.shape[:2]
    rows, columns = -height % side, -width % side
    if rows or columns:  # there, squares are filled up with their own last pixels
        pixels = np.pad(pixels, ((0, rows), (0, columns), (0, 0)), mode="edge")
    values = pixels.astype(np.uint32) if pixels.shape[2] in (2, 4) else pixels.astype(np.uint16)
    has_alpha = pixels.shape[2] in (2, 4)
    if has_alpha:
        values[..., :-1] *= values[..., -1:]
    parts = [values[i::side, j::side] for i in range(side) for j in range(side)]
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    if has_alpha:
        alpha = total[..., -1:].clip(1)
        total[..., :-1] = (total[..., :-1] + alpha // 2) // alpha
        total[..., -1:] = (total[..., -1:] + len(parts) // 2) // len(parts)
        return total.astype(np.uint8)
    return ((total + len(parts) // 2) // len(parts)).astype(np.uint8)
