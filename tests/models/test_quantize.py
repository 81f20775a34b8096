"""Graphs in 8-bit integers agree with their networks nearly, in two runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch
from onnx import TensorProto, helper

from scalewise.errors import ScalewiseError
from scalewise.models import RestorationNetwork, create_model
from scalewise.models.quantize import Image, export_int8, inner_convolutions

SMALL: dict[str, dict[str, Any]] = {
    "original": {"width": 8, "blocks": 2},
    "adaptive": {"width": 8, "blocks": 2},
    "scn_exact": {"width": 8, "blocks": 2},
    "unet": {"width": 8},
    "fpn": {"width": 8, "features": 16},
    "scn_exact, cleaning": {"width": 8, "blocks": 2, "denoise": 3, "artifacts": 2},
}


def images(count: int = 4, side: int = 32) -> list[Image]:
    random = np.random.default_rng(0)
    return [random.random((1, 3, side, side), dtype=np.float32) for _ in range(count)]


def small(name: str = "scn_exact") -> RestorationNetwork:
    torch.manual_seed(0)
    network = create_model(name.partition(",")[0], **SMALL[name]).eval()
    for parameter in network.parameters():  # some start at zero
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return network


def quantized(path: Path) -> list[str]:
    """Names of the convolutions whose input is made of integers."""
    graph = onnx.load(str(path)).graph
    integers = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    for node in convolutions:
        assert (node.input[0] in integers) == (node.input[1] in integers)
    return [node.name for node in convolutions if node.input[0] in integers]


@pytest.mark.parametrize("name", SMALL)
def test_is_nearly_what_the_network_computes(name: str, tmp_path: Path) -> None:
    network, path = small(name), tmp_path / "int8.onnx"
    export_int8(network, path, images())
    props = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
    assert (props["scale"], props["multiple"]) == ("2", str(network.multiple))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for rows, columns in [(3, 5), (8, 2)]:
        side = network.multiple
        image = np.random.default_rng(1).random((1, 3, rows * side, columns * side), np.float32)
        with torch.no_grad():
            exact = network.restore(torch.from_numpy(image)).numpy()
        (by_onnxruntime,) = session.run(None, {"image": image})
        for found in (by_onnxruntime, compiled(image)[0]):
            error = np.abs(found - exact).mean()
            assert 0 < error < 0.05 * exact.std()


def test_first_and_last_convolutions_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "int8.onnx"
    export_int8(small(), path, images())
    names = quantized(path)
    assert len(names) > 10
    assert not [name for name in names if any(outer in name for outer in ("head", "tail", "skip"))]
    assert all("/blocks" in name for name in names)


def test_named_convolutions_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "int8.onnx"
    export_int8(small(), path, images())
    every = quantized(path)
    export_int8(small(), path, images(), exact=["blocks.0.body.0", "blocks.1.up"])
    left = {name for name in every if "blocks.0/body/body.0" in name or "blocks.1/up" in name}
    assert len(left) > 2  # on every level
    assert sorted(quantized(path)) == sorted({*every} - left)
    with pytest.raises(ScalewiseError, match=r"no inner convolution is called head; .* blocks\.0"):
        export_int8(small(), path, images(), exact=["head"])


def test_seven_bits(tmp_path: Path) -> None:
    """Two products of 7 bits fit into 16 bits, as processors without VNNI add them."""
    path = tmp_path / "int8.onnx"
    export_int8(small(), path, images())
    weights = [
        onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load(str(path)).graph.initializer
        if tensor.data_type == TensorProto.INT8 and len(tensor.dims) == 4
    ]
    assert weights
    assert all(np.abs(weight.astype(int)).max() <= 64 for weight in weights)


def test_one_strange_image_among_many_changes_little(tmp_path: Path) -> None:
    network, image = small(), images(1)[0]
    strange = [*images(20), np.zeros((1, 3, 32, 32), np.float32)]
    found: list[Any] = []
    for number, shown in enumerate((images(20), strange)):
        export_int8(network, tmp_path / f"{number}.onnx", shown)
        session = onnxruntime.InferenceSession(str(tmp_path / f"{number}.onnx"))
        found.append(session.run(None, {"image": image})[0])
    assert np.abs(found[0] - found[1]).mean() < 0.01


def test_nothing_to_quantize(tmp_path: Path) -> None:
    path = tmp_path / "int8.onnx"
    with pytest.raises(ScalewiseError, match="no images to find the range"):
        export_int8(small(), path, [])
    convolution = helper.make_node("Conv", ["image", "weight"], ["restored"], "only")
    value = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        for name in ("image", "restored")
    ]
    graph = helper.make_graph([convolution], "graph", value[:1], value[1:])
    with pytest.raises(ScalewiseError, match="every convolution of this network is the first"):
        inner_convolutions(helper.make_model(graph))
    assert not path.exists()
