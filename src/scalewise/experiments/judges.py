"""Judges of the document's claims: each compares runs, and returns what it found.

Equal steps are judged by validation PSNR-Y after the last step that all compared runs were
validated at; equal time by the scores of the finished runs.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scalewise.experiments import queries, stability
from scalewise.experiments.artifacts import Artifacts
from scalewise.experiments.comparisons import PARTS, WARM_UP, Part
from scalewise.experiments.complexity import document_parameters
from scalewise.experiments.data import CLEANED_BY
from scalewise.experiments.fidelity import smooth_l1_share
from scalewise.experiments.formatting import decibels, listed, score_name
from scalewise.experiments.queries import Value
from scalewise.experiments.results import Results, Trained
from scalewise.experiments.seeds import (
    Measure,
    Pair,
    at_step,
    at_the_end,
    by_seed,
    deviation,
    differences,
    last_common_step,
    main_effect,
    over_images,
    runs_of,
    shared_names,
)
from scalewise.experiments.verdicts import DECIDED, Finding, compare, spread_text
from scalewise.imaging.protocols import FIELD

AS_GOOD = 0.1
"""Loss of PSNR in dB up to which one method can stand in for another."""

EQUAL_STEPS, EQUAL_TIME = "equal steps", "equal time"

BY_FIELD = score_name("psnr_y", [FIELD.name])
OF_IMAGES = f"luma, protocol {FIELD.name}"
"""Scores of finished runs, and of the sample images that they restored."""


@dataclass(frozen=True)
class Evidence:
    """Results that judge claims: comparisons are in the modern form, some runs in the other."""

    modern: Results | None
    document: Results | None


Judge = Callable[[Evidence], list[Finding]]

Cell = tuple[str, str, str]
"""Names of two networks, with what is judged and without, and where they differ so."""


def evidence_of(*results: Results | None) -> Evidence:
    """Return reproductions by their forms."""
    found = {each.plan.form: each for each in results if each is not None}
    return Evidence(found.get("modern"), found.get("document"))


def effect(*cells: Cell) -> Judge:
    """Return the judge of the claim that the first networks are better than the second."""

    def judge(evidence: Evidence) -> list[Finding]:
        results = evidence.modern
        if results is None:
            return [Finding(EQUAL_STEPS, "not yet measured", "")]
        runs = _runs_in(results, cells)
        step = last_common_step(runs)
        after = f"after {step:,} steps " if step else ""
        dataset = queries.judged_on(results)
        is_even = {run.steps for run in runs} == {step}
        at_the_same = f"the same steps on {dataset}" if is_even else EQUAL_TIME
        found = [
            _measured(
                results, cells, EQUAL_STEPS, at_step(step), after, score=validation_score(runs)
            ),
            _measured(results, cells, at_the_same, at_the_end(dataset), score=BY_FIELD),
        ]
        return _unless_early(results, runs, found)

    return judge


def validation_score(runs: Sequence[Trained], value: Value = "psnr_y") -> str:
    """Return what runs were validated by."""
    return score_name(value, (run.validation.protocol for run in runs))


def _runs_in(results: Results, cells: Sequence[Cell]) -> list[Trained]:
    """Return all finished seeds of the networks of cells."""
    return runs_of(results, *(name for cell in cells for name in cell[:2]))


def _unless_early(
    results: Results, runs: Sequence[Trained], findings: list[Finding]
) -> list[Finding]:
    """Let findings decide nothing if all of the runs ended below bicubic."""
    dataset = queries.judged_on(results)
    if not queries.are_below_bicubic(results, runs, dataset):
        return findings
    bicubic = queries.psnr(results.bicubic, dataset)
    best = queries.best_end(runs, dataset)
    text = f"{decibels(bicubic)} dB on {dataset}, and the best of these runs ends at "
    text += f"{decibels(best)} dB: too early to tell"
    undecided: list[Finding] = [
        replace(each, verdict="cannot be told") if each.verdict in DECIDED else each
        for each in findings
    ]
    return [*undecided, Finding("bicubic", None, text, score=BY_FIELD)]


def _measured(
    results: Results,
    cells: Sequence[Cell],
    where: str,
    measure: Measure,
    prefix: str = "",
    *,
    unit: str = "dB",
    decimals: int = 2,
    score: str = "",
) -> Finding:
    """Return the main effect of cells by one measure, and that of each cell."""
    pairs: list[Pair] = [(first, second) for first, second, _ in cells]
    each = {
        name: [*differences(results, pair, measure).values()]
        for pair, (_, _, name) in zip(pairs, cells, strict=True)
    }
    effects = main_effect(results, pairs, measure)
    found = compare(where, effects, each, unit=unit, decimals=decimals, score=score)
    return replace(found, text=f"{prefix}{found.text}" if found.text else "")


def together(*judges: Judge) -> Judge:
    """Return the judge that finds what all of these find."""
    return lambda evidence: [found for judge in judges for found in judge(evidence)]


def artifacts(evidence: Evidence) -> list[Finding]:
    """Judge by overshoot and ringing of finished runs: Original's less Adaptive's."""
    results = evidence.modern
    if results is None:
        return [Finding("overshoot", "not yet measured", "")]
    runs = runs_of(results, "sum", "attention_norm")
    return [
        _measured(
            results,
            [("sum", "attention_norm", "")],
            f"{name} at {EQUAL_TIME}",
            artifact(name, runs),
            _on(seen_by(runs)),
            unit="levels",
            decimals=3,
            score=OF_IMAGES,
        )
        for name in ("overshoot", "ringing")
    ]


def artifact(name: str, runs: Sequence[Trained]) -> Measure:
    """Return the measure of overshoot or ringing, a mean over the sample images of all runs."""

    def value(found: Artifacts) -> float:
        return found.overshoot if name == "overshoot" else found.ringing

    return over_images(lambda run: {x: value(each) for x, each in run.artifacts.items()}, runs)


def detail_of(runs: Sequence[Trained]) -> Measure:
    """Return the measure of the high-pass luma's PSNR, a mean over the images of all runs."""
    return over_images(lambda run: {x: each.detail for x, each in run.fidelity.items()}, runs)


