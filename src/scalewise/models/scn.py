"""SCN, the paper's network: the authors' checkpoints load and give the authors' results.

Fan, Yu, Liu and Huang, "Scale-Wise Convolution for Image Restoration", AAAI 2020,
https://arxiv.org/abs/1912.09028; official code: https://github.com/ychfan/scn.

One body is shared by all levels of a feature pyramid.  Every level adds its own residual, its
finer neighbour's (1x1 convolution, then halved) and its coarser neighbour's (1x1 convolution,
then doubled).  Every convolution is weight-normalised (Salimans and Kingma, NeurIPS 2016,
https://arxiv.org/abs/1602.07868).  Published setting: 32 features, 4 times as many inside the
body, 16 blocks; 1,224,916 parameters at x2, 1,230,421 at x3, 1,238,128 at x4 and 1,221,382 at
x1, whatever the number of levels.

Resampling aligns the corner pixels, as the official code does, so a pixel's result depends
slightly on the size of the image or tile;
:mod:`scalewise.models.scn_exact` is the variant without this.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from scalewise.models.base import (
    RestorationNetwork,
    Tiling,
    pad_to_multiple,
    require_levels,
    require_positive,
)


class WeightNormConv2d(nn.Module):
    """A convolution with weight ``g v / |v|``, one length g per output channel; same size out.

    Args:
        inputs: input channels.
        outputs: output channels.
        kernel: kernel size, odd.
        gain: the initial g, with a zero bias; by default both are as in a plain convolution.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, gain: float | None = None) -> None:
        super().__init__()
        plain = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
        assert plain.bias is not None
        self.padding = kernel // 2
        self.weight_v = plain.weight
        self.weight_g = nn.Parameter(_length(plain.weight).detach())
        self.bias = plain.bias
        if gain is not None:
            nn.init.constant_(self.weight_g, gain)
            nn.init.zeros_(self.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        weight = self.weight_v * (self.weight_g / _length(self.weight_v))
        return F.conv2d(features, weight, self.bias, padding=self.padding)


class FeaturePyramid(nn.Module):
    """Pyramid of (N, width, H, W): levels (N, width, H / 2^l, W / 2^l), each half the last."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = levels
        self.halve = _bilinear(0.5)

    def forward(self, features: Tensor) -> list[Tensor]:
        """See the class."""
        pyramid = [features]
        for _ in range(self.levels - 1):
            pyramid.append(self.halve(pyramid[-1]))
        return pyramid


class ScaleWiseBlock(nn.Module):
    """``y_l = x_l + r_l + down(r_{l-1}) + up(r_{l+1})`` with ``r_l = body(x_l)``.

    At either end of the pyramid, r_l itself replaces the term of the missing neighbour.

    Args:
        width: features of every level.
        wide: features inside the body.
        gain: initial length of the weights of the body's second convolution.
    """

    def __init__(self, width: int, wide: int, gain: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            WeightNormConv2d(width, wide, 3, gain=2.0),
            nn.ReLU(inplace=True),
            WeightNormConv2d(wide, width, 3, gain=gain),
        )
        self.down = nn.Sequential(WeightNormConv2d(width, width, 1), _bilinear(0.5))
        self.up = nn.Sequential(WeightNormConv2d(width, width, 1), _bilinear(2.0))

    def forward(self, pyramid: list[Tensor]) -> list[Tensor]:
        """Map levels (N, width, H / 2^l, W / 2^l), finest first, to the same shapes."""
        residuals: list[Tensor] = [self.body(level) for level in pyramid]
        from_finer = [residuals[0]] + [self.down(residual) for residual in residuals[:-1]]
        from_coarser = [self.up(residual) for residual in residuals[1:]] + [residuals[-1]]
        return [
            x + own + finer + coarser
            for x, own, finer, coarser in zip(
                pyramid, residuals, from_finer, from_coarser, strict=True
            )
        ]


class FinestLevel(nn.Module):
    """A pyramid's first level."""

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """See the class."""
        return pyramid[0]


class Scn(RestorationNetwork):
    """The scale-wise convolutional network as published.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        width: features of every level.
        expansion: how many times wider the body is inside.
        blocks: scale-wise blocks.
        levels: pyramid levels, each half the size of the one before.
    """

    tiling: Tiling = "blended"

    def __init__(
        self,
        scale: int = 2,
        channels: int = 3,
        width: int = 32,
        expansion: float = 4,
        blocks: int = 16,
        levels: int = 4,
    ) -> None:
        require_positive(width=width, expansion=expansion, blocks=blocks)
        require_levels(levels, least=1)
        super().__init__(scale, channels, multiple=2**levels)
        wide = max(1, round(width * expansion))
        outputs = channels * scale**2
        # The order, with its parameterless steps, gives the official checkpoints' names.
        self.body = nn.Sequential(
            WeightNormConv2d(channels, width, 3, gain=1.0),
            FeaturePyramid(levels),
            *(ScaleWiseBlock(width, wide, gain=blocks**-0.5) for _ in range(blocks)),
            FinestLevel(),
            WeightNormConv2d(width, outputs, 3, gain=1.0),
        )
        # At scale 1 the image already has the output's shape, and is added directly.
        enlarging = [WeightNormConv2d(channels, outputs, 5, gain=1.0)] if scale > 1 else []
        self.skip = nn.Sequential(*enlarging)
        self.shuffle = nn.PixelShuffle(scale)

    def align(self, image: Tensor) -> Tensor:
        """Return the image unchanged: only the body pads, not the skip."""
        return image

    def restore(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`; takes any size."""
        height, width = image.shape[-2:]
        centred = image - 0.5
        residual = self.body(pad_to_multiple(centred, self.multiple))[..., :height, :width]
        return self.shuffle(residual + self.skip(centred)) + 0.5


def _length(weight: Tensor) -> Tensor:
    """Return the Euclidean length of every output channel's weights: (outputs, 1, 1, 1)."""
    return weight.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()


def _bilinear(factor: float) -> nn.Upsample:
    return nn.Upsample(scale_factor=factor, mode="bilinear", align_corners=True)
