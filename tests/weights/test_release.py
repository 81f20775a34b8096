"""Networks in and out of released folders."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import scalewise.models
from scalewise.errors import ScalewiseError
from scalewise.weights import find_release
from scalewise.weights.card import read_card
from scalewise.weights.release import load_network, write_release


def test_a_release_gives_the_network_back(small_release: Path, tmp_path: Path) -> None:
    network = load_network(small_release)
    card = read_card(small_release)
    again = write_release(
        network,
        tmp_path / "again",
        name="small",
        summary=card.summary,
        licence=card.licence,
        training=card.training,
    )
    assert again == card  # checksums too: the same weights make the same files
    image = torch.rand(1, 3, 13, 10)
    with torch.no_grad():
        assert torch.equal(load_network(tmp_path / "again")(image), network(image))


def test_the_released_weights_are_in_the_released_graph() -> None:
    """Weights and graph of the package's models agree: one is the other's export."""
    import openvino

    for card in scalewise.list_models():
        network = load_network(card.name)
        run = openvino.Core().compile_model(
            str(find_release(card.name) / "model.onnx"),
            "CPU",
            {"INFERENCE_PRECISION_HINT": "f32"},
        )
        image = torch.rand(1, card.channels, 4 * card.multiple, 3 * card.multiple)
        with torch.no_grad():
            expected = network(image).numpy()
        assert abs(run(image.numpy())[0] - expected).max() < 1e-4


def test_what_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match="unknown model 'nothing'"):
        load_network("nothing")
    (tmp_path / "noise.pt").write_bytes(b"noise")
    with pytest.raises(ScalewiseError, match=r"noise\.pt: not a PyTorch checkpoint"):
        load_network(tmp_path / "noise.pt")
    torch.save(
        {"recipe": {"model": {"name": "scn_exact", "settings": {}}}, "ema": {}}, tmp_path / "e.pt"
    )
    with pytest.raises(ScalewiseError, match=r"e\.pt: weights do not fit ScnExact"):
        load_network(tmp_path / "e.pt")


def test_corrupt_tensors(small_release: Path, tmp_path: Path) -> None:
    for path in small_release.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ScalewiseError, match=r"weights\.safetensors: damaged"):
        load_network(tmp_path)
