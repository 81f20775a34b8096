"""Models that are single files: graphs (ONNX, OpenVINO IR) and checkpoints, and their cards.

Such a file tells little of how it must be used.  What its metadata do not tell, a few small trial
runs find out; see :mod:`scalewise.models.probe`.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import counted
from scalewise.errors import ScalewiseError, ScalewiseWarning
from scalewise.models.probe import Findings, Run, measure_reach, probe
from scalewise.models.tile_overlap import (
    Tiling,
    fitting_overlap,
    measured_overlap,
    tile_overlap,
    tiling_of,
)
from scalewise.openvino_import import openvino_core
from scalewise.tasks import SUPER_RESOLUTION, list_tasks
from scalewise.weights.card import Card, Training, sha256

if TYPE_CHECKING:
    from scalewise.models import RestorationNetwork

GRAPH_SUFFIXES = (".onnx", ".xml")
CHECKPOINT_SUFFIXES = (".pth", ".pt", ".ckpt", ".safetensors")
UNKNOWN_LICENCE = "unknown"

_UNKNOWN_TRAINING = Training(recipe={}, steps=0, seconds=0, progress=0, pictures=0, licences={})


@dataclass(frozen=True)
class ModelFile:
    """A model that is a single file, and how to use it.

    Attributes:
        path: the file.
        card: a card that says what is known; its training is empty, and its licence may be
            ``unknown``.
        overlap: input pixels by which tiles overlap.
        size: the only (height, width) that it takes; None if it takes any.
        white: value of white in input and output: 1 or 255.
        remark: one line that says what was found out, and what was assumed; empty if the file
            itself told everything.
    """

    path: Path
    card: Card
    overlap: int
    size: tuple[int, int] | None = None
    white: float = 1.0
    remark: str = ""


def is_model_file(model: str | Path) -> bool:
    """Return whether this is an existing file of a kind that can be a model."""
    path = Path(model)
    try:
        return names_file(path) and path.is_file()
    except OSError:  # a name that is too long for a file
        return False


def names_file(model: str | Path) -> bool:
    """Return whether a model's name ends as a file of a model, which need not exist."""
    return Path(model).suffix.lower() in (*GRAPH_SUFFIXES, *CHECKPOINT_SUFFIXES)


def is_graph(path: Path) -> bool:
    """Return whether a file's suffix is that of a graph."""
    return path.suffix.lower() in GRAPH_SUFFIXES


