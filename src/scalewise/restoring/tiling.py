"""Tiling: where overlapping windows of one size lie along an axis, and what is used of them.

A window starts on a multiple of what the network needs, so that its pyramid's pixels fall where
the whole picture's would; the overlap keeps the window's own edge out of what is used.  Windows
are as small as their number allows, and all of one size, for which a graph can be compiled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scalewise.restoring.samples import FloatImage


@dataclass(frozen=True)
class Span:
    """One window along one axis: it reads ``length`` from ``start``; its result is used from
    ``keep_from`` to ``keep_to`` (all in input pixels of the whole)."""

    start: int
    length: int
    keep_from: int
    keep_to: int

    def weights(self, axis_length: int, blend: int, scale: int) -> tuple[slice, FloatImage]:
        """What the window counts for, where it and its neighbours are blended.

        Args:
            axis_length: of the whole axis.
            blend: pixels to either side of a cut, over which one window fades into the next.
            scale: output over input size.

        Returns:
            The output pixels that it counts for, and its weight at each; all windows' weights
            at a pixel add up to 1.
        """
        first = max(0, self.keep_from - blend) * scale
        last = min(axis_length, self.keep_to + blend) * scale
        places = (np.arange(first, last) + 0.5) / scale
        weights = np.ones(last - first)
        if blend and self.keep_from > 0:
            weights = _ramp(places, self.keep_from, blend)
        if blend and self.keep_to < axis_length:
            weights -= _ramp(places, self.keep_to, blend)
        return slice(first, last), weights.astype(np.float32)


def spans(length: int, tile: int, overlap: int, multiple: int, begin: int = 0) -> list[Span]:
    """Cover an axis, or the rest of it, with windows of equal length.

    Args:
        length: of the axis, a multiple of ``multiple``.
        tile: how much of a window is used at most, beside the overlaps; rounded up to a
            multiple.
        overlap: smallest distance of a used pixel from a window's inner edge.
        multiple: what starts and lengths must be multiples of.
        begin: where the used parts begin.

    Returns:
        Spans whose used parts follow one another without gap, from ``begin``; one if the axis
        fits.

    >>> [(span.start, span.keep_from, span.keep_to) for span in spans(100, 32, 8, 4)]
    [(0, 0, 36), (28, 36, 64), (56, 64, 100)]
    """
    overlap = round_up(overlap, multiple)
    offset = max(0, begin - overlap) // multiple * multiple
    inner = length - offset - 2 * overlap
    count = max(1, -(-inner // round_up(tile, multiple)))
    if count == 1:
        return [Span(offset, length - offset, begin, length)]
    step = round_up(-(-inner // count), multiple)
    window = step + 2 * overlap
    starts = [min(offset + index * step, length - window) for index in range(count)]
    cuts = [begin, *(offset + index * step + overlap for index in range(1, count)), length]
    return [Span(start, window, cuts[index], cuts[index + 1]) for index, start in enumerate(starts)]


def round_up(value: int, multiple: int) -> int:
    """The next multiple.

    >>> round_up(9, 4)
    12
    """
    return -(-value // multiple) * multiple


def _ramp(places: np.ndarray, cut: int, blend: int) -> np.ndarray:
    """0 before, 1 behind, rising over the cut."""
    return ((places - cut + blend) / (2 * blend)).clip(0, 1)
