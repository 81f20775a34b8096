"""Dataset images as 8-bit RGB: HR, and the LR that belongs to it.

What packing, evaluation and validation take and refuse is decided here once for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import AnyPath, path_of
from scalewise.errors import ScalewiseError
from scalewise.imaging.resize import imresize

if TYPE_CHECKING:
    from scalewise.data.layouts import Item

Pixels = NDArray[np.uint8]


def read_lr(item: Item, hr: Pixels, scale: int) -> Pixels:
    """Return an image's LR: its file where the dataset brings one, else HR reduced.

    Args:
        item: the image.
        hr: its HR pixels, (H, W, 3) uint8.
        scale: HR over LR size.

    Returns:
        (H // scale, W // scale, 3) uint8.

    Raises:
        ScalewiseError: HR is too small, or the LR file has another size, or is missing where
            others have one.
    """
    height, width = hr.shape[0] // scale, hr.shape[1] // scale
    if min(height, width) < 1:
        raise ScalewiseError(f"{item.hr}: too small to shrink by {scale}")
    lr = read_own_lr(item, hr, scale)
    return imresize(hr[: height * scale, : width * scale], 1 / scale) if lr is None else lr


def read_own_lr(item: Item, hr: Pixels, scale: int) -> Pixels | None:
    """Return the LR that a dataset brings for an image, cropped to whole blocks of HR.

    Published LR of uncropped HR may have a row and a column more (rounded up): they are cut off.

    Returns:
        (H // scale, W // scale, 3) uint8; None where LR is to be made.

    Raises:
        ScalewiseError: the file has another size, or is missing where others have one.
    """
    from scalewise.data.layouts.pairing import Size, fits, size_problem

    if scale in item.missing:
        raise ScalewiseError(f"{item.hr}: no LR at x{scale}, though other images bring theirs")
    if scale not in item.lr:
        return None
    lr = read_rgb(item.lr[scale])
    sizes = Size(hr.shape[1], hr.shape[0]), Size(lr.shape[1], lr.shape[0])
    if not fits(*sizes, scale):
        raise ScalewiseError(f"{item.lr[scale]}: {size_problem(*sizes, scale)}")
    return lr[: hr.shape[0] // scale, : hr.shape[1] // scale]


def read_rgb(path: AnyPath) -> Pixels:
    """Read an image as 8-bit RGB (H, W, 3): alpha dropped, grey repeated, 16 bit rounded."""
    path = path_of(path, "path")
    from scalewise.files import read, to_8_bit
    from scalewise.imaging.colour import to_rgb

    return to_8_bit(to_rgb(read(path).colour))
