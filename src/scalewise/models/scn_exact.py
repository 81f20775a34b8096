"""SCN, tile-exact: the network that scalewise trains, releases and recommends.

After Fan et al., "Scale-Wise Convolution for Image Restoration", AAAI 2020
(https://arxiv.org/abs/1912.09028); see :mod:`scalewise.models.scn` for the paper's own form.
One body is shared by all levels of a feature pyramid, and every level gets features of its finer
and its coarser neighbour.  Differences to the paper, with reasons:

- Each level has exactly half the size of the one before: down is 2x2 average pooling (which is what
  bilinear halving with ``align_corners=False`` computes), up is bilinear with
  ``align_corners=False``.  A pixel's result does not depend on the image's size, so tiles that
  start on multiples of ``2^(levels - 1)`` reproduce the whole image.
- The exchange between levels starts at zero, the body's second convolution is scaled by
  ``1 / sqrt(blocks)``, and there is no weight normalisation: a residual network that starts
  close to the identity reaches in minutes what the paper's initialisation reaches in hours.
- The 5x5 skip from the input starts as bicubic interpolation and the tail near zero, so
  training begins at bicubic quality and learns what is missing.
- The last block computes only the finest level's result.
- For noise and JPEG artifacts the finest level may have half the image's height and width
  (``shrink``): four pixels become one with four times the channels, as in Zhang et al., "FFDNet",
  IEEE TIP 2018.  That costs a quarter and doubles the receptive field.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scalewise.models.base import RestorationNetwork, require_levels, require_positive
from scalewise.models.layers import BicubicSkip, start_near_zero, upsample_2x


class ScaleWiseBlock(nn.Module):
    """One residual step on every level of a pyramid, with exchange between neighbours.

    ``y_l = x_l + r_l + down(r_{l-1}) + up(r_{l+1})`` with ``r_l = body(x_l)``: the paper's
    scale-wise convolution, with a missing neighbour left out.

    Args:
        width: features of every level.
        expansion: how many times wider the body is inside.
        body_gain: factor on the initial weights of the body's second convolution.
        last: whether to compute only the finest level.
    """

    def __init__(self, width: int, expansion: int, body_gain: float, last: bool) -> None:
        super().__init__()
        wide = width * expansion
        expand = nn.Conv2d(width, wide, 3, padding=1)
        contract = nn.Conv2d(wide, width, 3, padding=1)
        self.body = nn.Sequential(expand, nn.ReLU(inplace=True), contract)
        self.down = None if last else nn.Conv2d(width, width, 1)
        self.up = nn.Conv2d(width, width, 1)
        with torch.no_grad():
            contract.weight.mul_(body_gain)
            for exchange in (self.up, self.down):
                if exchange is not None:
                    nn.init.zeros_(exchange.weight)
                    nn.init.zeros_(exchange.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, pyramid: list[Tensor]) -> list[Tensor]:
        """Map levels (N, width, H / 2^l, W / 2^l), finest first, to the same shapes."""
        if self.down is None:
            pyramid = pyramid[:2]
        residuals = [self.body(level) for level in pyramid]
        wanted = 1 if self.down is None else len(pyramid)
        out: list[Tensor] = []
        for level in range(wanted):
            y = pyramid[level] + residuals[level]
            if self.down is not None and level > 0:
                # Pooling first: it commutes with a 1x1 convolution and leaves a quarter.
                y = y + self.down(F.avg_pool2d(residuals[level - 1], 2))
            if level + 1 < len(pyramid):
                y = y + upsample_2x(self.up(residuals[level + 1]))
            out.append(y)
        return out


class ScnExact(RestorationNetwork):
    """The tile-exact scale-wise convolutional network.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        width: features of every level.
        expansion: how many times wider the body is inside.
        blocks: scale-wise blocks.
        levels: pyramid levels, each half the size of the one before.
        shrink: size of the image over size of the finest level.
    """

    cleanable = True

    def __init__(
        self,
        scale: int = 2,
        channels: int = 3,
        width: int = 32,
        expansion: int = 4,
        blocks: int = 8,
        levels: int = 3,
        shrink: int = 1,
    ) -> None:
        require_positive(width=width, expansion=expansion, blocks=blocks, shrink=shrink)
        require_levels(levels)
        super().__init__(scale, channels, multiple=shrink * 2 ** (levels - 1))
        self.levels = levels
        self.fold = nn.PixelUnshuffle(shrink)
        self.head = nn.Conv2d(channels * shrink**2, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            ScaleWiseBlock(width, expansion, body_gain=blocks**-0.5, last=index == blocks - 1)
            for index in range(blocks)
        )
        self.tail = nn.Conv2d(width, channels * (scale * shrink) ** 2, 3, padding=1)
        self.unfold = nn.PixelShuffle(scale * shrink)
        self.skip = BicubicSkip(scale, channels)
        self.enlarge = nn.PixelShuffle(scale)
        start_near_zero(self.tail)

    def restore(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`."""
        centred = image - 0.5
        pyramid = [self.head(self.fold(centred))]
        for _ in range(self.levels - 1):
            pyramid.append(F.avg_pool2d(pyramid[-1], 2))
        for block in self.blocks:
            pyramid = block(pyramid)
        residual = self.unfold(self.tail(pyramid[0]))
        return residual + self.enlarge(self.skip(centred)) + 0.5
