"""Readings of an estimate: visible noise and JPEG artifacts, text and graphics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalewise.imaging.blind_estimation import Estimate

VISIBLE_SIGMA = 6.0
"""Noise from which on it is removed.  Texture looks like noise: of 84 clean images of four
benchmark sets 3 are estimated above it, and of 57 that were made smaller, most of them below 256
pixels, 13."""

_PATTERN = 100.0
"""Least sigma of patterns of black and white, such as dithering, which noise does not reach."""

_SHARED = 2.0
"""Coarseness from which on noise is not taken for that of each pixel.  Of 41 photographs of three
benchmark sets 95 % have less than 1.7 with independent noise of sigma 6 or more; with that of a
simulated sensor, or compressed as WebP, AVIF or JPEG of any quality, 95 % have more than 2.4."""

VISIBLE_JPEG = 92
"""JPEG quality below which artifacts are removed, where the size stays."""

VISIBLE_JPEG_ENLARGED = 96
"""The same where the size grows, and what is said of an image: of nine JPEGs of quality 95,
``photo_x2`` restores seven better than ``scn_x2``.  Beyond it, pixels no longer tell a JPEG."""


def is_noisy(estimate: Estimate) -> bool:
    """Return whether noise is visible, or was before an image was compressed.

    What looks like it in text and graphics, whose flat areas show none, is their patterns.
    """
    is_visible = sigma_before_coding(estimate) >= VISIBLE_SIGMA
    return is_visible and estimate.sigma < _PATTERN and not is_graphics(estimate)


def is_graphics(estimate: Estimate) -> bool:
    """Return whether an image shows text, windows, charts or flat drawings."""
    return estimate.content == "text or graphics"


def is_graphics_jpeg(estimate: Estimate) -> bool:
    """Return whether text or graphics have JPEG artifacts that would be visible if enlarged."""
    return is_graphics(estimate) and is_jpeg_below(VISIBLE_JPEG_ENLARGED, estimate)


def is_independent(estimate: Estimate) -> bool:
    """Return whether each pixel has its own noise: not compressed, nor that of a sensor."""
    return estimate.quality is None and estimate.coarseness < _SHARED


def is_jpeg_below(quality: int, estimate: Estimate) -> bool:
    """Return whether an image is a JPEG, or was one, of less than a quality."""
    return estimate.quality is not None and estimate.quality < quality


def sigma_before_coding(estimate: Estimate) -> float:
    """Return about the sigma of the noise that an image had before it was compressed, if it was.

    Training degrades images in this order, so that its ranges are about this sigma.  What is seen
    of it falls from three quarters in JPEGs of quality 90 and their like to a third at quality 40.
    Noise of sigma 8 is found so in 79 of 82 JPEGs of quality 90, and of sigma 20 in nine of ten
    down to quality 40; there and then, fewer than one of ten clean JPEGs is taken for noisy.
    """
    if is_independent(estimate):
        return estimate.sigma
    quality = 90 if estimate.quality is None else min(max(estimate.quality, 40), 90)
    return estimate.sigma / (1 / 3 + (quality - 40) / 120)


def exceeds(
    estimate: Estimate,
    sigma: tuple[float, float] | None,
    quality: tuple[int, int] | None,
    sensor: float = 0.0,
) -> bool:
    """Return whether an image is worse than all of what a model was trained on.

    With noise of a sensor, of sigma 8 and more, ``photo_x2``, which knows none, is 0.1 to 1.6 dB
    worse than ``noisy_jpeg`` and then ``scn_x2``.

    Args:
        estimate: of the image.
        sigma, quality: ranges of the training; None for no noise, and for no JPEG.
        sensor: share of the training's noise that was a sensor's.
    """
    is_strange = estimate.is_coarse and not sensor and is_noisy(estimate)
    strongest = None if sigma is None or is_graphics(estimate) else sigma[1]
    if strongest is not None and (is_strange or sigma_before_coding(estimate) > strongest):
        return True
    return quality is not None and is_jpeg_below(quality[0], estimate)
