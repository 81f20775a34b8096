"""Requirements on every architecture of the registry: sizes, padding, tiling, gradients."""

from __future__ import annotations

import io
from itertools import product
from typing import Any

import pytest
import torch

from scalewise.models import (
    RestorationNetwork,
    create_model,
    dbpn,
    fpn,
    list_architectures,
    plain,
    unet,
)
from scalewise.models.tile_overlap import FLAT_OVERLAP, tile_overlap

SMALL: dict[str, dict[str, Any]] = {
    "original": {"width": 8, "blocks": 2},
    "original, one for all levels": {"width": 8, "blocks": 2, "shared_levels": True},
    "adaptive": {"width": 8, "blocks": 2},
    "scn": {"width": 8, "expansion": 2, "blocks": 2, "levels": 3},
    "scn_exact": {"width": 8, "expansion": 2, "blocks": 2},
    "scn_exact, shrunk": {"width": 8, "expansion": 2, "blocks": 2, "levels": 2, "shrink": 2},
    "dbpn": {"features": 8, "width": 6, "stages": 2, "dense": True},
    "dsrn": {"width": 8, "stages": 4},
    "plain": {"width": 8, "convolutions": 4},
    "plain, chain": {"width": 8, "convolutions": 3, "residual": False, "ends": 5},
    "plain, fast": {"width": 8, "convolutions": 2, "shrink": 2, "luminance": True},
    "steered": {"width": 8, "stages": 2, "depth": 2, "coarse_width": 12, "coarse_depth": 1},
    "unet": {"width": 8},
    "fpn": {"width": 6, "features": 8},
    "original, cleaning": {"width": 8, "blocks": 2, "artifacts": 2},
    "adaptive, cleaning": {"width": 8, "blocks": 2, "denoise": 2},
    "scn_exact, cleaning": {"width": 8, "expansion": 2, "blocks": 2, "denoise": 3, "artifacts": 2},
}
"""One network of every architecture, and those with a cleaning step."""


def architecture(name: str) -> str:
    return name.partition(",")[0]


def small(name: str, seed: int = 0, **settings: Any) -> RestorationNetwork:
    """A small network in float64 none of whose parameters is zero."""
    torch.manual_seed(seed)
    network = create_model(architecture(name), **{**SMALL[name], **settings}).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, channels, height, width, dtype=torch.float64, generator=generator)


def test_every_architecture_is_tested() -> None:
    assert {architecture(name) for name in SMALL} == set(list_architectures())


@pytest.mark.parametrize("name", SMALL)
def test_output_shape_for_any_size_and_input_left_alone(name: str) -> None:
    for scale, channels in product((1, 2, 3, 4), (1, 3)):
        network = small(name, scale=scale, channels=channels)
        for height, width in ((1, 1), (1, 7), (5, 3), (17, 11)):
            image = picture(height, width, channels)
            before = image.clone()
            with torch.no_grad():
                output = network(image)
            assert output.shape == (1, channels, height * scale, width * scale)
            assert output.isfinite().all()
            assert torch.equal(image, before)


@pytest.mark.parametrize("name", SMALL)
def test_training_mode_takes_one_pixel(name: str) -> None:
    output = small(name).train()(picture(1, 1))
    output.sum().backward()
    assert output.isfinite().all()


@pytest.mark.parametrize("name", SMALL)
def test_gradients_reach_every_parameter(name: str) -> None:
    network = small(name)
    output = network(picture(16, 16))
    (output * torch.randn_like(output)).sum().backward()
    without = {
        parameter_name.removeprefix("network.")  # of one behind a cleaning
        for parameter_name, parameter in network.named_parameters()
        if parameter.grad is None or parameter.grad.abs().max() < 1e-10
    }
    published_without = {
        # A bias before an instance normalisation is subtracted again with the mean.
        "adaptive": {
            f"blocks.{block}.scale_conv{conv}.convs.{level}.bias"
            for block, conv, level in product((0, 1), (1, 2), (0, 1, 2))
        },
        # After the last block only the finest level counts, and nothing is finer than it.
        "scn": {f"body.3.down.0.{part}" for part in ("weight_g", "weight_v", "bias")},
    }
    assert without == published_without.get(architecture(name), set())


@pytest.mark.parametrize("name", SMALL)
def test_state_dict_round_trip(name: str) -> None:
    saved = small(name, seed=1)
    file = io.BytesIO()
    torch.save(saved.state_dict(), file)
    file.seek(0)
    loaded = create_model(saved.architecture, **saved.settings).double()
    image = picture(9, 10)
    with torch.no_grad():
        assert not torch.equal(loaded(image), saved(image))
        loaded.load_state_dict(torch.load(file, weights_only=True))
        assert torch.equal(loaded(image), saved(image))


@pytest.mark.parametrize("name", SMALL)
def test_bfloat16_autocast_agrees_roughly(name: str) -> None:
    network = small(name).float()
    image = picture(12, 12).float()
    with torch.no_grad():
        exact = network(image)
        with torch.autocast("cpu", torch.bfloat16):
            rough = network.to(memory_format=torch.channels_last)(image)
    assert (rough.float() - exact).abs().max() < 0.05 * exact.abs().max()


