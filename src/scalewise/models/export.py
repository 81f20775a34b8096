"""Export: a network as an ONNX graph that takes any aligned image size."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from scalewise.models.base import RestorationNetwork

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
