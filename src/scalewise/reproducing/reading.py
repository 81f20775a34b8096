"""Questions that the report asks of its results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from scalewise.imaging.protocols import FIELD, PROTOCOLS, SQUASH256, Protocol
from scalewise.reproducing.data import CLEANED_BY, DIV2K, LENNA
from scalewise.reproducing.results import (
    BICUBIC,
    UNRESTORED,
    Experiment,
    Form,
    Measured,
    Results,
    Trained,
)
from scalewise.reproducing.wording import listed, unique
from scalewise.training.protocol import protocol_of
from scalewise.weights.card import Score

SINGLE, REFERENCE = LENNA, "Set14"
"""Sets that the report treats apart, as it does DIV2K: the document's one picture, and where two
networks are compared in a sentence."""

FORMS: dict[Form, str] = {"document": "the document's own form", "modern": "the modern form"}
"""The recipes' forms as the report names them."""

MODELS = {"original": "Original", "adaptive": "Adaptive"}
"""The document's networks: prefix of their runs' names, and title."""

PHASES = {"l1": "L1 at a fixed rate", "mixed": "L1 + 0.5 SmoothL1 with cosine annealing"}
"""Their two trainings, one after the other."""

LAST_PHASE = "mixed"

Value = Literal["psnr", "psnr_y"]
VALUES: dict[Value, str] = {"psnr": "PSNR over RGB", "psnr_y": "PSNR-Y"}
"""What of a score networks are compared by, and its name for people."""


def final(results: Results, model: str) -> Trained | None:
    """A network of the document after its last training that is there."""
    return results.find(f"{model}_mixed") or results.find(f"{model}_l1")


def finals(results: Results) -> list[Trained]:
    """Both networks of the document, as far as they are trained."""
    return [run for model in MODELS if (run := final(results, model))]


def short_title(run: Trained) -> str:
    """A network's name where it stands among others and its training is named elsewhere."""
    model, _, phase = run.name.rpartition("_")
    if model not in MODELS or phase not in PHASES:
        return run.experiment.title
    return MODELS[model] + ("" if phase == LAST_PHASE else " after its first training")


def method_title(results: Results, model: str) -> str:
    """What the model of a score is called: a final network, another run, or ``bicubic``."""
    run = results.find(model)
    if run is None:
        return model
    return short_title(run) if run in finals(results) else run.experiment.title


def missing(results: Results) -> list[Experiment]:
    """What is planned and not trained and measured yet."""
    return [each for each in results.plan.experiments if results.find(each.name) is None]


def methods(results: Results) -> list[tuple[str, Measured]]:
    """Bicubic, what is not restored at all, and all that was trained; each with its name."""
    found = [(BICUBIC, results.bicubic)]
    if results.unrestored:
        found.append((UNRESTORED, results.unrestored))
    return [*found, *((run.name, run.measured) for run in results.trained)]


def sets(results: Results) -> list[str]:
    """All sets that something was measured on: DIV2K and the single picture first."""
    names = unique(each.dataset for _, one in methods(results) for each in one.scores)
    return sorted(names, key=lambda name: (name != DIV2K, name != SINGLE))


def reference(results: Results) -> str | None:
    """The set on which networks are compared in sentences."""
    names = [name for name in sets(results) if name not in (SINGLE, DIV2K)] or sets(results)
    return REFERENCE if REFERENCE in names else next(iter(names), None)


def find_score(measured: Measured, dataset: str | None, protocol: str) -> Score | None:
    """The score on a set by a protocol, if it was measured."""
    return next(
        (x for x in measured.scores if (x.dataset, x.protocol) == (dataset, protocol)), None
    )


def find_value(
    measured: Measured, dataset: str | None, protocol: str, value: Value
) -> float | None:
    """The PSNR of either kind on a set by a protocol, if it was measured."""
    score = find_score(measured, dataset, protocol)
    return None if score is None else getattr(score, value)


def psnr_y(measured: Measured, dataset: str | None, protocol: str = FIELD.name) -> float | None:
    """The PSNR-Y on a set by a protocol, if it was measured."""
    return find_value(measured, dataset, protocol, "psnr_y")


def gain(
    run: Trained | None,
    over: Trained | None,
    dataset: str | None,
    protocol: str = FIELD.name,
    value: Value = "psnr_y",
) -> float | None:
    """By how much one network's PSNR is above another's."""
    mine = find_value(run.measured, dataset, protocol, value) if run else None
    other = find_value(over.measured, dataset, protocol, value) if over else None
    return None if mine is None or other is None else mine - other


def table_protocols(results: Results) -> list[str]:
    """Names of the protocols of Table 1, the form's own first."""
    own = SQUASH256 if results.plan.form == "document" else FIELD
    return unique([own.name, *PROTOCOLS])


def score_protocols(results: Results) -> list[str]:
    """Names of the protocols of all scores, those of Table 1 first."""
    found = (each.protocol for _, one in methods(results) for each in one.scores)
    return unique([*table_protocols(results), *found])


def all_protocols(results: Results) -> list[Protocol]:
    """Every protocol of a number in the report, those of the logs included."""
    validated = {(each := protocol_of(run.recipe.data)).name: each for run in results.trained}
    cleaning = {protocol.name: protocol for protocol, _ in CLEANED_BY.values()}
    known = {**PROTOCOLS, **cleaning, **validated}
    return [
        known[name] for name in unique([*score_protocols(results), *validated]) if name in known
    ]


def stamp(results: Results, scores: Iterable[Score]) -> str:
    """What a table's numbers depend on beside their protocol, for its caption."""
    scores = list(scores)
    if not scores:
        return f"Trained on {results.plan.train}."
    versions = listed(unique(f"scalewise {each.version}" for each in scores))
    pictures = unique(f"{each.dataset}: {each.images}" for each in scores if each.dataset != SINGLE)
    counts = f"; pictures in {', '.join(pictures)}" if pictures else ""
    return f"Trained on {results.plan.train}; measured with {versions}{counts}."
