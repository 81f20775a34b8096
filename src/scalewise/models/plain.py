"""A plain residual network, without scales: the baseline that scale-wise exchange has to beat.

In the manner of EDSR's baseline (Lim et al., "Enhanced Deep Residual Networks for Single Image
Super-Resolution", CVPRW 2017), but, as :mod:`scalewise.models.scn_exact`, on top of a skip
convolution that starts as bicubic enlargement.  Without residual blocks, and with an image folded
ahead of it, it is the family of very fast networks.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from scalewise.models.base import RestorationNetwork, require_positive
from scalewise.models.layers import bicubic_skip, start_near_zero


class ResidualBlock(nn.Module):
    """``x + conv(ReLU(conv(x)))``, both 3x3, on (N, width, H, W).

    Args:
        width: features.
        gain: factor on the initial weights of the second convolution.
    """

    def __init__(self, width: int, gain: float) -> None:
        super().__init__()
        first = nn.Conv2d(width, width, 3, padding=1)
        second = nn.Conv2d(width, width, 3, padding=1)
        self.body = nn.Sequential(first, nn.ReLU(inplace=True), second)
        with torch.no_grad():
            second.weight.mul_(gain)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return x + self.body(x)


class ChainBlock(nn.Sequential):
    """Two 3x3 convolutions, each after a ReLU, on (N, width, H, W)."""

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
        )


class Plain(RestorationNetwork):
    """The plain network.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        width: features.
        blocks: pairs of 3x3 convolutions between head and tail.
        residual: whether each pair adds to what it was given; a plain chain is faster.
        ends: kernel size of head and tail.
        shrink: image over features, in size: pixels are folded into channels ahead of the head.
        luminance: predict one residual for all channels.  Under BT.601 that changes luminance
            and leaves chroma as the skip convolution makes it.
    """

    def __init__(
        self,
        scale: int = 2,
        channels: int = 3,
        width: int = 48,
        blocks: int = 9,
        residual: bool = True,
        ends: Literal[3, 5] = 3,
        shrink: int = 1,
        luminance: bool = False,
    ) -> None:
        require_positive(width=width, blocks=blocks, shrink=shrink)
        super().__init__(scale, channels, multiple=shrink)
        predicted = 1 if luminance else channels
        self.fold = nn.PixelUnshuffle(shrink)
        self.head = nn.Conv2d(channels * shrink**2, width, ends, padding=ends // 2)
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(width, blocks**-0.5) if residual else ChainBlock(width)
                for _ in range(blocks)
            )
        )
        self.tail = nn.Conv2d(width, predicted * (scale * shrink) ** 2, ends, padding=ends // 2)
        self.unfold = nn.PixelShuffle(scale * shrink)
        self.skip = bicubic_skip(scale, channels)
        self.enlarge = nn.PixelShuffle(scale)
        start_near_zero(self.tail)

    def restore_cleaned(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`."""
        centred = image - 0.5
        residual = self.unfold(self.tail(self.blocks(self.head(self.fold(centred)))))
        return residual + self.enlarge(self.skip(centred)) + 0.5
