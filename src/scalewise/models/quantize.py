"""Quantization of a network's graph: its inner convolutions compute in 8-bit integers.

Every processor of the last decade multiplies 8-bit integers two to four times as fast as float32;
few have bfloat16.  Quantization happens after training, with onnxruntime's tools, in the way that
costs these networks the least quality:

- The first and the last convolutions stay in float32, because their rounding errors are visible.
  So do all sums between the others, which a residual network carries from end to end.
- Weights have one scale per output channel.  The input of a convolution has one scale, the mean of
  the extremes of calibration images, so that one unusual image has little influence.
- Weights have 7 bits, so that no processor's sums of two products overflow 16 bits.
- Convolutions can be named that stay in float32: what a residual network adds up is wide, and
  rounding it ahead of the first or the last block can cost more than that block's time.

Scales are constants, so a pixel's result still depends only on its receptive field, and tiles
reproduce the whole image.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import AnyPath, path_of
from scalewise.atomic import write_atomic
from scalewise.errors import ScalewiseError
from scalewise.models.base import RestorationNetwork
from scalewise.models.export import export_onnx

Image = NDArray[np.float32]


def export_int8(
    network: RestorationNetwork, path: AnyPath, images: Iterable[Image], exact: Sequence[str] = ()
) -> None:
    """Write a network's graph in 8-bit integers, with the interface of :func:`export_onnx`.

    Args:
        network: the network, on the CPU; it is put into evaluation mode.
        path: the file to write; the write is atomic.
        images: some dozens of typical inputs, (N, C, H, W) float32 in [0, 1], with H and W
            multiples of ``network.multiple``.
        exact: names of convolutions that stay in float32, such as ``blocks.0.body.0``.

    Raises:
        ScalewiseError: there are no images, or no convolutions between the first and the last, or
            none of such a name.
    """
    path = path_of(path, "path")
    quantization: Any = import_module("onnxruntime.quantization")  # the package has no types
    shape_inference: Any = import_module("onnxruntime.quantization.shape_inference")
    images = list(images)
    if not images:
        raise ScalewiseError("no images to find the range of the integers on")
    with tempfile.TemporaryDirectory() as scratch:
        whole, prepared, rounded = (Path(scratch) / name for name in ("whole", "prepared", "int8"))
        export_onnx(network, whole)
        shape_inference.quant_pre_process(str(whole), str(prepared), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(prepared),
            str(rounded),
            _Images(images),
            nodes_to_quantize=inner_convolutions(_load(prepared), exact),
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


def inner_convolutions(model: Any, exact: Sequence[str] = ()) -> list[str]:
    """Return the names of all convolutions but those next to the input or the output.

    Args:
        model: an ONNX model whose nodes have names and lie in the order of computation.
        exact: names of the network's convolutions that are left out, too.

    Raises:
        ScalewiseError: there are no such convolutions, or none of a name in ``exact``.
    """
    nodes = list(model.graph.node)
    first = _reached(nodes, {value.name for value in model.graph.input})
    last = _reached(nodes[::-1], {value.name for value in model.graph.output}, backwards=True)
    names: dict[str, str] = {}
    for node in nodes:
        if node.op_type == "Conv" and node.name not in first | last:
            names[node.name] = node.input[1].removeprefix("network.").removesuffix(".weight")
    if not names:
        raise ScalewiseError("every convolution of this network is the first or the last")
    known = {*names.values()}
    if unknown := sorted({*exact} - known):
        raise ScalewiseError(
            f"no inner convolution is called {unknown[0]}; there are, for example, "
            + ", ".join(sorted(known)[:3]),
            arguments=["exact"],
        )
    return sorted(node for node, name in names.items() if name not in exact)


def _reached(nodes: list[Any], values: set[str], backwards: bool = False) -> set[str]:
    """Return the names of the nodes that values reach, up to their first convolution."""
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
    """Images in the form that onnxruntime's calibration reads."""

    def __init__(self, images: Iterable[Image]) -> None:
        self._images = iter(images)

    def get_next(self) -> dict[str, Image] | None:
        image = next(self._images, None)
        return None if image is None else {"image": image}
