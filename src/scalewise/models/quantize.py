"""Quantization: a network's graph whose inner convolutions compute in 8-bit integers.

Every processor of the last decade multiplies 8-bit integers two to four times as fast as float32,
few have bfloat16.  After training, with onnxruntime's tools, in the way that costs these networks
least:

- The first and the last convolutions stay in float32: what they round is seen.  So do all sums
  between the others, which a residual network carries from end to end.
- Weights have a scale for every output channel, what goes into a convolution has one, found on
  pictures: the mean of each picture's extremes, which one strange picture does not spoil.
- All integers have 7 bits, so that no processor's sums of two products overflow 16 bits.

Scales are constants, so a pixel's result still depends on its surroundings alone, and tiles
reproduce the whole picture.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.atomic import write_atomic
from scalewise.errors import ScalewiseError
from scalewise.models.base import RestorationNetwork
from scalewise.models.export import export_onnx

Image = NDArray[np.float32]


def export_int8(network: RestorationNetwork, path: Path, images: Iterable[Image]) -> None:
    """Write a network's graph in 8-bit integers; input and output as :func:`export_onnx` has them.

    Args:
        network: on the CPU; put into evaluation mode.
        path: the file to write; it appears whole or not at all.
        images: what the network will be given, some dozens of (N, C, H, W) float32 in [0, 1],
            H and W multiples of ``network.multiple``.

    Raises:
        ScalewiseError: no images, or no convolution between the first and the last.
    """
    quantization: Any = import_module("onnxruntime.quantization")  # which has no types
    shape_inference: Any = import_module("onnxruntime.quantization.shape_inference")
    images = list(images)
    if not images:
        raise ScalewiseError("no images to find the range of the integers on")
    with tempfile.TemporaryDirectory() as scratch:
        exact, prepared, rounded = (Path(scratch) / name for name in ("exact", "prepared", "int8"))
        export_onnx(network, exact)
        shape_inference.quant_pre_process(str(exact), str(prepared), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(prepared),
            str(rounded),
            _Images(images),
            nodes_to_quantize=inner_convolutions(_load(prepared)),
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            extra_options={
                "CalibMovingAverage": True,
                "OpTypesToExcludeOutputQuantization": ["Conv"],
                "QuantizeBias": False,
            },
        )
        write_atomic(path, rounded.read_bytes())


def inner_convolutions(model: Any) -> list[str]:
    """Names of the convolutions with others between them and both the input and the output.

    Args:
        model: an ONNX model whose nodes have names and lie in the order of computation.

    Raises:
        ScalewiseError: there are none.
    """
    nodes = list(model.graph.node)
    first = _reached(nodes, {value.name for value in model.graph.input})
    last = _reached(nodes[::-1], {value.name for value in model.graph.output}, backwards=True)
    inner = {node.name for node in nodes if node.op_type == "Conv"} - first - last
    if not inner:
        raise ScalewiseError("every convolution of this network is the first or the last")
    return sorted(inner)


def _reached(nodes: list[Any], values: set[str], backwards: bool = False) -> set[str]:
    """Names of the nodes that values reach before, or with, their first convolution."""
    reached: set[str] = set()
    for node in nodes:  # in the order of computation, or its reverse
        inputs, outputs = set(node.input), set(node.output)
        begin, end = (outputs, inputs) if backwards else (inputs, outputs)
        if begin & values:
            reached.add(node.name)
            if node.op_type != "Conv":
                values = values | end
    return reached


def _load(path: Path) -> Any:
    import onnx

    return onnx.load(str(path))  # pyright: ignore[reportUnknownMemberType]


class _Images:
    """Images as onnxruntime's calibration asks for them."""

    def __init__(self, images: Iterable[Image]) -> None:
        self._images = iter(images)

    def get_next(self) -> dict[str, Image] | None:
        image = next(self._images, None)
        return None if image is None else {"image": image}
