"""What the comparison of the two networks argues from, part by part; and related networks."""

from __future__ import annotations

from collections.abc import Sequence

from scalewise.imaging.protocols import FIELD
from scalewise.reproducing import plots
from scalewise.reproducing.document import Block, Paragraph, Picture, Points, Section
from scalewise.reproducing.reading import gain, missing, reference, sets
from scalewise.reproducing.results import Group, Results, Trained
from scalewise.reproducing.sections.learning import curve, validation
from scalewise.reproducing.tables import equal_time, grid
from scalewise.reproducing.wording import difference, listed, span, unique

BASE = "sum"

FACTORS: dict[str, list[tuple[str, str, str]]] = {
    "InstanceNorm": [
        ("sum_norm", "sum", "with the sum"),
        ("attention_norm", "attention", "with attention"),
    ],
    "Attention in place of the sum": [
        ("attention", "sum", "without InstanceNorm"),
        ("attention_norm", "sum_norm", "with InstanceNorm"),
    ],
    "The global residual": [
        ("sum", "sum_no_residual", "in Original"),
        ("attention_norm", "attention_norm_no_residual", "in Adaptive"),
    ],
}
"""What is added, and pairs of runs with and without it."""


def ablation(results: Results) -> Section:
    """Sum or attention, with or without InstanceNorm, with or without global residual."""
    runs = results.group("ablation")
    blocks = not_trained(results, "ablation")
    dataset = reference(results)
    if runs and dataset:
        blocks += [
            Paragraph(f"{equally_long(runs)} Steps differ, since some take longer for each."),
            grid(results, dataset),
            Points(effects(results, dataset)),
            equal_time(results, runs),
            *_differences(results, runs),
            curves(results, runs, "ablation"),
        ]
    return Section("Ablation: sum or attention, InstanceNorm, global residual", blocks)


def comparators(results: Results) -> Section:
    """The related networks, trained for as long."""
    runs = results.group("comparator")
    blocks = not_trained(results, "comparator")
    if runs:
        blocks += [
            Paragraph(equally_long(runs)),
            equal_time(results, runs, costs=True),
            curves(results, runs, "comparators"),
        ]
    return Section("Related networks", blocks)


def effects(results: Results, dataset: str) -> list[str]:
    """A sentence for each factor, from the scores alone."""
    sentences: list[str] = []
    for factor, pairs in FACTORS.items():
        parts = [
            f"{difference(value)} dB {where}"
            for with_it, without, where in pairs
            if (value := gain(results.find(with_it), results.find(without), dataset)) is not None
        ]
        text = (
            f"{listed(parts)} (PSNR-Y on {dataset}, protocol {FIELD.name})"
            if parts
            else ("not known, for want of a run")
        )
        sentences.append(f"{factor}: {text}.")
    return sentences


def equally_long(runs: Sequence[Trained]) -> str:
    """That networks were trained for the same time, and for how long."""
    together = span([run.seconds for run in runs])
    return (
        "Each network was trained for equal time, beside that of its validations "
        f"({together} together)."
    )


def not_trained(results: Results, group: Group) -> list[Block]:
    """What of a group is still to be trained, if it is part of the plan at all."""
    if absent := [each.title for each in missing(results) if each.group == group]:
        return [Paragraph(f"Not trained yet: {listed(absent)}.")]
    return [] if results.group(group) else [Paragraph("Not part of this reproduction.")]


def _differences(results: Results, runs: Sequence[Trained]) -> list[Block]:
    base = results.find(BASE)
    if base is None:
        return []
    rows = [
        (
            run.experiment.title,
            {name: value for name in sets(results) if (value := gain(run, base, name)) is not None},
        )
        for run in runs
    ]
    in_words = "; ".join(
        f"{title}: {', '.join(f'{name} {difference(value)}' for name, value in values.items())}"
        for title, values in rows
    )
    return [
        plots.picture(
            "ablation",
            plots.differences(rows, base.experiment.title),
            f"PSNR-Y against {base.experiment.title}, protocol {FIELD.name}, on each set. "
            f"Trained on {results.plan.train}.",
            f"Dot plot of differences in dB. {in_words}.",
        )
    ]


def curves(results: Results, runs: Sequence[Trained], name: str) -> Picture:
    """Loss and validation of runs against the time of training."""
    where = " ".join(unique(f"{validation(results, run)}." for run in runs))
    scores = "; ".join(
        f"{run.experiment.title}, loss {run.lines[-1].loss:.3g} at the end" for run in runs
    )
    return plots.picture(
        f"curves-{name}",
        plots.timed_curves([curve(run) for run in runs]),
        f"Training loss and validation PSNR-Y as training went on. {where}",
        f"Two plots against the time of training: {scores}.",
    )
