"""Measures of artifacts at edges: overshoot beyond the ground truth's local range, and ringing.

The document says that Original leaves more artifacts than Adaptive, and defines none.  Both
measures here are in levels of 255, are 0 for the ground truth itself, and ignore blur:

- overshoot: how far a pixel lies outside the range of the ground truth's pixels around it;
- ringing: how much more a restored image swings than the ground truth, next to strong edges of the
  ground truth but not on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

OVERSHOOT_REACH = 2
"""Pixels around each pixel whose range in the ground truth bounds the restored value."""

EDGE = 40.0
"""Least range of the ground truth, in levels, within one pixel of an edge."""

BAND = 6
"""Farthest distance from an edge, in pixels, at which ringing is looked for."""

Image = NDArray[np.float64]


@dataclass(frozen=True)
class Artifacts:
    """Artifacts of a restored image, in levels of 255.

    Attributes:
        overshoot: mean excess beyond the ground truth's local range, over all pixels.
        ringing: mean excess of the local swing, over the pixels next to edges.
    """

    overshoot: float
    ringing: float


def measure_artifacts(restored: NDArray[Any], truth: NDArray[Any]) -> Artifacts:
    """Measure overshoot and ringing of a restored image.

    Args:
        restored: luma (H, W), in levels of 255.
        truth: the same.

    Raises:
        ValueError: the shapes differ, or are not (H, W).

    >>> step = np.repeat([[50.0, 200.0]], 16, axis=1).repeat(16, axis=0)
    >>> measure_artifacts(step, step)
    Artifacts(overshoot=0.0, ringing=0.0)
    """
    excess = overshoot_map(restored, truth)
    band = ringing_band(np.asarray(truth, np.float64))
    swing = np.maximum(0.0, _swing(np.asarray(restored, np.float64)) - _swing(truth))
    ringing = float(swing[band].mean()) if band.any() else 0.0
    return Artifacts(float(excess.mean()), ringing)


def overshoot_map(
    restored: NDArray[Any], truth: NDArray[Any], reach: int = OVERSHOOT_REACH
) -> Image:
    """Return how far each pixel lies outside the range of the ground truth's pixels around it.

    Args:
        restored: luma (H, W), in levels of 255.
        truth: the same.
        reach: pixels around each, in both directions.

    Returns:
        (H, W) in levels, 0 where it lies within the range.

    Raises:
        ValueError: the shapes differ, or are not (H, W).

    >>> truth = np.full((5, 5), 100.0)
    >>> [overshoot_map(truth + change, truth)[2, 2].item() for change in (3, -2)]
    [3.0, 2.0]
    """
    if restored.shape != truth.shape or truth.ndim != 2:
        raise ValueError(f"two images (H, W) of one shape, not {restored.shape} and {truth.shape}")
    pixels, given = np.asarray(restored, np.float64), np.asarray(truth, np.float64)
    lowest, highest = _range(given, reach)
    return np.maximum(0.0, np.maximum(pixels - highest, lowest - pixels))


def ringing_band(truth: Image) -> NDArray[np.bool_]:
    """Return the pixels near strong edges of the ground truth, but not on them."""
    lowest, highest = _range(truth, 1)
    edges = highest - lowest >= EDGE
    near = _range(edges.astype(np.float64), BAND)[1] > 0
    on = _range(edges.astype(np.float64), 1)[1] > 0
    return near & ~on


def _swing(image: NDArray[Any]) -> Image:
    """Return the mean absolute second difference, across and down, which ignores ramps."""
    padded = np.pad(np.asarray(image, np.float64), 1, mode="edge")
    middle = padded[1:-1, 1:-1]
    across = np.abs(padded[1:-1, :-2] - 2 * middle + padded[1:-1, 2:])
    down = np.abs(padded[:-2, 1:-1] - 2 * middle + padded[2:, 1:-1])
    return (across + down) / 2


def _range(image: Image, reach: int) -> tuple[Image, Image]:
    """Return the smallest and largest value around each pixel."""
    side = 2 * reach + 1
    padded = np.pad(image, reach, mode="edge")
    rows = sliding_window_view(padded, side, axis=1)
    lowest = sliding_window_view(rows.min(-1), side, axis=0).min(-1)
    highest = sliding_window_view(rows.max(-1), side, axis=0).max(-1)
    return lowest, highest
