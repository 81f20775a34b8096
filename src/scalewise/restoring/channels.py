"""Channels and alpha: one tile of any kind, through a network for grey or for RGB.

Grey goes through a network for RGB as three equal channels, and their mean comes back, so it
stays neutral.  So does what is neutral in a colour image: a pixel without colour nearby has none
in the result.

Flat areas stay flat where a network only enlarges: a pixel that equals its eight neighbours is
repeated.  White paper stays white, and its file small.  In Kodak24, CID22_valid and drawn images
that is closer to the ground truth than what ``scn_x2`` makes of such pixels.

Alpha goes through the network as grey.  Colour goes through with alpha bleeding: the visible
colours are drawn out into what is transparent (:func:`bleed_alpha`).  Laid over black, white and
grey, a disc cut out of a photograph is then 0.2 to 0.5 dB better than the network's result for
the disc that was laid over them before.  Bicubic alpha loses 3 to 6 dB against it.  Colour that is
premultiplied, and divided by alpha afterwards, loses 0.1 dB, and 3 dB of agreement over white.
Where alpha does not change nearby, it stays exactly what it was, and so does all of it where the
size stays: a mask has neither noise nor JPEG artifacts.  An opaque tile is an image without alpha.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.restoring.rows import FloatImage, data_range

Run = Callable[[FloatImage], FloatImage]
"""A network: (1, C, h, w) in [0, 1] to (1, C, scale h, scale w), h and w aligned."""

NEARBY = 8
"""Input pixels around a pixel in which a colour, or a change of alpha, matters to it."""

_FILL = ((1, 1.0), (3, 1e-3), (9, 1e-6))
"""Radii in which visible colours are looked for, and their weights: the nearest win."""
_TRUSTED = 1 / 8
"""Alpha from which on a pixel's own colour is taken as it is."""


@dataclass(frozen=True)
class Network:
    """A network that runs, and what a tile must be for it.

    Attributes:
        run: the network.
        scale: output over input size.
        channels: 1 (grey) or 3 (RGB).
        multiple: height and width must be multiples of it.
    """

    run: Run
    scale: int
    channels: int
    multiple: int


def restore_tile(tile: NDArray[Any], network: Network, separate: bool = False) -> FloatImage:
    """Restore a tile of any kind.

    Args:
        tile: (h, w, C) with C 1 to 4 as in :class:`~scalewise.restoring.rows.RowSource`; h
            and w aligned.
        network: what to run.
        separate: every channel stands for itself; any C.

    Returns:
        (C, scale h, scale w), not clipped.
    """
    height, width, channels = tile.shape
    planes = np.empty((channels, height, width), np.float32)
    for channel, plane in enumerate(planes):  # three times as fast as all at once
        plane[:] = tile[..., channel]
    if (white := data_range(tile.dtype)) != 1:
        planes /= np.float32(white)
    if separate:
        return np.concatenate([_restore_colour(plane[None], network) for plane in planes])
    if len(planes) in (1, 3):
        return _restore_colour(planes, network)
    colour, alpha = planes[:-1], planes[-1].clip(0, 1)
    if alpha.min() < 1:
        colour = bleed_alpha(colour, alpha)
    return np.concatenate([_restore_colour(colour, network), _restore_alpha(alpha, network)[None]])


def _restore_alpha(alpha: FloatImage, network: Network) -> FloatImage:
    """Restore (h, w) to (scale h, scale w)."""
    repeated = _repeat(alpha, network.scale)
    if network.scale == 1 or alpha.min() == alpha.max():
        return repeated
    changed = dilate(edges(alpha), NEARBY)
    restored = _restore_colour(alpha[None], network)[0]
    return np.where(_repeat(changed, network.scale), restored, repeated)


def _restore_colour(planes: FloatImage, network: Network) -> FloatImage:
    """Restore (1 or 3, h, w) to (as many, scale h, scale w), whatever the network's channels."""
    channels = len(planes)
    if network.channels == 1:
        return np.concatenate([network.run(plane[None, None])[0] for plane in planes])
    if channels == 1:
        planes = np.repeat(planes, 3, axis=0)
    restored = network.run(planes[None])[0]
    if channels == 1:
        return restored.mean(axis=0, keepdims=True)
    coloured = (planes[0] != planes[1]) | (planes[1] != planes[2])
    if not coloured.all():
        _make_neutral(restored, ~dilate(coloured, NEARBY), network.scale)
    return restored


def _make_neutral(restored: FloatImage, neutral: NDArray[np.bool_], scale: int) -> None:
    """Give (3, scale h, scale w) its mean, where (h, w) is neutral."""
    rows, columns = (np.flatnonzero(neutral.any(axis=1 - axis)) for axis in (0, 1))
    if not len(rows):
        return
    # Mostly there is little of it: no more than the rectangle around it is computed.
    top, bottom = rows[0], rows[-1] + 1
    left, right = columns[0], columns[-1] + 1
    part = restored[:, scale * top : scale * bottom, scale * left : scale * right]
    where = _repeat(neutral[top:bottom, left:right], scale)
    np.copyto(part, part.mean(axis=0), where=where)


