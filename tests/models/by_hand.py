"""The networks' operations computed by hand, one pixel at a time, and comparisons with them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[np.float64]


def convolve(x: Array, weight: Array, bias: Array) -> Array:
    """x (C, H, W), weight (O, C, k, k), zeros outside: (O, H, W)."""
    outputs, _, size, _ = weight.shape
    _, height, width = x.shape
    reach = size // 2
    y = np.zeros((outputs, height, width))
    for o in range(outputs):
        for i in range(height):
            for j in range(width):
                total = bias[o]
                for di in range(-reach, reach + 1):
                    for dj in range(-reach, reach + 1):
                        if 0 <= i + di < height and 0 <= j + dj < width:
                            tap = weight[o, :, di + reach, dj + reach]
                            total += float(np.dot(tap, x[:, i + di, j + dj]))
                y[o, i, j] = total
    return y


def bilinear(x: Array, height: int, width: int, align_corners: bool) -> Array:
    """x (C, H, W) sampled at (height, width) points of a grid over it, edges extended."""

    def position(index: int, length: int, out_length: int) -> float:
        if align_corners:
            return index * (length - 1) / (out_length - 1) if out_length > 1 else 0.0
        return min(max((index + 0.5) * length / out_length - 0.5, 0.0), length - 1.0)

    y = np.zeros((x.shape[0], height, width))
    for i in range(height):
        row = position(i, x.shape[1], height)
        top, down = int(row), row - int(row)
        bottom = min(top + 1, x.shape[1] - 1)
        for j in range(width):
            column = position(j, x.shape[2], width)
            left, across = int(column), column - int(column)
            right = min(left + 1, x.shape[2] - 1)
            upper = (1 - across) * x[:, top, left] + across * x[:, top, right]
            lower = (1 - across) * x[:, bottom, left] + across * x[:, bottom, right]
            y[:, i, j] = (1 - down) * upper + down * lower
    return y


def relu(x: Array) -> Array:
    return np.where(x > 0, x, 0.0)


def normalise(x: Array) -> Array:
    """Every feature map of x (C, H, W) to mean 0 and variance 1."""
    y = np.zeros_like(x)
    for feature in range(x.shape[0]):
        mean = x[feature].sum() / x[feature].size
        variance = ((x[feature] - mean) ** 2).sum() / x[feature].size
        y[feature] = (x[feature] - mean) / (variance + 1e-5) ** 0.5
    return y


def randomised(module: nn.Module) -> dict[str, Array]:
    """Give the module random float64 parameters, and return them."""
    generator = torch.Generator().manual_seed(5)
    module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return {name: parameter.detach().numpy() for name, parameter in module.named_parameters()}


def features(channels: int, height: int, width: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((channels, height, width))


def tensor(x: Array) -> Tensor:
    return torch.tensor(x)[None]


def assert_same(found: Tensor, expected: Array) -> None:
    np.testing.assert_allclose(found.detach().numpy()[0], expected, rtol=0, atol=1e-12)
