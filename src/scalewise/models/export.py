"""Export: a network as an ONNX graph that takes any aligned image size."""

from __future__ import annotations

import json
import struct
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from scalewise.models.base import RestorationNetwork
from scalewise.whole import write_whole

OPSET = 18


class _Aligned(nn.Module):
    """A network without its padding: that depends on the size, and a graph would freeze it."""

    def __init__(self, network: RestorationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network.restore(image)


def export_onnx(network: RestorationNetwork, path: Path) -> None:
    """Write a network's graph, for onnxruntime, OpenVINO and others.

    Input ``image``: (N, C, H, W) float32 in [0, 1], H and W multiples of
    ``network.multiple``, which the graph's metadata states beside the scale; padding is the
    caller's.  Output ``restored``: (N, C, scale H, scale W) float32, not clipped.

    Args:
        network: on the CPU; put into evaluation mode.
        path: the file to write; it appears whole or not at all.
    """
    import onnx

    network.eval()
    side = 8 * network.multiple
    example = torch.zeros(1, network.channels, side, side + network.multiple)
    partial = path.with_name(path.name + ".partial")
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # The tracing exporter needs no further package; it is older, not worse, here.
            warnings.simplefilter("ignore")
            torch.onnx.export(  # pyright: ignore[reportUnknownMemberType]
                _Aligned(network),
                (example,),
                str(partial),
                input_names=["image"],
                output_names=["restored"],
                dynamic_axes={
                    "image": {0: "batch", 2: "height", 3: "width"},
                    "restored": {0: "batch", 2: "restored_height", 3: "restored_width"},
                },
                opset_version=OPSET,
                dynamo=False,
            )
        graph = onnx.load(str(partial))  # pyright: ignore[reportUnknownMemberType]
        onnx.helper.set_model_props(
            graph, {"scale": str(network.scale), "multiple": str(network.multiple)}
        )
        onnx.save(graph, str(partial))  # pyright: ignore[reportUnknownMemberType]
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def share_weights(graph: Path, weights: Path) -> None:
    """Take out of a graph what a file of weights beside it has, too, and name its place there.

    A released model comes as both, which would hold every number twice.  ONNX calls this
    external data.  What the exporter has computed from several weights stays where it is.

    Args:
        graph: an ONNX file, which is written anew.
        weights: a safetensors file in the same folder.
    """
    import onnx

    places = _places(weights.read_bytes())
    model: Any = onnx.load(str(graph))  # pyright: ignore[reportUnknownMemberType]
    for tensor in model.graph.initializer:
        place = places.get(tensor.raw_data)
        if place is None:
            continue
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        offset, length = place
        for key, value in {"location": weights.name, "offset": offset, "length": length}.items():
            tensor.external_data.add(key=key, value=str(value))
    write_whole(graph, model.SerializeToString())


def _places(content: bytes) -> dict[bytes, tuple[int, int]]:
    """Offset and length in a safetensors file of every tensor's bytes, by these."""
    (size,) = struct.unpack_from("<Q", content)
    begin = 8 + size
    header: dict[str, Any] = json.loads(content[8:begin])
    header.pop("__metadata__", None)
    ends = [entry["data_offsets"] for entry in header.values()]
    return {content[begin + a : begin + b]: (begin + a, b - a) for a, b in ends if b > a}
