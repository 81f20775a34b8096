"""Sources of a conversion: a network with its weights, or a graph, and how to run either."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scalewise.models.base import RestorationNetwork
from scalewise.models.probe import Run
from scalewise.weights import is_release, resolve
from scalewise.weights.model_files import Graph, describe, is_graph, is_model_file, run_of
from scalewise.weights.release import load_network, release_of


@dataclass(frozen=True)
class Source:
    """A model to convert.

    Attributes:
        name: what the user called it.
        scale: output over input size.
        channels: 1 (grey) or 3 (RGB).
        multiple: heights and widths must be multiples of it.
        run: the model itself, in float32 on the CPU.
        network: the network; None for a graph.
        graph: the graph's file; None for a network.
        size: the only (height, width) that it takes; None if it takes any.
        white: value of white in its input and output.
        metadata: what is known of it, such as its licence, for the new file.
    """

    name: str
    scale: int
    channels: int
    multiple: int
    run: Run
    network: RestorationNetwork | None = None
    graph: Path | None = None
    size: tuple[int, int] | None = None
    white: float = 1.0
    metadata: dict[str, str] = field(default_factory=dict[str, str])


def open_source(model: str | Path, settings: dict[str, Any]) -> Source:
    """Open a model to convert it.

    Args:
        model: a released model's name, folder or weights; a training run's folder or checkpoint;
            a checkpoint of other code; or a graph (``.onnx``, or ``.xml`` of OpenVINO).
        settings: as for :func:`~scalewise.weights.load_network`.

    Raises:
        ScalewiseError: there is no such model, or it is damaged.
    """
    if is_model_file(model) and is_graph(Path(model)):
        file = describe(model)
        graph = Graph(file.path)
        card = file.card
        return Source(
            *(str(model), card.scale, card.channels, 1 if graph.pads else card.multiple, graph),
            graph=file.path,
            size=file.size,
            white=file.white,
            metadata=graph.metadata,
        )
    network = load_network(model, **settings)
    release = resolve(model) if is_release(model) else release_of(Path(model))
    known: dict[str, str] = {}
    if release is not None:
        card = release.card
        known = {"licence": card.licence, "task": card.task, "summary": card.summary}
    traits = network.scale, network.channels, network.multiple
    return Source(str(model), *traits, run_of(network), network, metadata=known)
