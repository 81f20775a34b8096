"""Skeleton of the document's two networks, Original and Adaptive.

``3x3 convolution -> residual blocks -> 3x3 convolution -> PixelShuffle``, from M. Pratap,
"Scale-wise Convolution for image restoration", Purdue University.  The two networks differ only in
their scale-wise convolution: :mod:`scalewise.models.original`,
:mod:`scalewise.models.adaptive`.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from scalewise.models.base import RestorationNetwork, require_levels, require_positive
from scalewise.models.layers import BicubicResidual, start_near_zero

MakeConv = Callable[[], nn.Module]
"""Return a new scale-wise convolution, which keeps the shape of its input."""


class DocumentNetwork(RestorationNetwork):
    """A network with the skeleton that the document's networks share.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        width: features.
        blocks: residual blocks.
        levels: resolutions that a scale-wise convolution looks at, each half the one before.
        scale_wise_conv: factory of the scale-wise convolutions, called in computation order.
        shared: use one scale-wise convolution twice in a block instead of two.
        global_residual: add the bicubic enlargement of the input, and start close to it.
    """

    cleanable = True

    def __init__(
        self,
        scale: int,
        channels: int,
        width: int,
        blocks: int,
        levels: int,
        scale_wise_conv: MakeConv,
        *,
        shared: bool = False,
        global_residual: bool = False,
    ) -> None:
        require_positive(width=width, blocks=blocks)
        require_levels(levels, least=1)
        super().__init__(scale, channels, multiple=2 ** (levels - 1))
        self.initial_conv = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.Sequential(
            *(ResidualBlock(scale_wise_conv, shared) for _ in range(blocks))
        )
        self.final_conv = nn.Conv2d(width, channels * scale**2, 3, padding=1)
        self.bicubic = BicubicResidual(scale, channels) if global_residual else None
        self.shuffle = nn.PixelShuffle(scale)
        if global_residual:
            start_near_zero(self.final_conv)

    def restore(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`."""
        output = self.final_conv(self.blocks(self.initial_conv(image)))
        if self.bicubic is not None:
            output = output + self.bicubic(image)
        return self.shuffle(output)


class ResidualBlock(nn.Module):
    """``x + SWC(ReLU(SWC(x)))``, with two scale-wise convolutions, or one used twice.

    Args:
        scale_wise_conv: factory of scale-wise convolutions.
        shared: use one convolution twice.
    """

    def __init__(self, scale_wise_conv: MakeConv, shared: bool) -> None:
        super().__init__()
        self.shared = shared
        if shared:
            self.scale_conv = scale_wise_conv()
        else:
            self.scale_conv1 = scale_wise_conv()
            self.scale_conv2 = scale_wise_conv()
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, width, H, W) to the same shape."""
        first = self.scale_conv if self.shared else self.scale_conv1
        second = self.scale_conv if self.shared else self.scale_conv2
        return features + second(self.relu(first(features)))
