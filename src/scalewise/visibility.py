"""Readings of an estimate: visible noise and artifacts of compression, text and graphics."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalewise.imaging.blind_estimation import Codec, Estimate

VISIBLE_SIGMA = 6.0
"""Noise from which on it is removed.  Texture looks like noise: of 84 clean images of four
benchmark sets 3 are estimated above it, and of 57 that were made smaller, most of them below 256
pixels, 13."""

_SHARED = 2.0
"""Coarseness from which on noise is not taken for that of each pixel.  Of 41 photographs of three
benchmark sets 95 % have less than 1.7 with independent noise of sigma 6 or more; with that of a
simulated sensor, or compressed as WebP, AVIF or JPEG of any quality, 95 % have more than 2.4."""

Qualities = Mapping["Codec", int]

VISIBLE: Qualities = {"JPEG": 92, "WebP": 89, "AVIF": 76}
"""Quality below which artifacts are removed, where the size stays.  Of eight
photographs that improves all as WebP of quality 75, by 0.8 dB, seven at 85, and five at 92; of six
all as AVIF of quality 60, by 0.6 dB, four at 75, and three at 82."""

VISIBLE_ENLARGED: Qualities = {"JPEG": 96, "WebP": 92, "AVIF": 88}
"""The same where the size grows, and what is said of an image: of nine JPEGs of quality 95,
``photo_x2`` restores seven better than ``scn_x2``.  Beyond it, pixels no longer tell a JPEG.  Of
eight WebP of quality 85 it restores all better, and three at 92; of six AVIF of quality 80 all,
and four at 88."""

VISIBLE_IN_GRAPHICS: Qualities = {"JPEG": 92, "WebP": 40, "AVIF": 35}
"""The same of text and graphics, where the size stays.

Of twelve, removal improves eleven as JPEG of quality 85; of twenty, fifteen as WebP of quality 30
and ten at 50, fourteen as AVIF of 30 and one at 50."""

VISIBLE_IN_GRAPHICS_ENLARGED: Qualities = {"JPEG": 96, "WebP": 78, "AVIF": 65}
"""The same of text and graphics, where it grows.

``graphics_jpeg_x2`` is better than ``graphics_x2`` by 0.2 dB in WebP of quality 75 and by 1.0 in
AVIF of 50, and worse by 1.2 at 90 and by 0.7 at 75."""

_AS_JPEG: Mapping[Codec, tuple[tuple[int, int], ...]] = {
    "WebP": ((0, 25), (40, 60), (89, 92), (92, 96), (100, 100)),
    "AVIF": ((0, 10), (45, 60), (76, 92), (88, 96), (100, 100)),
}
"""Qualities of a codec, each with the JPEG quality of artifacts that are as visible.

Below JPEG 60 a network for artifacts and then ``scn_x2`` take the place of ``photo_x2``: they are
better by 0.1 dB at WebP 30, and by 0.2 at AVIF 40."""


def is_noisy(estimate: Estimate) -> bool:
    """Return whether noise is visible, or was before an image was compressed.

    What looks like it in text and graphics, whose flat areas show none, is their patterns.
    """
    is_visible = sigma_before_coding(estimate) >= VISIBLE_SIGMA
    return is_visible and not estimate.has_pattern and not is_graphics(estimate)


def is_graphics(estimate: Estimate) -> bool:
    """Return whether an image shows text, windows, charts or flat drawings."""
    return estimate.content == "text or graphics"


def has_artifacts(estimate: Estimate, *, enlarged: bool) -> bool:
    """Return whether artifacts of compression are visible.

    Args:
        estimate: of the image.
        enlarged: whether the image is to be enlarged, which makes weaker ones visible.
    """
    if estimate.quality is None:
        return False
    if is_graphics(estimate):
        limits = VISIBLE_IN_GRAPHICS_ENLARGED if enlarged else VISIBLE_IN_GRAPHICS
    else:
        limits = VISIBLE_ENLARGED if enlarged else VISIBLE
    return estimate.quality < limits[estimate.codec]


def is_independent(estimate: Estimate) -> bool:
    """Return whether each pixel has its own noise: not compressed, nor that of a sensor."""
    return estimate.quality is None and estimate.coarseness < _SHARED


def as_jpeg_quality(codec: Codec, quality: int) -> float:
    """Return the JPEG quality whose artifacts are about as visible as those of another codec.

    >>> as_jpeg_quality("JPEG", 75), as_jpeg_quality("WebP", 40)
    (75, 60.0)
    """
    return quality if codec == "JPEG" else _interpolate(_AS_JPEG[codec], quality)


def as_visible_as_jpeg(codec: Codec, quality: float) -> float:
    """Return the quality of a codec whose artifacts are about as visible as those of a JPEG.

    >>> as_visible_as_jpeg("WebP", 60), as_visible_as_jpeg("AVIF", 5)
    (40.0, 0.0)
    """
    if codec == "JPEG":
        return quality
    return max(0.0, _interpolate([(jpeg, own) for own, jpeg in _AS_JPEG[codec]], quality))


def _interpolate(points: Sequence[tuple[int, int]], where: float) -> float:
    """Return the ordinate of a line through points, the last parts of which go on beyond them."""
    right = min(max(bisect(points, (where, 101)), 1), len(points) - 1)
    (left, low), (end, high) = points[right - 1], points[right]
    return low + (high - low) * (where - left) / (end - left)


def sigma_before_coding(estimate: Estimate) -> float:
    """Return about the sigma of the noise that an image had before it was compressed, if it was.

    Training degrades images in this order, so that its ranges are about this sigma.  What is seen
    of it falls from three quarters in JPEGs of quality 90 and their like to a third at quality 40.
    Noise of sigma 8 is found so in 79 of 82 JPEGs of quality 90, and of sigma 20 in nine of ten
    down to quality 40; there and then, fewer than one of ten clean JPEGs is taken for noisy.
    """
    if is_independent(estimate):
        return estimate.sigma
    quality = 90 if estimate.quality is None else as_jpeg_quality(estimate.codec, estimate.quality)
    quality = min(max(quality, 40), 90)
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
        sigma, quality: ranges of the training, the latter of JPEG; None for none.
        sensor: share of the training's noise that was a sensor's.
    """
    is_strange = estimate.is_coarse and not sensor and is_noisy(estimate)
    strongest = None if sigma is None or is_graphics(estimate) else sigma[1]
    if strongest is not None and (is_strange or sigma_before_coding(estimate) > strongest):
        return True
    if quality is None or estimate.quality is None:
        return False
    return as_jpeg_quality(estimate.codec, estimate.quality) < quality[0]
