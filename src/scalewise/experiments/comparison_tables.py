"""Tables of comparisons: at equal steps and equal time, with mean and spread over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scalewise.experiments import judges, queries, stability
from scalewise.experiments.comparisons import (
    RELATED_PAIRS,
    WARM_UP,
    WITH_TEACHER,
    base_name,
    taught_name,
)
from scalewise.experiments.complexity import document_network
from scalewise.experiments.formatting import (
    NONE,
    decibels,
    difference,
    significant,
    span,
    spanned,
)
from scalewise.experiments.results import Results, Trained
from scalewise.experiments.seeds import (
    Measure,
    at_step,
    at_the_end,
    by_seed,
    deviation,
    differences,
    last_common_step,
    mean_and_spread,
    runs_of,
)
from scalewise.experiments.tables import Table
from scalewise.imaging.protocols import FIELD
from scalewise.training.log import best_psnr_y

CORNERS = {
    "sum over the scales": ("sum", "sum_norm"),
    "attention over the scales": ("attention", "attention_norm"),
}
"""The four corners of the ablation: without and with InstanceNorm."""

LOSS_CORNERS = {
    "L1": ("loss_l1_fixed", "loss_l1_cosine"),
    "L1 + 0.5 SmoothL1": ("loss_mixed_fixed", "loss_mixed_cosine"),
}
"""The four corners of the document's second training: at a fixed rate, and with annealing."""

BOTH = {"Original": "sum", "Adaptive": "attention_norm"}
"""The document's networks in the ablation, whose terms are equal."""

KINDS = ("ground truth", "half a teacher")
"""Targets that the related networks learn from."""

PUBLISHED_PARAMETERS = (
    ("Original", "1,781,260", "894,988"),
    ("Adaptive", "1,790,524", "10,170,060"),
)
"""Parameters of each network by the document's text and by its program, at its setting."""


def lengths(results: Results) -> Table:
    """Return what the runs of each comparison learned from, and for how long."""
    rows: list[list[str]] = []
    for group, name in queries.GROUPS.items():
        runs = results.group(group)
        if not any(run.pace for run in runs):
            continue
        data = [run.recipe.data for run in runs]
        times = [run.pace.planned if run.pace else run.seconds for run in runs]
        rows.append(
            [
                name,
                spanned(each.patch for each in data),
                spanned(each.batch for each in data),
                spanned(run.steps for run in runs),
                span(times),
            ]
        )
    return Table(["runs", "patch (pixels)", "batch", "steps", "time at full speed"], rows)


def spread_of(results: Results, network: str, measure: Measure, decimals: int = 2) -> str:
    """Return the cell of a network: mean and spread over its seeds."""
    return mean_and_spread([*by_seed(results, network, measure).values()], decimals)


def corner_step(results: Results, corners: Mapping[str, tuple[str, str]]) -> int | None:
    """Return the last step after which all runs of four corners were validated."""
    return last_common_step(corner_runs(results, corners))


def corner_runs(results: Results, corners: Mapping[str, tuple[str, str]]) -> list[Trained]:
    """Return all finished seeds of four corners."""
    return runs_of(results, *(name for row in corners.values() for name in row))


def two_by_two(
    results: Results,
    corners: Mapping[str, tuple[str, str]],
    columns: tuple[str, str],
    heading: str,
) -> Table:
    """Return PSNR-Y of four corners, at equal steps and at equal time.

    Args:
        results: of the reproduction.
        corners: names of the networks of each row.
        columns: what the two networks of a row differ in.
        heading: of the rows.
    """
    ways = {
        judges.EQUAL_STEPS: at_step(corner_step(results, corners)),
        judges.EQUAL_TIME: at_the_end(queries.judged_on(results)),
    }
    rows = [
        [title, *(spread_of(results, x, measure) for measure in ways.values() for x in names)]
        for title, names in corners.items()
    ]
    return Table([heading, *(f"{way}, {x}" for way in ways for x in columns)], rows)


def detail(results: Results) -> Table:
    """Return the PSNR of the high-pass luma of the ablation's corners."""
    measure = judges.detail_of(corner_runs(results, CORNERS))
    rows = [
        [title, *(spread_of(results, name, measure) for name in names)]
        for title, names in CORNERS.items()
    ]
    return Table(["aggregation", "without InstanceNorm", "with InstanceNorm"], rows)


def steadiness(results: Results) -> Table:
    """Return how steady the trainings of the ablation's corners are."""
    step, dataset = corner_step(results, CORNERS), queries.judged_on(results)
    rows: list[list[str]] = []
    for title, names in CORNERS.items():
        for name, norm in zip(names, ("without InstanceNorm", "with InstanceNorm"), strict=True):
            cells = [
                spread_of(results, name, stability.relative_deviation(WARM_UP, step)),
                spread_of(results, name, stability.relative_deviation(WARM_UP)),
                spread_of(results, name, stability.peak(WARM_UP)),
                decibels(deviation([*by_seed(results, name, at_the_end(dataset)).values()])),
            ]
            rows.append([f"{title}, {norm}", *cells])
    headings = [
        "network",
        "deviation / mean, equal steps",
        "deviation / mean, equal time",
        "largest / mean, equal time",
        "spread of the final PSNR-Y over seeds (dB)",
    ]
    return Table(headings, rows)


