"""Tables of the report: headings and rows, without captions."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scalewise.experiments import queries
from scalewise.experiments.data import DIV2K
from scalewise.experiments.formatting import NONE, decibels, significant
from scalewise.experiments.queries import PUBLISHED, REFERENCE, SINGLE, Value
from scalewise.experiments.results import (
    BICUBIC,
    DIGEST,
    Measured,
    Results,
    Sample,
    Trained,
)
from scalewise.experiments.seeds import mean_and_spread
from scalewise.imaging.protocols import FIELD
from scalewise.tasks import DENOISE

TIMES = ("steps at full speed (s)", "processor (s)", "clock (s)")
"""Headings of the times of a training."""


@dataclass(frozen=True)
class Table:
    """A table whose first column names its rows.

    Attributes:
        headings: of the columns.
        rows: one text per column.
        texts: number of columns with words, from the left; the others have numbers.
    """

    headings: list[str]
    rows: list[list[str]]
    texts: int = 1

    def side(self, column: int) -> str:
        """Return the side to which a column is aligned."""
        return "left" if column < self.texts else "right"


def at_a_glance(results: Results) -> Table:
    """Return parameters, and PSNR-Y on every set, of both networks and bicubic."""
    names = queries.sets(results)
    rows = [
        [
            queries.short_title(run),
            f"{run.complexity.parameters:,}",
            *_psnrs(run.measured, names),
            run.weights,
        ]
        for run in queries.finals(results)
    ]
    bicubic = [BICUBIC, NONE, *_psnrs(results.bicubic, names), NONE]
    return Table(["network", "parameters", *names, "weights (sha256)"], [*rows, bicubic])


def published() -> Table:
    """Return the document's Table 1 as published, with its column Set14 as it stands there."""
    rows = [[each.method, decibels(each.div2k), decibels(each.set14)] for each in PUBLISHED]
    return Table(["network", DIV2K, "“Set14”"], rows)


def measured(results: Results, protocol: str) -> Table:
    """Return what was measured here in the place of Table 1, under one protocol.

    One form in a table: networks of the other form are in a table of their own.
    """
    names = queries.unique([DIV2K, SINGLE, REFERENCE, *queries.sets(results)])
    code = results.group("code")
    ours = [("bicubic", results.bicubic)]
    ours += [(queries.short_title(x), x.measured) for x in [*queries.finals(results), *code]]
    rows = [[title, *_psnrs(one, names, protocol)] for title, one in ours]
    return Table(["network", *names], rows)


def all_scores(results: Results, protocol: str) -> Table:
    """Return the scores of every network on every set, under one protocol."""
    rows = [
        [
            name,
            dataset,
            score.precision,
            score.version,
            measured.weights[:DIGEST] or NONE,
            str(score.images),
            decibels(score.psnr),
            decibels(score.psnr_y),
            f"{score.ssim:.4f}",
        ]
        for name, measured in queries.methods(results)
        for dataset in queries.sets(results)
        if (score := queries.find_score(measured, dataset, protocol))
    ]
    words = ["run", "set", "precision", "scalewise", "weights"]
    return Table([*words, "images", "PSNR", "PSNR-Y", "SSIM"], rows, texts=len(words))


def sample_scores(results: Results, sample: Sample) -> Table:
    """Return the scores of every method on one image."""
    found = {(each.model, each.protocol): each for each in sample.scores}
    known = queries.unique(
        [*queries.score_protocols(results), *(each.protocol for each in sample.scores)]
    )
    by = [name for name in known if any(protocol == name for _, protocol in found)]
    rows: list[list[str]] = []
    for model in queries.unique(each.model for each in sample.scores):
        row = [queries.method_title(results, model)]
        for protocol in by:
            if score := found.get((model, protocol)):
                row += [decibels(score.psnr), decibels(score.psnr_y), f"{score.ssim:.4f}"]
            else:
                row += [NONE] * 3
        rows.append(row)
    values = [f"{value}, {name}" for name in by for value in ("PSNR", "PSNR-Y", "SSIM")]
    return Table(["method", *values], rows)


def artifacts(results: Results) -> Table:
    """Return overshoot and ringing of every method on the sample images."""
    rows = [
        [
            sample.name,
            queries.method_title(results, model),
            f"{found.overshoot:.3f}",
            f"{found.ringing:.3f}",
        ]
        for sample in results.samples
        for model, found in sample.artifacts.items()
    ]
    return Table(["image", "method", "overshoot (levels)", "ringing (levels)"], rows, texts=2)


def costs(runs: Sequence[Trained]) -> Table:
    """Return the computational cost of networks."""
    rows = [
        [
            queries.short_title(run),
            f"{run.complexity.parameters:,}",
            *_inference_costs(run),
            significant(run.complexity.step_seconds),
        ]
        for run in runs
    ]
    per_megapixel = ["G multiply-adds", "seconds", "MB"]
    return Table(["network", "parameters", *per_megapixel, "seconds per training step"], rows)


def timing_noise(runs: Sequence[Trained]) -> tuple[float, float] | None:
    """Return how much the times of twins differ that compute the same: the largest ratios less 1.

    Twins are networks with and without global residual, which costs one addition.  The first ratio
    is of inference, the second of training steps.  None without timed twins.
    """
    twins: dict[str, list[Trained]] = {}
    for run in runs:
        settings = {**run.recipe.model.settings, "global_residual": None}
        key = queries.network_key(replace(run.recipe.model, settings=settings))
        twins.setdefault(key, []).append(run)
    pairs = [pair for pair in twins.values() if len(pair) > 1]
    inference = [_ratio([run.complexity.seconds for run in pair]) for pair in pairs]
    steps = [_ratio([run.complexity.step_seconds for run in pair]) for pair in pairs]
    if not pairs or None in (*inference, *steps):
        return None
    return max(x or 1.0 for x in inference) - 1, max(x or 1.0 for x in steps) - 1