def seen_by(runs: Sequence[Trained]) -> list[str]:
    """Return the names of the sample images that artifacts and detail of all runs are of."""
    return shared_names([run.fidelity for run in runs if run.fidelity])


def _on(images: Sequence[str]) -> str:
    return f"on {listed(images)} " if images else ""


def detail(*cells: Cell) -> Judge:
    """Return the judge of the claim that the first networks keep more detail than the second."""

    def judge(evidence: Evidence) -> list[Finding]:
        where = f"detail at {EQUAL_TIME}"
        if evidence.modern is None:
            return [Finding(where, "not yet measured", "")]
        runs = _runs_in(evidence.modern, cells)
        seen = _on(seen_by(runs))
        return [
            _measured(evidence.modern, cells, where, detail_of(runs), seen, score=OF_IMAGES),
        ]

    return judge


def share_of_smooth_l1(evidence: Evidence) -> list[Finding]:
    """Remark on the part that SmoothL1 has in the mixed loss, on the sample images."""
    found = [
        smooth_l1_share(each, run.recipe.loss.smooth_l1)
        for run in (evidence.modern.group("loss") if evidence.modern else [])
        if run.recipe.loss.smooth_l1
        for each in run.fidelity.values()
    ]
    if not found:
        return []
    text = f"{statistics.mean(found):.1%} of the mixed loss, {min(found):.1%} to {max(found):.1%}"
    return [Finding("SmoothL1", None, f"{text} on the sample images")]


NORM_CELLS: tuple[Cell, ...] = (
    ("sum_norm", "sum", "with the sum"),
    ("attention_norm", "attention", "with attention"),
)


