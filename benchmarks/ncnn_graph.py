"""Graphs of ncnn as graphs of OpenVINO, so that both run the same network with the same weights.

Only the layers of SPAN (Wan et al., CVPRW 2024) are known.  ncnn's formats are described at
https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure: ``.param`` is text, a line per
layer with its name, inputs, outputs and settings; ``.bin`` holds the weights in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops

HEADER_LINES = 2
"""A magic number, and the numbers of layers and blobs."""

HALF = 0x01306B47
"""Flag of weights in float16, padded to whole words; 0 stands for float32."""

OPERATIONS = {0: "add", 1: "subtract", 2: "multiply"}
"""Setting 0 of a BinaryOp, and OpenVINO's name of it."""


@dataclass(frozen=True)
class Layer:
    """A line of a ``.param`` file.

    Attributes:
        kind: such as ``Convolution``.
        inputs, outputs: names of blobs.
        settings: number of the setting -> its value, as text.
    """

    kind: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    settings: Mapping[int, str]

    def number(self, key: int) -> int:
        """Return a setting that is a whole number; 0 if it is not given."""
        return int(self.settings.get(key, 0))


class Weights:
    """The content of a ``.bin`` file, read in order."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def flagged(self, count: int) -> NDArray[np.float32]:
        """Return weights in the type that the flag before them tells."""
        flag = int(self._take(np.dtype("<u4"), 1)[0])
        if flag == HALF:
            values = self._take(np.dtype("<f2"), count)
            self._at += -self._at % 4
            return values.astype(np.float32)
        if flag != 0:
            raise ValueError(f"weights with flag {flag:#x} are not known")
        return self.plain(count)

    def plain(self, count: int) -> NDArray[np.float32]:
        """Return weights in float32 that have no flag."""
        return self._take(np.dtype("<f4"), count).astype(np.float32)

    def require_end(self) -> None:
        """Raise :class:`ValueError` unless all is read."""
        if self._at != len(self._content):
            raise ValueError(f"{len(self._content) - self._at} bytes of weights are left over")

    def _take(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        values = np.frombuffer(self._content, dtype, count, self._at)
        self._at += values.nbytes
        return values


def to_openvino(model: Path) -> ov.Model:
    """Return the graph of ``model.param`` and ``model.bin``.

    It maps (1, 3, H, W) in [0, 1] to (1, 3, scale H, scale W).

    Raises:
        OSError: a file cannot be read.
        ValueError: a layer or a type of weights is not known.
    """
    lines = model.with_name(f"{model.name}.param").read_text(encoding="utf-8").splitlines()
    weights = Weights(model.with_name(f"{model.name}.bin").read_bytes())
    blobs: dict[str, Any] = {}
    source: Any = None
    for layer in map(read_layer, lines[HEADER_LINES:]):
        if layer.kind == "Split":  # of one blob into several names
            for name in layer.outputs:
                blobs[name] = blobs[layer.inputs[0]]
            continue
        if layer.kind not in LAYERS:
            raise ValueError(f"a layer of kind {layer.kind} is not known")
        inputs = [blobs[name] for name in layer.inputs]
        node = LAYERS[layer.kind](layer, inputs, weights)
        blobs[layer.outputs[0]] = node
        source = node if layer.kind == "Input" else source
    weights.require_end()
    return ov.Model([blobs["output"]], [source], model.name)


def read_layer(line: str) -> Layer:
    """Read a line of a ``.param`` file.

    >>> read_layer("Swish act 1 1 a b")
    Layer(kind='Swish', inputs=['a'], outputs=['b'], settings={})
    >>> read_layer("PixelShuffle up 1 1 a output 0=2").number(0)
    2
    """
    kind, _, count_in, count_out, *rest = line.split()
    inputs, outputs = int(count_in), int(count_in) + int(count_out)
    settings = dict(word.split("=") for word in rest[outputs:])
    numbered = {int(key): value for key, value in settings.items()}
    return Layer(kind, rest[:inputs], rest[inputs:outputs], numbered)


def _input(_layer: Layer, _inputs: Sequence[Any], _weights: Weights) -> Any:
    return ops.parameter([1, 3, -1, -1], np.float32, name="data")


def _constant(layer: Layer, _inputs: Sequence[Any], weights: Weights) -> Any:
    width, height, depth = layer.number(0), layer.number(1), layer.number(2)
    values = weights.plain(width * height * depth)
    return ops.constant(values.reshape(1, depth, height, width))


def _convolution(layer: Layer, inputs: Sequence[Any], weights: Weights) -> Any:
    out, side, pad = layer.number(0), layer.number(1), layer.number(4)
    kernel = weights.flagged(layer.number(6)).reshape(out, -1, side, side)
    node = ops.convolution(inputs[0], kernel, [1, 1], [pad, pad], [pad, pad], [1, 1])
    if layer.number(5):
        node = ops.add(node, ops.constant(weights.plain(out).reshape(1, out, 1, 1)))
    return node


def _binary(layer: Layer, inputs: Sequence[Any], _weights: Weights) -> Any:
    second = np.float32(layer.settings[2]) if layer.number(1) else inputs[1]
    return getattr(ops, OPERATIONS[layer.number(0)])(inputs[0], second)


def _sigmoid(_layer: Layer, inputs: Sequence[Any], _weights: Weights) -> Any:
    return ops.sigmoid(inputs[0])


def _swish(_layer: Layer, inputs: Sequence[Any], _weights: Weights) -> Any:
    return ops.swish(inputs[0])


def _concat(_layer: Layer, inputs: Sequence[Any], _weights: Weights) -> Any:
    return ops.concat([*inputs], 1)


def _pixel_shuffle(layer: Layer, inputs: Sequence[Any], _weights: Weights) -> Any:
    return ops.depth_to_space(inputs[0], "depth_first", layer.number(0))


LAYERS: dict[str, Callable[[Layer, Sequence[Any], Weights], Any]] = {
    "Input": _input,
    "MemoryData": _constant,
    "Convolution": _convolution,
    "BinaryOp": _binary,
    "Sigmoid": _sigmoid,
    "Swish": _swish,
    "Concat": _concat,
    "PixelShuffle": _pixel_shuffle,
}
"""ncnn's kind of layer -> what makes OpenVINO's node of it."""
