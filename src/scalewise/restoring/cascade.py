"""Cascades: an image to any size, through one network or several, then the resampler.

Networks enlarge by whole numbers.  Any other size is reached by a network, or by several one
after another, and then by the bicubic resampler.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from math import prod
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import is_list, shown
from scalewise.errors import ScalewiseError
from scalewise.imaging.data_range import check_finite
from scalewise.imaging.resize import contributions, resample_axis
from scalewise.restoring.rows import (
    Progress,
    RowBuffer,
    Rows,
    data_range,
    rows_of_array,
    to_array,
    to_samples,
)
from scalewise.restoring.sizes import Target

SLACK = 1.05
"""The factor by which the resampler may enlarge what the networks made.

To compute a fourfold image in place of a twofold one, for a few pixels, would take five times as
long."""

_BLOCK = 32  # rows that are resampled at once


class CascadeStep(Protocol):
    """One step of a cascade, such as a :class:`~scalewise.restoring.restorer.Restorer`."""

    @property
    def name(self) -> str:
        """Name of the network."""
        ...

    @property
    def scale(self) -> int:
        """Output over input size."""
        ...

    @property
    def strength(self) -> float:
        """Part of its change that is kept, in [0, 1]."""
        ...

    def restore_rows(
        self,
        rows: Rows,
        dtype: np.dtype[Any],
        progress: Progress | None = None,
        *,
        deep: bool | None = None,
    ) -> Rows:
        """See :meth:`scalewise.restoring.restorer.Restorer.restore_rows`."""
        ...


@dataclass(frozen=True)
class CascadePlan:
    """The steps that reach a size.

    Attributes:
        height, width: of the result.
        scales: of the networks, in the order in which they run; none where the image does
            not grow.
    """

    height: int
    width: int
    scales: tuple[int, ...]

    def keeps(self, height: int, width: int) -> bool:
        """Return whether an image of this size stays as it is."""
        return not self.scales and (self.height, self.width) == (height, width)


def check_restorers(name: str, value: object) -> None:
    """Check that an argument is a list of networks, with one at least."""
    if not value or not is_list(value, lambda step: hasattr(step, "restore_rows")):
        raise ScalewiseError(
            f"{name} must be a list of loaded networks, such as [scalewise.load()], "
            f"not {shown(value)}",
            arguments=[name],
        )


def upscale_array(
    image: NDArray[Any],
    restorers: Sequence[CascadeStep],
    target: Target | None = None,
    progress: Progress | None = None,
    *,
    separate: bool = False,
) -> NDArray[Any]:
    """Restore an array at any size.

    Args:
        image: (H, W) or (H, W, C), as for :meth:`Restorer.restore`.
        restorers: networks of different scales; the first is used where no size is given, and
            of several of one scale the last for what others have enlarged already.
        target: the size of the result.
        progress: called with the pixels that the networks have done, and those to do.
        separate: every channel stands for itself, such as near infrared next to RGB: none is
            alpha, and C may be more than 4.

    Raises:
        ValueError, ScalewiseError: as :meth:`Restorer.restore`, a size out of reach, or no
            networks.
    """
    check_restorers("restorers", restorers)
    check_finite(image)
    if image.ndim == 2:
        return upscale_array(image[..., None], restorers, target, progress)[..., 0]
    rows = rows_of_array(image, separate)
    plan = plan_image(rows, restorers, target or Target())
    return to_array(upscale_rows(rows, restorers, plan, progress))


def upscale_rows(
    rows: Rows,
    restorers: Sequence[CascadeStep],
    plan: CascadePlan,
    progress: Progress | None = None,
) -> Rows:
    """Restore an image's rows at the planned size, as they are taken; see :func:`upscale_array`.

    Every step takes the rows of the one before as they come, in float32 in between.
    """
    dtype, between, deep = rows.dtype, np.dtype(np.float32), rows.dtype != np.uint8
    pixels = network_pixels(rows.height, rows.width, plan.scales)
    done = [0] * len(pixels)

    for step, restorer in enumerate(steps_of(restorers, plan)):
        scale = restorer.scale
        last = (rows.height * scale, rows.width * scale) == (plan.height, plan.width)
        kind = dtype if last and step + 1 == len(plan.scales) else between
        part = _part(progress, done, step, sum(pixels))
        rows = restorer.restore_rows(rows, kind, part, deep=deep)
    if (rows.height, rows.width) != (plan.height, plan.width):
        rows = resample_rows(rows, plan.height, plan.width, dtype)
    return rows


class _Scaled(Protocol):
    """A network, or what stands for one, such as its card."""

    @property
    def scale(self) -> int: ...


_Step = TypeVar("_Step", bound=_Scaled)


def steps_of(restorers: Sequence[_Step], plan: CascadePlan) -> list[_Step]:
    """Return the networks that an image goes through, in order; see :func:`upscale_array`.

    Args:
        restorers: the networks, or their cards.
        plan: what is planned for the image.

    Raises:
        ScalewiseError: none of them has a scale that is planned.
    """
    steps: list[_Step] = []
    for scale in plan.scales:
        fitting = [restorer for restorer in restorers if restorer.scale == scale]
        if not fitting:
            raise ScalewiseError(f"no network is loaded that enlarges {scale} times")
        steps.append(fitting[-1] if steps else fitting[0])
    return steps


class _Sized(Protocol):
    """An image, as far as its size is known."""

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...


def plan_image(image: _Sized, restorers: Sequence[CascadeStep], target: Target) -> CascadePlan:
    """Return how an image gets to its size with these networks; see :func:`plan_cascade`."""
    scales = [restorer.scale for restorer in restorers]
    strength = restorers[0].strength if restorers else 1.0
    return plan_cascade(image.height, image.width, target, scales, strength)


def plan_cascade(
    height: int, width: int, target: Target, scales: Iterable[int], strength: float = 1.0
) -> CascadePlan:
    """Return which networks lead to a size.

    They are the cheapest that make the image large enough, up to 5 %.  What is too large is
    reduced, which loses nothing; what is too small by more would be blurred.  A first network that
    keeps the size restores in any case, and others enlarge after it; it is left out where nothing
    of its change is kept.

    Args:
        height, width: of the image.
        target: the size of the result.
        scales: of the networks that are loaded, the default first; none if the image needs none.
        strength: part of the first network's change that is kept, in [0, 1].

    >>> plan_cascade(1000, 1500, Target(scale=3), [2])
    CascadePlan(height=3000, width=4500, scales=(2, 2))
    >>> plan_cascade(1000, 1500, Target(scale=3), [2, 3])
    CascadePlan(height=3000, width=4500, scales=(3,))
    >>> plan_cascade(1000, 1500, Target(width=3001), [2])
    CascadePlan(height=2001, width=3001, scales=(2,))
    >>> plan_cascade(1000, 1500, Target(width=1000), [2])
    CascadePlan(height=667, width=1000, scales=())
    >>> plan_cascade(1000, 1500, Target(scale=2), [1, 2])
    CascadePlan(height=2000, width=3000, scales=(1, 2))
    >>> plan_cascade(1000, 1500, Target(scale=2), [1, 2], strength=0)
    CascadePlan(height=2000, width=3000, scales=(2,))
    """
    known = list(scales)
    native = known[0] if known else 1
    rows, columns = target.size(height, width, native)
    factor = max(rows / height, columns / width)
    growing = sorted({scale for scale in known if scale > 1})
    keeps_size = known[:1] == [1]
    restoring = (1,) if keeps_size and strength else ()
    if factor <= (SLACK if keeps_size else 1.0) or not growing:
        return CascadePlan(rows, columns, restoring)
    fitting = [chain for chain in _chains(growing, factor) if prod(chain) * SLACK >= factor]
    return CascadePlan(rows, columns, (*restoring, *min(fitting, key=_cost)))


def explain_size(restorers: Sequence[CascadeStep], plan: CascadePlan, width: int) -> str:
    """Say how an image gets to its size, where that is not what the first network does.

    Args:
        restorers: the networks, as for :func:`upscale_array`.
        plan: what is planned.
        width: of the image.
    """
    if not plan.scales:
        return ""
    first, steps = restorers[0], steps_of(restorers, plan)
    if first not in steps and first.scale == 1:
        return f"strength 0 leaves {first.name} out"
    if first not in steps:
        return f"for this size in place of {first.name}, which enlarges {first.scale} times"
    if [first] == steps and first.scale == 1 and plan.width > width:
        return f"{first.name} keeps the size, so bicubic interpolation enlarges"
    return ""


def explain_strength(steps: Iterable[CascadeStep]) -> str:
    """Say what part is kept of what networks change, where it is not all."""
    strengths = (step.strength for step in steps)
    return next((f"strength {strength:g}" for strength in strengths if strength < 1), "")


def network_pixels(height: int, width: int, scales: Iterable[int]) -> list[int]:
    """Return the pixels that each network of a cascade is given.

    >>> network_pixels(10, 10, (2, 3))
    [100, 400]
    """
    pixels: list[int] = []
    for scale in scales:
        pixels.append(height * width)
        height, width = height * scale, width * scale
    return pixels


def resample_rows(rows: Rows, height: int, width: int, dtype: np.dtype[Any]) -> Rows:
    """Resample an image's rows to another size: bicubic, antialiased where it shrinks.

    The result is that of :func:`scalewise.imaging.resize.imresize` for floating samples.  Alpha
    is respected: colours count for as much as they are visible.

    Args:
        rows: the image.
        height, width: of the result.
        dtype: of the result's samples.
    """
    blocks = _resample_blocks(rows, height, width, dtype)
    return Rows(height, width, rows.channels, dtype, blocks, rows.separate)


def _resample_blocks(
    rows: Rows, height: int, width: int, dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    indices, weights = contributions(rows.height, height, height / rows.height)
    starts = range(0, height, _BLOCK)
    # Mirrored at the edges, rows do not ascend; nothing may be dropped that is needed later.
    first = np.array([indices[start : start + _BLOCK].min() for start in starts])
    first = np.minimum.accumulate(first[::-1])[::-1]
    buffer = RowBuffer(rows.blocks)
    white = np.float32(data_range(rows.dtype))
    for start, low in zip(starts, first.tolist(), strict=True):
        block = slice(start, start + _BLOCK)
        high = int(indices[block].max()) + 1
        source = buffer.rows(low, high).astype(np.float32) / white
        source = source if rows.separate else multiply_by_alpha(source)
        source = resample_axis(source, 1, width, width / rows.width).astype(np.float32)
        out = np.zeros((len(indices[block]), width, rows.channels), np.float32)
        for tap in range(weights.shape[1]):
            weight = weights[block, tap].astype(np.float32)
            out += weight[:, None, None] * source[indices[block, tap] - low]
        yield to_samples(out if rows.separate else divide_by_alpha(out), dtype).astype(dtype)


def multiply_by_alpha(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Multiply colour by alpha, where there is alpha."""
    if pixels.shape[2] in (2, 4):
        pixels[..., :-1] *= pixels[..., -1:]
    return pixels


def divide_by_alpha(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide colour by alpha, where there is alpha."""
    if pixels.shape[2] in (2, 4):
        alpha = pixels[..., -1:]
        np.divide(pixels[..., :-1], alpha, out=pixels[..., :-1], where=alpha > 1e-4)
    return pixels


def _chains(scales: list[int], factor: float) -> Iterator[tuple[int, ...]]:
    """Yield ascending chains, up to the length at which the smallest scale alone suffices."""
    longest = next(n for n in count(1) if scales[0] ** n * SLACK >= factor)
    chains: list[tuple[int, ...]] = [()]
    for _ in range(longest):
        chains = [(*c, scale) for c in chains for scale in scales if not c or scale >= c[-1]]
        yield from chains


def _cost(chain: tuple[int, ...]) -> tuple[int, int]:
    """Return a chain's cost: a network takes time mostly by the pixels that it is given."""
    return sum(network_pixels(1, 1, chain)), prod(chain)


def _part(progress: Progress | None, done: list[int], step: int, total: int) -> Progress | None:
    """Return a callback that reports progress of one step as that of all."""
    if progress is None:
        return None

    def report(pixels: int, _: int) -> None:
        done[step] = pixels
        progress(sum(done), total)

    return report
