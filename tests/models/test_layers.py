"""Bicubic enlargement as a convolution, against our ``imresize``."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from scalewise.imaging.resize import imresize
from scalewise.models import RestorationNetwork, create_model
from scalewise.models.layers import BicubicResidual, BicubicSkip, bicubic_kernel
from scalewise.models.original import Original
from scalewise.models.scn_exact import ScnExact


def assert_bicubic(network: RestorationNetwork) -> None:
    """The network enlarges bicubically but for the border, and keeps one colour up to it."""
    scale, channels = network.scale, network.channels
    image = np.random.default_rng(0).random((14, 17, channels))
    expected = imresize(image, scale)
    with torch.no_grad():
        output = network(torch.tensor(image).float().permute(2, 0, 1)[None])
    found = output[0].permute(1, 2, 0).numpy()
    inner = slice(2 * scale, -2 * scale)
    assert np.abs(found - expected)[inner, inner].max() < 2e-6
    with torch.no_grad():
        plain = network(torch.full((1, channels, 5, 6), 0.7))
    assert (plain - 0.7).abs().max() < 2e-6


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_scn_exact_starts_as_bicubic_enlargement(scale: int, channels: int) -> None:
    network = ScnExact(scale, channels, width=4, blocks=1)
    torch.nn.init.zeros_(network.tail.weight)
    assert_bicubic(network)


@pytest.mark.parametrize("name", ["unet", "fpn"])
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_encoders_and_decoders_start_as_bicubic_enlargement(name: str, scale: int) -> None:
    network = create_model(name, scale=scale, width=4)
    torch.nn.init.zeros_(network.get_parameter("tail.weight"))
    assert_bicubic(network)


@pytest.mark.parametrize(
    ("name", "settings", "last"),
    [
        ("original", {"blocks": 1}, "final_conv"),
        ("adaptive", {"blocks": 1}, "final_conv"),
        ("dbpn", {"stages": 1}, "reconstruct"),
        ("dsrn", {"stages": 1}, "reconstruct"),
    ],
)
def test_global_residual_is_bicubic_enlargement(
    name: str, settings: dict[str, int], last: str
) -> None:
    network = create_model(name, scale=3, width=4, **settings, global_residual=True)
    torch.nn.init.zeros_(network.get_parameter(f"{last}.weight"))
    assert_bicubic(network)


def test_without_global_residual_there_is_none() -> None:
    network = Original(width=4, blocks=1)
    torch.nn.init.zeros_(network.final_conv.weight)
    torch.nn.init.zeros_(network.final_conv.bias)
    assert not network(torch.rand(1, 3, 8, 8)).any()


@pytest.mark.parametrize("layer", [BicubicSkip, BicubicResidual])
@pytest.mark.parametrize("scale", [1, 2])
def test_bicubic_enlargement_is_hardly_rounded_in_bfloat16(
    layer: type[BicubicSkip | BicubicResidual], scale: int, photo: NDArray[np.uint8]
) -> None:
    skip = layer(scale, 3)
    image = torch.tensor(photo[:64, :96] / 255).float().permute(2, 0, 1)[None] - 0.5
    with torch.no_grad():
        exact = skip(image)
        with torch.autocast("cpu", torch.bfloat16):
            found = skip(image)
            whole = F.conv2d(image, bicubic_kernel(scale, 3), padding=2).float()
    assert found.dtype == torch.float32
    inner = slice(2, -2)
    rounding, of_whole = (
        (255 * (each - exact))[..., inner, inner].square().mean().sqrt() for each in (found, whole)
    )
    assert rounding < 0.05
    assert of_whole > 3 * rounding
