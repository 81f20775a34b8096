"""FPN: a bottom-up path, and a top-down path that its features enter by lateral connections.

Lin, Dollár, Girshick, He, Hariharan and Belongie, "Feature Pyramid Networks for Object Detection",
CVPR 2017 (https://arxiv.org/abs/1612.03144).

The bottom-up path halves the size from stage to stage.  The top-down path starts at the coarsest
stage and enlarges by the nearest pixel.  At each level it adds the stage's features, which a 1x1
convolution has brought to the same number::

    P_l = Lateral_l(C_l) + Up(P_{l+1})

A 3x3 convolution of each P_l reduces the aliasing of the enlargement.  Stages end in residual
blocks of He et al., "Deep Residual Learning", CVPR 2016, as the paper's do; here they have two 3x3
convolutions and no normalisation.  Differences to the paper, because it detects objects and this
network restores pixels:

- The finest level is the input's own resolution instead of a quarter of it.  By default there are
  three levels instead of four, and ``features``, the paper's d, is 96 instead of 256.
- The levels are merged: the convolved P_l, with ReLU, are enlarged bilinearly to the finest level
  and added up, as Kirillov et al., "Panoptic Feature Pyramid Networks", CVPR 2019
  (https://arxiv.org/abs/1901.02446) do for segmentation.
- A 3x3 convolution predicts ``scale^2`` pixels per input pixel: a pixel shuffle, added to a skip
  that starts as bicubic enlargement, as in :mod:`scalewise.models.plain`.

1,038,300 parameters at x2 in RGB.  The receptive field reaches :func:`reach` input pixels to each
side.  By default tiles overlap by as many and are exact; where it reaches further they are blended.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from scalewise.models.base import RestorationNetwork, require_levels, require_positive
from scalewise.models.layers import BicubicSkip, keep_variance, resample, start_near_zero
from scalewise.models.tile_overlap import tile_overlap


class ResidualBlock(nn.Module):
    """``ReLU(x + Conv(ReLU(Conv(x))))``, the basic block of a residual network.

    Args:
        width: features.
        gain: factor on the initial weights of the second convolution.
    """

    def __init__(self, width: int, gain: float) -> None:
        super().__init__()
        self.first = relu_conv(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        keep_variance(self.second)
        self.second.weight.data.mul_(gain)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (N, width, H, W) to the same shape."""
        return F.relu(x + self.second(self.first(x)))


def relu_conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Return a 3x3 convolution with ReLU, which reduces the size by its stride."""
    conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
    keep_variance(conv)
    return nn.Sequential(conv, nn.ReLU(inplace=True))


class Fpn(RestorationNetwork):
    """The feature pyramid network as a restoration network.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        width: features of the bottom-up path's finest stage; each coarser one has twice as many.
        blocks: residual blocks of a stage.
        levels: resolutions, each half the one before.
        features: features of the top-down path, the same at every level.
    """

    def __init__(
        self,
        scale: int = 2,
        channels: int = 3,
        width: int = 40,
        blocks: int = 1,
        levels: int = 3,
        features: int = 96,
    ) -> None:
        require_positive(width=width, blocks=blocks, features=features)
        require_levels(levels)
        super().__init__(scale, channels, multiple=2 ** (levels - 1))
        within = reach(blocks, levels) <= tile_overlap(self.multiple)
        self.tiling = "exact" if within else "blended"
        widths = [width * 2**level for level in range(levels)]
        self.bottom_up = nn.ModuleList()
        sources = [channels, *widths[:-1]]
        for level, (inputs, outputs) in enumerate(zip(sources, widths, strict=True)):
            first = relu_conv(inputs, outputs, 2 if level else 1)
            residual = (ResidualBlock(outputs, blocks**-0.5) for _ in range(blocks))
            self.bottom_up.append(nn.Sequential(first, *residual))
        self.laterals = nn.ModuleList(nn.Conv2d(outputs, features, 1) for outputs in widths)
        self.smooth = nn.ModuleList(relu_conv(features, features) for _ in widths)
        self.tail = nn.Conv2d(features, channels * scale**2, 3, padding=1)
        self.skip = BicubicSkip(scale, channels)
        self.enlarge = nn.PixelShuffle(scale)
        start_near_zero(self.tail)

    def restore(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`."""
        centred = image - 0.5
        stages: list[Tensor] = []
        for stage in self.bottom_up:
            stages.append(stage(stages[-1] if stages else centred))
        coarsest = len(stages) - 1
        top_down = self.laterals[coarsest](stages[coarsest])
        merged = resample(self.smooth[coarsest](top_down), 2.0**coarsest)
        for level in reversed(range(coarsest)):
            enlarged = F.interpolate(top_down, scale_factor=2.0, mode="nearest")
            top_down = self.laterals[level](stages[level]) + enlarged
            merged = merged + resample(self.smooth[level](top_down), 2.0**level)
        return self.enlarge(self.tail(merged) + self.skip(centred)) + 0.5


def reach(blocks: int, levels: int) -> int:
    """Return the receptive field to one side of an output pixel, in input pixels.

    >>> [reach(blocks, levels) for blocks, levels in ((1, 2), (1, 3), (2, 3), (1, 4))]
    [13, 28, 42, 58]
    """
    coarsest = 2 ** (levels - 1)
    return 7 * coarsest // 2 + 2 * blocks * (2 * coarsest - 1)
