"""Measuring what was trained: scores on every set, under both protocols."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from scalewise.data.layouts import Dataset
from scalewise.evaluating.evaluate import (
    Evaluation,
    ImageScore,
    Restore,
    bicubic,
    evaluate,
    restoration,
    to_score,
    unchanged,
)
from scalewise.experiments.data import CLEANED_BY, LENNA
from scalewise.experiments.results import BICUBIC, UNRESTORED, Measured
from scalewise.imaging.protocols import PROTOCOLS, Protocol
from scalewise.models import RestorationNetwork
from scalewise.models.export import export_onnx
from scalewise.restoring.restorer import Restorer
from scalewise.restoring.runtime import OpenVinoRuntime
from scalewise.weights.card import GRAPH_FILE, Score
from scalewise.weights.release import load_network, to_bytes

SCALE = 2
FEW = ("Set5", "Set14")
"""The sets that ablations, comparators and first trainings are measured on, where present."""

Notify = Callable[[str], None]


def few(sets: dict[str, Dataset]) -> dict[str, Dataset]:
    """The small sets; of others, the first."""
    chosen = {name: sets[name] for name in FEW if name in sets}
    return chosen or dict(list(sets.items())[:1])


def cleaned(sets: dict[str, Dataset], task: str) -> dict[str, Dataset]:
    """The small sets, and the one that a task is usually measured on."""
    usual = CLEANED_BY[task][1]
    return few(sets) | ({usual: sets[usual]} if usual in sets else {})


def measure_run(run: Path, sets: dict[str, Dataset], protocols: Iterable[Protocol]) -> Measured:
    """Scores of a run's best weights.

    Raises:
        ScalewiseError: the run has no weights, or a picture cannot be read.
    """
    network = load_network(run)
    restorer = _restorer(run.name, network)
    return Measured(
        weights=hashlib.sha256(to_bytes(network)).hexdigest(),
        scores=_scores(run.name, restoration(restorer), network.scale, "f32", sets, protocols),
    )


def measure_bicubic(sets: dict[str, Dataset]) -> Measured:
    """Scores of bicubic enlargement, under all protocols."""
    restore, protocols = bicubic(SCALE), PROTOCOLS.values()
    return Measured(weights="", scores=_scores(BICUBIC, restore, SCALE, "f64", sets, protocols))


def measure_unrestored(sets: dict[str, Dataset]) -> Measured:
    """Scores of noisy pictures, and of JPEGs, as they are."""
    scores: list[Score] = []
    for task, (protocol, _) in CLEANED_BY.items():
        chosen = cleaned(sets, task)
        scores += _scores(UNRESTORED, unchanged, 1, "f64", chosen, [protocol])
    return Measured(weights="", scores=scores)


def _restorer(name: str, network: RestorationNetwork) -> Restorer:
    """What restores by a network: exported, as a released one is, and in float32."""
    with TemporaryDirectory() as folder:
        graph = Path(folder, GRAPH_FILE)
        export_onnx(network, graph)
        return Restorer(name, network, OpenVinoRuntime(graph, "f32"), tile=None)


def _scores(
    name: str,
    restore: Restore,
    scale: int,
    precision: str,
    sets: dict[str, Dataset],
    protocols: Iterable[Protocol],
) -> list[Score]:
    scores: list[Score] = []
    for protocol in protocols:
        for dataset, pictures in sets.items():
            images = list(evaluate(restore, pictures, scale, protocol))
            of_set: dict[str, list[ImageScore]] = {dataset: images}
            if single := [image for image in images if image.name == LENNA]:
                of_set[LENNA] = single
            scores += [
                to_score(Evaluation(name, label, protocol, precision, each))
                for label, each in of_set.items()
            ]
    return scores
