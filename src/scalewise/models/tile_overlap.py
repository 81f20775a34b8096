"""Tile overlap: by how far tiles overlap, and the kinds of tiling of networks.

Without PyTorch, because ONNX graphs are tiled in the same way.
"""

from __future__ import annotations

from typing import Literal

Tiling = Literal["exact", "blended", "whole"]
"""The ways in which an image may be cut into tiles for a network.

``exact``: tiles that start on multiples of ``multiple`` and overlap give the result of the whole
image up to rounding.  ``blended``: the result depends slightly on the cut, so overlaps must be
feathered.  ``whole``: the network sees statistics of the whole image, and must run on it whole.
"""

FLAT_OVERLAP = 24
"""Input pixels by which a tile overlaps its neighbours, for networks without a pyramid.

Only those whose receptive field reaches no further to one side are ``exact``."""

PYRAMID_OVERLAP = 28
"""The least overlap for pyramids, whose receptive field is larger, with ever smaller weights.

The largest difference between tiled and whole with scn_x2 of version 0.1.0, in levels of 255: on
photographs 0.11 (with 24: 0.23; with 16: 0.99), on black and white noise 0.10, on a checkerboard of
single pixels 0.13 (with 24: 0.41).
"""

PYRAMID_PIXELS = 7
"""The least overlap for pyramids, in pixels of the coarsest level."""

BLEND = 14
"""Input pixels to either side of a cut over which tiles of ``blended`` networks are feathered."""

UNMEASURED_OVERLAP = 96
"""The overlap of a network of unknown kind that sees further than can be measured."""


def tile_overlap(multiple: int) -> int:
    """Return by how many input pixels tiles overlap, for a network of such a ``multiple``.

    >>> tile_overlap(1), tile_overlap(4), tile_overlap(8)
    (24, 28, 56)
    """
    return FLAT_OVERLAP if multiple == 1 else max(PYRAMID_OVERLAP, PYRAMID_PIXELS * multiple)


def measured_overlap(reach: int | None) -> int:
    """Return the overlap for a network of unknown kind, whose tiles are feathered.

    Args:
        reach: input pixels from which a change is seen in its result; None for further than was
            measured; see :mod:`scalewise.models.probe`.

    >>> measured_overlap(20), measured_overlap(None)
    (34, 96)
    """
    return UNMEASURED_OVERLAP if reach is None else reach + BLEND


def fitting_overlap(overlap: int, size: tuple[int, int] | None) -> int:
    """Return an overlap that leaves half of a graph's fixed size for what is used of a tile.

    >>> fitting_overlap(28, None), fitting_overlap(28, (64, 48))
    (28, 12)
    """
    return overlap if size is None else min(overlap, min(size) // 4)


def tiling_of(tiling: Tiling, multiple: int, size: tuple[int, int] | None) -> Tiling:
    """Return the tiling of a network's graph, which may be for one (height, width) alone.

    If that is too small for the overlap, or padded inside, ``exact`` networks are ``blended``.

    >>> tiling_of("exact", 4, (128, 112)), tiling_of("exact", 4, (64, 48))
    ('exact', 'blended')
    """
    if tiling != "exact" or size is None:
        return tiling
    overlap = tile_overlap(multiple)
    fits = fitting_overlap(overlap, size) == overlap and not any(side % multiple for side in size)
    return "exact" if fits else "blended"
