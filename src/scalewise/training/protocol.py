"""How runs are measured while they train; apart from the measuring, which needs PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.data.degrading import Degradation
from scalewise.imaging.degradations import gaussian_noise, jpeg
from scalewise.imaging.protocols import FIELD, Degraded, Protocol, squashing
from scalewise.training.config import DataConfig

PROTOCOL = FIELD
"""The protocol of every PSNR-Y in a run's log, unless the run squashes or degrades pictures."""


def protocol_of(data: DataConfig) -> Protocol:
    """The protocol that a run with these data is measured by.

    A run that degrades its pictures is measured on faults in the middle of their range, and
    scored as all others are: by PSNR-Y, also where the task's own protocol has PSNR over RGB.
    """
    if data.squash is not None:
        return squashing(data.squash)
    if data.degradation is None:
        return PROTOCOL
    faults = MiddleFaults.of(data.degradation)
    scored = FIELD.description.removeprefix("protocol ")
    return Protocol(
        name=f"{data.task}-middle",
        description=f"protocol {data.task}-middle: input with {faults}; scored as {scored}",
        luma=FIELD.luma,
        degrade=faults,
    )


@dataclass(frozen=True)
class MiddleFaults:
    """Noise, then JPEG, of one strength; the noise is that of the picture's name.

    Without pyvips, where a run has none: JPEG by :func:`scalewise.imaging.degradations.jpeg`.

    Attributes:
        sigma: the noise's standard deviation, in levels of 255; 0 for none.
        quality: of the JPEG, 4:2:0; None for none.
    """

    sigma: float
    quality: int | None

    @classmethod
    def of(cls, degradation: Degradation) -> MiddleFaults:
        """In the middle of what befalls patches; a quality halfway between two is the lower."""
        quality = degradation.quality and sum(degradation.quality) // 2
        return cls(sum(degradation.sigma or (0, 0)) / 2, quality)

    def __call__(self, picture: NDArray[np.uint8], name: str) -> Degraded:
        """A picture (H, W, 1 or 3) with the faults, float64 where it is noise alone."""
        pixels: NDArray[Any] = picture
        if self.sigma:
            random = np.random.default_rng(list(name.encode()))
            pixels = gaussian_noise(picture, self.sigma, random)
        if self.quality is not None:
            pixels = jpeg(np.rint(pixels).clip(0, 255).astype(np.uint8), self.quality)
        return Degraded(pixels)

    def __str__(self) -> str:
        noise = f"Gaussian noise of sigma {self.sigma:g}, seeded by the picture's name"
        coded = f"JPEG quality {self.quality}, 4:2:0"
        return ", then ".join(
            text for text, there in ((noise, self.sigma), (coded, self.quality)) if there
        )
