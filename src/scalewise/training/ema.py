"""The exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

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
        self._averaged: list[Tensor] = list(self.network.parameters())

    def decay_at(self, step: int) -> float:
        """Return the decay of a step, counted from 0."""
        return min(self.decay, (1 + step) / (10 + step))

    @torch.no_grad()
    def update(self, network: RestorationNetwork, *, decay: float | Tensor) -> None:
        """Move the average towards a network of the same architecture.

        Args:
            network: the network with the current weights.
            decay: the decay of this step.  Fill a tensor () on the network's device in place to
                change the decay of a CUDA graph.
        """
        current: list[Tensor] = list(network.parameters())
        if isinstance(decay, Tensor):
            torch._foreach_mul_(self._averaged, decay)  # pyright: ignore
            torch._foreach_add_(self._averaged, torch._foreach_mul(current, 1 - decay))  # pyright: ignore
        else:
            torch._foreach_lerp_(self._averaged, current, 1 - decay)  # pyright: ignore
