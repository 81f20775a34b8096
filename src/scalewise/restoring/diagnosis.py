"""What ails a picture, and which task that calls for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scalewise.files import MAX_PIXELS, open_picture
from scalewise.files.jpeg import luma_table
from scalewise.imaging.blind_estimation import estimate_jpeg_quality, estimate_sigma

VISIBLE_SIGMA = 6.0
"""Noise from which on a picture is denoised.  Texture looks like noise: of 84 clean photographs
of four benchmark sets 5 are taken for noisier than this, and half for noisier than 1.5."""
STRONG_JPEG = 80
"""Quality below which a JPEG's own faults are what is seen, and what looks like noise is one."""
VISIBLE_JPEG = 92
"""Quality below which a JPEG's artifacts are taken out."""

_BAND = 256, 2048  # rows and columns around the middle that noise is looked for in


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes:
        sigma: the noise's standard deviation, in levels of 255, estimated.
        quality: of the JPEG, as libjpeg counts; None for what is no JPEG file.
    """

    sigma: float
    quality: int | None = None

    @property
    def task(self) -> Literal["denoise", "dejpeg"] | None:
        """What to do about it; None for nothing.

        >>> Diagnosis(sigma=15).task, Diagnosis(sigma=3, quality=60).task
        ('denoise', 'dejpeg')
        >>> Diagnosis(sigma=1, quality=97).task
        """
        quality = 100 if self.quality is None else self.quality
        if quality < STRONG_JPEG:
            return "dejpeg"
        if self.sigma >= VISIBLE_SIGMA:
            return "denoise"
        return "dejpeg" if quality < VISIBLE_JPEG else None

    def __str__(self) -> str:
        noise = f"noise about {self.sigma:.0f}"
        return noise if self.quality is None else f"JPEG quality {self.quality}, {noise}"


def diagnose(path: str | Path, *, max_pixels: int | None = MAX_PIXELS) -> Diagnosis:
    """Look at a picture's file: its tables if it is a JPEG, and a band of rows in its middle.

    Args:
        path, max_pixels: as for :func:`scalewise.files.open_picture`.

    Raises:
        ScalewiseError: it cannot be read.
    """
    with open_picture(path, max_pixels=max_pixels) as reader:
        rows = min(_BAND[0], reader.height)
        start = (reader.height - rows) // 2
        sigma = sigma_of(reader.read_rows(start, start + rows))
    table = luma_table(path)
    return Diagnosis(sigma, None if table is None else estimate_jpeg_quality(table))


def sigma_of(image: NDArray[Any]) -> float:
    """The noise of (H, W, C), uint8, uint16 or floating in [0, 1], in levels of 255.

    Alpha is left out, and so is what is far from the middle of a large picture.
    """
    cut = tuple(
        slice((side - most) // 2, (side + most) // 2) if side > most else slice(None)
        for side, most in zip(image.shape, _BAND, strict=False)
    )
    colours = image[cut][..., : 1 if image.shape[2] < 3 else 3]
    white = np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1
    return estimate_sigma(colours * (255 / white))
