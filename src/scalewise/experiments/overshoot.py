"""Overshoot of both networks on one sample image: crops and maps, in a file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.atomic import write_atomic
from scalewise.evaluating.compare import compare
from scalewise.evaluating.evaluate import restoration
from scalewise.experiments.artifacts import overshoot_map
from scalewise.experiments.data import SCALE
from scalewise.imaging.colour import rgb_to_y
from scalewise.imaging.protocols import FIELD
from scalewise.restoring.restorer import Restorer

OVERSHOOT_FILE = "overshoot.npz"
"""File of the crops and maps, in the folder of the sample images."""

CROP = 64
"""Side of the crop, in pixels of the ground truth."""


@dataclass(frozen=True)
class Overshoot:
    """The crop of an image where two networks overshoot most.

    Attributes:
        picture: the image's name.
        truth: the crop, (h, w, 3) uint8.
        restored: of both networks, (2, h, w, 3) uint8.
        maps: their overshoot in levels, (2, h, w).
    """

    picture: str
    truth: NDArray[np.uint8]
    restored: NDArray[np.uint8]
    maps: NDArray[np.float32]


def measure_overshoot(image: Path, restorers: Sequence[Restorer], path: Path) -> None:
    """Restore a halved image by both networks, and save where they overshoot most.

    Args:
        image: an image file.
        restorers: Original and Adaptive.
        path: of the file to write.

    Raises:
        ScalewiseError: the image cannot be read, or is too small.
    """
    found = compare(image, [(each.name, restoration(each)) for each in restorers], SCALE, FIELD)
    truth = rgb_to_y(found.truth)
    restored = np.stack([each.image for each in found.contenders])
    maps = np.stack([overshoot_map(rgb_to_y(each), truth) for each in restored])
    top, left, side = _largest(maps.sum(axis=0), CROP)
    inside = (..., slice(top, top + side), slice(left, left + side))
    content = io.BytesIO()
    np.savez_compressed(
        content,
        picture=np.array(image.stem),
        truth=found.truth[inside[1:]],
        restored=restored[:, inside[1], inside[2]],
        maps=maps[inside].astype(np.float32),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, content.getvalue())


def load_overshoot(path: Path) -> Overshoot | None:
    """Return what was saved; None if the file is missing or damaged."""
    try:
        with np.load(path) as arrays:
            return Overshoot(
                str(arrays["picture"]), arrays["truth"], arrays["restored"], arrays["maps"]
            )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _largest(values: NDArray[Any], side: int) -> tuple[int, int, int]:
    """Return the square with the largest sum: top, left and side."""
    side = min(side, *values.shape)
    sums = np.pad(values, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = np.unravel_index(int(np.argmax(inside)), inside.shape)
    return int(top), int(left), side