def describe(path: str | Path) -> ModelFile:
    """Return how a model's file has to be used; the file is run if it does not say.

    Args:
        path: a graph (``.onnx``, or ``.xml`` of OpenVINO with its ``.bin``), or a checkpoint that
            :func:`~scalewise.models.load_checkpoint` reads, which needs PyTorch.

    Raises:
        ScalewiseError: it cannot be read, or is not a network from one image to one image of the
            same channels.
    """
    path = Path(path)
    state = path.stat()
    return _describe(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _describe(path: Path, _time: int, _bytes: int) -> ModelFile:
    return _describe_graph(path) if is_graph(path) else _describe_checkpoint(path)


def _describe_checkpoint(path: Path) -> ModelFile:
    from scalewise.models import load_checkpoint
    from scalewise.models.spandrel_network import SpandrelNetwork

    with warnings.catch_warnings():  # whoever loads it is warned then
        warnings.simplefilter("ignore", ScalewiseWarning)
        network = load_checkpoint(path)
    card = _card(path, network, network.tiling, {})
    if not isinstance(network, SpandrelNetwork):  # whose tiling is known
        return ModelFile(path, card, tile_overlap(network.multiple))
    reach = measure_reach(run_of(network), network.channels, network.multiple)
    found = f"{network.architecture.replace(':', ': ')}, x{network.scale}"
    remark = f"{path.name}: {found}; {_tiles(reach)}; licence {card.licence}"
    return ModelFile(path, card, measured_overlap(reach), remark=remark)


def run_of(network: RestorationNetwork) -> Run:
    """Return a network as a function of arrays of aligned sizes, in PyTorch where it lies."""
    torch: Any = import_module("torch")

    def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return network.restore(torch.from_numpy(image)).numpy()

    return run


def _describe_graph(path: Path) -> ModelFile:
    graph = Graph(path)
    known = graph.metadata
    multiple = _number(known, "tile_multiple") or _number(known, "multiple")
    tiling = known.get("tiling")
    try:
        if tiling in ("exact", "blended", "whole") and multiple is not None:
            return _converted(graph, tiling, multiple)
        found = probe(graph, graph.channels, graph.size, multiple, _number(known, "data_range"))
    except ScalewiseError as error:
        raise ScalewiseError(f"{path}: {error}") from error
    overlap = fitting_overlap(measured_overlap(found.reach), graph.size)
    traits = _Traits(found.scale, graph.channels, found.multiple, graph.parameter_count)
    card = _card(path, traits, "blended", known)
    remark = f"{path.name}: {_found(found, graph)}; {_tiles(found.reach, overlap)}"
    if card.licence == UNKNOWN_LICENCE:
        remark += "; licence unknown"
    return ModelFile(path, card, overlap, graph.size, found.white, remark)


def _converted(graph: Graph, tiling: Tiling, multiple: int) -> ModelFile:
    """Return the description of a graph that this package wrote; it tells everything itself."""
    height, width = graph.size or (2 * multiple, 3 * multiple)
    result = graph(np.zeros((1, graph.channels, height, width), np.float32))
    traits = _Traits(result.shape[2] // height, graph.channels, multiple, graph.parameter_count)
    card = _card(graph.path, traits, tiling_of(tiling, multiple, graph.size), graph.metadata)
    remark = ""
    if card.licence == UNKNOWN_LICENCE:
        remark = f"{graph.path.name}: licence unknown"
    overlap = fitting_overlap(tile_overlap(multiple), graph.size)
    return ModelFile(graph.path, card, overlap, graph.size, remark=remark)


def _found(found: Findings, graph: Graph) -> str:
    """Return findings as a text."""
    colours = "RGB" if graph.channels == 3 else "grey"
    sizes = f"sizes in multiples of {found.multiple}" if found.multiple > 1 else "any size"
    if graph.size is not None:
        sizes = f"tiles of {graph.size[1]}x{graph.size[0]} alone"
    return f"x{found.scale}, {colours} in [0, {found.white:g}], {sizes}, by a trial run"


def _tiles(reach: int | None, overlap: int | None = None) -> str:
    """Return how tiles overlap, and why, as a text."""
    overlap = measured_overlap(reach) if overlap is None else overlap
    overlapping = f"tiles overlap by {counted(overlap, 'pixel')}"
    if reach is None:
        return f"{overlapping}, but it sees further: results may depend on tile"
    return f"{overlapping} (its reach is {reach})"


def _number(metadata: dict[str, str], name: str) -> Any:
    """Return a whole number of a graph's metadata; None if there is none, or another text."""
    text = metadata.get(name, "")
    return int(text) if text.isdecimal() and int(text) > 0 else None


@dataclass(frozen=True)
class _Traits:
    """Traits of a graph, by the names that a network has for them."""

    scale: int
    channels: int
    multiple: int
    parameter_count: int
    architecture: str = "unknown"

    @property
    def settings(self) -> dict[str, Any]:
        return {}


def _card(
    path: Path, traits: RestorationNetwork | _Traits, tiling: Tiling, known: dict[str, str]
) -> Card:
    """Return a card that says what is known of a file."""
    task = known.get("task", "")
    return Card(
        name=path.name,
        summary=known.get("summary", f"The file {path.name}."),
        task=task if task in list_tasks() else SUPER_RESOLUTION.name,
        scale=traits.scale,
        channels=traits.channels,
        architecture=traits.architecture,
        settings=traits.settings,
        parameters=traits.parameter_count,
        multiple=traits.multiple,
        tiling=tiling,
        licence=known.get("licence", UNKNOWN_LICENCE),
        training=_UNKNOWN_TRAINING,
        sha256={path.name: sha256(path)},
    )


class Graph:
    """A graph that OpenVINO reads, with what is written in it; it runs on the CPU in float32.

    Args:
        path: an ``.onnx`` file, or an ``.xml`` file of OpenVINO.

    Attributes:
        channels: 1 (grey) or 3 (RGB).
        size: its fixed (height, width); None if they are free.
        metadata: texts that are stored in it.

    Raises:
        ScalewiseError: it cannot be read, or does not take one image, (N, C, H, W), in floating
            point.
    """

    def __init__(self, path: Path) -> None:
        try:
            model: Any = openvino_core().read_model(path)
        except RuntimeError as error:
            weights = _weights_file(path, str(error))
            if weights is not None and not weights.is_file():
                raise ScalewiseError(
                    f"{weights}: no such file, which holds the weights of {path.name}; put it there"
                ) from error
            raise ScalewiseError(f"{path}: not a graph that OpenVINO can read") from error
        self.path = path
        self.metadata = _metadata(model)
        self.channels, self.size = _input(path, model)
        self.parameter_count = sum(
            prod(node.get_output_shape(0))
            for node in model.get_ops()
            if node.get_type_name() == "Constant" and node.get_element_type().is_real()
        )
        self._compiled: Any = openvino_core().compile_model(
            model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
        )

    @property
    def pads(self) -> bool:
        """True if it pads images itself, as its metadata say."""
        return self.metadata.get("multiple") == "1"

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run (1, C, H, W): (1, C, scale H, scale W)."""
        return self._compiled(image)[0].astype(np.float32)


def _weights_file(path: Path, problem: str) -> Path | None:
    """Return the file that holds the weights of a graph, or None if the graph itself does.

    Args:
        path: the graph.
        problem: OpenVINO's message, the only place without a parser of ONNX that names such a file.
    """
    if path.suffix.lower() == ".xml":
        return path.with_suffix(".bin")
    external = re.search(r"externally stored data in file \(([^,]+),", problem)
    return path.with_name(external[1]) if external else None


def _metadata(model: Any) -> dict[str, str]:
    if not model.has_rt_info("framework"):
        return {}
    known: dict[str, Any] = model.get_rt_info("framework").value
    return {str(key): str(getattr(value, "value", value)) for key, value in known.items()}


def _input(path: Path, model: Any) -> tuple[int, tuple[int, int] | None]:
    """Return the channels and the fixed size of a graph's input."""
    shape = model.inputs[0].partial_shape if len(model.inputs) == 1 else None
    if shape is None or shape.rank.is_dynamic or shape.rank.get_length() != 4:
        raise ScalewiseError(f"{path}: not a graph from one image, (N, C, H, W), to another")
    sides: list[int | None] = [None if each.is_dynamic else each.get_length() for each in shape]
    batch, channels, height, width = sides
    if channels not in (None, 1, 3):
        hint = "; export it with channels first" if width in (1, 3) else ""
        raise ScalewiseError(f"{path}: takes {channels} channels, not 1 (grey) or 3 (RGB){hint}")
    if batch not in (None, 1):
        raise ScalewiseError(f"{path}: takes batches of {batch} images; export it for one")
    if not model.inputs[0].element_type.is_real():
        raise ScalewiseError(f"{path}: takes integers; export it for floating point")
    if height is not None and width is not None:
        return channels or 3, (height, width)
    if height is not None or width is not None:
        raise ScalewiseError(f"{path}: only one side of its input is fixed; fix both or none")
    return channels or 3, None
