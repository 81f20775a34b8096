"""The report's tables, made from the results by pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from scalewise.imaging.protocols import FIELD
from scalewise.reproducing.document import Table
from scalewise.reproducing.published import MARK, PUBLISHED, REMARK
from scalewise.reproducing.reading import (
    DIV2K,
    FORMS,
    REFERENCE,
    SINGLE,
    VALUES,
    Value,
    finals,
    find_score,
    find_value,
    method_title,
    methods,
    psnr_y,
    score_protocols,
    sets,
    short_title,
    stamp,
)
from scalewise.reproducing.results import BICUBIC, Measured, Results, Sample, Trained
from scalewise.reproducing.wording import (
    DIGEST,
    NONE,
    decibels,
    duration,
    significant,
    similarity,
    unique,
)


def at_a_glance(results: Results) -> Table:
    """Both networks and bicubic: parameters, and PSNR-Y on every set."""
    names = sets(results)
    rows = [
        [
            short_title(run),
            f"{run.complexity.parameters:,}",
            *(decibels(psnr_y(run.measured, name)) for name in names),
            run.measured.weights[:DIGEST],
        ]
        for run in finals(results)
    ]
    scores = [decibels(psnr_y(results.bicubic, name)) for name in names]
    return Table(
        f"PSNR-Y in dB, protocol {FIELD.name}. {_stamp(results, FIELD.name)}",
        ["network", "parameters", *names, "weights (sha256)"],
        [*rows, [BICUBIC, NONE, *scores, NONE]],
    )


def table_one(results: Results, protocol: str) -> Table:
    """The document's published figures beside ours, which are by one protocol."""
    ours: list[tuple[str, Measured]] = [(BICUBIC, results.bicubic)]
    ours += [(f"{short_title(run)} (ours)", run.measured) for run in finals(results)]
    if scn := results.find("scn"):
        budget = f"trained here for {duration(scn.seconds)}"
        ours.append((f"SCN of its authors, {budget}", scn.measured))
    return _beside_published(
        f"Table 1 beside ours: PSNR-Y in dB, protocol {protocol}. {REMARK}; "
        f"see the remark on its “{REFERENCE}”. {_stamp(results, protocol)}",
        ours,
        protocol,
        sets(results),
    )


def both_forms(results: Results, also: Results, protocol: str) -> Table:
    """The document's networks as trained in one form and in the other, by one protocol."""
    ours: list[tuple[str, Measured]] = [(BICUBIC, results.bicubic)]
    ours += [
        (f"{short_title(run)}, {FORMS[each.plan.form]}", run.measured)
        for each in (results, also)
        for run in finals(each)
    ]
    stamps = " ".join(
        f"{FORMS[each.plan.form].capitalize()}: {_stamp(each, protocol)}"
        for each in (results, also)
    )
    return _beside_published(
        f"Both forms: PSNR-Y in dB, protocol {protocol}. {REMARK}. {stamps}",
        ours,
        protocol,
        unique([*sets(results), *sets(also)]),
    )


def _beside_published(
    caption: str, ours: Sequence[tuple[str, Measured]], protocol: str, datasets: Sequence[str]
) -> Table:
    """Scores under the document's published figures, whose sets come first."""
    names = unique([DIV2K, SINGLE, REFERENCE, *datasets])
    rows: list[list[str]] = []
    for each in PUBLISHED:
        figures = {DIV2K: each.div2k, SINGLE if each.is_single else REFERENCE: each.set14}
        rows.append([f"{each.method} ({MARK})", *(decibels(figures.get(name)) for name in names)])
    for title, one in ours:
        rows.append([title, *(decibels(psnr_y(one, name, protocol)) for name in names)])
    return Table(caption, ["network", *names], rows)


def all_scores(results: Results, protocol: str) -> Table:
    """Every network on every set, by one protocol."""
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
            similarity(score.ssim),
        ]
        for name, measured in methods(results)
        for dataset in sets(results)
        if (score := find_score(measured, dataset, protocol))
    ]
    return Table(
        f"PSNR over RGB and over Y in dB, and SSIM over Y; protocol {protocol}. "
        f"Trained on {results.plan.train}.",
        ["run", "set", "precision", "scalewise", "weights", "pictures", "PSNR", "PSNR-Y", "SSIM"],
        rows,
        texts=5,
    )


def sample_scores(results: Results, sample: Sample) -> Table:
    """Every method on one picture."""
    known = unique([*score_protocols(results), *(each.protocol for each in sample.scores)])
    by = [name for name in known if any(each.protocol == name for each in sample.scores)]
    found = {(each.model, each.protocol): each for each in sample.scores}
    rows: list[list[str]] = []
    for model in unique(each.model for each in sample.scores):
        row = [method_title(results, model)]
        for protocol in by:
            score = found.get((model, protocol))
            row += (
                [decibels(score.psnr), decibels(score.psnr_y), similarity(score.ssim)]
                if score
                else [NONE] * 3
            )
        rows.append(row)
    versions = ", ".join(unique(each.version for each in sample.scores)) or NONE
    return Table(
        f"{sample.name} alone: PSNR and PSNR-Y in dB, SSIM; protocol named in each column. "
        f"Trained on {results.plan.train}; measured with scalewise {versions}.",
        ["method", *(f"{value}, {name}" for name in by for value in ("PSNR", "PSNR-Y", "SSIM"))],
        rows,
    )


