"""What lies near a pixel.  Results do not depend on where a window is cut, but for its margin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.restoring.samples import FloatImage

_FILL = ((1, 1.0), (3, 1e-3), (9, 1e-6))
"""Radii in which visible colours are looked for, and their weights: the nearest win."""
_TRUSTED = 1 / 8
"""Alpha from which on a pixel's own colour is taken as it is."""


def near(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Whether a mask (H, W) is set anywhere within ``radius`` pixels, in a square.

    >>> near(np.array([[True, False, False, False]]), 2).tolist()
    [[True, True, True, False]]
    """
    return _box_sum(mask.astype(np.int32), radius) > 0


def changes(image: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether a pixel of (H, W) differs from the one above it or to its left.

    >>> changes(np.array([[1, 1, 2]])).tolist()
    [[False, False, True]]
    """
    changed = np.zeros(image.shape, np.bool_)
    changed[1:] |= image[1:] != image[:-1]
    changed[:, 1:] |= image[:, 1:] != image[:, :-1]
    return changed


def bleed(colour: FloatImage, alpha: FloatImage) -> FloatImage:
    """Give what is transparent the colours of what is visible next to it.

    A file may have any colour where nothing is seen, and a network would mix it into the edge:
    that is the fringe around a cut-out.  Pixels of some opacity keep their colour; nearly
    transparent ones, whose own is rough or left over, go over to the mean of their neighbours,
    premultiplied; far from anything visible there is black.

    Args:
        colour: (C, H, W) in [0, 1].
        alpha: (H, W) in [0, 1].

    Returns:
        (C, H, W).
    """
    own = np.minimum(alpha / np.float32(_TRUSTED), 1)
    weights = np.zeros(alpha.shape)
    total = np.zeros(colour.shape)
    for radius, weight in _FILL:
        area = weight / (2 * radius + 1) ** 2
        weights += area * _box_sum(alpha, radius)
        for plane, sums in zip(colour, total, strict=True):
            sums += area * _box_sum(plane * alpha, radius)
    # Sums of zeros, taken as differences, may be off zero by what float64 cannot hold.
    seen = weights > 1e-12
    fill = np.divide(total, weights, out=np.zeros(colour.shape), where=seen).clip(0, 1)
    return (own * colour + (1 - own) * fill.astype(np.float32)).astype(np.float32)


def _box_sum(image: NDArray[Any], radius: int) -> NDArray[Any]:
    """Sums over squares of (2 radius + 1)^2 pixels; beyond the edge there is nothing."""
    total: NDArray[Any] = image.astype(np.int32 if image.dtype == np.int32 else np.float64)
    for axis in (0, 1):
        length: int = total.shape[axis]
        sums: NDArray[Any] = np.cumsum(total, axis=axis)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis=axis)
        places = np.arange(length)
        total = sums.take((places + radius + 1).clip(max=length), axis) - sums.take(
            (places - radius).clip(min=0), axis
        )
    return total
