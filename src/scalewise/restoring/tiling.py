"""TilingOptions: an image's rows through a network, in overlapping tiles with feathered seams.

A tile starts on a multiple of what the network needs, so that the pixels of its pyramid fall
where the whole image's would.  The overlap keeps the tile's own edge out of what is used.  Tiles
are as small as their number allows, and all of one size, for which a graph can be compiled.

Only one strip of tiles is held, as it comes and as it goes.  If memory does not suffice for a
tile, the tiles of its strip and of those below become half as large.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.restoring.channels import Network, restore_tile
from scalewise.restoring.rows import FloatImage, Progress, RowBuffer, Rows, to_samples

SMALLEST_TILE = 32
"""Input pixels: smaller tiles are little more than their overlap."""

_PLACED = 32  # rows of a result that are converted at once


@dataclass(frozen=True)
class TilingOptions:
    """The way in which images are cut into tiles.

    Attributes:
        tile: input pixels used of a tile along either axis, at most; None for no cut, whatever
            it takes.
        overlap: smallest distance of a used pixel from a tile's inner edge.
        blend: input pixels to either side of a cut over which tiles are feathered; at most
            ``overlap``; 0 for a plain cut.
        window: the (height, width) that every tile has, overlaps included, in place of ``tile``.
    """

    tile: int | None
    overlap: int
    blend: int = 0
    window: tuple[int, int] | None = None


def restore_rows(
    rows: Rows,
    network: Network,
    tiling: TilingOptions,
    dtype: np.dtype[Any],
    progress: Progress | None = None,
) -> Rows:
    """Restore an image's rows, as they are taken.

    Args:
        rows: the image.
        network: what to run.
        tiling: how to cut the image.
        dtype: of the result's samples.
        progress: called after every tile.

    Raises:
        ScalewiseError: while the rows are taken: a tile's result is not finite even in
            float32, or there is no memory for the smallest tile.
    """
    scale = network.scale
    blocks = _Strips(rows, network, tiling, dtype, progress).blocks()
    height, width = rows.height * scale, rows.width * scale
    return Rows(height, width, rows.channels, dtype, blocks, rows.separate)


class _Strips:
    """The strips of one image, and the half-finished rows between two of them."""

    def __init__(
        self,
        rows: Rows,
        network: Network,
        tiling: TilingOptions,
        dtype: np.dtype[Any],
        progress: Progress | None,
    ) -> None:
        self.rows = rows
        self.network = network
        self.tiling = tiling
        self.dtype = dtype
        self.progress = progress
        self.height = round_up(rows.height, network.multiple)
        self.width = round_up(rows.width, network.multiple)
        self.carried: FloatImage | None = None

    def blocks(self) -> Iterator[NDArray[Any]]:
        buffer = RowBuffer(self.rows.blocks)
        tile = self.tiling.tile or max(self.height, self.width)
        pending = self._spans(self.height, tile, 0)
        while pending:
            row = pending[0]
            source = buffer.rows(row.start, min(row.start + row.length, self.rows.height))
            try:
                strip = self._restore_strip(source, row, self._spans(self.width, tile, 1))
            except MemoryError:
                tile = self._smaller(tile)
                pending = self._spans(self.height, tile, 0, row.keep_from)
            else:
                del pending[0]
                yield strip

    def _spans(self, length: int, tile: int, axis: int, begin: int = 0) -> list[Span]:
        if self.tiling.window is not None:
            side = self.tiling.window[axis]
            return fixed_spans(length, side, self.tiling.overlap, self.network.multiple)
        return spans(length, tile, self.tiling.overlap, self.network.multiple, begin)

    def _smaller(self, tile: int) -> int:
        """Return half a tile, of what is used of one."""
        smaller = min(tile, max(self.height, self.width)) // 2
        if self.tiling.tile is None or smaller < SMALLEST_TILE:
            whole = "the whole image at once" if self.tiling.tile is None else "the smallest tile"
            whole = "a tile of the graph's size" if self.tiling.window else whole
            raise ScalewiseError(
                f"not enough memory to restore {self.rows.width}x{self.rows.height} pixels, "
                f"{whole}; close other programs, or choose a smaller network"
            )
        return smaller

    def _restore_strip(self, source: NDArray[Any], row: Span, columns: list[Span]) -> NDArray[Any]:
        """Return the finished rows of a strip of tiles."""
        scale, blend = self.network.scale, self.tiling.blend
        width = self.rows.width * scale
        rows, down = row.weights(self.height, blend, scale)
        rows = slice(rows.start, min(rows.stop, self.rows.height * scale))
        shape = (rows.stop - rows.start, width, self.rows.channels)
        out = np.zeros(shape, np.float32) if blend else np.empty(shape, self.dtype)
        for column in columns:
            tile = self._restore_tile(source, row, column)
            places, across = column.weights(self.width, blend, scale)
            places = slice(places.start, min(places.stop, width))
            kept = tile[:, _inside(rows, row, scale), _inside(places, column, scale)]
            if blend:
                kept *= down[: kept.shape[1], None] * across[: kept.shape[2]]
                out[:, places] += kept.transpose(1, 2, 0)
            else:
                _place(kept, out[:, places])
            self._report(row, column)
        return self._blend(out, row, rows) if blend else out

    def _blend(self, out: FloatImage, row: Span, rows: slice) -> NDArray[Any]:
        """Return the rows that are finished; the others are carried to the next strip."""
        if self.carried is not None:
            out[: len(self.carried)] += self.carried
        if row.keep_to < self.height:
            finished = (row.keep_to - self.tiling.blend) * self.network.scale - rows.start
            self.carried = out[finished:].copy()
            out = out[:finished]
        return to_samples(out, self.dtype).astype(self.dtype)

    def _restore_tile(self, source: NDArray[Any], row: Span, column: Span) -> FloatImage:
        """Restore a tile to (C, scale length, scale length); the image's edge is repeated."""
        tile = source[:, column.start : column.start + column.length]
        bottom, right = row.length - tile.shape[0], column.length - tile.shape[1]
        if bottom or right:
            tile = np.pad(tile, ((0, bottom), (0, right), (0, 0)), mode="edge")
        try:
            return restore_tile(tile, self.network, self.rows.separate)
        except FloatingPointError:
            where = "the network's result is"
            if not np.isfinite(tile).all():
                where = "the image has values that are"
            raise ScalewiseError(
                f"{where} not finite in columns {column.start} to {column.start + column.length} "
                f"of rows {row.start} to {row.start + row.length}"
            ) from None

    def _report(self, row: Span, column: Span) -> None:
        if self.progress is None:
            return
        height, width = self.rows.height, self.rows.width
        top, bottom = row.keep_from, min(row.keep_to, height)
        done = top * width + (bottom - top) * min(column.keep_to, width)
        self.progress(done, height * width)


