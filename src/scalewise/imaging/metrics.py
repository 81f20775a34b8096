"""Fidelity metrics as pure functions of two images: PSNR, PSNR-B and SSIM.

What is compared with what (rounding, colour, border) is a protocol's business; see
:mod:`scalewise.imaging.protocols`.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from scalewise.arguments import check_array, check_number
from scalewise.errors import ScalewiseError
from scalewise.imaging.data_range import check_finite, data_range_of

SSIM_WINDOW = 11
"""Side of SSIM's Gaussian window."""


def psnr(image: NDArray[Any], reference: NDArray[Any], data_range: float | None = None) -> float:
    """Return the PSNR in dB: ``10 log10(data_range^2 / MSE)`` over all elements.

    Args:
        image: any shape, values in [0, data_range].
        reference: the same shape.
        data_range: the value of white; see :func:`~scalewise.imaging.data_range.data_range_of`.

    Returns:
        dB; ``inf`` for identical images.

    Raises:
        ValueError: the shapes differ, or are empty; or the range is not known.

    >>> round(psnr(np.zeros((4, 4)), np.full((4, 4), 0.1)), 6)
    20.0
    """
    _check_same_shape(image, reference)
    data_range = data_range_of(image, reference, data_range=data_range)
    error = np.mean((image.astype(np.float64) - reference.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(data_range**2 / error))


def psnr_b(
    image: NDArray[Any],
    reference: NDArray[Any],
    data_range: float | None = None,
    offset: int = 0,
) -> float:
    """Return the PSNR with a penalty for blocks: ``10 log10(data_range^2 / (MSE + BEF))``.

    Yim and Bovik, "Quality assessment of deblocked images", IEEE TIP 2011, for JPEG's blocks.
    BEF, the :func:`blocking_effect`, is the image's own; the reference may have blocks as well.

    Args:
        image: (H, W), values in [0, data_range], at least 9x9.
        reference: (H, W).
        data_range: the value of white; see :func:`~scalewise.imaging.data_range.data_range_of`.
        offset: rows and columns that were cropped at the top left; see :func:`blocking_effect`.

    Returns:
        dB, at most the PSNR; ``inf`` for identical images without blocks.

    Raises:
        ValueError: the shapes differ, are not (H, W), or too small for two blocks; or the
            range is not known.

    >>> blocks = np.repeat(np.repeat([[0.0, 8.0], [8.0, 0.0]], 8, axis=0), 8, axis=1)
    >>> [round(metric(blocks, blocks + 4, 255), 3) for metric in (psnr, psnr_b)]
    [36.09, 30.069]
    """
    _check_same_shape(image, reference)
    data_range = data_range_of(image, reference, data_range=data_range)
    error = np.mean((image.astype(np.float64) - reference.astype(np.float64)) ** 2)
    error += blocking_effect(image, offset=offset)
    return float("inf") if error == 0 else float(10 * np.log10(data_range**2 / error))


def blocking_effect(image: NDArray[Any], block: int = 8, offset: int = 0) -> float:
    """Return the blocking effect factor, in squared levels.

    How much more neighbours differ, as a mean square, across the edges of blocks than within
    them, times log2(block) / log2(the shorter side); 0 where they do not.

    Args:
        image: (H, W), at least block + 1 high and wide.
        block: its side.
        offset: rows and columns that were cropped at the top and left of the image in which the
            first block is at the top left.

    Raises:
        ValueError: another shape.

    >>> blocking_effect(np.add.outer(np.arange(16.0), np.arange(16.0)))
    0.0
    """
    check_array("image", image)
    check_number("block", block, 2, sys.maxsize, whole=True)
    check_number("offset", offset, 0, sys.maxsize, whole=True)
    check_finite(image)
    if image.ndim != 2 or min(image.shape) <= block:
        raise _wrong_shape(image, block + 1)
    values = image.astype(np.float64)
    across, down = np.diff(values, axis=1) ** 2, np.diff(values, axis=0).T ** 2
    at_edge = [steps[:, (block - 1 - offset) % block :: block] for steps in (across, down)]
    edges, edge_sum = sum(each.size for each in at_edge), sum(each.sum() for each in at_edge)
    inner, inner_sum = across.size + down.size - edges, across.sum() + down.sum() - edge_sum
    excess = float(edge_sum / edges - inner_sum / inner)
    return max(0.0, excess) * float(np.log2(block) / np.log2(min(image.shape)))


def ssim(image: NDArray[Any], reference: NDArray[Any], data_range: float | None = None) -> float:
    """Return the SSIM: 11x11 Gaussian window, sigma 1.5, mean over the valid region.

    Wang et al., "Image quality assessment: from error visibility to structural similarity",
    IEEE TIP 2004, K1 = 0.01, K2 = 0.03, as the authors' ``ssim_index.m`` has it.

    Args:
        image: (H, W), values in [0, data_range], at least 11x11.
        reference: (H, W).
        data_range: the value of white; see :func:`~scalewise.imaging.data_range.data_range_of`.

    Returns:
        The mean index, at most 1.

    Raises:
        ValueError: the shapes differ, are not (H, W), or are smaller than the window; or the
            range is not known.

    >>> ramp = np.add.outer(np.arange(16.0), np.arange(16.0)) / 30
    >>> ssim(ramp, ramp)
    1.0
    """
    check_luma_pair(image, reference, SSIM_WINDOW)
    data_range = data_range_of(image, reference, data_range=data_range)
    maps = similarity_maps(image.astype(np.float64), reference.astype(np.float64), data_range)
    return float(np.mean(maps[0] * maps[1]))


def ssim_rgb(
    image: NDArray[Any], reference: NDArray[Any], data_range: float | None = None
) -> float:
    """Return the SSIM of a colour image: the mean of the :func:`ssim` of its channels.

    Args:
        image: (H, W, 3), values in [0, data_range], at least 11x11.
        reference: (H, W, 3).
        data_range: the value of white; see :func:`~scalewise.imaging.data_range.data_range_of`.

    Returns:
        The mean index, at most 1.

    Raises:
        ValueError: the shapes differ, are not (H, W, 3), or are smaller than the window; or the
            range is not known.

    >>> ramp = np.add.outer(np.arange(16.0), np.arange(16.0)) / 30
    >>> ssim_rgb(np.stack([ramp, ramp, ramp], axis=-1), np.stack([ramp] * 3, axis=-1))
    1.0
    """
    _check_same_shape(image, reference)
    if image.ndim != 3 or image.shape[2] != 3:
        raise ScalewiseError(
            f"image must be (H, W, 3), not of shape {image.shape}", arguments=["image"]
        )
    data_range = data_range_of(image, reference, data_range=data_range)
    channels = (ssim(image[..., each], reference[..., each], data_range) for each in range(3))
    return float(np.mean([*channels]))


def similarity_maps(
    x: NDArray[np.float64], y: NDArray[np.float64], data_range: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return SSIM's two factors where its window fits: luminance; contrast and structure.

    Args:
        x: (H, W), values in [0, data_range].
        y: (H, W).
        data_range: the largest possible value.

    Returns:
        Two maps (H - 10, W - 10).
    """
    mean_x, mean_y = gaussian_valid(x), gaussian_valid(y)
    var_x = gaussian_valid(x * x) - mean_x**2
    var_y = gaussian_valid(y * y) - mean_y**2
    covariance = gaussian_valid(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return luminance, (2 * covariance + c2) / (var_x + var_y + c2)


def gaussian_valid(
    image: NDArray[np.float64], side: int = SSIM_WINDOW, sigma: float = 1.5
) -> NDArray[np.float64]:
    """Filter by a Gaussian window where it fits.

    Args:
        image: (H, W).
        side: of the window, odd; 11 by default.
        sigma: standard deviation in pixels.

    Returns:
        (H - side + 1, W - side + 1).
    """
    half = side // 2
    window = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    window /= window.sum()
    rows = sliding_window_view(image, side, axis=0) @ window
    return sliding_window_view(rows, side, axis=1) @ window


def check_luma_pair(image: NDArray[Any], reference: NDArray[Any], side: int) -> None:
    """Check that two images are (H, W), of one shape, and at least so large.

    Raises:
        ValueError: they are not.
    """
    _check_same_shape(image, reference)
    if image.ndim != 2 or min(image.shape) < side:
        raise _wrong_shape(image, side)


def _check_same_shape(image: NDArray[Any], reference: NDArray[Any]) -> None:
    check_array("image", image)
    check_array("reference", reference)
    if image.shape != reference.shape:
        raise ScalewiseError(
            f"image and reference differ in shape: {image.shape} and {reference.shape}",
            arguments=["image", "reference"],
        )
    for name, pixels in (("image", image), ("reference", reference)):
        check_finite(pixels, name)


def _wrong_shape(image: NDArray[Any], side: int) -> ScalewiseError:
    hint = "; take the luma of a colour image: rgb_to_y(image)" if image.ndim == 3 else ""
    return ScalewiseError(
        f"image must be (H, W) of at least {side}x{side}, not of shape {image.shape}{hint}",
        arguments=["image"],
    )
