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
from torch import Tensor

from scalewise.models import scn, scn_exact
from scalewise.models.adaptive import AdaptiveScaleWiseConv
from scalewise.models.document_network import ResidualBlock
from scalewise.models.original import ScaleWiseConv
from scalewise.models.plain import Plain
from scalewise.models.scn import Scn
from scalewise.models.steered import Steered, SteeredStage
from tests.models.by_hand import (
    Array,
    assert_same,
    bilinear,
    convolve,
    features,
    normalise,
    randomised,
    relu,
    tensor,
)


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


def test_scale_wise_convolution_of_original_with_one_convolution_for_all_levels() -> None:
    module = ScaleWiseConv(3, 3, align_corners=False, shared_levels=True)
    values, x = randomised(module), features(3, 8, 12)
    assert list(values) == ["convs.0.weight", "convs.0.bias"]
    for level, name in ((1, "weight"), (2, "weight"), (1, "bias"), (2, "bias")):
        values[f"convs.{level}.{name}"] = values[f"convs.0.{name}"]
    assert_same(module(tensor(x)), scale_wise_sum(x, values, "", align_corners=False))


@pytest.mark.parametrize("shared", [False, True])
def test_residual_block_of_original(shared: bool) -> None:
    module = ResidualBlock(lambda: ScaleWiseConv(2, 3, align_corners=False), shared)
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
    """Compute Adaptive's convolution with PyTorch's own operations, one after the other."""
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
    module = scn.ScaleWiseBlock(width=3, wide=5, gain=1.0)
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
    module = scn_exact.ScaleWiseBlock(width=3, expansion=2, body_gain=1.0, last=last)
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


def shuffled(x: Array, scale: int) -> Array:
    """Channels (C scale^2, H, W) as sub-pixels: (C, scale H, scale W)."""
    channels, height, width = len(x) // scale**2, x.shape[1], x.shape[2]
    y = np.zeros((channels, scale * height, scale * width))
    for channel, row, column in np.ndindex(channels, scale, scale):
        y[channel, row::scale, column::scale] = x[(channel * scale + row) * scale + column]
    return y


def skipped(values: dict[str, Array], image: Array, scale: int) -> Array:
    """The image, its edges extended, through the 5x5 skip convolution."""
    padded = np.pad(image - 0.5, ((0, 0), (2, 2), (2, 2)), mode="edge")
    found = convolve(padded, values["skip.weight"], values["skip.bias"])[:, 2:-2, 2:-2]
    return shuffled(found, scale) + 0.5


@pytest.mark.parametrize("luminance", [False, True])
@pytest.mark.parametrize("residual", [False, True])
def test_plain(residual: bool, luminance: bool) -> None:
    network = Plain(width=4, convolutions=4, residual=residual, ends=5, luminance=luminance)
    values, image = randomised(network), np.random.default_rng(1).random((3, 4, 3))

    def conv(name: str, x: Array) -> Array:
        return convolve(x, values[f"{name}.weight"], values[f"{name}.bias"])

    x = conv("head", image - 0.5)
    if residual:
        for block in range(2):
            x = x + conv(f"body.{block}.body.2", relu(conv(f"body.{block}.body.0", x)))
    else:
        x = relu(x)
        for layer in (1, 3, 5, 7):
            x = relu(conv(f"body.{layer}", x))
    assert_same(network(tensor(image)), shuffled(conv("tail", x), 2) + skipped(values, image, 2))


def test_luminance_leaves_chroma_to_the_skip() -> None:
    """By BT.601's definition of Cb and Cr."""
    network = Plain(width=4, convolutions=2, luminance=True)
    values, image = randomised(network), np.random.default_rng(1).random((3, 4, 3))
    found = network(tensor(image)).detach().numpy()[0]
    base = skipped(values, image, 2)
    luma = np.array([0.299, 0.587, 0.114])
    y, y_base = np.tensordot(luma, found, 1), np.tensordot(luma, base, 1)
    assert np.abs(y - y_base).max() > 0.1
    for channel in (0, 2):
        np.testing.assert_allclose(found[channel] - y, base[channel] - y_base, atol=1e-12)


def test_stage_of_steered() -> None:
    module = SteeredStage(width=2, depth=2, coarse_width=3, coarse_depth=2, gain=1.0)
    values, fine, coarse = randomised(module), features(2, 8, 12), features(3, 2, 3)
    values["gate.weight"] *= 5.0  # the module's own memory; gates then reach both limits

    def conv(name: str, x: Array) -> Array:
        return convolve(x, values[f"{name}.weight"], values[f"{name}.bias"])

    c = coarse + conv("renew", halve(halve(fine)))
    first = conv("renew", halve(halve(fine)))
    for found, start in (
        (module(tensor(fine), tensor(coarse)), c),
        (module(tensor(fine), None), first),
    ):
        renewed = start + conv("far.2", relu(conv("far.0", start)))
        gate = conv("gate", renewed)
        assert gate.min() < 0.0
        assert gate.max() > 2.0
        gate = bilinear(np.clip(gate, 0.0, 2.0), 8, 12, align_corners=False)
        stepped = fine + conv("near.2", relu(conv("near.0", fine)))
        assert_same(found[0], stepped * gate)
        assert_same(found[1], renewed)


def test_steering_starts_as_no_change() -> None:
    """Whatever the coarse stream holds, the gate is 1."""
    network = Steered(width=4, stages=2, depth=2, coarse_width=5)
    stage = SteeredStage(width=4, depth=1, coarse_width=5, coarse_depth=1, gain=1.0)
    fine = torch.randn(1, 4, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(stage(fine, None)[0], fine + stage.near(fine))
        image = torch.rand(1, 3, 8, 8)
        before = network(image)
        for name, parameter in network.named_parameters():
            if ".far." in name:
                parameter.mul_(3)
        torch.testing.assert_close(network(image), before)
