"""Image content: photographs told apart from text, graphics and strong noise.

Text and graphics have a network of their own.  They are recognised by blocks of 16x16 pixels: drawn
ones have flat areas and sharp edges, textured ones hardly two equal neighbours.  A photograph on
white paper, or between black bars, has many equal pixels, but more textured blocks than drawn ones.
Noise that is clipped leaves equal pixels, but few flat squares.  JPEG leaves few of both; there,
blocks with an edge are mostly of one tone, that of the paper.

Networks in 8-bit integers represent the range of values that photographs fill.  Text, patterns and
noise go beyond it; smooth graphics come out so well that the rounding is most of their error.  Its
thresholds were found on 60 photographs, each as it is, halved and as a JPEG, and on 20 images of
other kinds; ``benchmarks/int8_loss.py`` measures what they are worth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)

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
_SLOPE = 2  # levels from that mean, on a smooth slope
_MOST_SLOPES = 0.9
"""Share of pixels on smooth slopes: 1 in drawn gradients."""

_BLOCK = 16  # pixels along a side
_FEWEST_BLOCKS = 9  # of an image of 49x49 pixels
_DRAWN_FLAT = 0.2  # least share of pixels of a drawn block in flat squares
_DRAWN_STEP = 32  # levels of its largest step, at least
_TEXTURED_EQUAL = 0.1  # most equal neighbours in a textured block
_DRAWN_OF_TEXTURED = 0.75
"""Drawn blocks over textured ones, at least.

Photographs have less than 0.26, all but one of 345, as they are and halved; those cut out on white
paper or between bars hardly more.  Drawn pages have 0.6 or more; where a photograph covers less
than half of one, the network for graphics still gains 2 dB."""
_DRAWN_OF_ALL = 0.25
"""Share of drawn blocks in those that are not empty; 0.07 at most in 21 of the photographs."""

_TONE = 12  # levels around the median of a block
_ONE_TONE = 0.5  # least share of a block's pixels within them
_EDGE = 64  # levels of the largest step of such a block, at least
_TONED_OF_LIVELY = 0.6
"""Blocks of one tone with an edge, over blocks with a drawn block's step, at least, in a JPEG.

None of 135 photographs, as they are and halved, has as much at quality 50 and 85; most drawn pages
have."""
_FLAT_IN_JPEG = 0.1  # least share of equal neighbours in a block with flat parts
_LEAST_FLAT = 0.06  # share of such blocks in a JPEG, at least
_FEWEST_FLAT = 16  # of such blocks, since few may be chance


def classify_content(
    image: NDArray[Any], sigma: float, leaves_few_flat: Callable[[], bool] = lambda: False
) -> Content:
    """Return whether an image is a photograph, or what else it seems to be.

    Args:
        image: (H, W, 1 or 3), in levels of 255; a part of the image will do.
        sigma: standard deviation of its noise, in levels of 255.
        leaves_few_flat: tells whether it was compressed as by JPEG or WebP, which leave few flat
            squares; called where that matters.

    >>> classify_content(np.indices((256, 256)).sum(axis=0)[..., None] % 2 * 255, 0.0)
    'sharp edges or noise'
    """
    pixels = image if image.dtype.kind == "u" else np.rint(image).clip(0, 255).astype(np.uint8)
    across = _steps(pixels[:-1, 1:], pixels[:-1, :-1])
    down = _steps(pixels[1:, :-1], pixels[:-1, :-1])
    if _is_drawn(pixels, np.maximum(across, down), leaves_few_flat):
        return "text or graphics"
    if pixels.shape[0] * pixels.shape[1] < _FEWEST:
        return "too small"
    large = (_share(across >= _LARGE_STEP) + _share(down >= _LARGE_STEP)) / 2
    curves = _curves(pixels)
    is_sharp = large > _MOST_LARGE_STEPS or _share(curves > _SHARP_CURVE) > _MOST_SHARP_CURVES
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


def _is_drawn(
    pixels: NDArray[np.uint8], steps: NDArray[np.uint8], leaves_few_flat: Callable[[], bool]
) -> bool:
    """Return whether drawn blocks prevail, or in a JPEG such as they become.

    Args:
        pixels: (H, W, C).
        steps: between neighbouring ones, (H - 1, W - 1).
        leaves_few_flat: as for :func:`classify_content`.
    """
    blocks = _blocks(steps)
    if len(blocks) < _FEWEST_BLOCKS:
        return False
    equal, largest = (blocks == 0).mean(axis=1), blocks.max(axis=1)
    lively = largest >= _DRAWN_STEP
    flat = _blocks(_flat_squares(steps)).mean(axis=1)
    drawn = np.count_nonzero((flat >= _DRAWN_FLAT) & lively)
    textured = np.count_nonzero(equal < _TEXTURED_EQUAL)
    if drawn >= max(1, _DRAWN_OF_TEXTURED * textured, _DRAWN_OF_ALL * np.count_nonzero(largest)):
        return True
    flat_in_jpeg = np.count_nonzero(lively & (equal >= _FLAT_IN_JPEG))
    if flat_in_jpeg < max(_FEWEST_FLAT, _LEAST_FLAT * len(blocks)):
        return False
    toned = np.count_nonzero((largest >= _EDGE) & _has_one_tone(pixels[:-1, :-1]))
    return bool(toned >= _TONED_OF_LIVELY * np.count_nonzero(lively)) and leaves_few_flat()


def _has_one_tone(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return whether most pixels of a block are near its median, in the middle channel."""
    tones = _blocks(pixels[..., pixels.shape[2] // 2])
    distance = np.abs(tones - np.median(tones, axis=1, keepdims=True))
    return (distance <= _TONE).mean(axis=1) >= _ONE_TONE


def _flat_squares(steps: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return whether a pixel of (H, W) is the first of 3x3 equal ones, less the last of them."""
    flat = steps == 0
    flat[:-1] &= flat[1:]
    flat[:, :-1] &= flat[:, 1:]
    return flat


def _blocks(plane: NDArray[T]) -> NDArray[T]:
    """Return the whole blocks of (H, W), one a row."""
    rows, columns = (side // _BLOCK for side in plane.shape)
    whole = plane[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK)
    return whole.swapaxes(1, 2).reshape(rows * columns, _BLOCK**2)


def _share(places: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(places)) / places.size


def _curves(pixels: NDArray[np.uint8]) -> NDArray[np.floating[Any]]:
    """Return how far inner pixels are from the mean of their four neighbours, in levels."""
    luma = pixels[..., 0].astype(np.int16)
    for channel in range(1, pixels.shape[2]):
        luma += pixels[..., channel]
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return np.abs(around - 4 * luma[1:-1, 1:-1]) * np.float32(1 / (4 * pixels.shape[2]))