def stabilises(evidence: Evidence) -> list[Finding]:
    """Judge by norms of the gradient, without normalisation less with it."""
    results, unsteady = evidence.modern, "gradient's deviation"
    if results is None:
        return [Finding(unsteady, "not yet measured", "")]
    step = last_common_step(_runs_in(results, NORM_CELLS))
    swapped = [(without, with_it, where) for with_it, without, where in NORM_CELLS]
    ways = (
        (f"{unsteady} at {EQUAL_STEPS}", stability.relative_deviation(WARM_UP, step)),
        (f"{unsteady} at {EQUAL_TIME}", stability.relative_deviation(WARM_UP)),
        (f"its peaks at {EQUAL_TIME}", stability.peak(WARM_UP)),
    )
    found = [_measured(results, swapped, *way, unit="of the mean") for way in ways]
    spreads = [
        f"{name} {with_it:.2f} with and {without:.2f} dB without"
        for first, second, name in NORM_CELLS
        if (with_it := _spread_at_the_end(results, first)) is not None
        and (without := _spread_at_the_end(results, second)) is not None
    ]
    if spreads:  # whose own spread over seeds nobody knows
        spread = "spread of the final score over seeds"
        found.append(Finding(spread, "cannot be told", ", ".join(spreads), score=BY_FIELD))
    return found


def _spread_at_the_end(results: Results, network: str) -> float | None:
    return deviation([*by_seed(results, network, at_the_end(queries.judged_on(results))).values()])


def part(name: str) -> Judge:
    """Return the judge of a cleaning module, with its protocol's own score."""
    (of,) = (each for each in PARTS if each.name == name)

    def judge(evidence: Evidence) -> list[Finding]:
        if evidence.modern is None:
            return [Finding(EQUAL_STEPS, "not yet measured", "")]
        return _judge_part(evidence.modern, of)

    return judge


def _judge_part(results: Results, of: Part) -> list[Finding]:
    cells = [(of.with_it, of.without, "")]
    runs = runs_of(results, of.with_it, of.without)
    step, protocol = last_common_step(runs), CLEANED_BY[of.task][0].name
    validated = at_step(step, of.value), f"after {step:,} steps " if step else ""
    finished = at_the_end(queries.judged_on(results, "cleaning"), protocol, of.value)
    by_end = score_name(of.value, [protocol])
    by_validation = validation_score(runs, of.value)
    return [
        _measured(results, cells, EQUAL_STEPS, *validated, score=by_validation),
        _measured(results, cells, EQUAL_TIME, finished, score=by_end),
    ]


def more_parameters(_: Evidence) -> list[Finding]:
    """Judge by counting the parameters of both networks, which takes no training."""
    fewer, more = map(document_parameters, queries.MODELS)
    text = f"{more:,} against {fewer:,}, {more / fewer - 1:+.1%}"
    return [Finding("count", "holds" if more > fewer else "does not hold", text)]


def denoised_without(method: str) -> Judge:
    """Return the judge of a denoising method in the place of a released network."""

    def judge(evidence: Evidence) -> list[Finding]:
        for results in (evidence.modern, evidence.document):
            gains = queries.over_the_network(results, method) if results else []
            if results and gains:
                by = (level.methods[0].score.protocol for level in results.alternatives)
                score, where = score_name("psnr", by), queries.METHODS[method]
                return [compare(where, gains, of="noise level", margin=AS_GOOD, score=score)]
        return [Finding(queries.METHODS[method], "not yet measured", "")]

    return judge


def enlarged_without(method: str) -> Judge:
    """Return the judge of a denoising method ahead of a network that enlarges."""

    def judge(evidence: Evidence) -> list[Finding]:
        where = queries.METHODS[method]
        for results in (evidence.modern, evidence.document):
            if results is None or results.enlarged is None:
                continue
            found = results.enlarged
            ours, learned = f"{method}, {found.network}", queries.learned_way(results)
            gains = queries.enlarged_over(results, ours, learned)
            score = score_name("psnr_y", (each.score.protocol for each in found.methods))
            judged = compare(where, gains, of="image", margin=AS_GOOD, score=score)
            text = f"{judged.text} against {queries.way_title(learned)}"
            for way, title in ((found.joint, found.joint), (found.network, "no denoising")):
                gains = queries.enlarged_over(results, ours, way)
                text += f"; {spread_text(gains, of='image', judged=False)} against {title}"
            return [replace(judged, text=text)]
        return [Finding(where, "not yet measured", "")]

    return judge
