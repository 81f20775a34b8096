"""Tiling: cut a picture into overlapping windows of one size, run them, put them together.

A window starts on a multiple of what the network needs, so that its pyramid's pixels fall where
the whole picture's would; the overlap keeps the window's own edge out of what is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]
Run = Callable[[FloatImage], FloatImage]
"""A network: (1, C, h, w) in [0, 1] to (1, C, scale h, scale w), h and w aligned."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Span:
    """One window along one axis: it reads ``length`` from ``start``; its result is used from
    ``keep_from`` to ``keep_to`` (all in input pixels of the whole)."""

    start: int
    length: int
    keep_from: int
    keep_to: int


def spans(length: int, window: int, overlap: int, multiple: int) -> list[Span]:
    """Cover an axis with windows of equal length.

    Args:
        length: of the axis, a multiple of ``multiple``.
        window: wished length of a window; rounded up to what ``overlap`` and ``multiple`` need.
        overlap: smallest distance of a used pixel from a window's inner edge.
        multiple: what starts and lengths must be multiples of.

    Returns:
        Spans whose used parts follow one another without gap; one if the axis fits.

    >>> [(span.start, span.keep_from, span.keep_to) for span in spans(100, 48, 8, 4)]
    [(0, 0, 40), (32, 40, 72), (52, 72, 100)]
    """
    overlap = _round_up(overlap, multiple)
    window = _round_up(max(window, 2 * overlap + multiple), multiple)
    if window >= length:
        return [Span(0, length, 0, length)]
    step = window - 2 * overlap
    starts = [*range(0, length - window, step), length - window]
    edges = [0, *(start + window - overlap for start in starts[:-1]), length]
    return [
        Span(start, window, edges[index], edges[index + 1]) for index, start in enumerate(starts)
    ]


def restore_tiled(
    run: Run,
    image: FloatImage,
    scale: int,
    multiple: int,
    tile: int | None,
    overlap: int,
    progress: Progress | None = None,
) -> FloatImage:
    """Restore a picture of any size, window by window.

    Args:
        run: the network.
        image: (H, W, C) in [0, 1].
        scale: output over input size.
        multiple: what the network needs sizes to be multiples of; the picture is padded by
            replication.
        tile: side of a window in input pixels; None runs the picture whole.
        overlap: see :func:`spans`.
        progress: called with windows done and in all.

    Returns:
        (scale H, scale W, C) float32, not clipped.
    """
    height, width, channels = image.shape
    bottom, right = -height % multiple, -width % multiple
    padded = np.pad(image, ((0, bottom), (0, right), (0, 0)), mode="edge")
    out = np.empty((padded.shape[0] * scale, padded.shape[1] * scale, channels), np.float32)
    side = tile or max(padded.shape[:2])
    rows = spans(padded.shape[0], side, overlap, multiple)
    columns = spans(padded.shape[1], side, overlap, multiple)
    for done, (row, column) in enumerate(_grid(rows, columns), start=1):
        window = padded[row.start :, column.start :][: row.length, : column.length]
        result = run(np.ascontiguousarray(window.transpose(2, 0, 1)[None]))[0].transpose(1, 2, 0)
        out[_keep(row, scale), _keep(column, scale)] = result[
            _keep(row, scale, row.start), _keep(column, scale, column.start)
        ]
        if progress:
            progress(done, len(rows) * len(columns))
    return out[: height * scale, : width * scale]


def _grid(rows: list[Span], columns: list[Span]) -> Iterator[tuple[Span, Span]]:
    return ((row, column) for row in rows for column in columns)


def _keep(span: Span, scale: int, origin: int = 0) -> slice:
    return slice((span.keep_from - origin) * scale, (span.keep_to - origin) * scale)


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
