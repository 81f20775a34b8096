"""Exported graphs agree with their networks, at any size, in two runtimes."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch
from torch import nn

from scalewise.models import create_model, list_architectures
from scalewise.models.base import RestorationNetwork, pad_to_multiple
from scalewise.models.cleaning import CleanedNetwork
from scalewise.models.export import export_onnx, share_weights
from scalewise.restoring.runtime import OpenVinoRuntime
from scalewise.weights.release import to_bytes

SMALL: dict[str, dict[str, Any]] = {
    "original": {"width": 8, "blocks": 2},
    "original, one for all levels": {"width": 8, "blocks": 2, "shared_levels": True},
    "adaptive": {"width": 8, "blocks": 2},
    "scn": {"width": 8, "blocks": 2},
    "scn_exact": {"width": 8, "blocks": 2},
    "dbpn": {"features": 8, "width": 6, "stages": 3},
    "dsrn": {"width": 8, "stages": 4},
    "plain": {"width": 8, "convolutions": 4},
    "plain, fast": {"width": 8, "residual": False, "shrink": 2, "luminance": True},
    "steered": {"width": 8, "stages": 2, "depth": 2, "coarse_width": 16},
    "unet": {"width": 8},
    "fpn": {"width": 8, "features": 16},
    "original, cleaning": {"width": 8, "blocks": 2, "denoise": 2, "artifacts": 2},
    "adaptive, cleaning": {"width": 8, "blocks": 2, "denoise": 2, "artifacts": 2},
    "scn_exact, cleaning": {"width": 8, "blocks": 2, "denoise": 3, "artifacts": 2},
}


def test_every_architecture_is_tested() -> None:
    assert {name.partition(",")[0] for name in SMALL} == set(list_architectures())


Exported = tuple[RestorationNetwork, Path]
"""A network, and its graph."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Exported]:
    """Make a network by its name above, and export it; each once."""
    folder = tmp_path_factory.mktemp("exported")

    @cache
    def exported(name: str) -> Exported:
        torch.manual_seed(0)
        network = create_model(name.partition(",")[0], **SMALL[name]).eval()
        cleaning = network.cleaning if isinstance(network, CleanedNetwork) else nn.Module()
        for parameter in cleaning.parameters():  # some start at zero
            parameter.data.add_(0.05 * torch.randn_like(parameter))
        export_onnx(network, folder / f"{name}.onnx")
        return network, folder / f"{name}.onnx"

    return exported


@pytest.mark.parametrize("name", SMALL)
def test_agrees_in_both_runtimes(name: str, exported: Callable[[str], Exported]) -> None:
    network, path = exported(name)
    props = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
    multiple = str(network.multiple)
    assert props == {
        **{"scale": "2", "multiple": multiple},
        **{"tiling": network.tiling, "tile_multiple": multiple},
    }

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for batch, rows, columns in [(1, 1, 1), (1, 3, 5), (2, 7, 2)]:
        image = torch.rand(batch, 3, rows * network.multiple, columns * network.multiple)
        with torch.no_grad():
            expected = network.restore(image).numpy()
        (by_onnxruntime,) = session.run(None, {"image": image.numpy()})
        by_openvino = compiled(image.numpy())[0]
        for found in (by_onnxruntime, by_openvino):
            assert found.shape == expected.shape
            assert np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize(
    "name", ["original", "scn", "scn_exact", "plain", "adaptive", "unet", "fpn"]
)
def test_pads_inside_if_asked(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = create_model(name, **SMALL[name]).eval()
    path = tmp_path / "network.onnx"
    export_onnx(network, path, any_size=True)
    graph = onnx.load(str(path))
    onnx.checker.check_model(graph, full_check=True)
    props = {entry.key: entry.value for entry in graph.metadata_props}
    assert (props["multiple"], props["tile_multiple"]) == ("1", str(network.multiple))
    assert "H and W of any size" in graph.graph.doc_string
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for batch, height, width in [(1, 1, 1), (2, 17, 30), (1, 32, 16), (1, 5, 64)]:
        image = torch.rand(batch, 3, height, width)
        with torch.no_grad():
            expected = network.restore(pad_to_multiple(image, network.multiple)).numpy()
        expected = expected[..., : 2 * height, : 2 * width]
        (by_onnxruntime,) = session.run(None, {"image": image.numpy()})
        for found in (by_onnxruntime, compiled(image.numpy())[0]):
            assert found.shape == expected.shape
            assert np.abs(found - expected).max() < 1e-4


def test_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"disk full: '.*network\.onnx'"):
        export_onnx(create_model("scn_exact", width=8, blocks=1), tmp_path / "network.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", SMALL)
def test_a_graph_that_shares_weights_computes_the_same(
    name: str, exported: Callable[[str], Exported], tmp_path: Path
) -> None:
    network, graph = exported(name)
    whole, shared = tmp_path / "whole.onnx", tmp_path / "shared.onnx"
    for copy in (whole, shared):
        shutil.copy(graph, copy)
    (tmp_path / "w.safetensors").write_bytes(to_bytes(network))
    share_weights(shared, tmp_path / "w.safetensors")
    left = sum(
        len(tensor.raw_data) for tensor in onnx.load(str(shared), None, False).graph.initializer
    )
    if name != "scn":  # whose graph has what its weight normalisation makes of them
        sizes = {name: 4 * each.numel() for name, each in network.named_parameters()}
        computed = sizes.get("skip.weight", 0)  # its difference to a copy of the pixel
        assert left - computed < 0.1 * sum(sizes.values())

    image = torch.rand(1, 3, 16, 24).numpy()
    found = [
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(
            None, {"image": image}
        )[0]
        for path in (whole, shared)
    ]
    assert np.array_equal(*found)
    runtimes = [OpenVinoRuntime(path) for path in (whole, shared)]
    for path in tmp_path.iterdir():
        path.unlink()
    assert np.array_equal(*(runtime(image) for runtime in runtimes))
