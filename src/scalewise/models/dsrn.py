"""DSRN: a recurrent network with a small and a large state that exchange features.

Han, Chang, Liu, Yu, Witbrock and Huang, "Image Super-Resolution via Dual-State Recurrent
Networks", CVPR 2018 (https://arxiv.org/abs/1805.02704).

The image's features are the first small state.  Then both states are updated from both, T times
with the same weights::

    small' = ReLU(small + R_small(small) + Down(large))
    large' = ReLU(large + R_large(large) + Up(small))

R is a residual branch of two 3x3 convolutions, Up a transposed and Down a strided convolution.
Every large state gives an image by a 1x1 convolution, and the result is their mean.  The network
learns the residual to bicubic enlargement (``global_residual``).

The authors' setting: 128 features, T = 7; 797,699 parameters at x2 here.  Details are as in their
published code (https://github.com/WeiHan3/dsrn, x2): both transitions take a step, there is no
large state before the first, Up's kernel is as large as its stride, and targets are residuals.
There are two differences.  That code reduces by 2x2 average pooling; this network has the strided
convolution of the paper's description, and its kernel is as large as its stride by our choice.
That code also counts the first small state as one of seven, so it has six large ones
(``stages=6``).  Without Down ours has 732,035 parameters, the same as that code's layers.  1.2
million is quoted for the paper; neither has that many, and we do not know how it was counted.

A setting with about a million parameters at x2: ``create_model("dsrn", width=144)``, 1,009,155.
"""

from __future__ import annotations

from torch import Tensor, nn

from scalewise.errors import ScalewiseError
from scalewise.models.base import RestorationNetwork, require_positive
from scalewise.models.layers import BicubicResidual, start_near_zero
from scalewise.models.tile_overlap import FLAT_OVERLAP


def residual(width: int) -> nn.Sequential:
    """Return the residual branch of a state (N, width, H, W)."""
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1),
    )


class Dsrn(RestorationNetwork):
    """The dual-state recurrent network.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        width: features of both states; even.
        stages: number of updates of the states.
        global_residual: add the bicubic enlargement of the input, and start close to it.
    """

    def __init__(
        self,
        scale: int = 2,
        channels: int = 3,
        width: int = 128,
        stages: int = 7,
        global_residual: bool = True,
    ) -> None:
        require_positive(width=width, stages=stages)
        if width % 2:
            raise ScalewiseError(f"width must be even, not {width}", arguments=["width"])
        super().__init__(scale, channels, multiple=1)
        self.tiling = "exact" if 2 * stages <= FLAT_OVERLAP else "blended"
        self.stages = stages
        self.extract = nn.Sequential(
            nn.Conv2d(channels, width // 2, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width // 2, width, 3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.small = residual(width)
        self.large = residual(width)
        self.up = nn.ConvTranspose2d(width, width, scale, scale)
        self.down = nn.Conv2d(width, width, scale, scale)
        self.reconstruct = nn.Conv2d(width, channels, 1)
        self.bicubic = BicubicResidual(scale, channels) if global_residual else None
        self.shuffle = nn.PixelShuffle(scale)
        self.relu = nn.ReLU()
        if global_residual:
            start_near_zero(self.reconstruct)

    def restore(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`."""
        small = self.extract(image)
        large = self.relu(self.up(small))
        total = large
        next_small = small + self.small(small)
        for stage in range(1, self.stages):
            small = self.relu(next_small)
            renewed = self.relu(large + self.large(large) + self.up(small))
            if stage + 1 < self.stages:
                next_small = small + self.small(small) + self.down(large)
            large = renewed
            total = total + large
        # The last layer is linear: the mean of the images is the image of the mean.
        output = self.reconstruct(total / self.stages)
        if self.bicubic is not None:
            output = output + self.shuffle(self.bicubic(image))
        return output
