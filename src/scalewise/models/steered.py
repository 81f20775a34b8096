"""A coarse stream that sees far steers a fine one that restores.

The scale-wise idea of Fan et al. ("Scale-Wise Convolution for Image Restoration", AAAI 2020) with
the work divided: nearly all multiplications are spent at full resolution, and a stream at a
quarter of it, where a convolution costs a sixteenth, decides where the fine features matter.  All
convolutions are dense and all activations ReLU, which is what CPUs are fast at.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scalewise.models.base import RestorationNetwork, require_positive
from scalewise.models.layers import bicubic_skip, resample, start_near_zero

COARSE = 4
"""Fine over coarse resolution."""


class SteeredStage(nn.Module):
    """``x + body(x) * (1 + gate(c))``, with the coarse features ``c`` renewed from ``x`` first.

    Args:
        width: features of both streams.
        depth: 3x3 convolutions of the fine body.
        gain: factor on the initial weights of each body's last convolution.
    """

    def __init__(self, width: int, depth: int, gain: float) -> None:
        super().__init__()
        self.body = body(width, depth, gain)
        self.down = nn.Conv2d(width, width, 1)
        self.look = body(width, 2, gain)
        self.gate = nn.Conv2d(width, width, 1)
        with torch.no_grad():
            nn.init.zeros_(self.gate.weight)
            nn.init.zeros_(self.gate.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, fine: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, width, H, W) and (N, width, H / 4, W / 4) to the same shapes."""
        coarse = coarse + self.look(coarse + self.down(F.avg_pool2d(fine, COARSE)))
        gate = 1 + resample(self.gate(coarse), COARSE)
        return fine + self.body(fine) * gate, coarse


class Steered(RestorationNetwork):
    """The steered network.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        width: features of both streams.
        stages: how often the fine stream is steered.
        depth: 3x3 convolutions of the fine stream in each stage.
    """

    def __init__(
        self, scale: int = 2, channels: int = 3, width: int = 48, stages: int = 6, depth: int = 3
    ) -> None:
        require_positive(width=width, stages=stages, depth=depth)
        super().__init__(scale, channels, multiple=COARSE)
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.stages = nn.ModuleList(
            SteeredStage(width, depth, gain=stages**-0.5) for _ in range(stages)
        )
        self.tail = nn.Conv2d(width, channels * scale**2, 3, padding=1)
        self.skip = bicubic_skip(scale, channels)
        self.enlarge = nn.PixelShuffle(scale)
        start_near_zero(self.tail)

    def restore_cleaned(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`."""
        centred = image - 0.5
        fine = self.head(centred)
        coarse = F.avg_pool2d(fine, COARSE)
        for stage in self.stages:
            fine, coarse = stage(fine, coarse)
        return self.enlarge(self.tail(fine) + self.skip(centred)) + 0.5


def body(width: int, depth: int, gain: float) -> nn.Sequential:
    """Return ``depth`` 3x3 convolutions with ReLU between them."""
    layers: list[nn.Module] = []
    for index in range(depth):
        conv = nn.Conv2d(width, width, 3, padding=1)
        if index == depth - 1:
            with torch.no_grad():
                conv.weight.mul_(gain)
        layers += [conv, nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])
