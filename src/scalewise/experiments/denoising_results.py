"""Results of denoising with and without a network, at the same size and ahead of enlarging."""

from __future__ import annotations

from dataclasses import dataclass

from scalewise.weights.card import WEIGHTS_FILE, Score
from scalewise.weights.resolve import resolve

WEIGHTS = {
    ("denoise", "0.1.0"): "d73df2fee1eee4cc2f85279cf82bf1a0301b9fa916f0f201629ba5f3b2fec9e5",
}
"""Checksums of the weights that released models had in earlier versions."""


def has_same_weights(score: Score) -> bool:
    """Return whether a released model still has the weights that an earlier version scored."""
    earlier = WEIGHTS.get((score.model, score.version))
    return earlier is not None and earlier == resolve(score.model).card.sha256[WEIGHTS_FILE]


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
