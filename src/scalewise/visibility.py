"""Visibility of noise and JPEG artifacts: from which estimate on they are taken for faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalewise.imaging.blind_estimation import Estimate

VISIBLE_SIGMA = 6.0
"""Noise from which on it is removed.  Texture looks like noise: of 84 clean photographs of four
benchmark sets, 5 are estimated above it, and half above 1.5.  In a JPEG a third of the noise is
coded away, and most of it below quality 60: there it is seen from sigma 10 or 25 on."""

_SEEN_IN_JPEG = 0.83
"""Part of a JPEG's noise that is seen.  Of noise of sigma 12 to 15 before quality 80 or 90, which
``photo_x2`` restores worse than ``noisy_jpeg`` and then ``scn_x2``, 8 to 13 levels are seen; of
sigma 8 to 10, which it restores better, 4 to 9."""

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
    """Return whether noise is visible."""
    return estimate.sigma >= VISIBLE_SIGMA


def is_independent(estimate: Estimate) -> bool:
    """Return whether each pixel has its own noise: not compressed, nor that of a sensor."""
    return estimate.quality is None and estimate.coarseness < _SHARED


def is_jpeg_below(quality: int, estimate: Estimate) -> bool:
    """Return whether an image is a JPEG, or was one, of less than a quality."""
    return estimate.quality is not None and estimate.quality < quality


def sigma_before_coding(estimate: Estimate) -> float:
    """Return the sigma of the noise that an image had before it was compressed, if it was.

    Training degrades images in this order, so that its ranges are about this sigma.
    """
    return estimate.sigma if is_independent(estimate) else estimate.sigma / _SEEN_IN_JPEG
