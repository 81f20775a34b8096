"""Data range of an image: the value of white, by its type or as the caller gives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_array, is_number, shown
from scalewise.errors import ScalewiseError

_WHITE = {"uint8": 255.0, "uint16": 65535.0}
_FAR_OUT = 0.5  # beyond [0, 1]; noise is rarely so far out
_MOST_FAR_OUT = 0.05  # of the values
_RUN = 64  # samples in a row, over which noise averages out
_DARK = 0.1  # below 0; the mean of a run is there in no image in [0, 1], however noisy
_MOST_DARK = 0.02
"""Share of such runs: 0.022 or more in 89 images less 0.45 or 0.5; 0.005 in black with noise of a
standard deviation of 0.3."""

_USUAL_RANGES = (
    (-0.5, 0.5, "{} + 0.5"),
    (-1.0, 1.0, "({} + 1) / 2"),
    *((0.0, 2.0**bits - 1, f"{{}} / {2**bits - 1}") for bits in (8, 10, 12, 14, 16)),
)
"""Ranges that images have elsewhere, and the expression that brings each to [0, 1]."""
_SLACK = 0.1  # of the values' extent, by which noise and interpolation may go beyond a range
_LEAST_FILLED = 1 / 16  # of a range; an image that reaches no higher is of another one


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
            floating images without one that are clearly not in [0, 1].

    >>> data_range_of(np.zeros(4, np.uint8)), data_range_of(np.array([3, 90.5]), data_range=255)
    (255.0, 255.0)
    >>> data_range_of(np.array([3, 90.5]))
    Traceback (most recent call last):
    scalewise.errors.ScalewiseError: floating values are in [0, 1], not from 3 to 90.5; scale \
them first, such as by image / 255, or give data_range=255
    """
    if data_range is not None:
        if not is_number(data_range) or not 0 < data_range < np.inf:
            raise ScalewiseError(
                f"data_range must be a number above 0, not {shown(data_range)}",
                arguments=["data_range"],
            )
        return float(data_range)
    types = {image.dtype.newbyteorder("=").name for image in images}
    floating = all(image.dtype.kind == "f" for image in images)
    if floating:
        for image in images:
            check_unit_range(image, or_data_range=True)
        return 1.0
    if len(types) > 1:
        raise ScalewiseError(
            f"{' and '.join(sorted(types))} have no white in common; convert the images to one "
            "type, or give data_range",
            arguments=["data_range"],
        )
    (kind,) = types
    if kind not in _WHITE:
        raise ScalewiseError(
            f"{kind} does not tell what is white; give data_range=255 or the like",
            arguments=["data_range"],
        )
    return _WHITE[kind]


def check_finite(image: NDArray[Any], name: str = "image") -> None:
    """Refuse values that are not numbers, or infinite.

    Args:
        image: the values.
        name: of the argument, for the error.
    """
    if image.dtype.kind != "f" or (finite := np.isfinite(image)).all():
        return
    row, column, *_ = np.unravel_index(np.argmin(finite), (*finite.shape, 1, 1))
    raise ScalewiseError(
        f"{name} has values that are not finite (NaN or infinite), the first in row {row}, column "
        f"{column}; replace them, such as by np.where(np.isfinite({name}), {name}, 0)",
        arguments=[name],
    )


def check_unit_range(
    image: NDArray[Any], name: str = "image", *, or_data_range: bool = False
) -> None:
    """Refuse floating values that are clearly not in [0, 1]; noise may go beyond.

    Args:
        image: the values, all finite.
        name: of the image in the expression that scales it, for the error.
        or_data_range: ``data_range`` can be given in place of that, which the error names.
    """
    if is_unit_range(image):
        return
    least, most, scaling = _range_of(image)
    otherwise = f", or give data_range={most:g}" if or_data_range and least == 0 else ""
    raise ScalewiseError(
        f"floating values are in [0, 1], not from {image.min():g} to {image.max():g}; scale them "
        f"first, such as by {scaling.format(name)}{otherwise}",
        arguments=["data_range"] if or_data_range else [],
    )


