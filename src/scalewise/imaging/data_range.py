"""Data range of an image: the value of white, by its type or as the caller gives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError

_WHITE = {"uint8": 255.0, "uint16": 65535.0}
_FAR_OUT = 0.5  # beyond [0, 1]; noise is rarely so far out
_MOST_FAR_OUT = 0.05  # of the values


def white_of(dtype: np.dtype[Any]) -> float | None:
    """Return the value of white by the type of samples; None if it does not tell.

    >>> white_of(np.dtype(">u2")), white_of(np.dtype(np.float32)), white_of(np.dtype(np.int64))
    (65535.0, 1.0, None)
    """
    return 1.0 if dtype.kind == "f" else _WHITE.get(dtype.name)


def data_range_of(*images: NDArray[Any], data_range: float | None = None) -> float:
    """Return the value of white that images share, as all metrics have it.

    Args:
        images: by default white is that of the type: 255 for uint8, 65535 for uint16, 1 for
            floating values.
        data_range: the value of white; it is needed for other images, and for several types.

    Raises:
        ScalewiseError: no value is given where one is needed, or one that is not above 0;
            floating images without one, most of whose values are not in [0, 1].

    >>> data_range_of(np.zeros(4, np.uint8)), data_range_of(np.array([3, 90.5]), data_range=255)
    (255.0, 255.0)
    >>> data_range_of(np.array([3, 90.5]))
    Traceback (most recent call last):
    scalewise.errors.ScalewiseError: floating values are in [0, 1], not from 3 to 90.5; give \
data_range=255, or divide them
    """
    if data_range is not None:
        if not data_range > 0:
            raise ScalewiseError(
                f"data_range must be above 0, not {data_range}", arguments=["data_range"]
            )
        return float(data_range)
    types = {image.dtype.newbyteorder("=").name for image in images}
    floating = all(image.dtype.kind == "f" for image in images)
    if floating:
        for image in images:
            check_unit_range(image, "give data_range=255, or divide them", ["data_range"])
        return 1.0
    if len(types) > 1 or not types <= _WHITE.keys():
        raise ScalewiseError(
            f"{' and '.join(sorted(types))} do not tell what is white; give data_range=255 or "
            "the like",
            arguments=["data_range"],
        )
    return _WHITE[types.pop()]


def check_finite(image: NDArray[Any]) -> None:
    """Refuse values that are not numbers, or infinite."""
    if image.dtype.kind != "f" or (finite := np.isfinite(image)).all():
        return
    row, column, *_ = np.unravel_index(np.argmin(finite), (*finite.shape, 1))
    raise ScalewiseError(
        f"image has values that are not finite (NaN or infinite), the first in row {row}, column "
        f"{column}; replace them, such as by np.nan_to_num(image)",
        arguments=["image"],
    )


def check_unit_range(image: NDArray[Any], mend: str, arguments: Sequence[str] = ()) -> None:
    """Refuse floating values that are clearly not in [0, 1]; noise may go beyond.

    Args:
        image: the values.
        mend: what to do, for the error.
        arguments: those that the error is about.
    """
    far = np.count_nonzero((image < -_FAR_OUT) | (image > 1 + _FAR_OUT))
    if far > _MOST_FAR_OUT * image.size:
        raise ScalewiseError(
            f"floating values are in [0, 1], not from {image.min():g} to {image.max():g}; {mend}",
            arguments=[*arguments],
        )
