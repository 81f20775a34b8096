"""Validation while training: PSNR-Y of whole pictures, under the run's protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scalewise.imaging.protocols import Protocol
from scalewise.models import RestorationNetwork
from scalewise.training.distributed import World
from scalewise.training.machine import autocast
from scalewise.training.protocol import PROTOCOL

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class ValidationSet:
    """Pairs of pictures held in memory.

    Attributes:
        pairs: LR (h, w, 3) and HR (scale h, scale w, 3), from the protocol's ``prepare``: uint8,
            but for noisy LR.
        scale: HR over LR size.
        protocol: how they were prepared and are scored.
    """

    pairs: list[tuple[NDArray[Any], Pixels]]
    scale: int
    protocol: Protocol = PROTOCOL

    def psnr_y(
        self,
        network: RestorationNetwork,
        device: torch.device,
        dtype: torch.dtype,
        world: World | None = None,
    ) -> float:
        """Mean PSNR-Y in dB over the pictures, restored whole by the network.

        The processes of a ``world`` share the pictures.
        """
        world = world or World()
        scores = [0.0] * len(self.pairs)
        for index in range(world.rank, len(self.pairs), world.size):
            lr, hr = self.pairs[index]
            restored = restore_uint8(network, lr, device, dtype)
            scores[index] = self.protocol.score(restored, hr, self.scale).psnr_y
        return float(np.mean(world.sum(*scores)))


def restore_uint8(
    network: RestorationNetwork, image: NDArray[Any], device: torch.device, dtype: torch.dtype
) -> Pixels:
    """Run a network on one picture (H, W, C) in levels of 255, whole, and round to 8 bits."""
    pixels = torch.tensor(image, device=device, dtype=torch.float32)
    batch = pixels.permute(2, 0, 1)[None].contiguous(memory_format=torch.channels_last)
    with torch.no_grad(), autocast(device, dtype):
        restored: torch.Tensor = network(batch / 255)
    rounded = (restored[0].float() * 255).round().clamp(0, 255).byte()
    return rounded.permute(1, 2, 0).cpu().numpy()
