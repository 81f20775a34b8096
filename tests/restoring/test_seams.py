"""No seams: tiled and whole results agree to within 1/255 everywhere."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalewise.models import create_model
from scalewise.models.tile_overlap import BLEND, PYRAMID_OVERLAP
from scalewise.restoring.channels import Network
from scalewise.restoring.loading import LoadOptions, load
from scalewise.restoring.precision import computes_bf16
from scalewise.restoring.restorer import Restorer
from scalewise.restoring.rows import FloatImage, rows_of_array, to_array
from scalewise.restoring.runtime import OpenVinoRuntime, Runtime, TorchRuntime
from scalewise.restoring.tiling import TilingOptions, restore_rows, spans
from scalewise.weights import find_release
from scalewise.weights.card import GRAPH_FILE, read_card
from scalewise.weights.release import load_network

ALLOWED = 1 / 255


def runtime_of(folder: Path, name: str) -> Runtime:
    if name == "openvino":
        return OpenVinoRuntime(folder / GRAPH_FILE)
    return TorchRuntime(load_network(folder), "cpu")


def difference(folder: Path, runtime: Runtime, image: FloatImage, tile: int) -> float:
    """The largest, between tiled and whole."""
    card = read_card(folder)
    whole = Restorer("whole", card, runtime, tile=None).restore(image)
    tiled = Restorer("tiled", card, runtime, tile=tile).restore(image)
    return float(np.abs(tiled - whole).max())


@pytest.mark.parametrize("runtime", ["openvino", "torch"])
def test_any_size_and_tile(small_release: Path, photo: NDArray[np.uint8], runtime: str) -> None:
    draw = random.Random(5)
    network = runtime_of(small_release, runtime)
    for _ in range(10):
        height, width = draw.randint(1, 220), draw.randint(1, 220)
        y, x = draw.randint(0, 512 - height), draw.randint(0, 512 - width)
        image = (photo[y : y + height, x : x + width] / 255).astype(np.float32)
        tile = draw.choice([64, draw.randint(64, 200)])
        found = difference(small_release, network, image, tile)
        assert found < 0.1 * ALLOWED, (height, width, tile)


def worst_case(kind: str) -> FloatImage:
    """What a network with a pyramid sees furthest in."""
    from skimage import data

    height, width = 125, 186
    noise = np.random.default_rng(0).random((height, width, 3)).astype(np.float32)
    rows, columns = np.indices((height, width))
    return {
        "noise": noise,
        "black and white noise": np.repeat(noise[..., :1] > 0.5, 3, axis=2).astype(np.float32),
        "checkerboard": np.repeat((rows + columns)[..., None] % 2, 3, axis=2).astype(np.float32),
        "text": np.repeat(data.page()[40 : 40 + height, 20 : 20 + width, None], 3, axis=2) / 255,
    }[kind].astype(np.float32)


@pytest.mark.parametrize("kind", ["noise", "black and white noise", "checkerboard", "text"])
def test_worst_cases_for_the_released_network(kind: str) -> None:
    folder = find_release("scn_x2")
    found = difference(folder, OpenVinoRuntime(folder / GRAPH_FILE), worst_case(kind), 64)
    assert found < 0.5 * ALLOWED


def test_what_cleans_ahead_of_the_released_network_makes_no_seams() -> None:
    """As far as it may see, and with weights as they come."""
    released = load_network(find_release("scn_x2"))
    torch.manual_seed(0)
    network = create_model("scn_exact", **{**released.settings, "denoise": 4, "artifacts": 4})
    network.load_state_dict(released.state_dict(), strict=False)
    for name, parameter in network.cleaning.named_parameters():
        if name in ("denoise.noise.weight", "artifacts.correct.weight"):
            parameter.data.uniform_(-0.2, 0.2)
    image = worst_case("black and white noise")
    aligned = torch.from_numpy(image.transpose(2, 0, 1))[None]
    with torch.no_grad():
        change = network.cleaning(aligned).image - aligned
    assert change.abs().mean() > 10 * ALLOWED
    runtime = TorchRuntime(network, "cpu")
    whole = Restorer("whole", network, runtime, tile=None).restore(image)
    tiled = Restorer("tiled", network, runtime, tile=64).restore(image)
    assert np.abs(tiled - whole).max() < 0.25 * ALLOWED


@pytest.mark.parametrize("name", ["unet", "fpn"])
@pytest.mark.parametrize("kind", ["noise", "checkerboard"])
def test_encoders_and_decoders_make_no_seams(name: str, kind: str) -> None:
    """Their tiles overlap by all that they see, so only rounding is left."""
    torch.manual_seed(0)
    network = create_model(name).eval()
    torch.nn.init.normal_(network.get_parameter("tail.weight"), std=0.02)
    image = worst_case(kind)
    runtime = TorchRuntime(network, "cpu")
    whole = Restorer("whole", network, runtime, tile=None).restore(image)
    tiled = Restorer("tiled", network, runtime, tile=64).restore(image)
    assert np.abs(tiled - whole).max() < 0.02 * ALLOWED


def test_blended_tiles_fade_into_one_another(photo: NDArray[np.uint8]) -> None:
    """The error that a cut makes has no step where tiles meet, as a plain cut's has."""
    torch.manual_seed(0)
    network = create_model("scn", width=8, blocks=2, levels=2)
    assert network.tiling == "blended"
    image = (photo[50:200, 30:240] / 255).astype(np.float32)
    runtime = TorchRuntime(network, "cpu")
    whole = Restorer("whole", network, runtime, tile=None).restore(image)

    def steps(blend: int) -> NDArray[np.float32]:
        """The mean step of the error at every cut from left to right."""
        kind = Network(runtime, 2, 3, network.multiple)
        tiling = TilingOptions(64, PYRAMID_OVERLAP, blend)
        rows = restore_rows(rows_of_array(image), kind, tiling, image.dtype)
        step = np.abs(np.diff(to_array(rows) - whole, axis=1)).mean((0, 2))
        cuts = [span.keep_to for span in spans(210, 64, PYRAMID_OVERLAP, network.multiple)[:-1]]
        assert len(cuts) == 2
        return step[2 * np.array(cuts) - 1]

    assert (steps(BLEND) < 0.75 * steps(0)).all()


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_tiles_of_a_released_network_from_files(
    photo: NDArray[np.uint8], precision: Literal["f32", "bf16"]
) -> None:
    if precision == "bf16" and not computes_bf16("cpu"):
        pytest.skip("this CPU has no bfloat16")
    image = photo[50:200, 30:210]
    whole = load("scn_x2", LoadOptions(precision=precision, tile=None)).restore(image).astype(int)
    tiled = load("scn_x2", LoadOptions(precision=precision, tile=64)).restore(image)
    assert np.abs(tiled - whole).max() <= 1


@pytest.mark.parametrize("name", ["scn_x2", "scn_fast_x2"])
def test_int8_rounds_differently_in_tiles_but_draws_no_line(
    name: str, photo: NDArray[np.uint8]
) -> None:
    """What a tile does not see is nothing to float32; here it turns a few roundings."""
    tile, image = 64, photo[:160, 100:260]
    whole = load(name, LoadOptions(precision="int8", tile=None)).restore(image).astype(int)
    tiled = load(name, LoadOptions(precision="int8", tile=tile)).restore(image)
    difference = np.abs(tiled - whole)
    assert difference.max() <= 3
    assert difference.mean() < 0.2
    at_cuts = np.concatenate(
        [difference[2 * tile - 1 :: 2 * tile], difference[2 * tile :: 2 * tile]]
    )
    assert at_cuts.mean() < 1.5 * difference.mean() + 0.01
