"""Degradations of one image: bicubic downscaling, Gaussian noise, JPEG."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.imaging.jpeg_codec import Subsampling, jpeg
from scalewise.imaging.resize import imresize

__all__ = ["Subsampling", "bicubic_down", "gaussian_noise", "jpeg"]


def bicubic_down(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Return an image of 1/scale the size, as the field makes its low-resolution images.

    MATLAB's bicubic ``imresize``, of the image cropped on the right and bottom to a multiple
    of ``scale``.

    Args:
        image: (H, W) or (H, W, C), uint8, at least ``scale`` high and wide.
        scale: 1 or more.

    Returns:
        (H // scale, W // scale[, C]), uint8.
    """
    height, width = image.shape[0] // scale * scale, image.shape[1] // scale * scale
    return imresize(image[:height, :width], 1 / scale)


def gaussian_noise(
    image: NDArray[Any], sigma: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return an image with independent Gaussian noise on every sample.

    Args:
        image: any shape, values in [0, 255].
        sigma: the noise's standard deviation, in levels of 255.
        rng: the generator that the noise is drawn from.

    Returns:
        float64, neither clipped nor rounded.
    """
    return image + rng.normal(0.0, sigma, image.shape)
