"""Kinds of tiling, and the overlap up to which a network without a pyramid is exact.

The overlap of pyramids is chosen in :mod:`scalewise.restoring.tiling`.

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