def parameters(results: Results) -> Table:
    """Return the parameters of both networks: the document's, its program's and ours."""
    rows: list[list[str]] = []
    for title, text, code in PUBLISHED_PARAMETERS:
        run = queries.final(results, title.lower())
        cost = run.complexity if run else document_network(title.lower())
        rows.append(
            [
                title,
                text,
                code,
                f"{cost.parameters:,}",
                f"{cost.multiply_adds / 1e9:,.1f}",
                significant(cost.seconds),
                significant(cost.step_seconds),
            ]
        )
    headings = ["network", "by the document's text", "by its program", "ours"]
    costs = ["G multiply-adds", "seconds", "seconds per training step"]
    return Table(headings + costs, rows)


def quality(results: Results) -> Table:
    """Return quality and artifacts of both networks on equal terms."""
    runs = runs_of(results, *BOTH.values())
    step, names = last_common_step(runs), sets_of(runs)
    rows = [
        [
            title,
            spread_of(results, name, at_step(step)),
            *(spread_of(results, name, at_the_end(each)) for each in names),
            spread_of(results, name, judges.artifact("overshoot", runs), 3),
            spread_of(results, name, judges.artifact("ringing", runs), 3),
            str(len(runs_of(results, name))),
        ]
        for title, name in BOTH.items()
    ]
    sets = [f"{judges.EQUAL_TIME}, {name}" for name in names]
    artifacts = ["overshoot (levels)", "ringing (levels)", "seeds"]
    return Table(["network", judges.EQUAL_STEPS, *sets, *artifacts], rows)


def related_at_equal_steps(results: Results) -> tuple[Table, int | None]:
    """Return PSNR-Y of the related networks after equal steps, with and without a teacher.

    Differences are of the first seed.
    """
    step = last_common_step(results.group("comparator"))
    measure = at_step(step)
    pairs, kinds = _related(results), _kinds(results)
    rows: list[list[str]] = []
    for pair in pairs:
        scores = [measure(run) if run else None for run in pair[: len(kinds)]]
        found = [score for score in scores if score is not None]
        gain = difference(found[1] - found[0]) if len(found) > 1 else NONE
        run = _either(pair)
        cells = [_over_seeds(results, one, measure) for one in pair[: len(kinds)]]
        cells = [f"{run.complexity.parameters:,}", *cells]
        rows.append([_title(run), *cells, *([gain] if len(kinds) > 1 else [])])
    last = ["difference"] if len(kinds) > 1 else []
    return Table(["network", "parameters", *kinds, *last], rows), step


def related_pairs(results: Results) -> Table:
    """Return PSNR-Y of the pairs that claims compare, after the last step of each pair.

    Scores are of the seeds that both networks have.
    """
    rows: list[list[str]] = []
    for pair in RELATED_PAIRS.values():
        runs = [run for name in pair if (run := results.find(name))]
        step = last_common_step(runs_of(results, *pair))
        if len(runs) < len(pair) or step is None:
            continue
        gains = differences(results, pair, at_step(step))
        scores = [by_seed(results, name, at_step(step)) for name in pair]
        cells = [mean_and_spread([each[seed] for seed in gains]) for each in scores]
        gain = mean_and_spread([*gains.values()], with_sign=True)
        names = " against ".join(run.title for run in runs)
        rows.append([names, f"{step:,}", *cells, gain, str(len(gains))])
    return Table(["pair", "steps", "the first", "the second", "difference", "seeds"], rows)


def related_at_equal_time(results: Results) -> Table:
    """Return PSNR-Y of the related networks after equal time, with and without a teacher.

    First on the validation images, whose best score chose the weights, then on the test sets.
    """
    sets, kinds = sets_of(results.group("comparator")), _kinds(results)
    rows: list[list[str]] = []
    for pair in _related(results):
        run, pair = _either(pair), pair[: len(kinds)]
        measures = [_best_validation, *map(at_the_end, sets)]
        scores = [_over_seeds(results, one, measure) for measure in measures for one in pair]
        cost = run.complexity
        operations = f"{cost.multiply_adds / 1e9:,.1f}"
        cells = [f"{run.steps:,}", *scores, operations, significant(cost.seconds)]
        rows.append([_title(run), *cells])
    headings = [f"{dataset}, {kind}" for dataset in ("validation", *sets) for kind in kinds]
    return Table(["network", "steps", *headings, "G multiply-adds", "seconds"], rows)


def sets_of(runs: Sequence[Trained]) -> list[str]:
    """Return the sets on which any of the runs was scored by the field's protocol."""
    scores = (x for run in runs for x in run.measured.scores if x.protocol == FIELD.name)
    return queries.unique(each.dataset for each in scores if each.dataset != queries.SINGLE)


def _related(results: Results) -> list[tuple[Trained | None, Trained | None]]:
    """Return each related network, trained on the ground truth and with a teacher: first seeds."""
    names = queries.unique(base_name(x.experiment.network) for x in results.group("comparator"))
    return [(results.find(name), results.find(taught_name(name))) for name in names]


def _kinds(results: Results) -> tuple[str, ...]:
    """Return the targets of the related networks: a teacher only if one was used."""
    taught = any(run.recipe.loss.teacher for run in results.group("comparator"))
    return KINDS if taught else KINDS[:1]


def _over_seeds(results: Results, run: Trained | None, measure: Measure) -> str:
    """Return the cell of a network: over its seeds, or of the only run that is there."""
    if run is None:
        return NONE
    found = [*by_seed(results, run.experiment.network, measure).values()]
    return mean_and_spread(found) if len(found) > 1 else decibels(measure(run))


def _best_validation(run: Trained) -> float | None:
    return best_psnr_y(run.lines)


def _either(pair: tuple[Trained | None, Trained | None]) -> Trained:
    """Return the first of two runs that is there, as one always is."""
    return next(run for run in pair if run)


def _title(run: Trained) -> str:
    return run.title.removesuffix(WITH_TEACHER)
