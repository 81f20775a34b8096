"""Each architecture's central step, computed again from its definition in NumPy loops.

Nothing of the networks is called here but the module under test: convolution, bilinear
resampling and the rest are written out sample by sample.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scalewise.models.adaptive import AdaptiveScaleWiseConv, ScaleAttention
from scalewise.models.original import ResidualBlock, ScaleWiseConv
from scalewise.models.scn import ScaleWiseBlock as ScnBlock
from scalewise.models.scn import Scn
from scalewise.models.scn_exact import ScaleWiseBlock as ScnExactBlock

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


def scale_wise_sum(x: Array, values: dict[str, Array], prefix: str, align_corners: bool) -> Array:
    """sum_l Upsample(Conv_l(Downsample(x, 1/2^l))) over three levels."""
    _, height, width = x.shape
    total = np.zeros_like(x)
    for level in range(3):
        small = bilinear(x, height // 2**level, width // 2**level, align_corners)
        name = f"{prefix}convs.{level}"
        output = convolve(small, values[f"{name}.weight"], values[f"{name}.bias"])
        total += bilinear(output, height, width, align_corners)
    return total


@pytest.mark.parametrize("align_corners", [False, True])
def test_scale_wise_convolution_of_original(align_corners: bool) -> None:
    module = ScaleWiseConv(3, 3, align_corners)
    values, x = randomised(module), features(3, 8, 12)
    assert_same(module(tensor(x)), scale_wise_sum(x, values, "", align_corners))


@pytest.mark.parametrize("shared", [False, True])
def test_residual_block_of_original(shared: bool) -> None:
    module = ResidualBlock(2, 3, shared, align_corners=False)
    values, x = randomised(module), features(2, 4, 8)
    first, second = ("scale_conv.", "scale_conv.") if shared else ("scale_conv1.", "scale_conv2.")
    inner = relu(scale_wise_sum(x, values, first, align_corners=False))
    assert_same(module(tensor(x)), x + scale_wise_sum(inner, values, second, align_corners=False))


def attention_sum(outputs: list[Array], weight: Array, bias: Array, sees: str) -> Array:
    """sum_l alpha_l F_l, alpha the softmax over l of a 1x1 convolution, pixel by pixel."""
    levels = len(outputs)
    total = np.zeros_like(outputs[0])
    for i in range(total.shape[1]):
        for j in range(total.shape[2]):
            seen: list[float] = []
            for output in outputs:
                pixel = output[:, i, j]
                seen.extend([pixel.sum() / len(pixel)] if sees == "means" else list(pixel))
            scores = [
                bias[level] + sum(w * s for w, s in zip(weight[level, :, 0, 0], seen, strict=True))
                for level in range(levels)
            ]
            powers = [np.exp(score) for score in scores]
            for level in range(levels):
                total[:, i, j] += powers[level] / sum(powers) * outputs[level][:, i, j]
    return total


@pytest.mark.parametrize("sees", ["features", "means"])
def test_attention(sees: Any) -> None:
    module = ScaleAttention(4, 3, sees)
    values = randomised(module)
    outputs = [features(4, 3, 5, seed) for seed in range(3)]
    expected = attention_sum(
        outputs, values["attention.0.weight"], values["attention.0.bias"], sees
    )
    assert_same(module([tensor(output) for output in outputs]), expected)


@pytest.mark.parametrize("align_corners", [False, True])
def test_scale_wise_convolution_of_adaptive(align_corners: bool) -> None:
    module = AdaptiveScaleWiseConv(3, 3, "features", align_corners)
    values, x = randomised(module), features(3, 8, 4)
    outputs: list[Array] = []
    for level in range(3):
        small = bilinear(x, 8 // 2**level, 4 // 2**level, align_corners)
        output = convolve(small, values[f"convs.{level}.weight"], values[f"convs.{level}.bias"])
        outputs.append(bilinear(normalise(output), 8, 4, align_corners))
    weight, bias = values["attention.attention.0.weight"], values["attention.attention.0.bias"]
    assert_same(module(tensor(x)), attention_sum(outputs, weight, bias, "features"))


def weight_norm(values: dict[str, Array], name: str) -> tuple[Array, Array]:
    """The weight g v / |v|, with |v| per output channel, and the bias."""
    v, g = values[f"{name}.weight_v"], values[f"{name}.weight_g"]
    weight = np.zeros_like(v)
    for o in range(len(v)):
        weight[o] = g[o, 0, 0, 0] * v[o] / (v[o] ** 2).sum() ** 0.5
    return weight, values[f"{name}.bias"]


def pyramid_of(channels: int) -> list[Array]:
    return [features(channels, 8 // 2**level, 12 // 2**level, level) for level in range(3)]


def test_scale_wise_convolution_of_scn() -> None:
    module = ScnBlock(width=3, wide=5, gain=1.0)
    values, x = randomised(module), pyramid_of(3)
    r = [
        convolve(
            relu(convolve(level, *weight_norm(values, "body.0"))), *weight_norm(values, "body.2")
        )
        for level in x
    ]
    down, up = weight_norm(values, "down.0"), weight_norm(values, "up.0")
    expected = [
        x[0] + r[0] + r[0] + bilinear(convolve(r[1], *up), 8, 12, True),
        x[1]
        + r[1]
        + bilinear(convolve(r[0], *down), 4, 6, True)
        + bilinear(convolve(r[2], *up), 4, 6, True),
        x[2] + r[2] + bilinear(convolve(r[1], *down), 2, 3, True) + r[2],
    ]
    for found, level in zip(module([tensor(level) for level in x]), expected, strict=True):
        assert_same(found, level)


@pytest.mark.parametrize("scale", [1, 2])
def test_frame_of_scn(scale: int) -> None:
    """Head, tail, skip, mean, padding and shuffle, around blocks that do nothing."""
    network = Scn(scale, channels=1, width=2, blocks=1, levels=2)
    values = randomised(network)
    for name in ("body.0", "body.2", "down.0", "up.0"):
        values[f"body.2.{name}.weight_g"][:] = 0  # the arrays are the parameters' own memory
        values[f"body.2.{name}.bias"][:] = 0
    image = np.random.default_rng(1).random((1, 3, 5))
    padded = image[:, [0, 1, 2, 2], :][:, :, [0, 1, 2, 3, 4, 4, 4, 4]] - 0.5
    head = convolve(padded, *weight_norm(values, "body.0"))
    output = convolve(head, *weight_norm(values, "body.4"))[:, :3, :5]
    output += image - 0.5 if scale == 1 else convolve(image - 0.5, *weight_norm(values, "skip.0"))
    expected = np.zeros((1, 3 * scale, 5 * scale))
    for channel in range(scale**2):
        expected[0, channel // scale :: scale, channel % scale :: scale] = output[channel] + 0.5
    assert_same(network(tensor(image)), expected)


def test_initial_lengths_of_scn() -> None:
    network = Scn(width=4, blocks=4, levels=2)
    lengths = {name: p for name, p in network.named_parameters() if name.endswith("weight_g")}
    for name, expected in {
        "body.0": 1.0,
        "body.2.body.0": 2.0,
        "body.5.body.2": 0.5,
        "body.7": 1.0,
        "skip.0": 1.0,
    }.items():
        assert (lengths[f"{name}.weight_g"] == expected).all()


def halve(x: Array) -> Array:
    """The mean of every 2x2 pixels."""
    y = np.zeros((x.shape[0], x.shape[1] // 2, x.shape[2] // 2))
    for i in range(y.shape[1]):
        for j in range(y.shape[2]):
            y[:, i, j] = x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].sum(axis=(1, 2)) / 4
    return y


@pytest.mark.parametrize("last", [False, True])
def test_scale_wise_convolution_of_scn_exact(last: bool) -> None:
    module = ScnExactBlock(width=3, expansion=2, body_gain=1.0, last=last)
    values, x = randomised(module), pyramid_of(3)
    r = [
        convolve(
            relu(convolve(level, values["body.0.weight"], values["body.0.bias"])),
            values["body.2.weight"],
            values["body.2.bias"],
        )
        for level in x
    ]

    def up(residual: Array) -> Array:
        sent = convolve(residual, values["up.weight"], values["up.bias"])
        return bilinear(sent, 2 * sent.shape[1], 2 * sent.shape[2], align_corners=False)

    def down(residual: Array) -> Array:
        return halve(convolve(residual, values["down.weight"], values["down.bias"]))

    expected = [x[0] + r[0] + up(r[1])]
    if not last:
        expected.append(x[1] + r[1] + down(r[0]) + up(r[2]))
        expected.append(x[2] + r[2] + down(r[1]))
    for found, level in zip(module([tensor(level) for level in x]), expected, strict=True):
        assert_same(found, level)
