"""Alternative forms of bilinear resampling by powers of two, with the same results.

All take (N, C, H, W), align pixel areas (``align_corners=False``) and agree with
``torch.nn.functional.interpolate`` up to rounding, borders included.  On a CPU they differ in
speed, and which of them is fastest depends on layout and precision.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

Resample = Callable[[Tensor, float], Tensor]
"""Features and a factor, a power of two, to features of so many times the size."""

interpolate = F.interpolate  # kept, because a benchmark puts these forms in its place


def by_interpolation(features: Tensor, factor: float) -> Tensor:
    """Resample with PyTorch's own bilinear interpolation."""
    return interpolate(features, scale_factor=factor, mode="bilinear", align_corners=False)


def by_pooling(features: Tensor, factor: float) -> Tensor:
    """Shrink: without antialiasing, a pixel is the mean of the four at its centre."""
    stride = round(1 / factor)
    first = stride // 2 - 1
    return F.avg_pool2d(features[..., first:, first:], 2, stride)


def by_blur(features: Tensor, factor: float) -> Tensor:
    """Enlarge: repeat every pixel, then blur every feature map by a fixed small kernel."""
    scale, channels = int(factor), features.shape[1]
    repeated = interpolate(_bordered(features), scale_factor=scale, mode="nearest")
    kernel = _blur_kernel(scale, channels, features.device, features.dtype)
    blurred = F.conv2d(repeated, kernel, groups=channels)
    edge = scale // 2
    return blurred[..., edge:-edge, edge:-edge]


def by_transposed_convolution(features: Tensor, factor: float) -> Tensor:
    """Enlarge: spread every pixel as a small pyramid, every feature map by itself."""
    scale, channels = int(factor), features.shape[1]
    kernel = _spread_kernel(scale, channels, features.device, features.dtype)
    padding = scale + scale // 2
    return F.conv_transpose2d(
        _bordered(features), kernel, stride=scale, padding=padding, groups=channels
    )


def by_shifts(features: Tensor, factor: float) -> Tensor:
    """Enlarge: mix every pixel with its neighbours, and interleave the mixtures."""
    pixels = features.permute(0, 2, 3, 1)
    pixels = _interleaved(_interleaved(pixels, 1, int(factor)), 2, int(factor))
    return pixels.permute(0, 3, 1, 2)


def require_equal(form: Resample, factor: float) -> None:
    """Raise ``ValueError`` unless a form computes what PyTorch does, to 1e-5."""
    features = torch.rand(2, 8, 12, 16, generator=torch.Generator().manual_seed(0))
    for layout in (torch.contiguous_format, torch.channels_last):
        given = features.contiguous(memory_format=layout)
        error = (form(given, factor) - by_interpolation(given, factor)).abs().max().item()
        if error > 1e-5:
            raise ValueError(f"{form.__name__}: differs from PyTorch's by {error:.1e}")


def _bordered(features: Tensor) -> Tensor:
    return F.pad(features, (1, 1, 1, 1), mode="replicate")


def _interleaved(pixels: Tensor, axis: int, scale: int) -> Tensor:
    """Enlarge channels-last pixels (N, H, W, C) along one axis."""
    size = pixels.shape[axis]
    before = torch.cat([pixels.narrow(axis, 0, 1), pixels.narrow(axis, 0, size - 1)], axis)
    after = torch.cat([pixels.narrow(axis, 1, size - 1), pixels.narrow(axis, size - 1, 1)], axis)
    mixed: list[Tensor] = []
    for index in range(scale):
        offset = (index + 0.5) / scale - 0.5
        mixed.append(pixels.lerp(before if offset < 0 else after, abs(offset)))
    return torch.stack(mixed, axis + 1).flatten(axis, axis + 1)


@cache  # made once, so that a step's time is not that of making it
def _blur_kernel(scale: int, channels: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    taps = torch.ones(scale + 1) / scale
    taps[0] = taps[-1] = 0.5 / scale
    return _depthwise(taps, channels).to(device, dtype)


@cache
def _spread_kernel(scale: int, channels: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    taps = 1 - (torch.arange(2 * scale) + 0.5 - scale).abs() / scale
    return _depthwise(taps, channels).to(device, dtype)


def _depthwise(taps: Tensor, channels: int) -> Tensor:
    return torch.outer(taps, taps).repeat(channels, 1, 1, 1)
