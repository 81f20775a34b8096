"""The exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch

from scalewise.models import RestorationNetwork


class Ema:
    """A network whose weights trail another's: ``w_ema = d w_ema + (1 - d) w``.

    The decay warms up as ``min(decay, (1 + step) / (10 + step))``, so that the first,
    random weights are soon forgotten.

    Args:
        network: the network to average; it is copied.
        decay: the final decay per step.
    """

    def __init__(self, network: RestorationNetwork, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: RestorationNetwork, step: int) -> None:
        """Move the average towards a network of the same architecture."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for averaged, current in zip(self.network.parameters(), network.parameters(), strict=True):
            averaged.lerp_(current, 1 - decay)
