"""Shared layers of the architectures: resampling by convolution and interpolation."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scalewise.imaging.resize import cubic


def resample(features: Tensor, factor: float, align_corners: bool = False) -> Tensor:
    """Resample (N, C, H, W) bilinearly, without antialiasing, to ``factor`` times its size.

    ``align_corners=False`` aligns pixel areas, so that a pixel's result does not depend on
    the image's size; ``True`` aligns the centres of the corner pixels.
    """
    if factor == 1:
        return features
    return F.interpolate(
        features, scale_factor=factor, mode="bilinear", align_corners=align_corners
    )


def upsample_2x(features: Tensor) -> Tensor:
    """Double (N, C, H, W) bilinearly, pixel areas aligned."""
    return resample(features, 2)


def bicubic_kernel(scale: int, channels: int) -> Tensor:
    """Return the 5x5 kernel that, before ``PixelShuffle(scale)``, is bicubic enlargement.

    Returns:
        (channels scale^2, channels, 5, 5) float32; each output channel sums to 1.
    """
    phase = (np.arange(scale) + 0.5) / scale - 0.5
    taps = cubic(phase[:, None] - np.arange(-2, 3))
    kernel = torch.tensor(np.einsum("ip,jq->ijpq", taps, taps), dtype=torch.float32)
    weight = torch.zeros(channels, scale, scale, channels, 5, 5)
    for channel in range(channels):
        weight[channel, :, :, channel] = kernel
    return weight.reshape(channels * scale**2, channels, 5, 5)


class BicubicResidual(nn.Module):
    """Bicubic enlargement in the form that ``PixelShuffle(scale)`` expects; not trained.

    Maps an image (N, channels, H, W) to (N, channels scale^2, H, W).
    """

    kernel: Tensor

    def __init__(self, scale: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("kernel", bicubic_kernel(scale, channels), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        return F.conv2d(F.pad(image, (2, 2, 2, 2), mode="replicate"), self.kernel)


def bicubic_skip(scale: int, channels: int) -> nn.Conv2d:
    """Return a trainable 5x5 convolution that starts as bicubic enlargement.

    It maps an image (N, channels, H, W) to (N, channels scale^2, H, W), which
    ``PixelShuffle(scale)`` turns into the enlarged image.
    """
    conv = nn.Conv2d(channels, channels * scale**2, 5, padding=2, padding_mode="replicate")
    with torch.no_grad():
        conv.weight.copy_(bicubic_kernel(scale, channels))
        nn.init.zeros_(conv.bias)  # pyright: ignore[reportArgumentType]
    return conv


def start_near_zero(conv: nn.Conv2d) -> None:
    """Scale down a last convolution, so that the network's result starts close to its skip."""
    with torch.no_grad():
        conv.weight.mul_(0.1)
        nn.init.zeros_(conv.bias)  # pyright: ignore[reportArgumentType]


def keep_variance(conv: nn.Conv2d | nn.ConvTranspose2d) -> None:
    """Initialise a convolution that a ReLU follows, as He et al. (ICCV 2015) do.

    PyTorch's own initialisation loses five sixths of the variance at each convolution and ReLU:
    after ten of them almost none is left.
    """
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)  # pyright: ignore[reportArgumentType]