def _ratio(seconds: Sequence[float | None]) -> float | None:
    found = [each for each in seconds if each is not None]
    return max(found) / min(found) if len(found) == len(seconds) else None


def equal_time(
    results: Results,
    runs: Sequence[Trained],
    costs: bool = False,
    *,
    protocol: str = FIELD.name,
    value: Value = "psnr_y",
    given: Measured | None = None,
) -> Table:
    """Return steps and PSNR on every measured set, of networks trained for equal time.

    Args:
        results: of the reproduction.
        runs: the networks.
        costs: add the cost of inference.
        protocol: of the scores.
        value: PSNR or PSNR-Y.
        given: scores of the degraded images, for a first row.
    """
    measured = {x.dataset for run in runs for x in run.measured.scores if x.protocol == protocol}
    names = [name for name in queries.sets(results) if name in measured]
    headings = ["network", "parameters", "steps", *TIMES, *names]
    rows = [
        [
            run.title + (f", seed {run.experiment.seed}" if run.experiment.seed else ""),
            f"{run.complexity.parameters:,}",
            f"{run.steps:,}",
            *_times(run),
            *_psnrs(run.measured, names, protocol, value),
            *(_inference_costs(run) if costs else []),
        ]
        for run in runs
    ]
    if costs:
        headings += ["G multiply-adds", "seconds", "MB"]
    if given:
        row = ["as given", *[NONE] * (2 + len(TIMES)), *_psnrs(given, names, protocol, value)]
        rows.insert(0, row + [NONE] * (len(headings) - len(row)))
    return Table(headings, rows)


def alternatives(results: Results) -> Table:
    """Return PSNR and SSIM of denoising methods at every noise level, and their time."""
    headings = ["method"]
    for level in results.alternatives:
        headings += [f"PSNR, sigma {level.sigma:g}", f"SSIM, sigma {level.sigma:g}"]
    rows: list[list[str]] = []
    for found in queries.denoised(results):
        name = found[0].score.model
        row = [queries.method_title(results, name)]
        for each in found:
            row += [decibels(each.score.psnr), f"{each.score.ssim:.4f}"]
        seconds = statistics.mean(each.seconds for each in found)
        rows.append([*row, NONE if name == DENOISE.baseline else significant(seconds)])
    return Table([*headings, "seconds per megapixel"], rows)


def enlarged(results: Results) -> Table:
    """Return scores of each way to enlarge noisy images, and its lead over the joint network."""
    found = results.enlarged
    rows: list[list[str]] = []
    for each in found.methods if found else []:
        against = NONE
        if found and each.score.model != found.joint:
            gains = queries.enlarged_over(results, each.score.model, found.joint)
            against = mean_and_spread(gains, with_sign=True)
        score = each.score
        numbers = [decibels(score.psnr), decibels(score.psnr_y), f"{score.ssim:.4f}", against]
        rows.append([queries.way_title(score.model), *numbers])
    joint = found.joint if found else NONE
    return Table(["method", "PSNR", "PSNR-Y", "SSIM", f"PSNR-Y minus that of {joint}"], rows)


def provenance(results: Results) -> Table:
    """Return weights, data, machine and length of every run."""
    columns: dict[str, Callable[[Trained], str]] = {
        "run": lambda run: run.name,
        "weights (sha256)": lambda run: run.weights,
        "scalewise": lambda run: run.environment.scalewise,
        "data": lambda run: ", ".join(Path(path).name for path in run.recipe.data.train),
        "device": lambda run: run.environment.device,
        "precision": lambda run: run.environment.precision,
        "threads": lambda run: str(run.environment.threads),
        "epochs x steps": _epochs,
        "steps": lambda run: f"{run.steps:,}",
        "seconds": lambda run: f"{run.seconds:,.0f}",
        "done": lambda run: f"{run.progress:.0%}",
    }
    rows = [[text(run) for text in columns.values()] for run in results.trained]
    return Table([*columns], rows, texts=6)


def _epochs(run: Trained) -> str:
    count, each = run.recipe.budget.epochs, run.recipe.data.epoch
    return NONE if not count else f"{count} x {each:,}" if each else str(count)


def _psnrs(
    measured: Measured,
    datasets: Iterable[str],
    protocol: str = FIELD.name,
    value: Value = "psnr_y",
) -> list[str]:
    return [decibels(queries.psnr(measured, name, protocol, value)) for name in datasets]


def _times(run: Trained) -> list[str]:
    """Return the planned seconds of a run's steps, those of the processor and of the clock."""
    planned = processor = NONE
    if run.pace is not None:
        planned, processor = f"{run.pace.planned:,.0f}", f"{run.pace.processor:,.0f}"
    return [planned, processor, f"{run.seconds:,.0f}"]


def _inference_costs(run: Trained) -> list[str]:
    """Return multiply-adds, seconds and memory per megapixel."""
    cost = run.complexity
    operations = f"{cost.multiply_adds / 1e9:,.1f}"
    megabytes = NONE if cost.megabytes is None else f"{cost.megabytes:,.0f}"
    return [operations, significant(cost.seconds), megabytes]