@dataclass(frozen=True)
class Span:
    """A tile along one axis, in input pixels of the whole image.

    It reads ``length`` from ``start``; its result is used from ``keep_from`` to ``keep_to``.
    """

    start: int
    length: int
    keep_from: int
    keep_to: int

    def weights(self, axis_length: int, blend: int, scale: int) -> tuple[slice, FloatImage]:
        """Return the feathering weights of the tile, where it meets its neighbours.

        Args:
            axis_length: of the whole axis.
            blend: pixels to either side of a cut, over which one tile fades into the next.
            scale: output over input size.

        Returns:
            The output pixels that the tile counts for, and its weight at each; the weights of
            all tiles at a pixel add up to 1.
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
    """Cover an axis, or the rest of it, with tiles of equal length.

    Args:
        length: of the axis, a multiple of ``multiple``.
        tile: input pixels used of a tile at most, without the overlaps; rounded up to a
            multiple.
        overlap: smallest distance of a used pixel from a tile's inner edge.
        multiple: starts and lengths are multiples of it.
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


def in_window(window: tuple[int, int], overlap: int, blend: int, multiple: int) -> TilingOptions:
    """Return the tiling for tiles of one given size; they overlap less if it is small.

    Args:
        window, overlap, blend: as for :class:`TilingOptions`.
        multiple: tiles start on multiples of it.
    """
    room = max(0, min(window) - multiple) // 2 // multiple * multiple
    overlap = min(round_up(overlap, multiple), room)
    return TilingOptions(None, overlap, min(blend, overlap), window)


def fixed_spans(length: int, window: int, overlap: int, multiple: int) -> list[Span]:
    """Cover an axis with tiles of one given length.

    The last one ends where the axis does, so that the network sees the image's edge there as it
    does in the whole image, and no repeated pixels.

    Args:
        length: of the axis, a multiple of ``multiple``.
        window: input pixels of a tile, overlaps included.
        overlap: as for :func:`spans`; as :func:`in_window` gives it.
        multiple: starts are multiples of it.

    >>> [(span.start, span.keep_from, span.keep_to) for span in fixed_spans(100, 48, 8, 4)]
    [(0, 0, 40), (32, 40, 72), (52, 72, 100)]
    """
    used = window - 2 * overlap
    step = used // multiple * multiple or used
    count = max(1, -(-(length - 2 * overlap) // step)) if length > window else 1
    last = round_up(max(0, length - window), multiple)
    starts = [min(index * step, last) for index in range(count)]
    cuts = [0, *(index * step + overlap for index in range(1, count)), length]
    return [Span(start, window, cuts[index], cuts[index + 1]) for index, start in enumerate(starts)]


def round_up(value: int, multiple: int) -> int:
    """Return the next multiple.

    >>> round_up(9, 4)
    12
    """
    return -(-value // multiple) * multiple


def _place(values: FloatImage, out: NDArray[Any]) -> None:
    """Write (C, H, W) in [0, 1] as samples (H, W, C); the values are overwritten."""
    for start in range(0, values.shape[1], _PLACED):  # few rows stay in the processor's cache
        rows = slice(start, start + _PLACED)
        # One channel after the other takes a third of the time of all at once.
        for channel, plane in enumerate(to_samples(values[:, rows], out.dtype)):
            out[rows, :, channel] = plane


def _inside(places: slice, span: Span, scale: int) -> slice:
    """Return output pixels of the whole as pixels of a tile's result."""
    return slice(places.start - span.start * scale, places.stop - span.start * scale)


def _ramp(places: np.ndarray, cut: int, blend: int) -> np.ndarray:
    """Return weights that rise from 0 to 1 over the cut."""
    return ((places - cut + blend) / (2 * blend)).clip(0, 1)