def is_unit_range(image: NDArray[Any]) -> bool:
    """Return whether floating values may be an image in [0, 1], with noise or overshoots.

    >>> overshooting, centred = np.linspace(-0.05, 1.1, 256), np.linspace(-0.5, 0.5, 256)
    >>> is_unit_range(overshooting), is_unit_range(centred)
    (True, False)
    """
    if not image.size:
        return True
    if image.min() >= -_DARK and image.max() <= 1 + _FAR_OUT:  # in a tenth of the time
        return True
    far = np.count_nonzero((image < -_FAR_OUT) | (image > 1 + _FAR_OUT))
    run = min(_RUN, image.size)
    runs = image.reshape(-1)[: image.size // run * run].reshape(-1, run)
    dark = np.count_nonzero(runs.mean(axis=1) < -_DARK)
    return bool(far <= _MOST_FAR_OUT * image.size and dark <= _MOST_DARK * len(runs))


def scaling_of(image: NDArray[Any], name: str = "image") -> str:
    """Return an expression that turns values of unknown white into an image, for an error.

    Args:
        image: integers, or floating and finite.
        name: of the image in the expression.

    >>> scaling_of(np.array([-0.9, 1.0])), scaling_of(np.array([0, 4000], np.int16))
    ('(image + 1) / 2', 'image / 4095')
    >>> scaling_of(np.array([-1000, 3000], np.int16)), scaling_of(np.array([7, 250]))
    ('(image + 1000.0) / 4000.0', 'image.astype(np.uint8)')
    >>> scaling_of(np.array([0, 1.6])), scaling_of(np.array([-10.0, 260]))
    ('image / 1.6', 'image / 255')
    """
    if _fits_uint8(image):
        return f"{name}.astype({'np.uint8' if image.max() > 1 else 'bool'})"
    return _range_of(image)[2].format(name)


def _fits_uint8(image: NDArray[Any]) -> bool:
    return bool(image.dtype.kind in "iu" and image.min() >= 0 and image.max() <= 255)


def _range_of(image: NDArray[Any]) -> tuple[float, float, str]:
    """Return the range that values have, and the expression that brings it to [0, 1]."""
    low, high = float(image.min()), float(image.max())
    slack = _SLACK * (high - low)
    for least, most, expression in _USUAL_RANGES:
        filled = least + (most - least) * _LEAST_FILLED
        if least - slack <= low and filled <= high <= most + slack:
            return least, most, expression
    low, high = (float(f"{end:.4g}") for end in (min(low, 0.0), max(high, 0.0)))
    return low, high, f"({{}} + {-low}) / {high - low}" if low else f"{{}} / {high}"


def check_uint8(
    name: str, image: Any, axes: Sequence[int] = (), *, or_floating: bool = False
) -> None:
    """Check that an argument is an array of 8 bits that is not empty.

    Args:
        name, image: the argument.
        axes: how many axes it may have; any number by default.
        or_floating: take floating values, too, which are in levels of 255.
    """
    check_array(name, image, axes)
    if image.dtype == np.uint8 or (or_floating and image.dtype.kind == "f"):
        return
    check_finite(image, name)
    raise ScalewiseError(
        f"{name} must be uint8, not {image.dtype}; convert it first, such as by "
        f"{_conversion_to_uint8(image, name)}",
        arguments=[name],
    )


def _conversion_to_uint8(image: NDArray[Any], name: str) -> str:
    """Return an expression that turns values of another type into an image of 8 bits."""
    known = white_of(image.dtype)
    if known is not None and (known > 1 or is_unit_range(image)):
        unit = name if known == 1 else f"({name} / {known:g})"
    elif _fits_uint8(image):
        return f"{name}.astype(np.uint8)" + ("" if image.max() > 1 else " * 255")
    else:
        unit = f"({_range_of(image)[2].format(name)})"
    return f"(255 * {unit}).round().clip(0, 255).astype(np.uint8)"
