"""Denoising without learning, to put ahead of a network in place of its denoising block.

- Non-local means: Buades, Coll and Morel, "A non-local algorithm for image denoising", CVPR
  2005.  A pixel becomes the mean of those whose surroundings look alike.
- Wavelet: Chang, Yu and Vetterli, "Adaptive wavelet thresholding for image denoising and
  compression", IEEE TIP 2000 (BayesShrink).  Details smaller than the noise are shrunk to
  nothing.

Both are scikit-image's.  They look at a picture whole, in memory.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.imaging.blind_estimation import estimate_sigma

Method = Literal["non_local_means", "wavelet"]


def denoise(image: NDArray[Any], method: Method, sigma: float | None = None) -> NDArray[np.float32]:
    """Take noise off a picture.

    Args:
        image: (H, W, C) in [0, 1], C 1 or 3.
        method: ``non_local_means`` or ``wavelet``.
        sigma: the noise's standard deviation in levels of 255; estimated by default.

    Returns:
        The same shape, in [0, 1]; without noise (``sigma`` 0) the picture as it is.

    Raises:
        ScalewiseError: no such method, a negative ``sigma``, or a package is not installed.
    """
    if method not in get_args(Method):
        raise ScalewiseError(f"denoising method must be one of {', '.join(get_args(Method))}")
    if sigma is not None and not sigma >= 0:
        raise ScalewiseError(f"sigma must be at least 0, not {sigma}")
    image = image.astype(np.float32)
    strength = estimate_sigma(image * 255) if sigma is None else sigma
    if strength == 0:
        return image
    apply = non_local_means if method == "non_local_means" else wavelet
    try:
        denoised = apply(image, strength / 255)
    except ImportError as error:  # of scikit-image, or by it
        raise ScalewiseError(
            f"{method} needs scikit-image and PyWavelets; install them with: "
            "pip install 'scalewise-restoration[classical]'"
        ) from error
    # Non-local means comes without axes of length 1.
    return denoised.reshape(image.shape).clip(0, 1).astype(np.float32)


def non_local_means(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Of 5x5 surroundings within 6 pixels; image (H, W, C) and sigma in one unit."""
    return scikit_image().denoise_nl_means(
        image,
        patch_size=5,
        patch_distance=6,
        h=0.8 * sigma,  # scikit-image's advice where sigma is known
        sigma=sigma,
        fast_mode=True,
        channel_axis=-1,
    )


def wavelet(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """By BayesShrink, soft; image (H, W, C) and sigma in one unit; colour in YCbCr."""
    return scikit_image().denoise_wavelet(
        image,
        sigma=sigma,
        method="BayesShrink",
        mode="soft",
        convert2ycbcr=image.shape[2] == 3,
        rescale_sigma=True,
        channel_axis=-1,
    )


def scikit_image() -> Any:
    """Its restoring functions, whose types are unknown; not imported before they are used."""
    return import_module("skimage.restoration")
