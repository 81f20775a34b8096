"""Image content: photographs told apart from text, graphics and strong noise.

Text and graphics have a network of their own.  They are told by blocks of 16x16 pixels: drawn ones
have flat areas and sharp edges, textured ones hardly two equal neighbours.  A photograph on white
paper, or between black bars, has many equal pixels, but more textured blocks than drawn ones.
JPEG leaves few pixels equal; there, blocks with an edge are mostly of one tone, that of the paper.

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
_BLOCK = 16  # pixels along a side
_FEWEST_BLOCKS = 9  # of an image of 49x49 pixels
_DRAWN_EQUAL = 0.3  # least share of equal neighbours in a drawn block
_DRAWN_STEP = 32  # levels of its largest step, at least
_TEXTURED_EQUAL = 0.1  # most equal neighbours in a textured block
_DRAWN_OF_TEXTURED = 0.75
"""Drawn blocks over textured ones, at least.

Of 349 photographs, each as it is and halved, none has more than 0.16; of 26 photographs cut out on
white paper 25 have less than 0.43, halved.  Drawn pages have 0.6 or more; where a photograph covers
less than half of one, the network for graphics still gains 2 dB."""
_DRAWN_OF_ALL = 0.3
"""Share of drawn blocks in those that are not empty; in the photographs 0.07 at most."""
_SLOPE = 2  # levels likewise, on a smooth slope
_MOST_SLOPES = 0.9
"""Share of pixels on smooth slopes: 1 in drawn gradients."""


_TONE = 12  # levels around the median of a block
_ONE_TONE = 0.5  # least share of a block's pixels within them
_EDGE = 64  # levels of the largest step of such a block, at least
_TONED_OF_LIVELY = 0.6
"""Blocks of one tone with an edge, over blocks with a drawn block's step, at least, in a JPEG.

None of 180 photographs, half of them halved, has as much at quality 50 and 85; of 100 drawn pages
71 have."""
_FLAT_IN_JPEG = 0.1  # least share of equal neighbours in a block with flat parts
_LEAST_FLAT = 0.03  # share of such blocks in a JPEG, at least


def classify_content(image: NDArray[Any], sigma: float, *, is_jpeg: bool = False) -> Content:
    """Return whether an image is a photograph, or what else it seems to be.

    Args:
        image: (H, W, 1 or 3), in levels of 255; a part of the image will do.
        sigma: standard deviation of its noise, in levels of 255.
        is_jpeg: whether it was compressed.

    >>> classify_content(np.indices((256, 256)).sum(axis=0)[..., None] % 2 * 255, 0.0)
    'sharp edges or noise'
    """
    pixels = image if image.dtype.kind == "u" else np.rint(image).clip(0, 255).astype(np.uint8)
    across = _steps(pixels[:-1, 1:], pixels[:-1, :-1])
    down = _steps(pixels[1:, :-1], pixels[:-1, :-1])
    steps = np.maximum(across, down)
    if _is_drawn(steps) or (is_jpeg and _is_drawn_jpeg(pixels, steps)):
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


def _is_drawn(steps: NDArray[np.uint8]) -> bool:
    """Return whether drawn blocks prevail, by the steps between neighbouring pixels (H, W)."""
    blocks = _blocks(steps)
    if len(blocks) < _FEWEST_BLOCKS:
        return False
    equal, largest = (blocks == 0).mean(axis=1), blocks.max(axis=1)
    drawn = np.count_nonzero((equal >= _DRAWN_EQUAL) & (largest >= _DRAWN_STEP))
    textured = np.count_nonzero(equal < _TEXTURED_EQUAL)
    least = max(1, _DRAWN_OF_TEXTURED * textured, _DRAWN_OF_ALL * np.count_nonzero(largest))
    return drawn >= least


def _is_drawn_jpeg(pixels: NDArray[np.uint8], steps: NDArray[np.uint8]) -> bool:
    """Return whether most blocks with edges have one tone, and some are flat in part.

    Args:
        pixels: (H, W, C), a JPEG.
        steps: between them, (H - 1, W - 1).
    """
    blocks, tones = _blocks(steps), _blocks(pixels[:-1, :-1, pixels.shape[2] // 2])
    if len(blocks) < _FEWEST_BLOCKS:
        return False
    equal, largest = (blocks == 0).mean(axis=1), blocks.max(axis=1)
    distance = np.abs(tones - np.median(tones, axis=1, keepdims=True))
    is_toned = (largest >= _EDGE) & ((distance <= _TONE).mean(axis=1) >= _ONE_TONE)
    lively = largest >= _DRAWN_STEP
    flat = lively & (equal >= _FLAT_IN_JPEG)
    return bool(
        np.count_nonzero(is_toned) >= _TONED_OF_LIVELY * np.count_nonzero(lively)
        and np.count_nonzero(flat) >= _LEAST_FLAT * len(blocks)
    )


def _blocks(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
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
