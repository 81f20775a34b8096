"""The protocols of pictures with faults: noisy ones, JPEGs, and small ones that are both.

The faults of a picture depend on its name alone, so that every model is given the same ones.

- :func:`denoising`: white Gaussian noise, as Zhang et al., "Beyond a Gaussian denoiser" (IEEE TIP
  2017) and "FFDNet" (2018) measure: neither clipped nor rounded; PSNR over RGB, or over grey.
- :func:`deblocking`: JPEG, as Dong et al., "Compression artifacts reduction by a deep
  convolutional network" (ICCV 2015) measure: PSNR, SSIM and PSNR-B over Y; grey is its own Y.
- :data:`PHOTO`: what comes out of a camera or a message: reduced, then noise, then JPEG.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.files.jpeg import decode_jpeg, encode_jpeg, encoder_name
from scalewise.imaging.colour import BT601, FULL_RANGE_BT601
from scalewise.imaging.degradations import Subsampling, gaussian_noise
from scalewise.imaging.protocols import FIELD, Degraded, Protocol


@dataclass(frozen=True)
class Faults:
    """What befalls a picture: noise first, then JPEG.

    Attributes:
        sigma: the noise's standard deviation, in levels of 255; 0 for none.
        quality: of the JPEG, as libjpeg counts; None for none.
        subsampling: of its chroma.
    """

    sigma: float = 0.0
    quality: int | None = None
    subsampling: Subsampling = "4:2:0"

    def __call__(self, picture: NDArray[np.uint8], name: str) -> Degraded:
        """A picture (H, W, 1 or 3) with the faults that belong to its name.

        Without JPEG, noisy pixels are float64, neither clipped nor rounded.
        """
        pixels: NDArray[Any] = picture
        if self.sigma:
            pixels = gaussian_noise(picture, self.sigma, np.random.default_rng(seed_of(name)))
        if self.quality is None:
            return Degraded(pixels)
        rounded = np.rint(pixels).clip(0, 255).astype(np.uint8)
        encoded = encode_jpeg(rounded, self.quality, self.subsampling)
        return Degraded(decode_jpeg(encoded), encoded)

    def describe_jpeg(self, chroma: bool = True) -> str:
        """The JPEG in words, with its encoder."""
        sampled = f", chroma {self.subsampling}," if chroma else ""
        return f"JPEG quality {self.quality}{sampled} by {encoder_name()}"


def seed_of(name: str) -> int:
    """The seed that a picture's name makes: from its stem's SHA-256, the first 8 bytes.

    Args:
        name: relative to the dataset, '/'-separated, without suffix; folders do not count.

    >>> seed_of("HR/baby") == seed_of("baby") != seed_of("bird")
    True
    """
    stem = name.rpartition("/")[2]
    return int.from_bytes(hashlib.sha256(stem.encode()).digest()[:8], "big")


def denoising(sigma: float, *, grey: bool = False) -> Protocol:
    """Noise of one strength, in colour (grey pictures as they are), or in grey."""
    name = f"denoise{sigma:g}{'-grey' if grey else ''}"
    made_grey = "pictures made grey (0.299 R + 0.587 G + 0.114 B); " if grey else ""
    return Protocol(
        name=name,
        description=(
            f"protocol {name}: {made_grey}Gaussian noise of sigma {sigma:g}, seeded by the "
            f"picture's name, input not clipped; {_WHOLE}; SSIM on Y, {_WINDOW}; mean over images"
        ),
        luma=BT601,
        border=0,
        only_scale=1,
        degrade=Faults(sigma),
        to_grey=FULL_RANGE_BT601 if grey else None,
        grey_luma=FULL_RANGE_BT601,
    )


def deblocking(quality: int, subsampling: Subsampling = "4:2:0", *, grey: bool = False) -> Protocol:
    """JPEG of one quality, in colour (grey pictures as they are), or of Y alone."""
    faults = Faults(quality=quality, subsampling=subsampling)
    suffix = "-grey" if grey else "" if subsampling == "4:2:0" else "-444"
    name = f"jpeg{quality}{suffix}"
    made_grey = "pictures made grey (Y, rounded to 8 bits); " if grey else ""
    return Protocol(
        name=name,
        description=(
            f"protocol {name}: {made_grey}{faults.describe_jpeg(chroma=not grey)}; {_WHOLE}; "
            f"SSIM, {_WINDOW}, and PSNR-B, blocks of 8, on Y; mean over images"
        ),
        luma=BT601,
        border=0,
        only_scale=1,
        degrade=faults,
        to_grey=BT601 if grey else None,
        grey_luma=FULL_RANGE_BT601,
        blocks=True,
    )


_WINDOW = "11x11 Gaussian"
_WHOLE = "output rounded to 8 bits, no border cropped; Y = BT.601 limited range, grey is its own Y"

_PHOTO_FAULTS = Faults(sigma=5, quality=77)

PHOTO = Protocol(
    name="photo",
    description=(
        f"protocol photo: input reduced (bicubic), then Gaussian noise of sigma "
        f"{_PHOTO_FAULTS.sigma:g}, seeded by the picture's name, rounded to 8 bits, then "
        f"{_PHOTO_FAULTS.describe_jpeg()}; scored as {FIELD.description.removeprefix('protocol ')}"
    ),
    luma=FIELD.luma,
    only_scale=2,
    degrade=_PHOTO_FAULTS,
)
"""A photograph halved, with the middle of noise 0 to 10 and of JPEG quality 60 to 95."""
