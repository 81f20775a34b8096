"""Denoising block and artifact module: results by hand, initial state, receptive field."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from scalewise.errors import ScalewiseError
from scalewise.models import create_model, load_weights
from scalewise.models.cleaning import ArtifactModule, Cleaning, DenoisingBlock
from scalewise.models.scn_exact import ScnExact
from scalewise.restoring.runtime import OpenVinoRuntime
from scalewise.weights.card import GRAPH_FILE, Training
from scalewise.weights.release import load_network, write_release
from tests.models.test_definitions import Array, assert_same, convolve, randomised, relu, tensor

BOTH = {"denoise": 3, "artifacts": 2}


def found_features(values: dict[str, Array], image: Array, layers: int) -> Array:
    """The image, 0.5 subtracted, through convolutions with ReLU behind each."""
    x = image - 0.5
    for layer in range(layers):
        name = f"features.{2 * layer}"
        x = relu(convolve(x, values[f"{name}.weight"], values[f"{name}.bias"]))
    return x


def test_denoising_block() -> None:
    module = DenoisingBlock(channels=3, width=2, layers=3)
    values, image = randomised(module), np.random.default_rng(0).random((3, 5, 4))
    noise = convolve(found_features(values, image, 2), values["noise.weight"], values["noise.bias"])
    assert_same(module(tensor(image)), image + noise)


def test_artifact_module() -> None:
    module = ArtifactModule(channels=3, width=2, layers=2)
    values, image = randomised(module), np.random.default_rng(0).random((3, 5, 4))
    found = found_features(values, image, 1)
    logit = convolve(found, values["detect.weight"], values["detect.bias"])
    correction = convolve(found, values["correct.weight"], values["correct.bias"])
    corrected, artifact_map = module(tensor(image))
    assert_same(artifact_map, 1 / (1 + np.exp(-logit)))
    assert_same(corrected, image + 1 / (1 + np.exp(-logit)) * correction)


def test_the_denoising_block_sees_what_the_artifact_module_corrected() -> None:
    cleaning = Cleaning(channels=3, width=4, denoise=2, artifacts=2)
    randomised(cleaning)
    image = torch.rand(1, 3, 6, 7, dtype=torch.float64)
    assert cleaning.artifacts is not None
    assert cleaning.denoise is not None
    corrected, artifact_map = cleaning.artifacts(image)
    cleaned = cleaning(image)
    assert torch.equal(cleaned.image, cleaning.denoise(corrected))
    assert torch.equal(cleaned.artifact_map, artifact_map)


@pytest.mark.parametrize("name", ["scn_exact", "original", "adaptive"])
def test_a_network_begins_as_without_it(name: str) -> None:
    settings = {"width": 8, "blocks": 1}
    torch.manual_seed(0)
    plain = create_model(name, **settings)
    torch.manual_seed(0)
    network = create_model(name, **settings, **BOTH)
    image = torch.rand(1, 3, 9, 14)
    with torch.no_grad():
        assert torch.equal(network(image), plain(image))


@pytest.mark.parametrize("name", ["scn_exact", "original", "adaptive"])
def test_the_network_restores_the_cleaned_image(name: str) -> None:
    torch.manual_seed(0)
    network = create_model(name, scale=1, width=8, blocks=1, **BOTH)
    for parameter in network.cleaning.parameters():
        parameter.data.add_(0.1)
    image = torch.rand(2, 3, 12, 16)
    with torch.no_grad():
        restored, cleaned = network(image, with_cleaned=True)
        assert torch.equal(network(image), restored)
        assert torch.equal(network.restore(image), restored)
        assert torch.equal(network.network.restore(cleaned.image), restored)
        assert (cleaned.image - image).abs().mean() > 0.01
        assert cleaned.artifact_map.shape == (2, 1, 12, 16)
        assert (cleaned.artifact_map > 0).all()
        assert (cleaned.artifact_map < 1).all()


def test_what_was_cleaned_has_the_images_size_not_the_padded_one() -> None:
    network = create_model("scn_exact", scale=2, width=4, blocks=1, **BOTH)
    restored, cleaned = network(torch.rand(1, 3, 9, 7), with_cleaned=True)
    assert restored.shape == (1, 3, 18, 14)
    assert cleaned.image.shape == (1, 3, 9, 7)
    assert cleaned.artifact_map.shape == (1, 1, 9, 7)


def test_nothing_is_cleaned_unless_asked_for() -> None:
    assert isinstance(create_model("scn_exact", width=4, blocks=1), ScnExact)
    with pytest.raises(ScalewiseError, match="scn has no setting 'denoise'"):
        create_model("scn", denoise=2)


def test_weights_have_the_names_that_checkpoints_hold() -> None:
    """Names and order are those of version 0.1, in which each network held its own cleaning."""
    network = create_model("original", width=4, blocks=1, levels=1, denoise=2)
    cleaning = [f"cleaning.denoise.{layer}" for layer in ("features.0", "noise")]
    own = ["initial_conv", "blocks.0.scale_conv1.convs.0", "blocks.0.scale_conv2.convs.0"]
    layers = [*cleaning, *own, "final_conv"]
    names = [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    assert list(network.state_dict()) == names
    # The optimizer's state goes by the order of the parameters.
    parameters = [value.data_ptr() for value in network.state_dict().values()]
    assert [parameter.data_ptr() for parameter in network.parameters()] == parameters
    older = {name: torch.rand_like(value) for name, value in network.state_dict().items()}
    copied = copy.deepcopy(network)
    load_weights(copied, older)
    assert all(torch.equal(value, older[name]) for name, value in copied.state_dict().items())
    with pytest.raises(RuntimeError, match="initial_conv"):
        network.load_state_dict({k: v for k, v in older.items() if k != "initial_conv.weight"})


@pytest.mark.parametrize(("denoise", "artifacts"), [(2, 0), (0, 3), (4, 4), (8, 0)])
def test_each_convolution_sees_one_pixel_further(denoise: int, artifacts: int) -> None:
    cleaning = Cleaning(channels=1, width=2, denoise=denoise, artifacts=artifacts)
    randomised(cleaning)
    with torch.no_grad():
        for parameter in cleaning.parameters():
            parameter.abs_()  # so that nothing is cut off
    column = torch.full((1, 1, 31, 1), 0.75, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(cleaning(column).image[:, :, 15].sum(), column)
    assert (gradient[0, 0, :, 0].nonzero() - 15).abs().max() == denoise + artifacts


def test_a_released_network_comes_back_with_both(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = create_model("scn_exact", width=4, blocks=1, **BOTH).eval()
    for parameter in network.cleaning.parameters():
        parameter.data.add_(0.1)
    training = Training(recipe={}, steps=1, seconds=1.0, progress=1.0, pictures=1, licences={})
    folder = tmp_path / "cleaner"
    card = write_release(
        network, folder, name="cleaner", summary="A test.", licence="CC0", training=training
    )
    assert (card.settings["denoise"], card.settings["artifacts"]) == (3, 2)
    image = torch.rand(1, 3, 12, 16)
    with torch.no_grad():
        expected = network(image)
        assert torch.equal(load_network(folder)(image), expected)
    by_graph = OpenVinoRuntime(folder / GRAPH_FILE)(image.numpy())
    assert np.abs(by_graph - expected.numpy()).max() < 1e-4
