"""ONNX export of networks: for any image size, for aligned sizes, or for a single one."""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from scalewise.arguments import AnyPath, is_list, is_whole, path_of, shown
from scalewise.atomic import write_atomic
from scalewise.errors import ScalewiseError
from scalewise.models.base import RestorationNetwork
from scalewise.models.spandrel_network import SpandrelNetwork
from scalewise.models.tile_overlap import tiling_of

OPSET = 18


class _Aligned(nn.Module):
    """A network without its padding, which depends on the size; a graph would freeze it."""

    def __init__(self, network: RestorationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network.restore(image)


def export_onnx(
    network: RestorationNetwork,
    path: AnyPath,
    *,
    any_size: bool = False,
    size: tuple[int, int] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a network's graph, for onnxruntime, OpenVINO and others.

    Input ``image``: (N, C, H, W) float32 in [0, 1], H and W multiples of ``multiple``
    in the graph's metadata, which also holds ``scale``.  For networks of this package these
    metadata say how images may be cut into tiles (``tiling``), on multiples of what
    (``tile_multiple``).  Output ``restored``: (N, C, scale H, scale W) float32, not clipped.

    Args:
        network: the network, on the CPU; it is put into evaluation mode.
        path: the file to write; the write is atomic.
        any_size: pad inside the graph by repeating the right and bottom edges, and crop the
            result; ``multiple`` is then 1.  Otherwise it is ``network.multiple`` and the caller
            pads, as for released models.
        size: the only (height, width) that the graph is to take, for one image at a time; without
            ``any_size`` multiples of ``network.multiple``.  None for free sizes and batches.
        metadata: further texts to store in the graph, such as ``licence``.

    Raises:
        ScalewiseError: such a size is not a multiple.
    """
    path = path_of(path, "path")
    import onnx

    multiple = network.multiple
    check_size(size, 1 if any_size else multiple)
    network.eval()
    sides = size or (8 * multiple, 9 * multiple)
    height, width = (-(-side // multiple) * multiple for side in sides)
    example = torch.zeros(1, network.channels, height, width)
    pads = any_size and multiple > 1 and (size is None or size != (height, width))
    axes = {
        "image": {0: "batch", 2: "height", 3: "width"},
        "restored": {0: "batch", 2: "restored_height", 3: "restored_width"},
    }
    with TemporaryDirectory() as scratch, warnings.catch_warnings(), torch.no_grad():
        traced = Path(scratch, "traced.onnx")
        # The older tracing exporter needs no further package and gives the same result here.
        warnings.simplefilter("ignore")
        torch.onnx.export(  # pyright: ignore[reportUnknownMemberType]
            _Aligned(network),
            (example,),
            str(traced),
            input_names=["image"],
            output_names=["restored"],
            dynamic_axes={} if size else axes,
            opset_version=OPSET,
            dynamo=False,
        )
        graph: Any = onnx.load(str(traced))  # pyright: ignore[reportUnknownMemberType]
    if pads:
        _pad_inside(graph, multiple, network.scale, size)
        multiple = 1
    sizes = f"H and W {f'multiples of {multiple}' if multiple > 1 else 'of any size'}"
    if size:
        sizes = f"H {size[0]}, W {size[1]}"
    graph.graph.doc_string = (
        f"image: (N, {network.channels}, H, W) in [0, 1], {sizes}; "
        f"restored: (N, {network.channels}, {network.scale} H, {network.scale} W)"
    )
    props = {**(metadata or {}), "scale": str(network.scale), "multiple": str(multiple)}
    if not isinstance(network, SpandrelNetwork):  # whose reach has to be measured
        tiling = tiling_of(network.tiling, network.multiple, size)
        props |= {"tiling": tiling, "tile_multiple": str(network.multiple)}
    onnx.helper.set_model_props(graph, props)
    write_atomic(path, graph.SerializeToString())


def aligned(network: RestorationNetwork) -> nn.Module:
    """Return a network without its padding, for tracing."""
    return _Aligned(network.eval())


def check_size(size: tuple[int, int] | None, multiple: int) -> None:
    """Refuse a fixed (height, width) that is not of multiples.

    Raises:
        ScalewiseError: such a size, with the nearest larger one; or not a size at all.
    """
    if size is None:
        return
    if not is_list(size, is_whole) or len(size) != 2:
        raise ScalewiseError(f"size must be (height, width), not {shown(size)}", arguments=["size"])
    if min(size) < 1 or any(side % multiple for side in size):
        height, width = (-(-max(side, 1) // multiple) * multiple for side in size)
        raise ScalewiseError(
            f"size={size[1]}x{size[0]}: the network takes multiples of {multiple}, such as "
            f"{width}x{height}",
            arguments=["size"],
        )


def _pad_inside(model: Any, multiple: int, scale: int, size: tuple[int, int] | None = None) -> None:
    """Make a graph for aligned sizes accept any size: pad its input and crop its output.

    With ``size`` it accepts that (height, width) alone, and the padding is constant.
    """
    import onnx

    helper: Any = onnx.helper
    graph = model.graph
    if size is not None:
        for value, factor in ((graph.input[0], 1), (graph.output[0], scale)):
            for side, length in zip(value.type.tensor_type.shape.dim[2:], size, strict=True):
                side.dim_value = factor * length
    for node in graph.node:
        for names, old, new in (
            (node.input, "image", "padded_image"),
            (node.output, "restored", "padded_restored"),
        ):
            for index, name in enumerate(names):
                if name == old:
                    names[index] = new

    def constant(name: str, *values: int) -> Any:
        return helper.make_tensor(f"pad.{name}", onnx.TensorProto.INT64, [len(values)], values)

    graph.initializer.extend([constant("corner", 0, 0), constant("axes", 2, 3)])
    before: list[tuple[str, list[str], str, dict[str, Any]]] = []
    if size is not None:
        missing = (-side % multiple for side in size)
        graph.initializer.append(constant("pads", *6 * [0], *missing))
        graph.initializer.append(constant("result", *(scale * side for side in size)))
    else:
        graph.initializer.extend(
            [
                *(constant("two", 2), constant("four", 4), constant("before", *6 * [0])),
                *(constant("multiple", multiple), constant("scale", scale)),
            ]
        )
        before += [
            ("Shape", ["image"], "pad.shape", {}),
            ("Slice", ["pad.shape", "pad.two", "pad.four"], "pad.size", {}),
            ("Neg", ["pad.size"], "pad.negative", {}),
            ("Mod", ["pad.negative", "pad.multiple"], "pad.missing", {}),
            ("Concat", ["pad.before", "pad.missing"], "pad.pads", {"axis": 0}),
            ("Mul", ["pad.size", "pad.scale"], "pad.result", {}),
        ]
    before.append(("Pad", ["image", "pad.pads"], "padded_image", {"mode": "edge"}))
    after = ["padded_restored", "pad.corner", "pad.result", "pad.axes"]
    for place, (kind, inputs, output, options) in enumerate(before):
        graph.node.insert(place, helper.make_node(kind, inputs, [output], **options))
    graph.node.append(helper.make_node("Slice", after, ["restored"]))


def share_weights(graph: Path, weights: Path) -> None:
    """Replace the tensors of a graph that a weights file also holds by references to that file.

    A released model has both files, which would hold every number twice.  ONNX calls this
    external data.  Tensors that the exporter computed from several weights stay in the graph.

    Args:
        graph: an ONNX file, which is rewritten.
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
    write_atomic(graph, model.SerializeToString())


def _places(content: bytes) -> dict[bytes, tuple[int, int]]:
    """Return offset and length of every tensor in a safetensors file; the keys are its bytes."""
    (size,) = struct.unpack_from("<Q", content)
    begin = 8 + size
    header: dict[str, Any] = json.loads(content[8:begin])
    header.pop("__metadata__", None)
    ends = [entry["data_offsets"] for entry in header.values()]
    return {content[begin + a : begin + b]: (begin + a, b - a) for a, b in ends if b > a}
