"""Original: residual blocks of scale-wise convolutions, each with its own small pyramid.

M. Pratap, "Scale-wise Convolution for image restoration", Purdue University, after Fan et
al., "Scale-Wise Convolution for Image Restoration", AAAI 2020
(https://arxiv.org/abs/1912.09028).

A scale-wise convolution looks at its input at full, half, quarter... resolution, applies one
convolution per resolution, and adds the results up at full resolution.  Published setting:
64 features, 8 blocks, 3 levels, x2; 1,781,260 parameters.

The published checkpoints come from code that differs from the document's text in two points,
which are options here: it uses one scale-wise convolution twice in every block (``shared``),
and aligns the corner pixels when it resamples (``align_corners``), which makes a pixel's
result depend on the image's size.

With ``shared_levels`` one convolution serves all resolutions, 599,564 parameters.  This is the idea
of SiCNN: Xu, Xiao, Zhang, Yang and Zhang, "Scale-Invariant Convolutional Neural Networks", 2014
(https://arxiv.org/abs/1411.6369).  There columns for different scales have the same filters,
resized from column to column; here the features are resized instead.
"""

from __future__ import annotations

from torch import Tensor, nn

from scalewise.models.document_network import DocumentNetwork
from scalewise.models.layers import resample


class ScaleWiseConv(nn.Module):
    """``sum_l Upsample(Conv_l(Downsample(x, 1/2^l)))`` for l = 0 .. levels - 1, bilinear.

    Maps (N, width, H, W) to the same shape; H and W are multiples of ``2^(levels - 1)``.  With
    ``shared_levels`` all ``Conv_l`` are the same.
    """

    def __init__(
        self, width: int, levels: int, align_corners: bool, shared_levels: bool = False
    ) -> None:
        super().__init__()
        self.levels = levels
        self.align_corners = align_corners
        own = 1 if shared_levels else levels
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(own))

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        total = self.convs[0](features)
        for level in range(1, self.levels):
            conv = self.convs[level % len(self.convs)]  # the only one, or the level's own
            output = conv(resample(features, 0.5**level, self.align_corners))
            total = total + resample(output, 2.0**level, self.align_corners)
        return total


class Original(DocumentNetwork):
    """The document's first network: :class:`ScaleWiseConv` in the document's skeleton.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        width: features.
        blocks: residual blocks.
        levels: resolutions that a scale-wise convolution looks at, each half the one before.
        shared: use one scale-wise convolution twice in a block instead of two.
        align_corners: resample with the corner pixels aligned; then tiles must be blended.
        global_residual: add the bicubic enlargement of the input, and start close to it.
        shared_levels: use one convolution for all resolutions of a scale-wise convolution.
    """

    def __init__(
        self,
        scale: int = 2,
        channels: int = 3,
        width: int = 64,
        blocks: int = 8,
        levels: int = 3,
        shared: bool = False,
        align_corners: bool = False,
        global_residual: bool = False,
        shared_levels: bool = False,
    ) -> None:
        super().__init__(
            scale,
            channels,
            width,
            blocks,
            levels,
            lambda: ScaleWiseConv(width, levels, align_corners, shared_levels),
            shared=shared,
            global_residual=global_residual,
        )
        self.tiling = "blended" if align_corners else "exact"
