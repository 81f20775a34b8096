"""Colour: luma as the field measures it, and the grey-RGB detour."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_array
from scalewise.errors import ScalewiseError


class LumaWeights(NamedTuple):
    """Y = red R + green G + blue B + offset, for R, G, B in [0, 1] and Y in [0, 255]."""

    red: float
    green: float
    blue: float
    offset: float


BT601 = LumaWeights(65.481, 128.553, 24.966, 16.0)
"""ITU-R BT.601, limited range [16, 235], as MATLAB's ``rgb2ycbcr`` has it."""

ROUNDED_BT601 = LumaWeights(0.257 * 255, 0.504 * 255, 0.098 * 255, 16.0)
"""BT.601 with the weights rounded to three digits, as the reproduced document uses them."""


FULL_RANGE_BT601 = LumaWeights(0.299 * 255, 0.587 * 255, 0.114 * 255, 0.0)
"""BT.601, full range [0, 255], as MATLAB's ``rgb2gray`` and JPEG have it; grey is its own Y."""


def rgb_to_y(rgb: NDArray[Any], weights: LumaWeights = BT601) -> NDArray[np.float64]:
    """Return the luma of an RGB image, in float and not rounded.

    Args:
        rgb: (..., 3) in [0, 255], any dtype.
        weights: the luma convention.

    Returns:
        (...) float64; within [16, 235] for BT.601.

    >>> rgb_to_y(np.array([[0, 0, 0], [255, 255, 255]], dtype=np.uint8)).round(3).tolist()
    [16.0, 235.0]
    """
    check_array("rgb", rgb)
    if rgb.shape[-1:] != (3,):
        raise ScalewiseError(
            f"rgb must have 3 channels, as its last axis, not shape {rgb.shape}", arguments=["rgb"]
        )
    return rgb.astype(np.float64) @ (np.array(weights[:3]) / 255.0) + weights.offset


def to_rgb(image: NDArray[Any]) -> NDArray[Any]:
    """Return an image as three channels: grey (H, W) or (H, W, 1) is repeated.

    Raises:
        ScalewiseError: neither 1 nor 3 channels.
    """
    check_array("image", image)
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[-1:] == (1,):
        return np.repeat(image, 3, axis=-1)
    if image.shape[-1:] != (3,):
        raise ScalewiseError(
            f"image must have 1 or 3 channels, as its last axis, not shape {image.shape}",
            arguments=["image"],
        )
    return image


def is_grey(image: NDArray[Any]) -> bool:
    """Return whether all channels of an image (H, W) or (H, W, C) are equal.

    Raises:
        ScalewiseError: another shape, or an empty image.

    >>> is_grey(np.full((2, 2, 3), 7)), is_grey(np.arange(12).reshape(2, 2, 3))
    (True, False)
    """
    check_array("image", image, (2, 3))
    return image.ndim == 2 or bool((image == image[..., :1]).all())


def luma_as_rgb(image: NDArray[np.uint8], weights: LumaWeights) -> NDArray[np.uint8]:
    """Return an image whose channels all are its luma, rounded; a grey one as it is."""
    if is_grey(image):
        return image
    luma = np.rint(rgb_to_y(image, weights)).astype(np.uint8)
    return np.repeat(luma[..., None], image.shape[2], axis=2)
