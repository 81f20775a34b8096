"""Scale attention as measured: mean weights, their border, and the maps in a file."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ATTENTION_FILE = "attention.json"
ATTENTION_MAPS = "attention.npz"


@dataclass(frozen=True, kw_only=True)
class Border:
    """Mean weight of the coarsest level at the left border, second convolution of the last block.

    Attributes:
        picture: of the image as it is.
        mirrored: of the mirrored image, at its own left border.
        replicated: of the image, if convolutions repeat the border instead of adding zeros.
        inside: away from all borders.
    """

    picture: float
    mirrored: float
    replicated: float
    inside: float


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Mean weights of scale attention on one image; the ``.npz`` file has the maps.

    The array ``alpha`` of the ``.npz`` is (blocks, 2, levels, h, w), and ``picture`` is the
    input, (h, w, 3) uint8.

    Attributes:
        run: name of the network's run.
        picture: the image's name.
        means: mean of alpha over the image, for each block, each of its two convolutions and
            each level: (blocks, 2, levels).
        border: of the maps; None in earlier results.
    """

    run: str
    picture: str
    means: list[list[list[float]]]
    border: Border | None = None


def load_attention_maps(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.float16]] | None:
    """Return the image and the maps of scale attention; None if the file is lost or damaged."""
    try:
        with np.load(folder / ATTENTION_MAPS) as arrays:
            return arrays["picture"], arrays["alpha"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
