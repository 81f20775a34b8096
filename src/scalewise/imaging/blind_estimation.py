"""Blind estimation of noise level and JPEG quality."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.imaging.jpeg_codec import LUMA_TABLE, quantisation_table

_GAUSSIAN = 0.6745  # the median of the absolute value, for a standard deviation of 1
_BLOCK = 8


def estimate_sigma(image: NDArray[Any]) -> float:
    """Return the standard deviation of a picture's noise.

    The median of the absolute diagonal details of Haar's wavelet, over 0.6745 (Donoho and
    Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 1994), in the smoother
    half of the picture's 8x8 blocks, because texture has diagonal details too.  Where samples are
    clipped there is no noise to see: black and white blocks are left out.

    Args:
        image: (H, W) or (H, W, C), in [0, 255].

    Returns:
        In levels of 255; the mean over the channels.  0.0 where nothing can be told, as of a
        picture smaller than 16x16.

    >>> noise = np.random.default_rng(0).normal(128, 10, (256, 256))
    >>> round(estimate_sigma(noise))
    10
    """
    channels = np.atleast_3d(image)
    return float(np.mean([_sigma(channels[..., c]) for c in range(channels.shape[2])]))


def _sigma(plane: NDArray[Any]) -> float:
    rows, columns = (side // (2 * _BLOCK) * 2 * _BLOCK for side in plane.shape)
    if not rows or not columns:
        return 0.0
    plane = plane[:rows, :columns].astype(np.float64)
    a, b, c, d = plane[::2, ::2], plane[::2, 1::2], plane[1::2, ::2], plane[1::2, 1::2]
    diagonal = _blocks((a - b - c + d) / 2)
    mean = _blocks((a + b + c + d) / 4)
    lit = (mean.min(axis=1) > 2) & (mean.max(axis=1) < 253)
    if not lit.any():
        return 0.0
    diagonal, mean = diagonal[lit], mean[lit]
    # How much a block varies beyond its pixels' own noise: by means of four, which are smoother.
    variation = mean.std(axis=1)
    smooth = diagonal[variation <= np.median(variation)]
    return float(np.median(np.abs(smooth)) / _GAUSSIAN)


def _blocks(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 8x8 blocks (blocks, 64) of a plane whose sides are multiples of 8."""
    rows, columns = plane.shape[0] // _BLOCK, plane.shape[1] // _BLOCK
    blocks = plane.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)
    return blocks.reshape(-1, _BLOCK * _BLOCK)


def estimate_jpeg_quality(table: NDArray[np.int64]) -> int:
    """Return the quality that a JPEG file was written with, as libjpeg counts.

    Args:
        table: (8, 8), the quantisation table of its luminance.

    Returns:
        1 to 100; exact for libjpeg's own tables, the closest for those of other encoders.

    >>> estimate_jpeg_quality(quantisation_table(LUMA_TABLE, 83))
    83
    """

    def distance(quality: int) -> float:
        return float(np.abs(np.log(table.clip(1) / quantisation_table(LUMA_TABLE, quality))).sum())

    return min(range(1, 101), key=distance)
