"""DBPN, DSRN, U-Net and FPN against their papers' formulas, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from scalewise.models.dbpn import Dbpn, PReLU, Projection
from scalewise.models.dsrn import Dsrn
from scalewise.models.fpn import Fpn
from scalewise.models.unet import Unet
from tests.models.by_hand import (
    Array,
    assert_same,
    bilinear,
    convolve,
    features,
    randomised,
    relu,
    tensor,
)


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
    """x (C, H, W), weight (C, O, k, k): every pixel adds its kernel to the larger image."""
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


def largest_of_four(x: Array) -> Array:
    """The largest of every 2x2 pixels."""
    return np.max([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=0)


def ends(values: dict[str, Array], features: Array, image: Array, scale: int) -> Array:
    """The last convolution, added to the skip from the image, its channels as sub-pixels."""
    padded = np.pad(image - 0.5, ((0, 0), (2, 2), (2, 2)), mode="edge")
    found = convolve(padded, values["skip.weight"], values["skip.bias"])[:, 2:-2, 2:-2]
    found += convolve(features, values["tail.weight"], values["tail.bias"])
    y = np.zeros((1, scale * image.shape[1], scale * image.shape[2]))
    for channel in range(scale**2):
        y[0, channel // scale :: scale, channel % scale :: scale] = found[channel] + 0.5
    return y


@pytest.mark.parametrize("scale", [1, 2])
def test_unet_of_three_levels(scale: int) -> None:
    network = Unet(scale, channels=1, width=2, levels=3)
    values, image = randomised(network), np.random.default_rng(1).random((1, 8, 4))

    def pair(name: str, x: Array) -> Array:
        for layer in (0, 2):
            x = relu(convolve(x, values[f"{name}.{layer}.weight"], values[f"{name}.{layer}.bias"]))
        return x

    def step(level: int, skip: Array, coarse: Array) -> Array:
        name = f"decoder.{level}"
        doubled = convolve_up(coarse, values[f"{name}.up.weight"], values[f"{name}.up.bias"], 2, 0)
        return pair(f"{name}.convs", np.concatenate([skip, doubled]))

    c0 = pair("encoder.0", image - 0.5)
    c1 = pair("encoder.1", largest_of_four(c0))
    c2 = pair("encoder.2", largest_of_four(c1))
    assert [len(c) for c in (c0, c1, c2)] == [2, 4, 8]
    expected = ends(values, step(0, c0, step(1, c1, c2)), image, scale)
    assert_same(network(tensor(image)), expected)


@pytest.mark.parametrize("scale", [1, 2])
def test_fpn_of_three_levels(scale: int) -> None:
    network = Fpn(scale, channels=1, width=2, blocks=2, levels=3, features=3)
    values, image = randomised(network), np.random.default_rng(1).random((1, 8, 4))

    def conv(name: str, x: Array) -> Array:
        return convolve(x, values[f"{name}.weight"], values[f"{name}.bias"])

    def stage(level: int, x: Array) -> Array:
        name = f"bottom_up.{level}"
        first = values[f"{name}.0.0.weight"], values[f"{name}.0.0.bias"]
        x = relu(convolve_down(x, *first, stride=2 if level else 1, padding=1))
        for block in (1, 2):
            inner = relu(conv(f"{name}.{block}.first.0", x))
            x = relu(x + conv(f"{name}.{block}.second", inner))
        return x

    def nearest(x: Array) -> Array:
        return x.repeat(2, axis=1).repeat(2, axis=2)

    c0 = stage(0, image - 0.5)
    c1 = stage(1, c0)
    c2 = stage(2, c1)
    p2 = conv("laterals.2", c2)
    p1 = conv("laterals.1", c1) + nearest(p2)
    p0 = conv("laterals.0", c0) + nearest(p1)
    merged = np.zeros_like(p0)
    for level, p in enumerate((p0, p1, p2)):
        smooth = relu(conv(f"smooth.{level}.0", p))
        merged += bilinear(smooth, 8, 4, align_corners=False)
    assert_same(network(tensor(image)), ends(values, merged, image, scale))


def test_features_double_where_the_size_halves() -> None:
    """In U-Net's encoder and FPN's bottom-up path; FPN's top-down path has as many everywhere."""
    unet, fpn = Unet(width=4, levels=4), Fpn(width=4, levels=4, features=5)
    assert [pair[2].out_channels for pair in unet.encoder] == [4, 8, 16, 32]
    assert [stage[0][0].out_channels for stage in fpn.bottom_up] == [4, 8, 16, 32]
    assert [(conv.in_channels, conv.out_channels) for conv in fpn.laterals] == [
        (4, 5),
        (8, 5),
        (16, 5),
        (32, 5),
    ]
    assert not torch.equal(fpn.smooth[0][0].weight, fpn.smooth[1][0].weight)
