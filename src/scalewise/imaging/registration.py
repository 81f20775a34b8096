"""Image registration: how far one image is shifted against another, and how alike they are.

The shift is found in two steps, both of which use luma alone: the highest correlation over whole
pixels, by Fourier transforms, then Gauss-Newton steps on the intensities for the rest
(Lucas and Kanade, "An iterative image registration technique", IJCAI 1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_array
from scalewise.errors import ScalewiseError
from scalewise.imaging.data_range import check_finite

FLAT = 2.0
"""Levels of 255: an image with a smaller standard deviation shows nothing to align by."""

_STEPS = 8
_MARGIN = 2  # pixels at the border, where a shifted image has no content of its own


@dataclass(frozen=True)
class Alignment:
    """The alignment of an image with a reference.

    Attributes:
        right, down: pixels by which the image's content lies right of and below the reference's.
        correlation: of the two once aligned, -1 to 1.
    """

    right: float
    down: float
    correlation: float


def align(reference: NDArray[Any], image: NDArray[Any]) -> Alignment | None:
    """Return how an image is shifted against a reference of the same size.

    Args:
        reference: (H, W) or (H, W, C), in levels of 255.
        image: likewise; other numbers of channels are allowed.

    Returns:
        None where either is too flat or too small to tell.

    Raises:
        ScalewiseError: another shape, different sizes, or values that are not finite.

    >>> rows, columns = np.mgrid[0:64, 0:64]
    >>> blob = 255 * np.exp(-((rows - 30) ** 2 + (columns - 34) ** 2) / 200)
    >>> found = align(blob, np.roll(blob, 3, axis=1))
    >>> round(found.right, 1), abs(found.down) < 0.01, found.correlation > 0.99
    (3.0, True, True)
    """
    for name, pixels in (("reference", reference), ("image", image)):
        check_array(name, pixels, (2, 3))
        check_finite(pixels, name)
    if reference.shape[:2] != image.shape[:2]:
        raise ScalewiseError(
            f"reference and image differ in size: {reference.shape} and {image.shape}",
            arguments=["reference", "image"],
        )
    fixed, moved = _luma(reference), _luma(image)
    if min(fixed.shape) < 8 or min(fixed.std(), moved.std()) < FLAT:
        return None
    down, right = _whole_shift(fixed, moved)
    fixed, moved = _overlap(fixed, moved, down, right)
    if min(fixed.shape) < 8 or min(fixed.std(), moved.std()) < FLAT:
        return None
    rest_down, rest_right, correlation = _refine(fixed, moved)
    return Alignment(right + rest_right, down + rest_down, correlation)


def shrink(image: NDArray[Any], scale: int) -> NDArray[np.float64]:
    """Return the means of blocks of ``scale`` x ``scale`` pixels; the rest is cropped.

    >>> shrink(np.array([[1, 3, 9], [5, 7, 9]]), 2).tolist()
    [[4.0]]
    """
    height, width = image.shape[0] // scale, image.shape[1] // scale
    blocks = image[: height * scale, : width * scale].reshape(height, scale, width, scale, -1)
    return blocks.mean(axis=(1, 3)).reshape(height, width, *image.shape[2:])


def _luma(image: NDArray[Any]) -> NDArray[np.float64]:
    values = image.astype(np.float64)
    return values if values.ndim == 2 else values[..., :3].mean(axis=2)


def _whole_shift(fixed: NDArray[np.float64], moved: NDArray[np.float64]) -> tuple[int, int]:
    """Find rows and columns to the nearest pixel, by the peak of the gradients' correlation."""
    height, width = fixed.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    one, other = (np.fft.rfft2((each - each.mean()) * window) for each in (fixed, moved))
    product = other * one.conj()
    # Between a plain correlation, whose peak is broad, and phases alone, which noise blurs.
    product /= np.sqrt(np.abs(product)) + 1e-9
    down, right = divmod(int(np.fft.irfft2(product, s=fixed.shape).argmax()), width)
    return (down + height // 2) % height - height // 2, (right + width // 2) % width - width // 2


def _overlap(
    fixed: NDArray[np.float64], moved: NDArray[np.float64], down: int, right: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    def part(shift: int) -> tuple[slice, slice]:
        return slice(max(-shift, 0), -shift if shift > 0 else None), slice(
            max(shift, 0), shift if shift < 0 else None
        )

    (fixed_rows, moved_rows), (fixed_columns, moved_columns) = part(down), part(right)
    return fixed[fixed_rows, fixed_columns], moved[moved_rows, moved_columns]


def _refine(fixed: NDArray[np.float64], moved: NDArray[np.float64]) -> tuple[float, float, float]:
    """Find the rest of the shift, below a pixel, and the correlation after it."""
    down = right = 0.0
    inside = slice(_MARGIN, -_MARGIN)
    target = fixed[inside, inside]
    placed = moved
    for _ in range(_STEPS):
        placed = _shifted(moved, down, right)
        gradient = np.stack([_slope(placed, axis)[inside, inside].ravel() for axis in (0, 1)])
        gain, offset = _fit(placed[inside, inside], target)
        error = ((target - offset) / gain - placed[inside, inside]).ravel()
        normal = gradient @ gradient.T
        step = np.linalg.lstsq(normal, gradient @ error, rcond=None)[0]
        down, right = np.clip([down + step[0], right + step[1]], -1, 1).tolist()
        if np.abs(step).max() < 1e-3:
            break
    placed = _shifted(moved, down, right)[inside, inside]
    if min(placed.std(), target.std()) == 0:
        return down, right, 0.0
    return down, right, float(np.corrcoef(placed.ravel(), target.ravel())[0, 1])


def _fit(placed: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[float, float]:
    """Fit gain and offset that take one image's brightness and contrast to the other's."""
    centred = placed - placed.mean()
    gain = float((centred * (target - target.mean())).sum() / max((centred**2).sum(), 1e-9))
    gain = gain if abs(gain) > 0.1 else 1.0
    return gain, float(target.mean() - gain * placed.mean())


def _slope(image: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return central differences; the border's are not used."""
    return (np.roll(image, -1, axis) - np.roll(image, 1, axis)) / 2


def _shifted(image: NDArray[np.float64], down: float, right: float) -> NDArray[np.float64]:
    """Interpolate the image linearly at ``down`` and ``right`` of each pixel."""
    for axis, shift in ((0, down), (1, right)):
        step = 1 if shift > 0 else -1
        neighbour = np.roll(image, -step, axis=axis)
        image = (1 - abs(shift)) * image + abs(shift) * neighbour
    return image
