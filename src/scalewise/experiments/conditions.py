"""Conditions of scores, for captions: versions, images of each set, and lengths of epochs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scalewise.experiments.comparisons import DOCUMENT_IMAGES
from scalewise.experiments.formatting import spanned
from scalewise.experiments.queries import SINGLE, finals, first_seeds, network_key, unique
from scalewise.experiments.results import Results, Trained
from scalewise.weights.card import Score


class Stamp(NamedTuple):
    """Conditions of a table's scores: versions of scalewise, and images in each set."""

    versions: list[str]
    counts: list[str]


def stamp(scores: Iterable[Score]) -> Stamp:
    """Return the conditions of scores, for the caption of their table."""
    scores = list(scores)
    counts = unique(f"{each.dataset}: {each.images}" for each in scores if each.dataset != SINGLE)
    return Stamp(unique(f"scalewise {each.version}" for each in scores), counts)


def final_stamp(results: Results, protocol: str) -> Stamp:
    """Return the conditions of the scores of bicubic and of the document's networks."""
    measured = [results.bicubic, *(run.measured for run in finals(results))]
    return stamp(each for one in measured for each in one.scores if each.protocol == protocol)


def epoch_length(results: Results, runs: Sequence[Trained] | None = None) -> str:
    """Return how long the epochs of trainings are, and at full length; empty if they have that.

    Args:
        results: of the reproduction.
        runs: of the document's trainings; None for all of its form.
    """
    if runs is None:
        runs = [*results.group("training"), *results.group("code")]
    if results.plan.form == "document":
        return _epoch_images(results, runs)
    steps = [(run.recipe.data.epoch, _full_epoch(run)) for run in runs]
    short = [(taken, full) for taken, full in steps if taken and full and taken < full]
    if not short:
        return ""
    taken, full = (spanned(each) for each in zip(*short, strict=True))
    return f"{taken} steps an epoch (full length: {full})"


def _epoch_images(results: Results, runs: Sequence[Trained]) -> str:
    limit = results.plan.epoch_images
    if limit is None:
        return ""
    seen = [(run.recipe.data.epoch or 0) * run.recipe.data.batch for run in runs]
    images = spanned(seen) if seen and all(seen) else f"at most {limit:,}"
    return f"{images} images an epoch (full length: {DOCUMENT_IMAGES})"


def _full_epoch(run: Trained) -> int:
    """Return the steps of an epoch at full length; 0 where a training has no epochs."""
    epochs, steps = run.recipe.budget.epochs, run.experiment.full_steps
    return steps // epochs if epochs and steps else 0


def batches(results: Results) -> str:
    """Return the batches of the document's trainings; empty without one."""
    return " or ".join(unique(str(run.recipe.data.batch) for run in results.group("training")))


def untimed(runs: Sequence[Trained]) -> list[tuple[str, str]]:
    """Return networks that took the steps of another one, and that one's, by their titles."""
    paces: dict[float, Trained] = {}
    found: list[tuple[str, str]] = []
    for run in first_seeds(runs):
        if run.pace is None:
            continue
        timed = paces.setdefault(run.pace.step, run)
        if network_key(timed.recipe.model) != network_key(run.recipe.model):
            found.append((run.title, timed.title))
    return found
