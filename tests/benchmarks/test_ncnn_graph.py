"""ncnn's graphs in OpenVINO: each layer computes what PyTorch computes."""

from __future__ import annotations

from pathlib import Path

import ncnn_graph
import numpy as np
import openvino as ov
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

GRAPH = """7767517
11 14
Input data 0 1 data
MemoryData mean 0 1 mean 0=1 1=1 2=3
BinaryOp less 2 1 data mean less 0=1
BinaryOp times 1 1 less times 0=2 1=1 2=2.550000e+02
Convolution first 1 1 times first 0=4 1=3 4=1 5=1 6=108
Split split 1 2 first one two
Swish swish 1 1 one swish
Sigmoid sigmoid 1 1 two sigmoid
BinaryOp sum 2 1 swish sigmoid sum 0=0
Concat both 2 1 sum two both
Convolution last 1 1 both last 0=12 1=1 5=0 6=96
PixelShuffle shuffle 1 1 last output 0=2
"""


def write_model(folder: Path, graph: str, content: bytes) -> Path:
    (folder / "small.param").write_text(graph, encoding="utf-8")
    (folder / "small.bin").write_bytes(content)
    return folder / "small"


def run(graph: ov.Model, image: NDArray[np.float32]) -> NDArray[np.float32]:
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    return ov.Core().compile_model(graph, "CPU", exact)(image)[0]


def test_layers_compute_what_pytorch_computes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mean = np.array([0.4, 0.5, 0.6], np.float32)
    kernel = (rng.standard_normal((4, 3, 3, 3)) / 50).astype(np.float16)
    bias = rng.standard_normal(4).astype(np.float32)
    last = rng.standard_normal((12, 8, 1, 1)).astype(np.float32)
    half, plain = (np.uint32(flag).tobytes() for flag in (ncnn_graph.HALF, 0))
    parts = [mean.tobytes(), half, kernel.tobytes(), bias.tobytes(), plain, last.tobytes()]
    graph = ncnn_graph.to_openvino(write_model(tmp_path, GRAPH, b"".join(parts)))
    image = rng.random((1, 3, 7, 5)).astype(np.float32)
    found = run(graph, image)

    scaled = (torch.from_numpy(image) - torch.from_numpy(mean)[:, None, None]) * 255
    first = F.conv2d(scaled, torch.from_numpy(kernel).float(), torch.from_numpy(bias), padding=1)
    both = torch.cat([F.silu(first) + first.sigmoid(), first], dim=1)
    expected = F.pixel_shuffle(F.conv2d(both, torch.from_numpy(last)), 2)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-4)


def test_weights_of_an_odd_number_of_halves_are_padded(tmp_path: Path) -> None:
    graph = "7767517\n2 2\nInput data 0 1 data\nConvolution c 1 1 data output 0=1 1=1 5=1 6=3\n"
    kernel, bias = np.array([1, 2, 3], np.float16), np.array([5], np.float32)
    half = np.uint32(ncnn_graph.HALF).tobytes()
    content = half + kernel.tobytes() + b"\0\0" + bias.tobytes()
    made = ncnn_graph.to_openvino(write_model(tmp_path, graph, content))
    found = run(made, np.ones((1, 3, 2, 2), np.float32))
    np.testing.assert_array_equal(found, np.full((1, 1, 2, 2), 11))


@pytest.mark.parametrize(
    ("line", "content", "message"),
    [
        ("Pooling p 1 1 data output", b"", "a layer of kind Pooling is not known"),
        ("Swish s 1 1 data output", b"1234", "4 bytes of weights are left over"),
        ("Convolution c 1 1 data output 0=1 1=1 6=3", b"\1\0\0\0", "flag 0x1 are not known"),
    ],
)
def test_what_is_not_known_is_refused(
    tmp_path: Path, line: str, content: bytes, message: str
) -> None:
    graph = f"7767517\n2 2\nInput data 0 1 data\n{line}\n"
    with pytest.raises(ValueError, match=message):
        ncnn_graph.to_openvino(write_model(tmp_path, graph, content))
