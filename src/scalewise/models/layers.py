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


def nearest_kernel(scale: int, channels: int) -> Tensor:
    """Return the kernel of the same shape that copies the nearest pixel."""
    weight = torch.zeros(channels, scale**2, channels, 5, 5)
    for channel in range(channels):
        weight[channel, :, channel, 2, 2] = 1
    return weight.reshape(channels * scale**2, channels, 5, 5)


class BicubicResidual(nn.Module):
    """Bicubic enlargement in the form that ``PixelShuffle(scale)`` expects; not trained.

    Maps an image (N, channels, H, W) to (N, channels scale^2, H, W).
    """

    difference: Tensor

    def __init__(self, scale: int, channels: int) -> None:
        super().__init__()
        difference = bicubic_kernel(scale, channels) - nearest_kernel(scale, channels)
        self.register_buffer("difference", difference, persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        return _nearest_and_difference(image, self.difference, None)


class BicubicSkip(nn.Conv2d):
    """Trainable 5x5 convolution that starts as bicubic enlargement, of edges that are repeated.

    It maps an image (N, channels, H, W) to (N, channels scale^2, H, W), which
    ``PixelShuffle(scale)`` turns into the enlarged image.
    """

    nearest: Tensor

    def __init__(self, scale: int, channels: int) -> None:
        super().__init__(channels, channels * scale**2, 5)  # pyright: ignore[reportUnknownMemberType]
        self.register_buffer("nearest", nearest_kernel(scale, channels), persistent=False)
        with torch.no_grad():
            self.weight.copy_(bicubic_kernel(scale, channels))
            nn.init.zeros_(self.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, input: Tensor) -> Tensor:
        """See the class."""
        return _nearest_and_difference(input, self.weight - self.nearest, self.bias)


def _nearest_and_difference(image: Tensor, difference: Tensor, bias: Tensor | None) -> Tensor:
    """Return the nearest pixel plus a convolution that computes what differs from it.

    In bfloat16 the result of a convolution has 8 bits, too few for an image; the difference is
    small, and the pixel itself is added in the image's own precision.
    """
    convolved = F.conv2d(F.pad(image, (2, 2, 2, 2), mode="replicate"), difference, bias)
    channels = difference.shape[1]
    copies = difference.shape[0] // channels
    nearest = [plane for plane in image.chunk(channels, dim=1) for _ in range(copies)]
    return convolved + torch.cat(nearest, dim=1)


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
