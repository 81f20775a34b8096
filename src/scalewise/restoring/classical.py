"""Classical denoising without learning, as an alternative to a network.

- Non-local means: Buades, Coll and Morel, "A non-local algorithm for image denoising", CVPR
  2005.  A pixel becomes the mean of those whose surroundings look alike.
- Wavelet: Chang, Yu and Vetterli, "Adaptive wavelet thresholding for image denoising and
  compression", IEEE TIP 2000 (BayesShrink).  Details smaller than the noise are shrunk to
  nothing.

Both are scikit-image's.  They look at an image whole, in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_choice, check_number
from scalewise.errors import ScalewiseError, warn
from scalewise.imaging.blind_estimation import estimate_sigma
from scalewise.restoring.loading import LoadOptions
from scalewise.restoring.rows import Progress, Rows, data_range, to_array, to_samples
from scalewise.tasks import AUTO, DENOISE

ClassicalMethod = Literal["nlm", "wavelet"]
CLASSICAL: tuple[ClassicalMethod, ...] = get_args(ClassicalMethod)

Method = Literal["network", "nlm", "wavelet"]
"""A method of noise removal: by a network, by non-local means, or by wavelet shrinkage."""


WAVELET, LEVELS = "sym8", 4


@dataclass(frozen=True)
class ClassicalDenoiser:
    """Classical denoising in the place of a network.

    Attributes:
        name: the method.
        sigma: standard deviation of the noise in levels of 255; None to estimate it for every
            image.
        strength: how much is kept of what the method changes, in [0, 1].
    """

    name: ClassicalMethod
    sigma: float | None = None
    strength: float = 1.0
    scale: int = 1

    def restore_rows(
        self,
        rows: Rows,
        dtype: np.dtype[Any],
        progress: Progress | None = None,
        *,
        deep: bool | None = None,
    ) -> Rows:
        """Denoise an image, once its rows are taken; alpha stays as it is.

        Args:
            rows: the image.
            dtype: of the result's samples.
            progress: called at the end.
            deep: not used: all is computed in float32.
        """

        def blocks() -> Iterator[NDArray[Any]]:
            image = to_array(rows).astype(np.float32) / np.float32(data_range(rows.dtype))
            result = image.copy()
            for channels in _groups(rows):
                clean = denoise(image[..., channels], self.name, self.sigma)
                result[..., channels] += np.float32(self.strength) * (clean - result[..., channels])
            if progress is not None:
                progress(rows.height * rows.width, rows.height * rows.width)
            yield to_samples(result, dtype).astype(dtype)

        return Rows(rows.height, rows.width, rows.channels, dtype, blocks(), rows.separate)


def load_classical(
    method: ClassicalMethod, sigma: float | None, options: LoadOptions
) -> list[ClassicalDenoiser]:
    """Return a classical denoiser, where models are loaded otherwise.

    Args:
        method: how noise is removed.
        sigma: see :class:`ClassicalDenoiser`.
        options: of which only the strength is used.

    Raises:
        ScalewiseError: no such method, a ``sigma`` beyond its range, or a package is not installed.
    """
    check_method(method, sigma)
    return [ClassicalDenoiser(method, sigma, options.strength)]


def require_denoising(method: str, task: str, model: object = None) -> None:
    """Refuse a classical method for another task than the removal of noise, and with a model."""
    if model is not None:
        raise ScalewiseError(
            f"method {method} needs no model; leave out model={model}",
            arguments=["method", "model"],
        )
    if task not in (AUTO, DENOISE.name):
        raise ScalewiseError(
            f"method {method} only removes noise; leave out task={task}",
            arguments=["method", "task"],
        )


def warn_of_ignored(method: str, options: LoadOptions) -> None:
    """Warn if options are given that only networks have."""
    plain = LoadOptions()
    names = ("device", "precision", "tile", "force_tiling", "ensemble")
    given = [name for name in names if getattr(options, name) != getattr(plain, name)]
    if given:
        said = without_network(method, [f"{name}=" for name in given])
        warn(f"method {said}", arguments=["method", *given])


def without_network(method: str, options: Sequence[str]) -> str:
    """Return the remark that a method ignores options, one at least, which only networks have.

    >>> without_network("nlm", ["device=", "tile=", "ensemble="])
    'nlm runs no network: device=, tile= and ensemble= are ignored'
    """
    *first, last = options
    said = f"{', '.join(first)} and {last} are" if first else f"{last} is"
    return f"{method} runs no network: {said} ignored"


def check_method(method: str, sigma: float | None = None) -> None:
    """Check that a classical method can be used.

    Raises:
        ScalewiseError: no such method, a ``sigma`` beyond its range, or a package is not installed.
    """
    check_choice("method", method, CLASSICAL)
    if sigma is not None:
        check_number("sigma", sigma, 0, 255)
    try:
        import_module("skimage.restoration")
        import_module("pywt")
    except ImportError as error:  # of scikit-image, or by it
        raise ScalewiseError(
            f"method {method} needs scikit-image and PyWavelets; install them with: "
            "pip install 'scalewise-restoration[classical]'",
            arguments=["method"],
        ) from error


def denoise(
    image: NDArray[Any], method: ClassicalMethod, sigma: float | None = None
) -> NDArray[np.float32]:
    """Remove noise from an image.

    Args:
        image: (H, W, C) in [0, 1], C 1 or 3.
        method: ``nlm`` or ``wavelet``.
        sigma: standard deviation of the noise in levels of 255; estimated by default.

    Returns:
        The same shape, in [0, 1]; without noise (``sigma`` 0) the image as it is.

    Raises:
        ScalewiseError: as :func:`check_method`.
    """
    check_method(method, sigma)
    image = image.astype(np.float32)
    level = estimate_sigma(image * 255, 255) if sigma is None else sigma
    if level == 0:
        return image
    apply = non_local_means if method == "nlm" else wavelet
    # Non-local means returns an image without its axes of length 1.
    return apply(image, level / 255).reshape(image.shape).clip(0, 1).astype(np.float32)


def non_local_means(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Average similar 5x5 patches within 6 pixels; image (H, W, C) and sigma in one unit."""
    return _scikit_image().denoise_nl_means(
        image,
        patch_size=5,
        patch_distance=6,
        h=0.5 * sigma,  # the best of 0.4 to 0.8 on five of CID22's validation images
        sigma=sigma,
        fast_mode=True,
        channel_axis=-1,
    )


def wavelet(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Shrink wavelets (BayesShrink, soft); (H, W, C) and sigma in one unit; colour in YCbCr.

    Symmlets at four levels as in the paper, at fewer where an image is small.
    """
    most = import_module("pywt").dwtn_max_level(image.shape[:2], WAVELET)
    return _scikit_image().denoise_wavelet(
        image,
        sigma=sigma,
        wavelet=WAVELET,
        wavelet_levels=max(1, min(LEVELS, most)),
        method="BayesShrink",
        mode="soft",
        convert2ycbcr=image.shape[2] == 3,
        rescale_sigma=True,
        channel_axis=-1,
    )


def _groups(rows: Rows) -> list[slice]:
    """Return the channels that are denoised together."""
    if rows.separate:
        return [slice(channel, channel + 1) for channel in range(rows.channels)]
    return [slice(0, 1 if rows.channels < 3 else 3)]


def _scikit_image() -> Any:
    """Import scikit-image's restoration, whose types are unknown."""
    return import_module("skimage.restoration")
