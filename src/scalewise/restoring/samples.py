"""Samples of every kind: what white is in them, and how floating values become them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]


def data_range(dtype: np.dtype[Any]) -> float:
    """The value of white.

    Raises:
        ValueError: samples of another kind than uint8, uint16 and floating.

    >>> data_range(np.dtype(np.uint16)), data_range(np.dtype(np.float32))
    (65535.0, 1.0)
    """
    if dtype.name in ("uint8", "uint16"):
        return float(np.iinfo(dtype).max)
    if np.issubdtype(dtype, np.floating):
        return 1.0
    raise ValueError(f"an image is uint8, uint16 or floating, not {dtype}")


def to_samples(values: FloatImage, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Values in [0, 1] as samples: clipped, and rounded where they are integers.

    Args:
        values: any shape; they are overwritten.
        dtype: what to make of them.

    Returns:
        The samples; integers still as float32, which assignment casts to ``dtype``.

    >>> to_samples(np.array([-1.0, 0.1, 2.0], np.float32), np.dtype(np.uint8)).tolist()
    [0.0, 26.0, 255.0]
    """
    np.clip(values, 0, 1, out=values)
    white = data_range(dtype)
    if white != 1:
        values *= np.float32(white)
        np.rint(values, out=values)
    return values
