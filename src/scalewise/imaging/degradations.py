"""Degradations of images: bicubic reduction, Gaussian noise, and JPEG."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalewise.imaging.resize import imresize

Subsampling = Literal["4:2:0", "4:4:4"]


def bicubic_down(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """An image 1/scale the size, as the field makes its low-resolution images.

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
    """An image with independent Gaussian noise on every sample.

    Args:
        image: any shape, values in [0, 255].
        sigma: the noise's standard deviation, in levels of 255.
        rng: where the noise comes from.

    Returns:
        float64, neither clipped nor rounded.
    """
    return image + rng.normal(0.0, sigma, image.shape)


def jpeg(
    image: NDArray[np.uint8], quality: int, subsampling: Subsampling = "4:2:0"
) -> NDArray[np.uint8]:
    """What coding as a baseline JPEG and decoding again does to an image.

    The lossy steps of libjpeg, which nearly all JPEGs went through: JFIF's full-range YCbCr,
    chroma averaged over 2x2 pixels, the 8x8 DCT, quantisation by the tables of ITU-T T.81
    Annex K scaled by quality, and, coming back, chroma interpolated by a triangle ("fancy
    upsampling").  Entropy coding loses nothing and is left out.  Agrees with libjpeg-turbo
    within 0.2 levels in the mean and 52 dB; its DCT rounds in between in more places.

    Args:
        image: (H, W), (H, W, 1) or (H, W, 3), uint8.
        quality: 1 to 100, as libjpeg counts.
        subsampling: of the chroma, ``"4:2:0"`` (half each way) or ``"4:4:4"`` (none).

    Returns:
        uint8, the same shape.

    Raises:
        ValueError: another shape, quality or subsampling.

    >>> flat = np.full((9, 7, 3), 200, dtype=np.uint8)
    >>> bool((jpeg(flat, quality=90) == flat).all())
    True
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"jpeg: quality must be 1 to 100, not {quality}")
    if subsampling not in ("4:2:0", "4:4:4"):
        raise ValueError(f"jpeg: subsampling must be 4:2:0 or 4:4:4, not {subsampling}")
    luma_table = quantisation_table(LUMA_TABLE, quality)
    if image.ndim == 2 or image.shape[2:] == (1,):
        return _code(image.reshape(image.shape[:2]), luma_table).reshape(image.shape)
    if image.shape[2:] != (3,):
        raise ValueError(f"jpeg: image must be (H, W), (H, W, 1) or (H, W, 3), not {image.shape}")

    chroma_table = quantisation_table(CHROMA_TABLE, quality)
    planes = _round(image @ RGB_TO_YCBCR.T + (0.0, 128.0, 128.0))
    luma = _code(planes[..., 0], luma_table)
    height, width = luma.shape
    chroma: list[NDArray[np.uint8]] = []
    for plane in (planes[..., 1], planes[..., 2]):
        if subsampling == "4:2:0":
            # Columns beyond the right edge come from averaging too: they are cut off last.
            half = _code(_average_2x2(plane), chroma_table)[:, : (width + 1) // 2]
            chroma.append(_interpolate_2x2(half)[:height, :width])
        else:
            chroma.append(_code(plane, chroma_table))
    decoded = np.stack([luma, *chroma], axis=-1) - np.array([0.0, 128.0, 128.0])
    return _round(decoded @ YCBCR_TO_RGB.T)


class Degraded(NamedTuple):
    """A degraded image: its pixels (H, W, C) in levels of 255, and the file it was in."""

    pixels: NDArray[Any]
    encoded: bytes | None = None


class JpegCodec(NamedTuple):
    """What codes an image as JPEG and decodes it again.

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


def quantisation_table(base: NDArray[np.int64], quality: int) -> NDArray[np.int64]:
    """A quantisation table (8, 8) for a quality of 1 to 100, as libjpeg scales it."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return ((base * percent + 50) // 100).clip(1, 255)


# ITU-T T.81, Annex K, tables K.1 (luminance) and K.2 (chrominance).
LUMA_TABLE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
CHROMA_TABLE = np.array(
    [
        [17, 18, 24, 47, 99, 99, 99, 99],
        [18, 21, 26, 66, 99, 99, 99, 99],
        [24, 26, 56, 99, 99, 99, 99, 99],
        [47, 66, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
    ]
)

# JFIF 1.02: BT.601 in full range.
RGB_TO_YCBCR = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.168735892, -0.331264108, 0.5],
        [0.5, -0.418687589, -0.081312411],
    ]
)
YCBCR_TO_RGB = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136286, -0.714136286], [1.0, 1.772, 0.0]])


def _dct_matrix() -> NDArray[np.floating[Any]]:
    """The 8x8 DCT as an orthonormal (64, 64) matrix on flattened blocks."""
    index = np.arange(8)
    one_axis = 0.5 * np.cos(np.outer(index, 2 * index + 1) * np.pi / 16)
    one_axis[0] /= np.sqrt(2.0)
    return np.kron(one_axis, one_axis)


DCT = _dct_matrix()


def _code(plane: NDArray[np.uint8], table: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Quantise a plane (H, W) in the DCT domain, its edges repeated up to whole blocks."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % 8), (0, -width % 8)), mode="edge")
    rows, columns = padded.shape[0] // 8, padded.shape[1] // 8
    blocks = padded.reshape(rows, 8, columns, 8).swapaxes(1, 2).reshape(-1, 64)
    steps = table.reshape(64)
    # libjpeg's DCT yields whole eighths; halves then go away from zero.
    eighths = np.floor(8.0 * ((blocks - 128.0) @ DCT.T) + 0.5)
    levels = np.copysign(np.floor((np.abs(eighths) + 4 * steps) / (8 * steps)), eighths)
    blocks = _round(levels * steps @ DCT + 128.0)
    decoded = blocks.reshape(rows, columns, 8, 8).swapaxes(1, 2).reshape(padded.shape)
    return decoded[:height, :width]


def _average_2x2(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Half of a plane (H, W) each way: (ceil(H / 2), W / 2 up to whole blocks).

    Like libjpeg, rounds halves down and up in turn along a row, and repeats the right edge
    before averaging (the bottom edge after it, which coding does).
    """
    height, width = plane.shape
    padded = np.pad(plane, ((0, height % 2), (0, -width % 16)), mode="edge").astype(np.int32)
    total = padded[0::2, 0::2] + padded[0::2, 1::2] + padded[1::2, 0::2] + padded[1::2, 1::2]
    total[:, 0::2] += 1
    total[:, 1::2] += 2
    return (total // 4).astype(np.uint8)


def _interpolate_2x2(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Twice a plane (H, W) each way: 3/4 of the nearer sample and 1/4 of the farther."""
    height, width = plane.shape
    padded = np.pad(plane, 1, mode="edge").astype(np.int32)
    tall = np.empty((2 * height, width + 2), dtype=np.int32)
    tall[0::2] = 3 * padded[1:-1] + padded[:-2]
    tall[1::2] = 3 * padded[1:-1] + padded[2:]
    wide = np.empty((2 * height, 2 * width), dtype=np.uint8)
    wide[:, 0::2] = (3 * tall[:, 1:-1] + tall[:, :-2] + 8) // 16
    wide[:, 1::2] = (3 * tall[:, 1:-1] + tall[:, 2:] + 7) // 16
    return wide


def _round(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.floor(values + 0.5).clip(0, 255).astype(np.uint8)