def cut_error(network: RestorationNetwork, start: int) -> float:
    """Return the error of a tile from ``start`` on, 56 pixels inside it."""
    whole, x2 = picture(136, 136), network.scale
    with torch.no_grad():
        from_whole = network(whole)[..., 72 * x2 : 80 * x2, 72 * x2 : 80 * x2]
        tile = network(whole[..., start:, start:])
    inner = slice((72 - start) * x2, (80 - start) * x2)
    return float((tile[..., inner, inner] - from_whole).abs().max())


@pytest.mark.parametrize(
    "name",
    [
        "original",
        "original, one for all levels",
        "scn_exact",
        "scn_exact, shrunk",
        "original, cleaning",
        "scn_exact, cleaning",
        "plain, fast",
        "steered",
        "unet",
        "fpn",
    ],
)
def test_tile_exact_networks_do_not_see_where_a_tile_was_cut(name: str) -> None:
    network = small(name)
    assert network.tiling == "exact"
    assert cut_error(network, 4 * network.multiple) < 1e-12
    assert cut_error(network, 4 * network.multiple + 1) > 1e-6


def farthest_seen(network: RestorationNetwork) -> int:
    """Return the receptive field to one side of an output pixel, in input pixels."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()  # so that nothing cancels or is cut off
    column = (1 + picture(121, 1)).requires_grad_()  # positive once 0.5 is subtracted
    output = network(column)[:, :, 60 * network.scale : 61 * network.scale].sum()
    (gradient,) = torch.autograd.grad(output, column)
    rows = gradient.sum((0, 1, 3)).nonzero()
    return int((rows - 60).abs().max())


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_networks_that_see_no_further_than_tiles_overlap_are_exact(scale: int) -> None:
    for stages in (1, 2, 3, 5):
        network = small("dbpn", scale=scale, stages=stages)
        assert farthest_seen(network) == dbpn.reach(scale, stages)
        assert network.tiling == (
            "exact" if dbpn.reach(scale, stages) <= FLAT_OVERLAP else "blended"
        )
    for stages in (1, 2, 7, 13):
        network = small("dsrn", scale=scale, stages=stages)
        assert farthest_seen(network) == 2 * stages
        assert network.tiling == ("exact" if 2 * stages <= FLAT_OVERLAP else "blended")
    for convolutions, ends, shrink in ((2, 3, 1), (22, 3, 1), (22, 5, 1), (6, 3, 3), (8, 3, 2)):
        settings = {"convolutions": convolutions, "ends": ends, "shrink": shrink}
        network = small("plain", scale=scale, **settings)
        seen = plain.reach(convolutions, ends, shrink)
        assert farthest_seen(network) == seen
        assert network.tiling == ("exact" if seen <= FLAT_OVERLAP else "blended")


def farthest_felt(network: RestorationNetwork) -> int:
    """Return how far a pixel changes outputs, in input pixels, by making it white.

    Max pooling has a gradient for one pixel of four, so :func:`farthest_seen` would miss some.
    """
    felt = 0
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
        column = picture(160, 1)
        before = network(column)
        for row in range(80, 80 + network.multiple):  # anywhere in a pixel of the coarsest level
            changed = column.clone()
            changed[:, :, row] = 1e3
            rows = ((network(changed) - before).sum((0, 1, 3)) > 0).nonzero() // network.scale
            felt = max(felt, int((rows - row).abs().max()))
    return felt


@pytest.mark.parametrize("scale", [1, 3])
def test_encoders_and_decoders_are_exact_where_tiles_overlap_by_what_they_see(scale: int) -> None:
    for levels in (2, 3, 4):
        network = small("unet", scale=scale, levels=levels, width=4)
        assert network.multiple == 2 ** (levels - 1)
        assert farthest_felt(network) == unet.reach(levels)
        assert network.tiling == "exact"
        assert unet.reach(levels) <= tile_overlap(network.multiple)
    for blocks, levels in ((1, 2), (3, 2), (1, 3), (2, 3), (1, 4)):
        network = small("fpn", scale=scale, blocks=blocks, levels=levels)
        seen = fpn.reach(blocks, levels)
        assert farthest_felt(network) == seen
        within = seen <= tile_overlap(network.multiple)
        assert network.tiling == ("exact" if within else "blended")


@pytest.mark.parametrize("name", ["dbpn", "dsrn", "plain", "plain, chain"])
def test_networks_without_a_pyramid_may_be_cut_anywhere(name: str) -> None:
    network = small(name)
    assert (network.tiling, network.multiple) == ("exact", 1)
    assert cut_error(network, 5) < 1e-12


@pytest.mark.parametrize(("name", "settings"), [("scn", {}), ("original", {"align_corners": True})])
def test_corner_aligned_networks_do(name: str, settings: dict[str, Any]) -> None:
    network = small(name, **settings)
    assert network.tiling == "blended"
    assert cut_error(network, 4 * network.multiple) > 1e-6


def test_adaptive_must_run_on_the_whole_picture() -> None:
    network = small("adaptive")
    assert network.tiling == "whole"
    assert cut_error(network, 4 * network.multiple) > 1e-6
