"""Blind estimation of noise level, JPEG quality and content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_array
from scalewise.errors import ScalewiseError
from scalewise.imaging.content import Content, classify_content
from scalewise.imaging.data_range import check_finite, data_range_of
from scalewise.imaging.jpeg_codec import DCT, LUMA_TABLE, RGB_TO_YCBCR, quantisation_table

_GAUSSIAN = 0.6745  # the median of the absolute value, for a standard deviation of 1
_BLOCK = 8

BAND = 256, 2048
"""Rows and columns around the middle of an image that are looked at."""


_PATTERN = 100.0
"""Least sigma of patterns of black and white, such as dithering, which noise does not reach."""

Codec = Literal["JPEG", "WebP", "AVIF"]


def with_article(codec: Codec) -> str:
    """Return a codec as one calls a file of it.

    >>> with_article("AVIF")
    'an AVIF'
    """
    return f"{'an' if codec == 'AVIF' else 'a'} {codec}"


class Compression(NamedTuple):
    """Lossy compression of an image.

    Attributes:
        codec: of its file, or of one that it was saved as before.
        quality: as libjpeg, libwebp or libheif counts.
    """

    codec: Codec
    quality: int


@dataclass(frozen=True)
class Estimate:
    """Estimated degradation of an image, and its content.

    Attributes:
        sigma: standard deviation of its noise, in levels of 255; of noise that neighbours share,
            what its colours tell; beyond what noise reaches, that of a pattern.
        quality: of its compression, as the codec's usual encoder counts; None for an image that
            seems never to have been compressed with loss.
        content: ``photograph``, or the reason why it is not taken for one.
        coarseness: of the noise of its colours: 1 where each pixel has its own, more where
            neighbours share it, as in images of a camera's sensor and those with halved chroma; 0
            where colours have no noise.
        is_coarse: whether colours at a quarter of the size tell more noise than pixels do, as in
            images of a sensor.
        codec: that has the quality.
    """

    sigma: float
    quality: int | None = None
    content: Content = "too small"
    coarseness: float = 0.0
    is_coarse: bool = False
    codec: Codec = "JPEG"

    def __str__(self) -> str:
        content = self.content if self.content == "text or graphics" else ""
        quality = "" if self.quality is None else f"{self.codec} quality {self.quality}"
        noise = "a pattern" if self.has_pattern else f"noise about {self.sigma:.0f}"
        return ", ".join(filter(None, [content, quality, noise]))

    @property
    def has_pattern(self) -> bool:
        """True if pixels differ more than by noise, as those of a dithered image do."""
        return self.sigma >= _PATTERN


def estimate_degradation(image: NDArray[Any], stated: Compression | None = None) -> Estimate:
    """Estimate noise, JPEG quality and content of an image.

    Args:
        image: (H, W) or (H, W, C) with C 1 to 4, uint8, uint16 or floating in [0, 1].  Alpha is
            left out, and so is what is far from the middle of a large image.
        stated: the compression that its file states.  The pixels tell, too: of a JPEG that became
            another file or an array, or that was saved once more at a higher quality.

    Raises:
        ScalewiseError: another type, shape or range, or values that are not finite.
    """
    levels = _middle(image)
    colours = _colours(levels)
    independent, coarse = noises = _noises(levels, colours)
    found = _compression(levels, stated)
    content = classify_content(levels, max(noises), lambda: _leaves_few_flat(found))
    codec, quality = found or ("JPEG", None)
    is_coarse = coarse > independent
    return Estimate(max(noises), quality, content, _coarseness(colours), is_coarse, codec)


def estimate_content(image: NDArray[Any], stated: Compression | None = None) -> Content:
    """Estimate the content of an image alone, as :func:`estimate_degradation` does.

    Args:
        image, stated, and errors: as there.
    """
    levels = _middle(image)
    sigma = max(_noises(levels, _colours(levels)))
    return classify_content(levels, sigma, lambda: _leaves_few_flat(_compression(levels, stated)))


def _leaves_few_flat(compression: Compression | None) -> bool:
    """Return whether drawings have fewer flat squares by it; AVIF makes even photographs flat."""
    return compression is not None and compression.codec != "AVIF"


def _compression(levels: NDArray[Any], stated: Compression | None) -> Compression | None:
    """Return the compression that the pixels tell, or that of the file, whichever is stronger."""
    quality = estimate_jpeg_quality_of_pixels(levels, 255)
    seen = None if quality is None else Compression("JPEG", quality)
    if stated is None or seen is None:
        return seen or stated
    return seen if seen.quality <= stated.quality - _SAVED_AGAIN else stated


def _colours(levels: NDArray[Any]) -> list[NDArray[Any]]:
    """Return the two colour differences of an image; of a grey one, none."""
    if levels.shape[2] < 3:
        return []
    return [*np.moveaxis(levels @ RGB_TO_YCBCR[1:].T + 128, 2, 0)]


def _noises(levels: NDArray[Any], colours: list[NDArray[Any]]) -> tuple[float, float]:
    """Return the noise that each pixel has of its own, and visible noise that neighbours share.

    The latter is that of colours at a quarter of the size; 0 for small and grey images.  Texture,
    which is in luma most of all, would pass for coarse noise there.
    """
    coarse = 0.0
    if colours and min(levels.shape[:2]) >= _LEAST_SIDE:
        squares = [_sigma(_halved(_halved(plane))) ** 2 for plane in colours]
        coarse = _COARSE * float(np.sqrt(np.mean(squares)))
    return estimate_sigma(levels, 255), coarse


def _coarseness(colours: list[NDArray[Any]]) -> float:
    """Return the coarseness of noise; see :class:`Estimate`."""
    # Halved, independent noise is half as large.
    ratios = [2 * _sigma(_halved(each)) / max(_sigma(each), _LEAST_CHROMA) for each in colours]
    return max(ratios, default=0.0)


def _halved(plane: NDArray[Any]) -> NDArray[Any]:
    """Return the means of 2x2 pixels."""
    height, width = (side // 2 * 2 for side in plane.shape)
    rows = plane[:height:2] + plane[1:height:2]
    return (rows[:, :width:2] + rows[:, 1:width:2]) / 4


_LEAST_CHROMA = 0.5
"""Noise of chroma, in levels, below which rounding is seen in its place."""

_LEAST_SIDE = BAND[0]
"""Pixels along a side below which texture passes for coarse noise: in 20 of 51 clean images."""

_COARSE = 2.5
"""Visible noise over that of colours at a quarter of the size, where neighbours share it.  There,
77 of 79 clean images of three benchmark sets have less than 1.5, and JPEGs of 40 of them at most 1.
With noise of a sensor of sigma 10 at quality 90, or 15 at 75, all of 20 have 2 or more."""


def _middle(image: NDArray[Any]) -> NDArray[Any]:
    """Return the middle of an image, (H, W, 1 or 3), in levels of 255, without alpha."""
    check_array("image", image, (2, 3))
    image = np.atleast_3d(image)
    if image.shape[2] > 4:
        raise ScalewiseError(
            f"image must have 1 to 4 channels, as its last axis, not shape {image.shape}",
            arguments=["image"],
        )
    height, width = image.shape[:2]
    top, left = (max(0, side - most) // 2 for side, most in ((height, BAND[0]), (width, BAND[1])))
    top, left = top // _BLOCK * _BLOCK, left // _BLOCK * _BLOCK  # on the grid of JPEG
    cut = image[top : top + BAND[0], left : left + BAND[1], : 1 if image.shape[2] < 3 else 3]
    return _levels(cut, None)


def _levels(image: NDArray[Any], data_range: float | None) -> NDArray[Any]:
    """Return an image in levels of 255."""
    check_array("image", image, (2, 3))
    check_finite(image)
    white = data_range_of(image, data_range=data_range)
    return image if white == 255 else image * (255 / white)


def estimate_sigma(image: NDArray[Any], data_range: float | None = None) -> float:
    """Estimate the standard deviation of an image's noise.

    The median of the absolute diagonal details of Haar's wavelet, over 0.6745 (Donoho and
    Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 1994), in the smoother
    half of the image's 8x8 blocks, because texture has diagonal details too.  Where samples are
    clipped there is no noise to see: black and white blocks are left out.

    Args:
        image: (H, W) or (H, W, C), in [0, data_range].
        data_range: the value of white; by default that of the type: 255 for uint8, 65535 for
            uint16, 1 for floating values.

    Returns:
        In levels of 255; the mean over the channels.  0.0 where nothing can be told, as of an
        image smaller than 16x16.

    Raises:
        ScalewiseError: another type, shape or range, or values that are not finite.

    >>> noise = np.random.default_rng(0).normal(128, 10, (256, 256))
    >>> round(estimate_sigma(noise, data_range=255))
    10
    """
    channels = np.atleast_3d(_levels(image, data_range))
    return float(np.mean([_sigma(channels[..., c]) for c in range(channels.shape[2])]))


def _sigma(plane: NDArray[Any]) -> float:
    rows, columns = (side // (2 * _BLOCK) * 2 * _BLOCK for side in plane.shape)
    if not rows or not columns:
        return 0.0
    plane = plane[:rows, :columns].astype(np.float64)
    a, b, c, d = plane[::2, ::2], plane[::2, 1::2], plane[1::2, ::2], plane[1::2, 1::2]
    diagonal = _whole_blocks((a - b - c + d) / 2)
    mean = _whole_blocks((a + b + c + d) / 4)
    lit = (mean.min(axis=1) > 2) & (mean.max(axis=1) < 253)
    if not lit.any():
        return 0.0
    diagonal, mean = diagonal[lit], mean[lit]
    # How much a block varies beyond its pixels' own noise: by means of four, which are smoother.
    variation = mean.std(axis=1)
    smooth = diagonal[variation <= np.median(variation)]
    return float(np.median(np.abs(smooth)) / _GAUSSIAN)


def estimate_jpeg_quality(table: NDArray[np.int64]) -> int:
    """Estimate the quality that a JPEG file was written with, as libjpeg counts.

    Args:
        table: (8, 8), the quantisation table of its luminance.

    Returns:
        1 to 100; exact for libjpeg's own tables, the closest for those of other encoders.

    Raises:
        ScalewiseError: another shape.

    >>> estimate_jpeg_quality(quantisation_table(LUMA_TABLE, 83))
    83
    """

    check_array("table", table, (2,))
    if table.shape != (_BLOCK, _BLOCK):
        raise ScalewiseError(
            f"table must be (8, 8), not {table.shape}; for the quality of an image, call "
            "estimate_jpeg_quality_of_pixels",
            arguments=["table"],
        )

    def distance(quality: int) -> float:
        return float(np.abs(np.log(table.clip(1) / quantisation_table(LUMA_TABLE, quality))).sum())

    return min(range(1, 101), key=distance)


def estimate_jpeg_quality_of_pixels(
    image: NDArray[Any], data_range: float | None = None
) -> int | None:
    """Estimate the JPEG quality that an image was compressed with, by its pixels alone.

    The DCT coefficients of a decoded JPEG lie near multiples of its quantisation steps.  For each
    quality, the likelihood of the low frequencies' coefficients is compared with that of
    coefficients that lie anywhere (after Fan and de Queiroz, "Identification of bitmap
    compression history", IEEE TIP 2003).

    Args:
        image: (H, W), (H, W, 1) or (H, W, 3), in [0, data_range], whose first pixel is the first
            of an 8x8 block.
        data_range: as for :func:`estimate_sigma`.

    Returns:
        1 to 95; None for an image that was not compressed, or too little to tell, was resized or
        shifted since, or is too small.

    Raises:
        ScalewiseError: another type, shape or range, or values that are not finite.

    >>> noise = np.random.default_rng(0).normal(128, 10, (256, 256, 1))
    >>> estimate_jpeg_quality_of_pixels(noise, data_range=255) is None
    True
    """
    image = np.atleast_3d(_levels(image, data_range))
    if image.shape[2] not in (1, 3):
        raise ScalewiseError(
            f"image must have 1 or 3 channels, as its last axis, not shape {image.shape}",
            arguments=["image"],
        )
    if min(image.shape[:2]) < _BLOCK:
        return None
    luma = image[..., 0] if image.shape[2] == 1 else image @ RGB_TO_YCBCR[0]
    blocks, samples = _whole_blocks(luma), _whole_blocks(image)
    # Clipping moves coefficients off their multiples.
    lit = (samples.min(axis=1, initial=255) > 0) & (samples.max(axis=1, initial=0) < 255)
    coefficients = ((blocks[lit][:_MOST_BLOCKS] - 128) @ DCT.T)[:, _LOW]
    best = max(range(1, 96), key=lambda quality: _gain(coefficients, quality)[0])
    gain, count = _gain(_varied(coefficients, best), best)
    return best if gain > _LEAST_GAIN and gain > _LEAST_MEAN_GAIN * count else None


_LOW = np.flatnonzero([0 < row + column <= 4 for row in range(8) for column in range(8)])
"""The lowest frequencies, but for the mean."""
_ROUNDING = 0.5  # standard deviation of a decoded coefficient, for pixels are rounded
_WORST = -6.0  # log-likelihood of an outlier, so that one cannot decide
_LEAST_GAIN, _LEAST_MEAN_GAIN = 50.0, 0.1
"""Log-likelihood that speaks for a JPEG, in all and of each coefficient.  Of 43 images of Set5,
Set14 and Kodak24, those that were never a JPEG have less than 0; JPEGs of quality 94 have 0.2."""
_MOST_BLOCKS = 4096
_SAVED_AGAIN = 3
"""Quality by which the pixels must fall short of the file's to count: they are off by one at times.
"""


_MOST_ALIKE = 0.93  # it is 0.94 in a gradient, and less in 40 photographs of quality 10 to 90
"""Share of a frequency's coefficients at one multiple, beyond which they tell nothing."""


def _steps(quality: int) -> NDArray[np.int64]:
    """Return the quantisation steps of the lowest frequencies."""
    return quantisation_table(LUMA_TABLE, quality).reshape(64)[_LOW]


def _varied(coefficients: NDArray[np.float64], quality: int) -> NDArray[np.float64]:
    """Return the coefficients, with zero for frequencies that lie at one multiple everywhere.

    A gradient has the same coefficient in all blocks, and a multiple of some step is always near.
    """
    multiples = np.abs(np.round(coefficients / _steps(quality))).astype(int)
    alike = np.zeros(len(_LOW), bool)
    for index, sizes in enumerate(multiples.T):
        counts = np.bincount(sizes)[1:]
        alike[index] = counts.size > 0 and counts.max() > _MOST_ALIKE * counts.sum()
    return np.where(alike, 0.0, coefficients)


def _gain(coefficients: NDArray[np.float64], quality: int) -> tuple[float, int]:
    """Return the log-likelihood gained by a quality, and how many coefficients tell it."""
    steps = _steps(quality)
    coefficients, steps = coefficients[:, steps > 1], steps[steps > 1]
    off = coefficients - steps * np.round(coefficients / steps)
    gains = np.log(steps / (_ROUNDING * np.sqrt(2 * np.pi))) - (off / _ROUNDING) ** 2 / 2
    telling = np.abs(coefficients) > steps / 2  # smooth blocks are near 0 in any image
    return float(np.maximum(gains, _WORST)[telling].sum()), int(telling.sum())


def _whole_blocks(image: NDArray[Any]) -> NDArray[np.float64]:
    """Return the samples of all whole blocks, (blocks, samples)."""
    rows, columns = image.shape[0] // _BLOCK, image.shape[1] // _BLOCK
    whole = image[: rows * _BLOCK, : columns * _BLOCK].astype(np.float64)
    blocks = whole.reshape(rows, _BLOCK, columns, _BLOCK, -1).swapaxes(1, 2)
    return blocks.reshape(rows * columns, -1)
