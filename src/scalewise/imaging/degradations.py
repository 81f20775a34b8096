"""Degradations of one image: bicubic downscaling, Gaussian noise, JPEG."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_array, check_choice, check_has, check_number
from scalewise.imaging.jpeg_codec import Subsampling, jpeg
from scalewise.imaging.resize import imresize

__all__ = [
    "NUMPY_JPEG",
    "Degradation",
    "Degraded",
    "JpegCodec",
    "OwnDegradation",
    "Subsampling",
    "bicubic_down",
    "gaussian_noise",
    "jpeg",
    "seed_of",
]


def bicubic_down(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """Return an image of 1/scale the size, as the field makes its low-resolution images.

    MATLAB's bicubic ``imresize``, of the image cropped on the right and bottom to a multiple
    of ``scale``.

    Args:
        image: (H, W) or (H, W, C), uint8, at least ``scale`` high and wide.
        scale: 1 or more.

    Returns:
        (H // scale, W // scale[, C]), uint8.

    Raises:
        ScalewiseError: a scale that is larger than the image, or not a whole number from 1.
    """
    check_array("image", image, (2, 3))
    check_number("scale", scale, 1, min(image.shape[:2]), whole=True)
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

    Raises:
        ScalewiseError: a sigma that is not from 0 to 255, or something else than a generator.
    """
    check_array("image", image)
    check_number("sigma", sigma, 0, 255)
    check_has("rng", rng, "normal", "a generator, such as np.random.default_rng()")
    return image + rng.normal(0.0, sigma, image.shape)


class Degraded(NamedTuple):
    """A degraded image: its pixels (H, W, C) in levels of 255, and the file it was in."""

    pixels: NDArray[Any]
    encoded: bytes | None = None


class JpegCodec(NamedTuple):
    """A codec that codes an image as JPEG and decodes it again.

    Attributes:
        encoder: its name and version, for descriptions.
        code: from pixels (H, W, 1 or 3), uint8, a quality and a chroma subsampling.
    """

    encoder: str
    code: Callable[[NDArray[np.uint8], int, Subsampling], Degraded]


def _code_by_numpy(pixels: NDArray[np.uint8], quality: int, subsampling: Subsampling) -> Degraded:
    return Degraded(jpeg(pixels, quality, subsampling))


NUMPY_JPEG = JpegCodec("NumPy", _code_by_numpy)
"""JPEG by :func:`jpeg`, which needs no other package."""

OwnDegradation = Callable[[NDArray[np.uint8], float, np.random.Generator], NDArray[Any]]
"""A task's own degradation: of an image (H, W, C), a strength in [0, 1] and a generator."""


@dataclass(frozen=True)
class Degradation:
    """Degradation of one strength: a task's own first, then noise, then JPEG.

    Attributes:
        sigma: the noise's standard deviation, in levels of 255; 0 for none.
        quality: JPEG quality, as libjpeg counts; None for no JPEG.
        subsampling: chroma subsampling of the JPEG.
        codec: what codes the JPEG.
        own: the task's own degradation, at half its strength; None for none.
    """

    sigma: float = 0.0
    quality: int | None = None
    subsampling: Subsampling = "4:2:0"
    codec: JpegCodec = NUMPY_JPEG
    own: OwnDegradation | None = None

    def __post_init__(self) -> None:
        check_number("sigma", self.sigma, 0, 255)
        if self.quality is not None:
            check_number("quality", self.quality, 1, 100, whole=True)
        check_choice("subsampling", self.subsampling, get_args(Subsampling))

    def __call__(self, image: NDArray[np.uint8], name: str) -> Degraded:
        """Degrade an image (H, W, 1 or 3), with the noise that belongs to its name.

        Without JPEG, noisy pixels are float64, neither clipped nor rounded.
        """
        pixels: NDArray[Any] = image
        random = np.random.default_rng(seed_of(name))
        if self.own is not None:
            pixels = self.own(image, 0.5, random)
        if self.sigma:
            pixels = gaussian_noise(pixels, self.sigma, random)
        if self.quality is None:
            return Degraded(pixels)
        rounded = np.rint(pixels).clip(0, 255).astype(np.uint8)
        return self.codec.code(rounded, self.quality, self.subsampling)

    def describe_jpeg(self, chroma: bool = True) -> str:
        """Describe the JPEG, with its encoder."""
        sampled = f", chroma {self.subsampling}," if chroma else ""
        return f"JPEG quality {self.quality}{sampled} by {self.codec.encoder}"


def seed_of(name: str) -> int:
    """Return the seed that an image's name makes: of its stem's SHA-256, the first 8 bytes.

    Args:
        name: relative to the dataset, '/'-separated, without suffix; folders do not count.

    >>> seed_of("HR/baby") == seed_of("baby") != seed_of("bird")
    True
    """
    stem = name.rpartition("/")[2]
    return int.from_bytes(hashlib.sha256(stem.encode()).digest()[:8], "big")
