"""U-Net: an encoder that halves, and a decoder that doubles, with skip connections between them.

Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
MICCAI 2015 (https://arxiv.org/abs/1505.04597).

Every level has two 3x3 convolutions, each followed by ReLU.  On the way down, 2x2 max pooling
halves the size and the features double.  On the way up, a 2x2 transposed convolution doubles the
size and halves the features, and the encoder's features of that level are concatenated.  Weights
start as in the paper (He et al., ICCV 2015).  The finest level is the input's own resolution.
Differences to the paper, because it labels pixels and this network restores them:

- Convolutions are padded, so the result has the size of the input.  There is no dropout.
- By default there are three levels of 48, 96 and 192 features instead of five of 64 to 1024, for
  about a million parameters.
- The last convolution is 3x3 and predicts ``scale^2`` pixels per input pixel: a pixel shuffle,
  added to a skip that starts as bicubic enlargement, as in :mod:`scalewise.models.plain`.

Parameters at x2 in RGB: 1,054,524 by default; 31,039,516 with the paper's five levels of
``width=64``.  The receptive field reaches :func:`reach` input pixels to each side, which is less
than tiles overlap, so they are exact.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scalewise.models.base import RestorationNetwork, require_levels, require_positive
from scalewise.models.layers import BicubicSkip, keep_variance, start_near_zero


def conv_pair(inputs: int, outputs: int) -> nn.Sequential:
    """Return two 3x3 convolutions that keep the size, each followed by ReLU."""
    pair = nn.Sequential()
    for features in (inputs, outputs):
        conv = nn.Conv2d(features, outputs, 3, padding=1)
        keep_variance(conv)
        pair.extend([conv, nn.ReLU(inplace=True)])
    return pair


class UpStep(nn.Module):
    """One step of the decoder: ``Convs(concat(skip, Up(coarse)))``.

    Args:
        width: features of the finer level; the coarser one has twice as many.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.convs = conv_pair(2 * width, width)
        keep_variance(self.up)

    def forward(self, skip: Tensor, coarse: Tensor) -> Tensor:
        """Map (N, width, H, W) and (N, 2 width, H / 2, W / 2) to (N, width, H, W)."""
        return self.convs(torch.cat([skip, self.up(coarse)], dim=1))


class Unet(RestorationNetwork):
    """The U-Net as a restoration network.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        width: features of the finest level; each coarser level has twice as many.
        levels: resolutions, each half the one before.
    """

    def __init__(self, scale: int = 2, channels: int = 3, width: int = 48, levels: int = 3) -> None:
        require_positive(width=width)
        require_levels(levels)
        super().__init__(scale, channels, multiple=2 ** (levels - 1))
        widths = [width * 2**level for level in range(levels)]
        sources = [channels, *widths[:-1]]
        self.encoder = nn.ModuleList(map(conv_pair, sources, widths))
        self.decoder = nn.ModuleList(map(UpStep, widths[:-1]))
        self.tail = nn.Conv2d(width, channels * scale**2, 3, padding=1)
        self.skip = BicubicSkip(scale, channels)
        self.enlarge = nn.PixelShuffle(scale)
        start_near_zero(self.tail)

    def restore(self, image: Tensor) -> Tensor:
        """See :class:`RestorationNetwork`."""
        centred = image - 0.5
        skips = [self.encoder[0](centred)]
        for convs in self.encoder[1:]:
            skips.append(convs(F.max_pool2d(skips[-1], 2)))
        features = skips.pop()
        for step in reversed(self.decoder):
            features = step(skips.pop(), features)
        return self.enlarge(self.tail(features) + self.skip(centred)) + 0.5


def reach(levels: int) -> int:
    """Return the receptive field to one side of an output pixel, in input pixels.

    >>> [reach(levels) for levels in (2, 3, 4)]
    [10, 24, 52]
    """
    return 7 * 2 ** (levels - 1) - 4
