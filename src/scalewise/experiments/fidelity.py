"""Fidelity of detail, and the two parts of the mixed loss, of one restored image.

The document says that attention enhances detail, and measures none.  Detail here is the luma
without its local mean, so a blurred image scores low and a shift of brightness costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from scalewise.imaging.colour import rgb_to_y
from scalewise.imaging.metrics import psnr

DETAIL_REACH = 2
"""Pixels around each whose mean is taken away: what is left are patterns up to 5 pixels wide."""

WHITE = 255.0

Image = NDArray[np.float64]


@dataclass(frozen=True)
class Fidelity:
    """Fidelity of a restored image.

    Attributes:
        detail: PSNR of the high-pass luma in dB.
        l1: mean absolute error over RGB in [0, 1].
        smooth_l1: mean smooth L1 loss, over the same; its transition at 1 is never reached.
    """

    detail: float
    l1: float
    smooth_l1: float


def measure_fidelity(restored: NDArray[Any], truth: NDArray[Any]) -> Fidelity:
    """Measure detail and losses of a restored image.

    Args:
        restored: RGB (H, W, 3), in levels of 255.
        truth: the same.

    Raises:
        ValueError: the shapes differ.
    """
    if restored.shape != truth.shape:
        raise ValueError(f"two images of one shape, not {restored.shape} and {truth.shape}")
    error = np.abs(restored.astype(np.float64) - truth.astype(np.float64)) / WHITE
    detail = psnr(high_pass(rgb_to_y(restored)), high_pass(rgb_to_y(truth)), WHITE)
    return Fidelity(detail, float(error.mean()), float((error**2).mean() / 2))


def high_pass(luma: NDArray[Any], reach: int = DETAIL_REACH) -> Image:
    """Return what a luma (H, W) has more than its mean over the pixels around each.

    >>> high_pass(np.full((4, 4), 9.0)).any().item()
    False
    """
    side = 2 * reach + 1
    given = np.asarray(luma, np.float64)
    padded = np.pad(given, reach, mode="edge")
    rows = sliding_window_view(padded, side, axis=1).mean(-1)
    return given - sliding_window_view(rows, side, axis=0).mean(-1)


def smooth_l1_share(found: Fidelity, weight: float) -> float:
    """Return the part of ``L1 + weight * SmoothL1`` that SmoothL1 makes.

    >>> round(smooth_l1_share(Fidelity(30.0, l1=0.02, smooth_l1=0.0004), 0.5), 4)
    0.0099
    """
    part = weight * found.smooth_l1
    return part / (found.l1 + part) if part else 0.0
