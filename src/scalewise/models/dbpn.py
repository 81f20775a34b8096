"""DBPN: up- and down-projection in turn, each of which corrects its own projection error.

Haris, Shakhnarovich and Ukita, "Deep Back-Projection Networks for Super-Resolution", CVPR 2018
(https://arxiv.org/abs/1803.02735).

An up-projection unit enlarges low-resolution features and reduces them again.  Then it enlarges
the error and adds it.  A down-projection unit does the reverse.  T up-projections and T - 1
down-projections alternate, and the image is a convolution of all T enlarged feature maps.
``features`` is the paper's n0, ``width`` its nR, ``stages`` its T; with ``dense`` a unit gets the
outputs of all units of the other kind before it (D-DBPN).  The authors' settings, and their
parameters here, in RGB:

=======  ========  =====  ======  =====  =========  ==========
name     features  width  stages  dense  x2         x4
=======  ========  =====  ======  =====  =========  ==========
DBPN-SS  64        18     2       no     109,086    190,734
DBPN-S   128       32     2       no     341,518    599,566
DBPN-M   128       32     4       no     786,010    1,388,122
DBPN-L   128       32     6       no     1,230,502  2,176,678
D-DBPN   256       64     7       yes    5,953,526  10,426,358
=======  ========  =====  ======  =====  =========  ==========

The counts quoted for the first three at x4 are 188, 595 and 1,381 thousand; they were not checked
against the paper itself.  Ours are larger: they are for RGB, with biases, activations and a last
convolution of 3x3.  For luminance alone, a last convolution of 1x1 and weights only, ours are
188,388, 595,136 and 1,381,632.  That the quoted counts were made this way is our inference.  For
DBPN-L both 2,168 and 2,176 thousand are quoted; ours has 2,168,128 counted this way, 2,176,678 as
built here.  For D-DBPN 5,953 (x2) and 10,426 thousand (x4) are quoted, the same as ours.

A setting of the family S, M, L with about a million parameters at x2:
``create_model("dbpn", features=128, width=32, stages=5)``, 1,008,256.  The receptive field
reaches :func:`reach` input pixels to each side, so at x2 tiles are exact up to four stages, and
blended beyond.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scalewise.models.base import RestorationNetwork, require_positive
from scalewise.models.layers import BicubicResidual, start_near_zero
from scalewise.models.tile_overlap import FLAT_OVERLAP

PADDING = 2


class PReLU(nn.PReLU):
    """``max(0, x) + slope min(0, x)``, one slope for all features.

    PyTorch's own gradient of it is slow on a CPU.  In training it is computed as linear
    interpolation between ``ReLU(x)`` and ``x``, which makes a step about a tenth quicker.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map a tensor of any shape to the same shape."""
        if self.training:
            return torch.lerp(F.relu(input), input, self.weight.to(input.dtype))
        return super().forward(input)


def conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """Return a convolution that keeps the size, with its activation."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), PReLU())


def shrink(width: int, scale: int) -> nn.Sequential:
    """Return a strided convolution that reduces by ``scale``, with its activation."""
    return nn.Sequential(nn.Conv2d(width, width, scale + 2 * PADDING, scale, PADDING), PReLU())


def enlarge(width: int, scale: int) -> nn.Sequential:
    """Return a transposed convolution that enlarges by ``scale``, with its activation."""
    deconv = nn.ConvTranspose2d(width, width, scale + 2 * PADDING, scale, PADDING)
    return nn.Sequential(deconv, PReLU())


class Projection(nn.Module):
    """One projection unit, up or down.

    ``there = first(x)``, ``error = back(there) - x``, and the result ``there + again(error)``.
    Kernels of ``scale + 4`` pixels: the paper's 6 at x2, 8 at x4.

    Args:
        width: features of the input and the output.
        scale: the larger size over the smaller.
        up: whether it enlarges; otherwise it reduces.
        sources: number of earlier outputs that a 1x1 convolution merges into the input.
    """

    def __init__(self, width: int, scale: int, up: bool, sources: int = 1) -> None:
        super().__init__()
        there, back = (enlarge, shrink) if up else (shrink, enlarge)
        self.merge = conv(sources * width, width, 1) if sources > 1 else None
        self.first = there(width, scale)
        self.back = back(width, scale)
        self.again = there(width, scale)

    def forward(self, sources: list[Tensor]) -> Tensor:
        """Map the sources, each (N, width, H, W), to one tensor of the other size."""
        x = sources[0] if self.merge is None else self.merge(torch.cat(sources, dim=1))
        there = self.first(x)
        return there + self.again(self.back(there) - x)


class Dbpn(RestorationNetwork):
    """The deep back-projection network.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        features: features of the first convolution.
        width: features of the projection units.
        stages: number of up-projection units.
        dense: every unit gets the outputs of all earlier units instead of only the last one.
        global_residual: add the bicubic enlargement of the input, and start close to it; not in
            the paper.
    """

    def __init__(
        self,
        scale: int = 2,
        channels: int = 3,
        features: int = 64,
        width: int = 18,
        stages: int = 2,
        dense: bool = False,
        global_residual: bool = False,
    ) -> None:
        require_positive(features=features, width=width, stages=stages)
        super().__init__(scale, channels, multiple=1)
        self.tiling = "exact" if reach(scale, stages) <= FLAT_OVERLAP else "blended"
        self.dense = dense
        self.extract = nn.Sequential(conv(channels, features, 3), conv(features, width, 1))
        self.ups = nn.ModuleList(
            Projection(width, scale, True, max(1, stage) if dense else 1) for stage in range(stages)
        )
        self.downs = nn.ModuleList(
            Projection(width, scale, False, stage + 1 if dense else 1)
            for stage in range(stages - 1)
        )
        self.reconstruct = nn.Conv2d(stages * width, channels, 3, padding=1)
        self.bicubic = BicubicResidual(scale, channels) if global_residual else None
        self.shuffle = nn.PixelShuffle(scale)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight)
                nn.init.zeros_(module.bias)  # pyright: ignore[reportArgumentType]
        if global_residual:
            start_near_zero(self.reconstruct)

    def restore(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`."""
        large: list[Tensor] = [self.ups[0]([self.extract(image)])]
        small: list[Tensor] = []
        for up, down in zip(self.ups[1:], self.downs, strict=True):
            small.append(down(large if self.dense else large[-1:]))
            large.append(up(small if self.dense else small[-1:]))
        output = self.reconstruct(torch.cat(large, dim=1))
        if self.bicubic is not None:
            output = output + self.shuffle(self.bicubic(image))
        return output


def reach(scale: int, stages: int) -> int:
    """Return the receptive field to one side of an output pixel, in input pixels.

    >>> [reach(2, stages) for stages in (1, 2, 3, 4, 5)]
    [5, 11, 17, 23, 29]
    """
    there_and_back = 1 + (PADDING + 1) // scale
    return (3 * stages - 2) * there_and_back + 2 + PADDING // scale
