"""Plain residual network without scales: the baseline that scale-wise networks must beat.

After EDSR-baseline of Lim et al., "Enhanced Deep Residual Networks for Single Image
Super-Resolution", CVPRW 2017 (https://arxiv.org/abs/1707.02921): residual blocks of two 3x3
convolutions without normalisation, all at the input's resolution.  Differences to the paper:

- It starts as bicubic enlargement, like :mod:`scalewise.models.scn_exact`: a 5x5 skip convolution
  from the input starts as bicubic, and the tail near zero.
- The second convolution of a block starts scaled by ``1 / sqrt(blocks)``.
- There is no long skip around the body, and no convolution at its end.
- ``shrink`` folds pixels into channels before the head (Zhang et al., "FFDNet", IEEE TIP 2018).

Two settings are for networks that must be very fast:

- ``residual=False`` makes the body a chain of convolutions with ReLU, without additions.
- ``luminance=True`` makes the tail predict one number per output pixel, which is added to R, G
  and B.  BT.601's weights 0.299, 0.587 and 0.114 add up to 1, so luma grows by that number (in
  limited range by 219/255 of it).  Cb and Cr are differences to luma and do not change: chroma
  comes from the skip convolution alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scalewise.errors import ScalewiseError
from scalewise.models.base import RestorationNetwork, require_positive
from scalewise.models.layers import BicubicSkip, keep_variance, start_near_zero
from scalewise.models.tile_overlap import FLAT_OVERLAP


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a ReLU between them, added to the input.

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
        """Map features (N, width, H, W) to the same shape."""
        return x + self.body(x)


def residual_body(width: int, convolutions: int) -> nn.Sequential:
    """Return residual blocks with a given number of convolutions in total."""
    blocks = convolutions // 2
    return nn.Sequential(*(ResidualBlock(width, gain=blocks**-0.5) for _ in range(blocks)))


def chain_body(width: int, convolutions: int) -> nn.Sequential:
    """Return a ReLU, and convolutions with a ReLU after each."""
    body = nn.Sequential(nn.ReLU(inplace=True))
    for _ in range(convolutions):
        conv = nn.Conv2d(width, width, 3, padding=1)
        keep_variance(conv)
        body.extend([conv, nn.ReLU(inplace=True)])
    return body


class Plain(RestorationNetwork):
    """The plain convolutional network.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        width: features.
        convolutions: 3x3 convolutions between head and tail; a residual block has two.
        residual: whether they form residual blocks instead of a chain.
        ends: kernel size of head and tail, 3 or 5.
        shrink: image size over the size of the features.
        luminance: whether the same residual is added to all image channels.
    """

    def __init__(
        self,
        scale: int = 2,
        channels: int = 3,
        width: int = 48,
        convolutions: int = 18,
        residual: bool = True,
        ends: int = 3,
        shrink: int = 1,
        luminance: bool = False,
    ) -> None:
        require_positive(width=width, convolutions=convolutions, shrink=shrink)
        if residual and convolutions % 2:
            raise ScalewiseError(
                f"convolutions must be even in residual blocks, not {convolutions}",
                arguments=["convolutions"],
            )
        if ends not in (3, 5):
            raise ScalewiseError(f"ends must be 3 or 5, not {ends}", arguments=["ends"])
        super().__init__(scale, channels, multiple=shrink)
        self.tiling = "exact" if reach(convolutions, ends, shrink) <= FLAT_OVERLAP else "blended"
        self.fold = nn.PixelUnshuffle(shrink)
        self.head = nn.Conv2d(channels * shrink**2, width, ends, padding=ends // 2)
        self.body = (residual_body if residual else chain_body)(width, convolutions)
        predicted = 1 if luminance else channels
        self.tail = nn.Conv2d(width, predicted * (scale * shrink) ** 2, ends, padding=ends // 2)
        self.unfold = nn.PixelShuffle(scale * shrink)
        self.skip = BicubicSkip(scale, channels)
        self.enlarge = nn.PixelShuffle(scale)
        start_near_zero(self.tail)

    def restore(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`."""
        centred = image - 0.5
        residual = self.unfold(self.tail(self.body(self.head(self.fold(centred)))))
        return residual + self.enlarge(self.skip(centred)) + 0.5


def reach(convolutions: int, ends: int, shrink: int) -> int:
    """Return the receptive field to one side of an output pixel, in input pixels.

    >>> reach(18, ends=3, shrink=1)
    20
    """
    return max(2, shrink * (convolutions + 2 * (ends // 2)) + shrink - 1)
