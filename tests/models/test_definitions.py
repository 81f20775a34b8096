"""Each architecture's central step, computed again from its definition in NumPy loops.

Nothing of the networks is called here but the module under test: convolution, bilinear
resampling and the rest are written out sample by sample.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from scalewise.models.adaptive import AdaptiveScaleWiseConv
from scalewise.models.dbpn import Dbpn, PReLU, Projection
from scalewise.models.dsrn import Dsrn
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


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("attention", ["features", "means", "none"])
def test_scale_wise_convolution_of_adaptive(
    attention: Any, norm: bool, align_corners: bool
) -> None:
    module = AdaptiveScaleWiseConv(3, 3, attention, norm, align_corners)
    values, x = randomised(module), features(3, 8, 4)
    outputs: list[Array] = []
    for level in range(3):
        small = bilinear(x, 8 // 2**level, 4 // 2**level, align_corners)
        output = convolve(small, values[f"convs.{level}.weight"], values[f"convs.{level}.bias"])
        output = normalise(output) if norm else output
        outputs.append(bilinear(output, 8, 4, align_corners))
    if attention == "none":
        expected = sum(outputs, np.zeros_like(x))
    else:
        weight, bias = values["attention.attention.0.weight"], values["attention.attention.0.bias"]
        expected = attention_sum(outputs, weight, bias, attention)
    assert_same(module(tensor(x)), expected)
    with torch.no_grad():
        assert_same(module(tensor(x)), expected)


def plain_adaptive_sum(module: AdaptiveScaleWiseConv, x: Tensor) -> Tensor:
    """What Adaptive's convolution computes, by PyTorch's own operations, one after the other."""
    outputs: list[Tensor] = []
    for level, conv in enumerate(module.convs):
        small = F.interpolate(x, scale_factor=0.5**level, mode="bilinear")
        output = F.instance_norm(conv(small))
        outputs.append(F.interpolate(output, scale_factor=2.0**level, mode="bilinear"))
    assert module.attention is not None
    weights = module.attention.attention(torch.cat(outputs, dim=1))
    return sum((weights[:, [n]] * output for n, output in enumerate(outputs)), torch.zeros(()))


def test_adaptive_is_fast_without_changing_what_it_computes() -> None:
    module = AdaptiveScaleWiseConv(4, 3, "features", norm=True, align_corners=False)
    randomised(module)
    x = torch.randn(3, 4, 16, 24, dtype=torch.float64)
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    towards = torch.randn(x.shape, dtype=torch.float64)
    results: list[list[Tensor]] = []
    for output in (module(x), plain_adaptive_sum(module, x)):
        learned = [x, *module.parameters()]
        results.append([output, *torch.autograd.grad((output * towards).sum(), learned)])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    fast = module(x)
    assert fast.is_contiguous(memory_format=torch.channels_last)  # or all after it is slow


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


def convolve_down(x: Array, weight: Array, bias: Array, stride: int, padding: int) -> Array:
    """x (C, H, W), weight (O, C, k, k), zeros outside, a step of ``stride`` a pixel."""
    size = weight.shape[2]
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    height, width = ((side - size) // stride + 1 for side in padded.shape[1:])
    y = np.zeros((len(weight), height, width))
    for i in range(height):
        for j in range(width):
            top, left = i * stride, j * stride
            window = padded[:, top : top + size, left : left + size]
            for o in range(len(weight)):
                y[o, i, j] = bias[o] + (weight[o] * window).sum()
    return y


def convolve_up(x: Array, weight: Array, bias: Array, stride: int, padding: int) -> Array:
    """x (C, H, W), weight (C, O, k, k): every pixel adds its kernel to the larger picture."""
    channels, outputs, size, _ = weight.shape
    _, height, width = x.shape
    y = np.zeros((outputs, (height - 1) * stride + size, (width - 1) * stride + size))
    for i in range(height):
        for j in range(width):
            for c in range(channels):
                top, left = i * stride, j * stride
                y[:, top : top + size, left : left + size] += x[c, i, j] * weight[c]
    crop = slice(padding, -padding or None)
    return y[:, crop, crop] + bias[:, None, None]


def prelu(x: Array, slope: Array) -> Array:
    return np.where(x > 0, x, slope[0] * x)


def project(
    values: dict[str, Array], name: str, x: Array, scale: int, up: bool, merge: Array | None = None
) -> Array:
    """One projection unit: there, back, and there again with the error."""

    def there(part: str, source: Array, enlarging: bool) -> Array:
        apply = convolve_up if enlarging else convolve_down
        weight, bias = values[f"{name}{part}.0.weight"], values[f"{name}{part}.0.bias"]
        assert weight.shape[2] == {2: 6, 3: 7, 4: 8}[scale]
        return prelu(apply(source, weight, bias, scale, 2), values[f"{name}{part}.1.weight"])

    if merge is not None:
        both = np.concatenate([x, merge])
        mixed = convolve(both, values[f"{name}merge.0.weight"], values[f"{name}merge.0.bias"])
        x = prelu(mixed, values[f"{name}merge.1.weight"])
    first = there("first", x, up)
    error = there("back", first, not up) - x
    return first + there("again", error, up)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_projection_unit_of_dbpn(scale: int, up: bool, training: bool) -> None:
    module = Projection(2, scale, up).train(training)
    values = randomised(module)
    x = features(2, 3, 4) if up else features(2, 3 * scale, 4 * scale)
    assert_same(module([tensor(x)]), project(values, "", x, scale, up))


@pytest.mark.parametrize("dense", [False, True])
def test_dbpn_of_three_stages(dense: bool) -> None:
    network = Dbpn(2, channels=1, features=3, width=2, stages=3, dense=dense)
    values, image = randomised(network), np.random.default_rng(1).random((1, 4, 3))

    def conv(name: str, x: Array) -> Array:
        return convolve(x, values[f"{name}.weight"], values[f"{name}.bias"])

    x = prelu(conv("extract.0.0", image), values["extract.0.1.weight"])
    x = prelu(conv("extract.1.0", x), values["extract.1.1.weight"])
    h1 = project(values, "ups.0.", x, 2, True)
    l1 = project(values, "downs.0.", h1, 2, False)
    h2 = project(values, "ups.1.", l1, 2, True)
    if dense:
        l2 = project(values, "downs.1.", h1, 2, False, merge=h2)
        h3 = project(values, "ups.2.", l1, 2, True, merge=l2)
    else:
        l2 = project(values, "downs.1.", h2, 2, False)
        h3 = project(values, "ups.2.", l2, 2, True)
    assert_same(network(tensor(image)), conv("reconstruct", np.concatenate([h1, h2, h3])))


def test_prelu_is_the_same_in_training() -> None:
    module = PReLU().double()
    x = tensor(features(3, 4, 5))
    gradients: list[list[Tensor]] = []
    for training in (False, True):
        source = x.clone().requires_grad_()
        output = module.train(training)(source)
        assert_same(output, prelu(x.numpy()[0], np.array([0.25])))
        gradients.append(list(torch.autograd.grad(output.sin().sum(), [source, module.weight])))
    for plain, quick in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, quick, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [2, 3])
def test_recurrence_of_dsrn(scale: int) -> None:
    """Three steps, and the mean of the three images."""
    network = Dsrn(scale, channels=1, width=4, stages=3, global_residual=False)
    values, image = randomised(network), np.random.default_rng(1).random((1, 4, 3))

    def conv(name: str, x: Array) -> Array:
        return convolve(x, values[f"{name}.weight"], values[f"{name}.bias"])

    def residual(state: str, x: Array) -> Array:
        return conv(f"{state}.2", relu(conv(f"{state}.0", x)))

    def up(x: Array) -> Array:
        return convolve_up(x, values["up.weight"], values["up.bias"], scale, 0)

    def down(x: Array) -> Array:
        return convolve_down(x, values["down.weight"], values["down.bias"], scale, 0)

    small0 = relu(conv("extract.2", relu(conv("extract.0", image))))
    small1 = relu(small0 + residual("small", small0))
    large1 = relu(up(small0))
    small2 = relu(small1 + residual("small", small1) + down(large1))
    large2 = relu(large1 + residual("large", large1) + up(small1))
    large3 = relu(large2 + residual("large", large2) + up(small2))
    images = [conv("reconstruct", large) for large in (large1, large2, large3)]
    assert_same(network(tensor(image)), (images[0] + images[1] + images[2]) / 3)
