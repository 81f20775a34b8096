"""The engine: a picture's rows through a network, strip by strip, tile by tile.

Only one strip of tiles is held, as it comes and as it goes.  A tile for which memory does not
suffice makes the tiles of its strip, and of those below, half as large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.restoring.rows import RowBuffer, Rows
from scalewise.restoring.samples import FloatImage, to_samples
from scalewise.restoring.tiling import Span, round_up, spans
from scalewise.restoring.window import Network, restore_window

Done = Callable[[int], None]
"""Told how many input pixels are done."""

SMALLEST_TILE = 32


@dataclass(frozen=True)
class Cut:
    """How pictures are cut into tiles.

    Attributes:
        tile: input pixels used of a tile along either axis, at most; None for no cut, whatever
            it takes.
        overlap: smallest distance of a used pixel from a tile's inner edge.
        blend: input pixels to either side of a cut over which tiles fade into one another; at
            most ``overlap``; 0 for a plain cut.
    """

    tile: int | None
    overlap: int
    blend: int = 0


def restored(rows: Rows, network: Network, cut: Cut, dtype: np.dtype[Any], done: Done) -> Rows:
    """A picture's rows, restored.

    Args:
        rows: the picture.
        network: what to run.
        cut: how to cut it.
        dtype: of the result's samples.
        done: told after every tile.

    Raises:
        ScalewiseError: while the rows are taken: a tile's result is not finite even in
            float32, or there is no memory for the smallest tile.
    """
    scale = network.scale
    blocks = _Strips(rows, network, cut, dtype, done).blocks()
    height, width = rows.height * scale, rows.width * scale
    return Rows(height, width, rows.channels, dtype, blocks, rows.separate)


class _Strips:
    """The strips of one picture, and the half-finished rows between two of them."""

    def __init__(
        self, rows: Rows, network: Network, cut: Cut, dtype: np.dtype[Any], done: Done
    ) -> None:
        self.rows = rows
        self.network = network
        self.cut = cut
        self.dtype = dtype
        self.done = done
        self.height = round_up(rows.height, network.multiple)
        self.width = round_up(rows.width, network.multiple)
        self.carried: FloatImage | None = None

    def blocks(self) -> Iterator[NDArray[Any]]:
        buffer = RowBuffer(self.rows.blocks)
        tile = self.cut.tile or max(self.height, self.width)
        pending = self._spans(self.height, tile)
        while pending:
            row = pending[0]
            source = buffer.rows(row.start, min(row.start + row.length, self.rows.height))
            try:
                strip = self._strip(source, row, self._spans(self.width, tile))
            except MemoryError:
                tile = self._smaller(tile)
                pending = self._spans(self.height, tile, row.keep_from)
            else:
                del pending[0]
                yield strip

    def _spans(self, length: int, tile: int, begin: int = 0) -> list[Span]:
        return spans(length, tile, self.cut.overlap, self.network.multiple, begin)

    def _smaller(self, tile: int) -> int:
        """Half a tile, of what is used of one."""
        smaller = min(tile, max(self.height, self.width)) // 2
        if self.cut.tile is None or smaller < SMALLEST_TILE:
            whole = "the whole picture at once" if self.cut.tile is None else "the smallest tile"
            raise ScalewiseError(
                f"not enough memory to restore {self.rows.width}x{self.rows.height} pixels, "
                f"{whole}; close other programs, or choose a smaller network"
            )
        return smaller

    def _strip(self, source: NDArray[Any], row: Span, columns: list[Span]) -> NDArray[Any]:
        """The finished rows of a strip of tiles."""
        scale, blend = self.network.scale, self.cut.blend
        width = self.rows.width * scale
        rows, down = row.weights(self.height, blend, scale)
        rows = slice(rows.start, min(rows.stop, self.rows.height * scale))
        shape = (rows.stop - rows.start, width, self.rows.channels)
        out = np.zeros(shape, np.float32) if blend else np.empty(shape, self.dtype)
        for column in columns:
            tile = self._tile(source, row, column)
            places, across = column.weights(self.width, blend, scale)
            places = slice(places.start, min(places.stop, width))
            kept = tile[:, _inside(rows, row, scale), _inside(places, column, scale)]
            if blend:
                kept *= down[: kept.shape[1], None] * across[: kept.shape[2]]
                out[:, places] += kept.transpose(1, 2, 0)
            else:
                out[:, places] = to_samples(kept, self.dtype).transpose(1, 2, 0)
            self._report(row, column)
        return self._blended(out, row, rows) if blend else out

    def _blended(self, out: FloatImage, row: Span, rows: slice) -> NDArray[Any]:
        """The rows that the next strip does not count for; the others are carried to it."""
        if self.carried is not None:
            out[: len(self.carried)] += self.carried
        if row.keep_to < self.height:
            finished = (row.keep_to - self.cut.blend) * self.network.scale - rows.start
            self.carried = out[finished:].copy()
            out = out[:finished]
        return to_samples(out, self.dtype).astype(self.dtype)

    def _tile(self, source: NDArray[Any], row: Span, column: Span) -> FloatImage:
        """(C, scale length, scale length) of a window; beyond the picture its edge is repeated."""
        window = source[:, column.start : column.start + column.length]
        bottom, right = row.length - window.shape[0], column.length - window.shape[1]
        if bottom or right:
            window = np.pad(window, ((0, bottom), (0, right), (0, 0)), mode="edge")
        try:
            return restore_window(window, self.network, self.rows.separate)
        except FloatingPointError:
            where = "the network's result is"
            if not np.isfinite(window).all():
                where = "the picture has values that are"
            raise ScalewiseError(
                f"{where} not finite in columns {column.start} to {column.start + column.length} "
                f"of rows {row.start} to {row.start + row.length}"
            ) from None

    def _report(self, row: Span, column: Span) -> None:
        height, width = self.rows.height, self.rows.width
        top, bottom = row.keep_from, min(row.keep_to, height)
        self.done(top * width + (bottom - top) * min(column.keep_to, width))


def _inside(places: slice, span: Span, scale: int) -> slice:
    return slice(places.start - span.start * scale, places.stop - span.start * scale)
