"""Data of the report's sections on claims, on both networks, and on both forms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from scalewise.experiments import (
    comparison_plots,
    comparison_tables,
    conditions,
    curve_plots,
    judges,
    plots,
    queries,
    sample_sheets,
    tables,
)
from scalewise.experiments.artifacts import BAND, OVERSHOOT_REACH
from scalewise.experiments.claims import Judged, claims_table, judge_claims
from scalewise.experiments.comparison_tables import CORNERS, LOSS_CORNERS
from scalewise.experiments.comparisons import WARM_UP
from scalewise.experiments.fidelity import DETAIL_REACH
from scalewise.experiments.formatting import NONE
from scalewise.experiments.overshoot import OVERSHOOT_FILE, load_overshoot
from scalewise.experiments.plan import WIDE_PATCH
from scalewise.experiments.plots import ReportImage
from scalewise.experiments.queries import MODELS
from scalewise.experiments.results import SAMPLES, Group, Results, Trained
from scalewise.experiments.seeds import last_common_step, runs_of
from scalewise.experiments.tables import Table
from scalewise.experiments.verdicts import CHANCE, SEEDS
from scalewise.imaging.protocols import FIELD, PROTOCOLS
from scalewise.training.budget import seconds

Variables = dict[str, Any]
"""Variables of a section's template."""

FUTURE = "Future"


def claims(results: Results) -> Variables:
    """Return the document's claims and their verdicts."""
    evidence = judges.evidence_of(results, results.also)
    modern, judged = evidence.modern, judge_claims(evidence)
    comparisons = sum(each.comparisons for each in judged)
    return {
        "claims": claims_table(judged, evidence),
        "comparisons": comparisons,
        "unfinished": [x.title for x in modern.trained if not x.is_finished] if modern else [],
        "wide_patch": WIDE_PATCH,
        "dataset": queries.judged_on(modern) if modern else None,
        "modern": modern,
        "seeds": SEEDS,
        "chance": CHANCE,
        "by_chance": (math.floor(CHANCE * comparisons), math.ceil(CHANCE * comparisons)),
        "lengths": comparison_tables.lengths(modern) if modern else None,
        "own": evidence.document,
        "reach": OVERSHOOT_REACH,
        "band": BAND,
        "detail_width": 2 * DETAIL_REACH + 1,
    }


def comparison(results: Results) -> Variables:
    """Return Original and Adaptive under the document's headings, each with its verdict."""
    evidence = judges.evidence_of(results, results.also)
    judged: dict[str, list[Judged]] = {}
    for each in judge_claims(evidence):
        judged.setdefault(each.claim.heading, []).append(each)
    modern = evidence.modern or results
    corners = comparison_tables.corner_runs(modern, CORNERS)
    losses = comparison_tables.corner_runs(modern, LOSS_CORNERS)
    loss_step = last_common_step(losses)
    firsts = [run for run in corners if run.experiment.seed == 0 and run.gradients]
    draw = comparison_plots.gradients(firsts, WARM_UP)
    overshoot = load_overshoot(results.folder / SAMPLES / OVERSHOOT_FILE)
    return {
        "judged": {name: found for name, found in judged.items() if name != FUTURE},
        "modern": modern,
        "dataset": queries.judged_on(modern),
        "corner_step": comparison_tables.corner_step(modern, CORNERS),
        "loss_step": loss_step,
        "losses_are_even": {run.steps for run in losses} == {loss_step},
        "both_step": last_common_step(runs_of(modern, *comparison_tables.BOTH.values())),
        "bicubic": queries.psnr(modern.bicubic, queries.judged_on(modern)),
        "detail": _filled(comparison_tables.detail(modern)),
        "detail_pictures": judges.seen_by(corners),
        "artifact_pictures": judges.seen_by(runs_of(modern, *comparison_tables.BOTH.values())),
        "grid": _filled(
            comparison_tables.two_by_two(
                modern, CORNERS, ("without InstanceNorm", "with InstanceNorm"), "aggregation"
            )
        ),
        "losses": _filled(
            comparison_tables.two_by_two(
                modern, LOSS_CORNERS, ("fixed rate", "cosine annealing"), "loss"
            )
        ),
        "steadiness": _filled(comparison_tables.steadiness(modern)),
        "parameters": comparison_tables.parameters(results),
        "quality": _filled(comparison_tables.quality(modern)),
        "gradient_runs": firsts,
        "gradients": plots.render("gradients", draw) if firsts else None,
        "artifacts": tables.artifacts(results),
        "protocol": next(iter(PROTOCOLS)),
        "overshoot": overshoot,
        "overshoot_image": plots.render(
            "overshoot",
            comparison_plots.overshoot(overshoot, [*MODELS.values()]),
            kind="png",
        )
        if overshoot
        else None,
        "levels": comparison_plots.LEVELS,
        "warm_up": WARM_UP,
    }


def below_bicubic(results: Results) -> tuple[str | None, str]:
    """Return the set on which all networks of the document's own form end below bicubic, if any.

    Also the protocol of these scores.
    """
    dataset, protocol = queries.reference(results), queries.table_protocols(results)[0]
    is_below = results.plan.form == "document" and queries.are_below_bicubic(
        results, results.trained, dataset, protocol
    )
    return (dataset if is_below else None), protocol


def other_variant(results: Results, also: Results) -> Variables:
    """Return the trainings and scores of another reproduction, in the other form."""
    below, protocol = below_bicubic(also)
    return {
        "also": also,
        "below": below,
        "below_by": protocol,
        "is_of_several_commands": also.seconds > seconds(also.plan.budget),
        "runs": [*also.group("training"), *also.group("code")],
        "by_protocol": {
            name: [
                (each, tables.measured(each, name), conditions.final_stamp(each, name))
                for each in (results, also)
            ]
            for name in queries.score_protocols(also)
            if name in PROTOCOLS
        },
        "provenance": tables.provenance(also),
        "artifacts": tables.artifacts(also),
        **sample_sheets.shown(also, single=None),
    }


def timed_curves(runs: Sequence[Trained], name: str) -> ReportImage:
    """Return the curves of networks that were trained for equal time."""
    return plots.render(f"curves-{name}", curve_plots.compared(runs))


def group_variables(results: Results, group: Group) -> Variables:
    """Return the trained runs of a group, the titles of the others, and their stamp."""
    runs = results.group(group)
    scored = (x for run in runs for x in run.measured.scores if x.protocol == FIELD.name)
    absent = queries.grouped(x for x in queries.missing(results) if x.group == group)
    return {"runs": runs, "absent": absent, "stamped": conditions.stamp(scored)}


def _filled(table: Table) -> Table | None:
    """Return a table if any of its numbers is measured."""
    cells = [cell for row in table.rows for cell in row[1:]]
    return table if any(cell not in (NONE, "0") for cell in cells) else None
