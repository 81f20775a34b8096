"""Two-stream network: coarse features gate the fine ones, which gives them far context.

Our own composition.  Two streams of resolution come from Wang et al., "Deep High-Resolution
Representation Learning for Visual Recognition", TPAMI 2020 (https://arxiv.org/abs/1908.07919);
features that gate features at full resolution from Sun et al., "Spatially-Adaptive Feature
Modulation for Efficient Image Super-Resolution", ICCV 2023 (https://arxiv.org/abs/2302.13800).

- The fine stream has the input's resolution: stages of 3x3 convolutions with ReLU, each stage a
  residual step.
- The coarse stream has a quarter of its height and width, so a convolution sees four times as
  far for a sixteenth of the cost.  Each stage updates it from the fine stream's mean over 4x4.
- A 1x1 convolution of the coarse stream gives a gate per feature, and the fine stream is multiplied
  by it.  Gates start as 1 and stay within [0, 2]: photographs need no more than 1.6, and without a
  limit the product of the stages explodes on patterns that training never shows, such as a
  checkerboard of single pixels.
- Convolutions are dense and there is no normalisation, because CPUs are fast at that.
- As in :mod:`scalewise.models.scn_exact` the network starts as bicubic enlargement, and pixel
  areas are aligned: tiles that start on multiples of 4 give the result of the whole image.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scalewise.models.base import RestorationNetwork, require_positive
from scalewise.models.layers import BicubicSkip, keep_variance, resample, start_near_zero

RATIO = 4
"""Size of the fine stream over the size of the coarse one."""

LARGEST_GATE = 2.0
"""The most by which a stage amplifies a feature."""


def residual_chain(width: int, convolutions: int, gain: float) -> nn.Sequential:
    """Return convolutions with a ReLU between each two, for a residual step.

    Args:
        width: features.
        convolutions: number of convolutions.
        gain: factor on the initial weights of the last one.
    """
    chain = nn.Sequential()
    for _ in range(convolutions - 1):
        conv = nn.Conv2d(width, width, 3, padding=1)
        keep_variance(conv)
        chain.extend([conv, nn.ReLU(inplace=True)])
    last = nn.Conv2d(width, width, 3, padding=1)
    with torch.no_grad():
        last.weight.mul_(gain)
    return chain.append(last)


class SteeredStage(nn.Module):
    """One residual step of both streams, then the gate.

    ``c = far(c + renew(mean(x)))`` and ``y = near(x) * enlarged(gate(c))``, where ``near`` and
    ``far`` add a chain of convolutions to their input.

    Args:
        width: features of the fine stream.
        depth: its convolutions.
        coarse_width: features of the coarse stream.
        coarse_depth: its convolutions.
        gain: factor on the initial weights of either chain's last convolution.
    """

    def __init__(
        self, width: int, depth: int, coarse_width: int, coarse_depth: int, gain: float
    ) -> None:
        super().__init__()
        self.near = residual_chain(width, depth, gain)
        self.far = residual_chain(coarse_width, coarse_depth, gain)
        self.renew = nn.Conv2d(width, coarse_width, 1)
        self.gate = nn.Conv2d(coarse_width, width, 1)
        nn.init.zeros_(self.gate.weight)
        nn.init.ones_(self.gate.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, fine: Tensor, coarse: Tensor | None) -> tuple[Tensor, Tensor]:
        """Map fine features (N, width, H, W) and coarse ones to the same shapes.

        Args:
            fine: the fine stream; H and W are multiples of 4.
            coarse: the coarse stream, (N, coarse width, H / 4, W / 4); None begins it.
        """
        renewed: Tensor = self.renew(F.avg_pool2d(fine, RATIO))
        if coarse is not None:
            renewed = renewed + coarse
        renewed = renewed + self.far(renewed)
        gate = resample(self.gate(renewed).clamp(0.0, LARGEST_GATE), RATIO)
        return (fine + self.near(fine)) * gate, renewed


class Steered(RestorationNetwork):
    """The two-stream network, whose coarse stream gates its fine one.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        width: features of the fine stream.
        stages: number of times that the coarse stream is updated and gates the fine one.
        depth: convolutions of the fine stream per stage.
        coarse_width: features of the coarse stream.
        coarse_depth: convolutions of the coarse stream per stage.
    """

    def __init__(
        self,
        scale: int = 2,
        channels: int = 3,
        width: int = 48,
        stages: int = 4,
        depth: int = 4,
        coarse_width: int = 96,
        coarse_depth: int = 2,
    ) -> None:
        require_positive(width=width, stages=stages, depth=depth)
        require_positive(coarse_width=coarse_width, coarse_depth=coarse_depth)
        super().__init__(scale, channels, multiple=RATIO)
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.stages = nn.ModuleList(
            SteeredStage(width, depth, coarse_width, coarse_depth, gain=stages**-0.5)
            for _ in range(stages)
        )
        self.tail = nn.Conv2d(width, channels * scale**2, 3, padding=1)
        self.skip = BicubicSkip(scale, channels)
        self.enlarge = nn.PixelShuffle(scale)
        start_near_zero(self.tail)

    def restore(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`."""
        centred = image - 0.5
        fine: Tensor = self.head(centred)
        coarse: Tensor | None = None
        for stage in self.stages:
            fine, coarse = stage(fine, coarse)
        return self.enlarge(self.tail(fine) + self.skip(centred)) + 0.5
