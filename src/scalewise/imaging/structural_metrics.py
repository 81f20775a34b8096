"""Metrics of structure besides SSIM: MS-SSIM, GMSD and VIF in the pixel domain, on luma."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from scalewise.imaging.data_range import data_range_of
from scalewise.imaging.metrics import check_luma_pair, gaussian_valid, similarity_maps

MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the five scales, the finest first, as published."""

MS_SSIM_SIDE = 11 * 2 ** (len(MS_SSIM_WEIGHTS) - 1)
"""Least side of an image for MS-SSIM: the window fits at the coarsest scale."""

VIF_SIDE = 41
"""Least side of an image for VIF-p: the window fits at the coarsest scale."""

_PREWITT = np.array([1.0, 0.0, -1.0]) / 3
_GMSD_CONSTANT = 170.0
_VIF_NOISE = 2.0
_SMALLEST = 1e-10

Image = NDArray[np.float64]


def ms_ssim(image: NDArray[Any], reference: NDArray[Any], data_range: float | None = None) -> float:
    """Return the multi-scale SSIM, with the published five scales and weights.

    Wang, Simoncelli and Bovik, "Multiscale structural similarity for image quality assessment",
    Asilomar 2003.  Contrast and structure are compared at all scales, luminance at the coarsest
    alone; each scale halves the one before by the mean of 2x2.  Negative means count as 0.

    Args:
        image: (H, W), values in [0, data_range], at least 176x176.
        reference: (H, W).
        data_range: the value of white; see :func:`~scalewise.imaging.data_range.data_range_of`.

    Returns:
        The index, at most 1; higher is better.

    Raises:
        ValueError: the shapes differ, are not (H, W), or are too small; or the range is not known.

    >>> ramp = np.add.outer(np.arange(176.0), np.arange(176.0)) / 350
    >>> ms_ssim(ramp, ramp)
    1.0
    """
    check_luma_pair(image, reference, MS_SSIM_SIDE)
    data_range = data_range_of(image, reference, data_range=data_range)
    x, y = image.astype(np.float64), reference.astype(np.float64)
    index = 1.0
    for scale, weight in enumerate(MS_SSIM_WEIGHTS, start=1):
        luminance, structure = similarity_maps(x, y, data_range)
        last = scale == len(MS_SSIM_WEIGHTS)
        mean = float(np.mean(luminance * structure if last else structure))
        index *= max(0.0, mean) ** weight
        x, y = _halved(x), _halved(y)
    return index


def gmsd(image: NDArray[Any], reference: NDArray[Any], data_range: float | None = None) -> float:
    """Return the gradient magnitude similarity deviation.

    Xue, Zhang, Mou and Bovik, "Gradient magnitude similarity deviation: a highly efficient
    perceptual image quality index", IEEE TIP 2014: both images are halved by the mean of 2x2, then
    compared by the magnitude of Prewitt's gradient; beyond the border lie zeros.

    Args:
        image: (H, W), values in [0, data_range], at least 4x4.
        reference: (H, W).
        data_range: the value of white; see :func:`~scalewise.imaging.data_range.data_range_of`.

    Returns:
        The standard deviation of the similarity, at least 0; lower is better.

    Raises:
        ValueError: the shapes differ, are not (H, W), or are too small; or the range is not known.

    >>> ramp = np.add.outer(np.arange(8.0), np.arange(8.0)) / 14
    >>> gmsd(ramp, ramp)
    0.0
    """
    check_luma_pair(image, reference, 4)
    factor = 255 / data_range_of(image, reference, data_range=data_range)
    x, y = (_gradient(_halved(_filled_up(each * factor))) for each in (image, reference))
    similarity = (2 * x * y + _GMSD_CONSTANT) / (x**2 + y**2 + _GMSD_CONSTANT)
    return float(np.std(similarity))


def vif_p(image: NDArray[Any], reference: NDArray[Any], data_range: float | None = None) -> float:
    """Return the visual information fidelity in the pixel domain.

    Sheikh and Bovik, "Image information and visual quality", IEEE TIP 2006, in the form of the
    authors' ``vifp_mscale.m``: four scales, Gaussian windows of 17, 9, 5 and 3 pixels, and a visual
    noise of variance 2 on levels of 255.

    Args:
        image: (H, W), values in [0, data_range], at least 41x41.
        reference: (H, W).
        data_range: the value of white; see :func:`~scalewise.imaging.data_range.data_range_of`.

    Returns:
        The part of the reference's information that the image has, 1 for the reference itself;
        above 1 where its contrast was enhanced.  Higher is better.

    Raises:
        ValueError: the shapes differ, are not (H, W), or are too small; or the range is not known.

    >>> pattern = np.random.default_rng(0).random((48, 48))
    >>> round(vif_p(pattern, pattern), 6)
    1.0
    """
    check_luma_pair(image, reference, VIF_SIDE)
    factor = 255 / data_range_of(image, reference, data_range=data_range)
    distorted, truth = image * factor, reference * factor
    kept = whole = 0.0
    for scale in range(4):
        side = 2 ** (4 - scale) + 1
        if scale:
            distorted = gaussian_valid(distorted, side, side / 5)[::2, ::2]
            truth = gaussian_valid(truth, side, side / 5)[::2, ::2]
        found = _information(distorted, truth, side)
        kept, whole = kept + found[0], whole + found[1]
    return kept / whole if whole else 1.0


def _information(distorted: Image, truth: Image, side: int) -> tuple[float, float]:
    """Return the information of the reference that a distorted image keeps, and all of it."""

    def local_mean(values: Image) -> Image:
        return gaussian_valid(values, side, side / 5)

    mean_x, mean_y = local_mean(truth), local_mean(distorted)
    var_x = (local_mean(truth**2) - mean_x**2).clip(0)
    var_y = (local_mean(distorted**2) - mean_y**2).clip(0)
    covariance = local_mean(truth * distorted) - mean_x * mean_y
    gain = covariance / (var_x + _SMALLEST)
    noise = var_y - gain * covariance
    flat = var_x < _SMALLEST  # nothing to keep: all that is there is noise
    gain, noise = np.where(flat, 0, gain), np.where(flat, var_y, noise)
    var_x = np.where(flat, 0, var_x)
    empty = var_y < _SMALLEST
    gain, noise = np.where(empty, 0, gain), np.where(empty, 0, noise)
    noise, gain = np.where(gain < 0, var_y, noise), gain.clip(0)
    noise = noise.clip(_SMALLEST)
    kept = np.log10(1 + gain**2 * var_x / (noise + _VIF_NOISE)).sum()
    return float(kept), float(np.log10(1 + var_x / _VIF_NOISE).sum())


def _halved(image: Image) -> Image:
    """Return the means of 2x2 pixels, without an odd last row or column."""
    height, width = (side // 2 * 2 for side in image.shape)
    even = image[:height, :width]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def _filled_up(image: Image) -> Image:
    """Return an image whose sides are even, with zeros below and to the right."""
    height, width = image.shape
    return np.pad(image, ((0, height % 2), (0, width % 2)))


def _gradient(image: Image) -> Image:
    """Return the magnitude of Prewitt's gradient."""
    windows = sliding_window_view(np.pad(image, 1), (3, 3))
    ones = np.ones(3)
    across = np.einsum("hwij,i,j->hw", windows, ones, _PREWITT)
    down = np.einsum("hwij,i,j->hw", windows, _PREWITT, ones)
    return np.hypot(across, down)
