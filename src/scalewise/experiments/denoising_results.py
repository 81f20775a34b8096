"""Results of denoising with and without a network, at the same size and ahead of enlarging."""

from __future__ import annotations

from dataclasses import dataclass

from scalewise.weights.card import Score


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """A denoising method at one noise level: its scores, and its time on one thread.

    Attributes:
        score: means over the images.
        seconds: time of the processor per megapixel; that of other processes is left out.
    """

    score: Score
    seconds: float


@dataclass(frozen=True, kw_only=True)
class NoiseLevel:
    """Denoising with and without a network at one noise level.

    Attributes:
        sigma: standard deviation of the noise, in levels of 255.
        processor: of the machine.
        methods: the noisy images first, the network last.
    """

    sigma: float
    processor: str
    methods: list[Alternative]


@dataclass(frozen=True, kw_only=True)
class EnlargedBy:
    """One way to enlarge noisy images.

    Attributes:
        score: means over the images.
        psnr_y: of each image, in dB.
    """

    score: Score
    psnr_y: list[float]


@dataclass(frozen=True, kw_only=True)
class Enlarged:
    """Noisy images enlarged with and without denoising ahead of it.

    Attributes:
        sigma: standard deviation of the noise, in levels of 255.
        network: that enlarges, without denoising or after it.
        joint: name of the network that denoises and enlarges at once.
        methods: each way, bicubic first and the joint network last.
    """

    sigma: float
    network: str
    joint: str
    methods: list[EnlargedBy]