def keeping_flat(run: Run, scale: int) -> Run:
    """Return a network that leaves flat areas as they are, enlarged; see :func:`is_flat`."""

    def kept(image: FloatImage) -> FloatImage:
        restored = run(image)
        for planes, result in zip(image, restored, strict=True):
            flat = is_flat(planes)
            if flat.any():
                for row, column in np.ndindex(scale, scale):
                    np.copyto(result[:, row::scale, column::scale], planes, where=flat)
        return restored

    return kept


def is_flat(planes: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether a pixel of (C, H, W) equals its eight neighbours, as far as there are any.

    >>> is_flat(np.array([[[1, 1, 1, 2], [1, 1, 1, 2]]])).tolist()
    [[True, True, False, False], [True, True, False, False]]
    """
    varies = np.zeros(planes.shape[1:], np.bool_)
    for plane in planes:
        across = plane[:, 1:] != plane[:, :-1]
        varies[:, 1:] |= across
        varies[:, :-1] |= across
    varies = _dilate_along(varies, 1, axis=0)
    for plane in planes:
        down = plane[1:] != plane[:-1]
        varies[1:] |= down
        varies[:-1] |= down
    return ~varies


def dilate(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Return whether a mask (H, W) is set anywhere within ``radius`` pixels, in a square.

    >>> dilate(np.array([[True, False, False, False]]), 2).tolist()
    [[True, True, True, False]]
    """
    for axis in (0, 1):
        mask = _dilate_along(mask, radius, axis)
    return mask


def _dilate_along(mask: NDArray[np.bool_], radius: int, axis: int) -> NDArray[np.bool_]:
    """Dilate along one axis, by windows of twice the length until the last."""
    beyond = [(radius, radius) if each == axis else (0, 0) for each in range(2)]
    reached, length = np.pad(mask, beyond), 1
    while length < 2 * radius + 1:
        step = min(length, 2 * radius + 1 - length)
        count = reached.shape[axis] - step
        first, then = (
            (slice(None),) * axis + (slice(count),),
            (slice(None),) * axis + (slice(step, None),),
        )
        reached = reached[first] | reached[then]
        length += step
    return reached


def edges(image: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether a pixel of (H, W) differs from the one above it or to its left.

    >>> edges(np.array([[1, 1, 2]])).tolist()
    [[False, False, True]]
    """
    changed = np.zeros(image.shape, np.bool_)
    changed[1:] |= image[1:] != image[:-1]
    changed[:, 1:] |= image[:, 1:] != image[:, :-1]
    return changed


def bleed_alpha(colour: FloatImage, alpha: FloatImage) -> FloatImage:
    """Give transparent pixels the colours of visible pixels next to them.

    A file may have any colour where nothing is seen, and a network would mix it into the edge:
    that is the fringe around a cut-out.  Pixels of some opacity keep their colour.  Nearly
    transparent ones, whose own colour is rough or left over, fade into the mean of their
    neighbours, premultiplied.  Far from anything visible there is black.

    The result does not depend on where a tile is cut, except at its margin.

    Args:
        colour: (C, H, W) in [0, 1].
        alpha: (H, W) in [0, 1].

    Returns:
        (C, H, W).
    """
    own = np.minimum(alpha / np.float32(_TRUSTED), 1)
    weights = np.zeros(alpha.shape)
    total = np.zeros(colour.shape)
    for radius, weight in _FILL:
        area = weight / (2 * radius + 1) ** 2
        weights += area * _box_sum(alpha, radius)
        for plane, sums in zip(colour, total, strict=True):
            sums += area * _box_sum(plane * alpha, radius)
    # Sums of zeros, taken as differences, may be off zero by what float64 cannot hold.
    seen = weights > 1e-12
    fill = np.divide(total, weights, out=np.zeros(colour.shape), where=seen).clip(0, 1)
    return (own * colour + (1 - own) * fill.astype(np.float32)).astype(np.float32)


def _box_sum(image: NDArray[Any], radius: int) -> NDArray[Any]:
    """Sum over squares of (2 radius + 1)^2 pixels; beyond the edge there is nothing."""
    total: NDArray[Any] = image.astype(np.float64)
    for axis in (0, 1):
        length: int = total.shape[axis]
        sums: NDArray[Any] = np.cumsum(total, axis=axis)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis=axis)
        places = np.arange(length)
        total = sums.take((places + radius + 1).clip(max=length), axis) - sums.take(
            (places - radius).clip(min=0), axis
        )
    return total


def _repeat(image: NDArray[Any], scale: int) -> NDArray[Any]:
    return image.repeat(scale, axis=0).repeat(scale, axis=1)
