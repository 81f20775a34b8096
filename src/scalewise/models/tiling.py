"""Tiling modes of networks; importing them does not need PyTorch."""

from __future__ import annotations

from typing import Literal

Tiling = Literal["exact", "blended", "whole"]
"""How a network may be cut into tiles.

``exact``: tiles that start on multiples of ``multiple`` and overlap give the result of the whole
image up to rounding.  ``blended``: the result depends slightly on the cut, so overlaps must be
feathered.  ``whole``: the network uses statistics of the whole image, and must run on it whole.
"""

OVERLAP = 24
"""Input pixels by which a tile overlaps its neighbours, for networks without a pyramid: only those
whose receptive field reaches no further to one side are ``exact``."""
