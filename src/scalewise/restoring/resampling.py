"""The last step to any size: our resampler, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.imaging.resize import contributions, resample_axis
from scalewise.restoring.rows import RowBuffer, Rows
from scalewise.restoring.samples import data_range, to_samples

_BLOCK = 32  # rows made at once


def resampled(rows: Rows, height: int, width: int, dtype: np.dtype[Any]) -> Rows:
    """A picture's rows at another size, bicubic, antialiased where it shrinks.

    As :func:`scalewise.imaging.resize.imresize` makes them of floating samples; alpha is
    respected: colours count for as much as they are visible.

    Args:
        rows: the picture.
        height, width: of the result.
        dtype: of the result's samples.
    """
    blocks = _blocks(rows, height, width, dtype)
    return Rows(height, width, rows.channels, dtype, blocks, rows.separate)


def _blocks(rows: Rows, height: int, width: int, dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    indices, weights = contributions(rows.height, height, height / rows.height)
    starts = range(0, height, _BLOCK)
    # Mirrored at the edges, rows do not ascend; nothing may be let go that is needed later.
    first = np.array([indices[start : start + _BLOCK].min() for start in starts])
    first = np.minimum.accumulate(first[::-1])[::-1]
    buffer = RowBuffer(rows.blocks)
    white = np.float32(data_range(rows.dtype))
    for start, low in zip(starts, first.tolist(), strict=True):
        block = slice(start, start + _BLOCK)
        high = int(indices[block].max()) + 1
        source = buffer.rows(low, high).astype(np.float32) / white
        source = source if rows.separate else _weighted(source)
        source = resample_axis(source, 1, width, width / rows.width).astype(np.float32)
        out = np.zeros((len(indices[block]), width, rows.channels), np.float32)
        for tap in range(weights.shape[1]):
            weight = weights[block, tap].astype(np.float32)
            out += weight[:, None, None] * source[indices[block, tap] - low]
        yield to_samples(out if rows.separate else _unweighted(out), dtype).astype(dtype)


def _weighted(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colour premultiplied, where there is alpha."""
    if pixels.shape[2] in (2, 4):
        pixels[..., :-1] *= pixels[..., -1:]
    return pixels


def _unweighted(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    if pixels.shape[2] in (2, 4):
        alpha = pixels[..., -1:]
        np.divide(pixels[..., :-1], alpha, out=pixels[..., :-1], where=alpha > 1e-4)
    return pixels
