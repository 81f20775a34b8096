"""Image content: photographs told apart from text, graphics and strong noise.

Networks in 8-bit integers represent the range of values that photographs fill.  Text, patterns and
noise go beyond it; smooth graphics come out so well that the rounding is most of their error.  The
thresholds were found on 60 photographs, each as it is, halved and as a JPEG, and on 20 images of
other kinds; ``benchmarks/int8_loss.py`` measures what they are worth.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Content = Literal[
    "photograph", "text or graphics", "sharp edges or noise", "smooth slopes", "too small"
]
"""A photograph, or the reason why an image is not taken for one."""

STRONG_NOISE = 12.0
"""Standard deviation of noise, in levels of 255, that photographs do not have.

The texture of grass passes for noise of 11.9."""

_FEWEST = 2**15
"""Pixels of an image below which shares tell little, and speed matters little."""
_LARGE_STEP = 96  # levels of 255 between neighbours, of any channel
_MOST_LARGE_STEPS = 0.04
"""Share of large steps: 0.036 at most in the photographs but one, and 0.048 or more in text."""
_SHARP_CURVE = 50  # levels of 255 by which a pixel differs from the mean of its neighbours
_MOST_SHARP_CURVES = 0.035
"""Share of such pixels: 0.031 at most in the photographs, and 0.10 or more in small letters."""
_MOST_EQUAL = 0.45
"""Share of pixels equal to both neighbours.

It is 0.37 at most in photographs before compression, as they are or halved, and 0.65 or more in 30
windows of programs, texts and drawings; halved, 28 of them have 0.49 or more."""
_SLOPE = 2  # levels likewise, on a smooth slope
_MOST_SLOPES = 0.9
"""Share of pixels on smooth slopes: 1 in drawn gradients."""


def classify_content(image: NDArray[Any], sigma: float) -> Content:
    """Return whether an image is a photograph, or what else it seems to be.

    Args:
        image: (H, W, 1 or 3), in levels of 255; a part of the image will do.
        sigma: standard deviation of its noise, in levels of 255.

    >>> classify_content(np.indices((256, 256)).sum(axis=0)[..., None] % 2 * 255, 0.0)
    'sharp edges or noise'
    """
    if image.shape[0] * image.shape[1] < _FEWEST:
        return "too small"
    pixels = image if image.dtype.kind == "u" else np.rint(image).clip(0, 255).astype(np.uint8)
    across = _steps(pixels[:-1, 1:], pixels[:-1, :-1])
    down = _steps(pixels[1:, :-1], pixels[:-1, :-1])
    large = (_share(across >= _LARGE_STEP) + _share(down >= _LARGE_STEP)) / 2
    curves = _curves(pixels)
    is_sharp = large > _MOST_LARGE_STEPS or _share(curves > _SHARP_CURVE) > _MOST_SHARP_CURVES
    if _share((across | down) == 0) > _MOST_EQUAL:
        return "text or graphics"
    if is_sharp or sigma >= STRONG_NOISE:
        return "sharp edges or noise"
    if _share(curves <= _SLOPE) > _MOST_SLOPES:
        return "smooth slopes"
    return "photograph"


def _steps(pixels: NDArray[np.uint8], neighbours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the difference of neighbours in the channel where it is largest, (H, W)."""
    steps = np.maximum(pixels, neighbours) - np.minimum(pixels, neighbours)
    largest = steps[..., 0]
    for channel in range(1, steps.shape[2]):  # many times as fast as max(axis=2)
        largest = np.maximum(largest, steps[..., channel])
    return largest


def _share(places: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(places)) / places.size


def _curves(pixels: NDArray[np.uint8]) -> NDArray[np.floating[Any]]:
    """Return how far inner pixels are from the mean of their four neighbours, in levels."""
    luma = pixels[..., 0].astype(np.int16)
    for channel in range(1, pixels.shape[2]):
        luma += pixels[..., channel]
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return np.abs(around - 4 * luma[1:-1, 1:-1]) * np.float32(1 / (4 * pixels.shape[2]))