def costs(runs: Sequence[Trained]) -> Table:
    """What networks cost."""
    rows = [
        [
            short_title(run),
            f"{run.complexity.parameters:,}",
            *_running_costs(run),
            significant(run.complexity.step_seconds),
        ]
        for run in runs
    ]
    how = unique(
        f"Inference: {run.complexity.runtime}; training step: {run.complexity.precision}, "
        f"16 patches of 48x48; threads: {run.complexity.threads}"
        for run in runs
    )
    return Table(
        "Multiply-adds, seconds and memory are per megapixel of output, a picture of 512x512 "
        f"enlarged to 1024x1024. {'. '.join(how)}. "
        f"{_versions(runs)}.",
        ["network", "parameters", "G multiply-adds", "seconds", "MB", "seconds per training step"],
        rows,
    )


def grid(results: Results, dataset: str) -> Table:
    """The ablation's four corners: sum or attention, with or without normalisation."""
    rows = [
        [
            title,
            *(
                decibels(psnr_y(run.measured, dataset)) if (run := results.find(name)) else NONE
                for name in names
            ),
        ]
        for title, names in (
            ("sum over the scales", ("sum", "sum_norm")),
            ("attention over the scales", ("attention", "attention_norm")),
        )
    ]
    return Table(
        f"PSNR-Y on {dataset} in dB, protocol {FIELD.name}, after equal time of training. "
        f"Trained on {results.plan.train}.",
        ["aggregation", "without InstanceNorm", "with InstanceNorm"],
        rows,
    )


def equal_time(
    results: Results,
    runs: Sequence[Trained],
    costs: bool = False,
    *,
    protocol: str = FIELD.name,
    value: Value = "psnr_y",
    given: Measured | None = None,
) -> Table:
    """Networks trained for the same time: steps taken, and PSNR on every set measured.

    Args:
        results: all there are.
        runs: whose networks.
        costs: say also what each costs.
        protocol: that they are measured by.
        value: what of a score is shown.
        given: the scores of the pictures that they were given, for a row ahead of theirs.
    """
    scores = [each for run in runs for each in run.measured.scores if each.protocol == protocol]
    measured = {each.dataset for each in scores}
    names = [name for name in sets(results) if name in measured]

    def values(method: Measured) -> list[str]:
        return [decibels(find_value(method, name, protocol, value)) for name in names]

    headings = ["network", "parameters", "steps", "trained for (s)", *names]
    rows = [
        [
            run.experiment.title,
            f"{run.complexity.parameters:,}",
            f"{run.steps:,}",
            f"{run.seconds:,.0f}",
            *values(run.measured),
        ]
        for run in runs
    ]
    if costs:
        headings += ["G multiply-adds", "seconds", "MB"]
        for row, run in zip(rows, runs, strict=True):
            row += _running_costs(run)
    if given:
        row = ["as given", NONE, NONE, NONE, *values(given)]
        rows.insert(0, row + [NONE] * (len(headings) - len(row)))
    per = " The last three columns are per megapixel of output." if costs else ""
    return Table(
        f"{VALUES[value]} in dB, protocol {protocol}. {stamp(results, scores)}{per}",
        headings,
        rows,
    )


def _running_costs(run: Trained) -> list[str]:
    """Multiply-adds, seconds and memory of a megapixel."""
    cost = run.complexity
    operations = f"{cost.multiply_adds / 1e9:,.1f}"
    return [operations, significant(cost.seconds), f"{cost.megabytes:,.0f}"]


def provenance(results: Results) -> Table:
    """Where every network came from."""
    rows = [
        [
            run.name,
            run.measured.weights[:DIGEST],
            run.environment.scalewise,
            file_names(run.recipe.data.train),
            run.environment.device,
            run.environment.precision,
            str(run.environment.threads),
            epochs(run),
            f"{run.steps:,}",
            f"{run.seconds:,.0f}",
            f"{run.progress:.0%}",
        ]
        for run in results.trained
    ]
    return Table(
        "The runs: each a folder with its recipe, log, checkpoints and environment. "
        "Seconds are of training, validation included; done is the part of the run's schedule.",
        [
            "run",
            "weights (sha256)",
            "scalewise",
            "data",
            "device",
            "precision",
            "threads",
            "epochs x steps",
            "steps",
            "seconds",
            "done",
        ],
        rows,
        texts=6,
    )


def epochs(run: Trained) -> str:
    """How many epochs of how many steps a run's budget is."""
    count = run.recipe.budget.epochs
    if not count:
        return NONE
    each = run.recipe.data.epoch
    return f"{count} x {each:,}" if each else str(count)


def file_names(paths: Iterable[str]) -> str:
    """The last part of each path."""
    return ", ".join(Path(path).name for path in paths)


def _stamp(results: Results, protocol: str) -> str:
    measured = [results.bicubic, *(run.measured for run in finals(results))]
    return stamp(
        results, (each for one in measured for each in one.scores if each.protocol == protocol)
    )


def _versions(runs: Iterable[Trained]) -> str:
    versions = unique(f"scalewise {run.environment.scalewise}" for run in runs)
    return ", ".join(versions) or NONE
