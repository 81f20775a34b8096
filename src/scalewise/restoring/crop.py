"""Restoration of a part of an image, as the restored whole has it there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.imaging.resize import contributions
from scalewise.models.tile_overlap import tile_overlap
from scalewise.restoring.cascade import CascadePlan, divide_by_alpha, multiply_by_alpha, steps_of
from scalewise.restoring.restorer import Restorer
from scalewise.restoring.rows import data_range, rows_of_array, to_array, to_samples

Box = tuple[int, int, int, int]
"""A part of an image: x, y, width, height."""

ReadRegion = Callable[[int, int, int, int], NDArray[Any]]
"""A function of a box that returns its pixels, (height, width, C)."""

_RESAMPLER_REACH = 6
"""Input pixels on either side that the last resampling looks at, where it enlarges."""


def restore_crop(
    read: ReadRegion,
    size: tuple[int, int],
    restorers: Sequence[Restorer],
    plan: CascadePlan,
    box: Box,
    *,
    separate: bool = False,
    check: Callable[[], None] | None = None,
) -> NDArray[Any]:
    """Restore a part of an image.

    The networks see as much around the part as they need, so that the result is that of the whole
    image up to rounding.  What they are given has the same size wherever the part lies: graphs are
    compiled for a size.

    Args:
        read: returns pixels of the image.
        size: width and height of the image.
        restorers: as for :func:`~scalewise.restoring.cascade.upscale_rows`.
        plan: of the whole image.
        box: the part, in pixels of the image.
        separate: as for :class:`~scalewise.restoring.rows.Rows`.
        check: called before each network; it may raise to stop.

    Returns:
        The pixels of the whole result in the box, rounded to whole pixels.
    """
    steps = steps_of(restorers, plan)
    scale = prod(plan.scales)
    halo = _reach(steps, plan, size)
    multiple = max([step.multiple for step in steps], default=1)
    x, width = _window(box[0], box[2], size[0], halo, multiple)
    y, height = _window(box[1], box[3], size[1], halo, multiple)
    pixels = read(x, y, width, height)
    dtype = pixels.dtype
    exact = (plan.width, plan.height) == (size[0] * scale, size[1] * scale)
    rows = rows_of_array(pixels, separate)
    for step, restorer in enumerate(steps):
        last = step + 1 == len(steps) and exact
        kind = dtype if last else np.dtype(np.float32)
        taken = restorer.restore_rows(rows, kind, deep=dtype != np.uint8)
        rows = replace(taken, blocks=_checked(taken.blocks, check))
        rows = rows_of_array(to_array(rows), separate)
    restored = to_array(rows)
    across, down = plan.width / size[0], plan.height / size[1]
    columns = slice(round(box[0] * across), max(round((box[0] + box[2]) * across), 1))
    lines = slice(round(box[1] * down), max(round((box[1] + box[3]) * down), 1))
    columns, lines = _not_empty(columns, plan.width), _not_empty(lines, plan.height)
    if exact:
        left, top = x * scale, y * scale
        return restored[
            lines.start - top : lines.stop - top, columns.start - left : columns.stop - left
        ]
    values = restored.astype(np.float32) / np.float32(data_range(restored.dtype))
    values = values if separate else multiply_by_alpha(values)
    values = _resampled(values, 0, y * scale, size[1] * scale, plan.height, lines)
    values = _resampled(values, 1, x * scale, size[0] * scale, plan.width, columns)
    return to_samples(values if separate else divide_by_alpha(values), dtype).astype(dtype)


def _reach(steps: Sequence[Restorer], plan: CascadePlan, size: tuple[int, int]) -> int:
    """Return by how many input pixels the networks and the resampler look around."""
    reach, scale = 0.0, 1
    for step in steps:
        reach += tile_overlap(step.multiple) / scale
        scale *= step.scale
    if (plan.width, plan.height) != (size[0] * scale, size[1] * scale):
        shrinks = max(1.0, size[0] * scale / plan.width, size[1] * scale / plan.height)
        reach += _RESAMPLER_REACH * shrinks / scale
    return int(np.ceil(reach))


def window_side(length: int, halo: int, multiple: int) -> int:
    """Return how many pixels networks are given along an axis for a part of some length.

    >>> window_side(96, 28, 4)
    156
    """
    return -(-(length + 2 * halo + multiple - 1) // multiple) * multiple


def _window(start: int, length: int, side: int, halo: int, multiple: int) -> tuple[int, int]:
    """Return start and length of what is read along an axis."""
    whole = window_side(length, halo, multiple)
    padded = -(-side // multiple) * multiple
    first = max(0, min((start - halo) // multiple * multiple, padded - whole))
    return first, min(whole, side - first)


def _not_empty(places: slice, side: int) -> slice:
    start = min(places.start, side - 1)
    return slice(start, max(min(places.stop, side), start + 1))


def _checked(blocks: Any, check: Callable[[], None] | None) -> Any:
    for block in blocks:
        if check is not None:
            check()
        yield block


def _resampled(
    values: NDArray[np.float32], axis: int, offset: int, length: int, out_length: int, places: slice
) -> NDArray[np.float32]:
    """Resample a part of an axis, as :func:`~scalewise.restoring.cascade.resample_rows` does."""
    indices, weights = contributions(length, out_length, out_length / length)
    indices = (indices[places] - offset).clip(0, values.shape[axis] - 1)
    weights = weights[places].astype(np.float32)
    moved = np.moveaxis(values, axis, 0)
    out = np.zeros((len(indices), *moved.shape[1:]), np.float32)
    for tap in range(weights.shape[1]):
        out += weights[:, tap, None, None] * moved[indices[:, tap]]
    return np.moveaxis(out, 0, axis)
