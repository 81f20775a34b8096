"""Exif orientation: rotating and mirroring images without holding them whole in memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

_BLOCK = 2**25  # bytes of pixels in memory at once
_STRIP = 256  # rows decoded at once


def _transposed(block: NDArray[Any]) -> NDArray[Any]:
    return block.swapaxes(0, 1)


_TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: lambda block: block[:, ::-1],
    3: lambda block: block[::-1, ::-1],
    4: lambda block: block[::-1],
    5: _transposed,
    6: lambda block: _transposed(block[::-1]),
    7: lambda block: _transposed(block[::-1, ::-1]),
    8: lambda block: _transposed(block[:, ::-1]),
}
"""The operations that make an image of an Exif orientation upright (Exif 2.32, 4.6.4)."""

_SIDEWAYS = (5, 6, 7, 8)
_BACKWARDS = (3, 4, 7, 8)


class UprightRows:
    """The rows of an upright image, whose file has them in another order.

    The image is cut into blocks, of whole columns where columns become rows, which wait on the
    disk if they are large: each becomes so many rows of the upright image.

    Args:
        image: of libvips, to be read from the top down.
        orientation: 2 to 8, as in Exif.

    Raises:
        pyvips.Error: the file is damaged.
        OSError: the disk is full.
    """

    def __init__(self, image: Any, orientation: int) -> None:
        self._turn = _TURNS[orientation]
        self._dtype = np.dtype(np.uint16 if image.format == "ushort" else np.uint8)
        self._across = orientation in _SIDEWAYS
        lines, length = image.height, image.width
        if self._across:
            lines, length = length, lines
        self._bands: int = image.bands
        self._length: int = length
        self._lines = max(_BLOCK // (length * self._bands * self._dtype.itemsize), 1)
        self._starts = list(range(0, lines, self._lines))
        self._ends = [min(start + self._lines, lines) for start in self._starts]
        in_memory = _BLOCK if len(self._starts) == 1 else 1
        self._files: list[Any] = [SpooledTemporaryFile(in_memory) for _ in self._starts]  # noqa: SIM115
        self._order = range(len(self._files))
        if orientation in _BACKWARDS:
            self._order = self._order[::-1]
        self._current: tuple[int, NDArray[Any]] | None = None
        try:
            self._cut(image)
        except BaseException:
            self.close()
            raise

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """Return rows ``start`` to ``stop`` (not included) of the upright image."""
        parts: list[NDArray[Any]] = []
        top = 0
        for index in self._order:
            bottom = top + self._ends[index] - self._starts[index]
            if start < bottom and stop > top:
                parts.append(self._block(index)[max(start - top, 0) : stop - top])
            top = bottom
        return np.concatenate(parts)

    def close(self) -> None:
        """Give the disk space back."""
        self._current = None
        for file in self._files:
            with suppress(OSError):  # which may try once more to write to a full disk
                file.close()

    def _cut(self, image: Any) -> None:
        for top in range(0, image.height, _STRIP):
            rows = min(_STRIP, image.height - top)
            data = pyvips.Region.new(image).fetch(0, top, image.width, rows)
            strip = np.ndarray((rows, image.width, self._bands), self._dtype, buffer=data)
            for start, end, file in zip(self._starts, self._ends, self._files, strict=True):
                if self._across:
                    file.write(strip[:, start:end].tobytes())
                elif start < top + rows and end > top:
                    file.write(strip[max(start - top, 0) : end - top].tobytes())

    def _block(self, index: int) -> NDArray[Any]:
        if self._current is None or self._current[0] != index:
            lines = self._ends[index] - self._starts[index]
            shape = (self._length, lines) if self._across else (lines, self._length)
            self._files[index].seek(0)
            pixels = np.frombuffer(self._files[index].read(), self._dtype)
            self._current = index, self._turn(pixels.reshape(*shape, self._bands))
        return self._current[1]
