"""Adaptive: Original's skeleton with normalisation and attention over the scales.

M. Pratap, "Scale-wise Convolution for image restoration", Purdue University, after Fan et
al., "Scale-Wise Convolution for Image Restoration", AAAI 2020
(https://arxiv.org/abs/1912.09028).

Where :mod:`scalewise.models.original` adds the resolutions' outputs up, this network
normalises each (``conv -> InstanceNorm``) and weights them pixel by pixel:
``sum_l alpha_l F_l``, with alpha the softmax over the levels of a 1x1 convolution of all F_l.
Published setting: 64 features, 8 blocks, 3 levels, x2; 1,790,524 parameters.

The published checkpoints come from code that differs from the document's text.  Two differences
are options here.  Its attention sees only the mean over the features of every F_l (``attention =
"means"``; the weights' shapes differ).  It also aligns the corner pixels when it resamples
(``align_corners``).  A third is left out: that code normalises over features of 64x256x256 after
the initial convolution, so it takes only one image size.  The document does not have that.

Instance normalisation uses statistics of the whole image, so images cannot be cut into tiles.
Normalisation and attention can be left out (``norm``, ``attention = "none"``), to measure the
effect of each; without both the network computes the same as Original.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scalewise.errors import ScalewiseError
from scalewise.models.document_network import DocumentNetwork
from scalewise.models.layers import resample

Attention = Literal["features", "means", "none"]


class ScaleAttention(nn.Module):
    """Weights per pixel and level that sum to 1 over the levels.

    The 1x1 convolution of all levels' outputs is the sum of one convolution for each level, and
    a 1x1 convolution commutes with bilinear enlargement.  So each level is convolved in its own
    resolution, where it has 4^l times fewer pixels, and nothing is concatenated.

    Args:
        width: features of every level.
        levels: number of levels.
        sees: input of the attention.  ``"features"``: all features of all levels; ``"means"``:
            only the mean over the features of each level.
    """

    def __init__(self, width: int, levels: int, sees: Attention, align_corners: bool) -> None:
        super().__init__()
        self.sees = sees
        self.align_corners = align_corners
        inputs = levels * width if sees == "features" else levels
        self.attention = nn.Sequential(nn.Conv2d(inputs, levels, 1), nn.Softmax(dim=1))

    def forward(self, outputs: list[Tensor]) -> Tensor:
        """Map the levels' outputs, (N, width, H / 2^l, W / 2^l), to (N, levels, H, W)."""
        conv, softmax = self.attention
        assert isinstance(conv, nn.Conv2d)
        seen = outputs
        if self.sees == "means":
            seen = [output.mean(dim=1, keepdim=True) for output in outputs]
        parts = conv.weight.chunk(len(outputs), dim=1)
        logits = F.conv2d(seen[0], parts[0], conv.bias)
        for level in range(1, len(seen)):
            part = F.conv2d(seen[level], parts[level])
            logits = logits + resample(part, 2.0**level, self.align_corners)
        return softmax(logits).to(outputs[0].dtype)


class AdaptiveScaleWiseConv(nn.Module):
    """``sum_l alpha_l F_l`` with ``F_l = Upsample(InstanceNorm(Conv_l(Downsample(x, 1/2^l))))``.

    Maps (N, width, H, W) to the same shape; H and W are multiples of ``2^(levels - 1)``.
    """

    def __init__(
        self, width: int, levels: int, attention: Attention, norm: bool, align_corners: bool
    ) -> None:
        super().__init__()
        self.norm = norm
        self.align_corners = align_corners
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(levels))
        self.attention = None
        if attention != "none":
            self.attention = ScaleAttention(width, levels, attention, align_corners)

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        outputs: list[Tensor] = []
        for level, conv in enumerate(self.convs):
            output = conv(resample(features, 0.5**level, self.align_corners))
            outputs.append(instance_norm(output) if self.norm else output)
        weights = None
        if self.attention is not None:
            # In chunks, not slices: the gradient of a slice would be a full-size tensor of zeros.
            weights = self.attention(outputs).chunk(len(outputs), dim=1)
        total = outputs[0] if weights is None else weights[0] * outputs[0]
        for level in range(1, len(outputs)):
            enlarged = resample(outputs[level], 2.0**level, self.align_corners)
            total = total + (enlarged if weights is None else weights[level] * enlarged)
        return total


class Adaptive(DocumentNetwork):
    """The document's second network: :class:`AdaptiveScaleWiseConv` in the document's skeleton.

    Args:
        scale: output over input size, 1 to 4.
        channels: image channels, 1 or 3.
        width: features.
        blocks: residual blocks.
        levels: resolutions of a scale-wise convolution, each half the one before.
        attention: input of the attention, see :class:`ScaleAttention`; ``"none"`` adds levels up.
        norm: normalise every level's output.
        align_corners: resample with the corner pixels aligned.
        global_residual: add the bicubic enlargement of the input, and start close to it.
    """

    def __init__(
        self,
        scale: int = 2,
        channels: int = 3,
        width: int = 64,
        blocks: int = 8,
        levels: int = 3,
        attention: Attention = "features",
        norm: bool = True,
        align_corners: bool = False,
        global_residual: bool = False,
    ) -> None:
        if attention not in get_args(Attention):
            raise ScalewiseError(
                f"attention must be one of {get_args(Attention)}: {attention!r}",
                arguments=["attention"],
            )
        super().__init__(
            scale,
            channels,
            width,
            blocks,
            levels,
            lambda: AdaptiveScaleWiseConv(width, levels, attention, norm, align_corners),
            global_residual=global_residual,
        )
        self.tiling = "whole" if norm else "blended" if align_corners else "exact"


def instance_norm(features: Tensor) -> Tensor:
    """Normalise each feature map of each image (N, C, H, W) to mean 0 and variance 1.

    A map of a single pixel becomes 0; ``torch.nn.functional.instance_norm`` refuses it.

    When training on a CPU, each image is normalised by ``batch_norm``, which is the same for
    a batch of one.  PyTorch's ``instance_norm`` would change the memory order of channels-last
    features, and everything after it would be slow.
    """
    if features.device.type == "cpu" and torch.is_grad_enabled():
        pictures = [_batch_norm(picture) for picture in features.chunk(len(features))]
        return torch.cat(pictures) if len(pictures) > 1 else pictures[0]
    return torch.instance_norm(
        features,
        weight=None,
        bias=None,
        running_mean=None,
        running_var=None,
        use_input_stats=True,
        momentum=0.0,
        eps=1e-5,
        cudnn_enabled=torch.backends.cudnn.enabled,
    )


def _batch_norm(features: Tensor) -> Tensor:
    return torch.batch_norm(features, None, None, None, None, True, 0.0, 1e-5, False)
