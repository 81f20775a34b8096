"""DBPN and DSRN against their papers' formulas, computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from scalewise.models.dbpn import Dbpn, PReLU, Projection
from scalewise.models.dsrn import Dsrn
from tests.models.by_hand import (
    Array,
    assert_same,
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
