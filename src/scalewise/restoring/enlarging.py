"""Pictures to any size: a chain of networks, and then the resampler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.restoring.resampling import resampled
from scalewise.restoring.rows import (
    Progress,
    Rows,
    RowSink,
    RowSource,
    rows_of,
    rows_of_array,
    to_array,
)
from scalewise.restoring.sizes import Plan, Target, network_pixels, plan


class Network(Protocol):
    """One step of a chain, such as a :class:`~scalewise.restoring.restorer.Restorer`."""

    name: str
    scale: int

    def restored(
        self,
        rows: Rows,
        dtype: np.dtype[Any],
        progress: Progress | None = None,
        *,
        deep: bool | None = None,
    ) -> Rows:
        """See :meth:`scalewise.restoring.restorer.Restorer.restored`."""
        ...


def plan_for(picture: Rows | RowSource, restorers: Sequence[Network], target: Target) -> Plan:
    """How a picture gets to its size with these networks."""
    scales = [restorer.scale for restorer in restorers]
    return plan(picture.height, picture.width, target, scales)


def enlarge(
    image: NDArray[Any],
    restorers: Sequence[Network],
    target: Target | None = None,
    progress: Progress | None = None,
    *,
    separate: bool = False,
) -> NDArray[Any]:
    """Restore an array at any size.

    Args:
        image: (H, W) or (H, W, C), as for :meth:`Restorer.restore`.
        restorers: networks of different scales; the first is used where no size is wished, and
            of several of one scale the last for what others have enlarged already.
        target: the size that is wished.
        progress: told how many pixels the networks have done, and how many they are to do.
        separate: every channel stands for itself, such as near infrared beside RGB: none is
            alpha, and C may be more than 4.

    Raises:
        ValueError, ScalewiseError: as :meth:`Restorer.restore`, and a size out of reach.
    """
    if image.ndim == 2:
        return enlarge(image[..., None], restorers, target, progress)[..., 0]
    rows = rows_of_array(image, separate)
    chosen = plan_for(rows, restorers, target or Target())
    return to_array(enlarged(rows, restorers, chosen, progress))


def enlarge_rows(
    source: RowSource,
    sink: RowSink,
    restorers: Sequence[Network],
    target: Target | None = None,
    progress: Progress | None = None,
) -> None:
    """:func:`enlarge` for pictures that need not fit into memory, from rows to rows.

    The result's size, which a sink may need beforehand, is that of :func:`plan_for`.
    """
    chosen = plan_for(source, restorers, target or Target())
    for block in enlarged(rows_of(source), restorers, chosen, progress).blocks:
        sink.write_rows(block)


def enlarged(
    rows: Rows, restorers: Sequence[Network], plan: Plan, progress: Progress | None = None
) -> Rows:
    """A picture's rows at the planned size, as they are taken; see :func:`enlarge`.

    Every step takes the rows of the one before as they come, in float32 in between.
    """
    dtype, between, deep = rows.dtype, np.dtype(np.float32), rows.dtype != np.uint8
    pixels = network_pixels(rows.height, rows.width, plan.scales)
    done = [0] * len(pixels)

    for step, restorer in enumerate(chain(restorers, plan)):
        scale = restorer.scale
        last = (rows.height * scale, rows.width * scale) == (plan.height, plan.width)
        kind = dtype if last and step + 1 == len(plan.scales) else between
        rows = restorer.restored(rows, kind, _part(progress, done, step, sum(pixels)), deep=deep)
    if (rows.height, rows.width) != (plan.height, plan.width):
        rows = resampled(rows, plan.height, plan.width, dtype)
    return rows


def chain(restorers: Sequence[Network], plan: Plan) -> list[Network]:
    """The networks that a picture goes through, one after another; see :func:`enlarge`.

    Raises:
        ScalewiseError: none of them has a scale that is planned.
    """
    chosen: list[Network] = []
    for scale in plan.scales:
        fitting = [restorer for restorer in restorers if restorer.scale == scale]
        if not fitting:
            raise ScalewiseError(f"no network at hand that enlarges {scale} times")
        chosen.append(fitting[-1] if chosen else fitting[0])
    return chosen


def _part(progress: Progress | None, done: list[int], step: int, total: int) -> Progress | None:
    """Progress of one step, told as that of all."""
    if progress is None:
        return None

    def told(pixels: int, _: int) -> None:
        done[step] = pixels
        progress(sum(done), total)

    return told
