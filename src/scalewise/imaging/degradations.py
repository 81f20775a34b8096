"""Degradations of one image: bicubic downscaling, noise, JPEG."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_array, check_choice, check_has, check_number
from scalewise.imaging.data_range import check_uint8
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
    "sensor_noise",
]


def bicubic_down(image: NDArray[Any], scale: int) -> NDArray[Any]:
    """Return an image of 1/scale the size, as the field makes its low-resolution images.

    MATLAB's bicubic ``imresize``, of the image cropped on the right and bottom to a multiple
    of ``scale``.

    Args:
        image: (H, W) or (H, W, C), integer or floating, at least ``scale`` high and wide.
        scale: 1 or more.

    Returns:
        (H // scale, W // scale[, C]), in the dtype of the image.

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
        image: any shape, integer or floating, values in [0, 255].
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


def sensor_noise(
    height: int,
    width: int,
    sigma: float,
    rng: np.random.Generator,
    *,
    gain: float = 1.5,
    blur: float = 0.5,
) -> NDArray[np.float32]:
    """Return noise that neighbours share, as in images of a camera's sensor.

    Each pixel of a sensor sees one colour, green or one of red and blue in a Bayer pattern, with
    noise of its own.  The others are interpolated from its neighbours, and so is the noise.  White
    balance amplifies red and blue; what the camera smooths after that blurs the noise further.

    Args:
        height, width: of the image.
        sigma: standard deviation of all samples, in levels of 255.
        rng: the generator that the noise is drawn from, and the pattern's first colour.
        gain: of red and blue, where that of green is 1.
        blur: weight of the two neighbours along each axis, where that of a pixel is 1; up to 1.

    Returns:
        (height, width, 3), float32.

    Raises:
        ScalewiseError: as :func:`gaussian_noise`, or a side, gain or blur out of its range.
    """
    for name, side in (("height", height), ("width", width)):
        check_number(name, side, 1, sys.maxsize, whole=True)
    check_number("sigma", sigma, 0, 255)
    check_has("rng", rng, "normal", "a generator, such as np.random.default_rng()")
    check_number("gain", gain, 0, 100)
    check_number("blur", blur, 0, 1)
    sites = rng.standard_normal((height + 4, width + 4), np.float32)
    red = np.zeros((2, 2), np.float32)
    red[tuple(rng.integers(2, size=2).tolist())] = gain
    blue = red[::-1, ::-1]
    patterns = red, (red + blue == 0).astype(np.float32), blue
    tiles = height // 2 + 3, width // 2 + 3
    seen = [sites * np.tile(each, tiles)[: height + 4, : width + 4] for each in patterns]
    planes = _smooth(seen[0], 0.5), _green_between(seen[1]), _smooth(seen[2], 0.5)
    noise = _smooth(np.stack(planes, axis=2), blur)
    noise *= sigma / np.sqrt(np.mean(noise**2))
    return noise


def _smooth(image: NDArray[Any], weight: float) -> NDArray[Any]:
    """Add to each inner pixel (H, W[, C]) its neighbours along both axes, times a weight."""
    rows = image[1:-1] + weight * (image[:-2] + image[2:])
    return rows[:, 1:-1] + weight * (rows[:, :-2] + rows[:, 2:])


def _green_between(image: NDArray[Any]) -> NDArray[Any]:
    """Give each inner pixel (H, W) that has no green the mean of the four around it."""
    around = image[:-2, 1:-1] + image[2:, 1:-1] + image[1:-1, :-2] + image[1:-1, 2:]
    return image[1:-1, 1:-1] + around / 4


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
        sensor: share of the images whose noise is that of a sensor (:func:`sensor_noise`); in the
            others, every sample has its own.
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
    sensor: float = 0.0

    def __post_init__(self) -> None:
        check_number("sigma", self.sigma, 0, 255)
        if self.quality is not None:
            check_number("quality", self.quality, 1, 100, whole=True)
        check_number("sensor", self.sensor, 0, 1)
        check_choice("subsampling", self.subsampling, get_args(Subsampling))

    def __call__(self, image: NDArray[np.uint8], name: str) -> Degraded:
        """Degrade an image (H, W, 1 or 3), with the noise that belongs to its name.

        Without JPEG, noisy pixels are float64, neither clipped nor rounded.

        Raises:
            ScalewiseError: another type or shape.
        """
        check_uint8("image", image, (3,))
        pixels: NDArray[Any] = image
        random = np.random.default_rng(seed_of(name))
        if self.own is not None:
            pixels = self.own(image, 0.5, random)
        if self.sigma and (self.sensor == 1 or (self.sensor and random.random() < self.sensor)):
            height, width, channels = image.shape
            noise = sensor_noise(height, width, self.sigma, random)
            pixels = pixels + noise[..., :channels]
        elif self.sigma:
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
    stem = name.rpartition("/")[2].encode(errors="surrogateescape")  # it need not be valid text
    return int.from_bytes(hashlib.sha256(stem).digest()[:8], "big")
