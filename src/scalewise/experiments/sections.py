"""Data of the report's sections; the templates of the same names word them."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np

from scalewise.experiments import (
    comparison_tables,
    conditions,
    curve_plots,
    judges,
    plots,
    queries,
    sample_sheets,
    tables,
)
from scalewise.experiments.attention import ATTENTION_MAPS, load_attention_maps
from scalewise.experiments.claims import USUAL_BUDGET, command
from scalewise.experiments.cleaning_sections import alternatives, cleaning
from scalewise.experiments.comparison_section import (
    Variables,
    below_bicubic,
    claims,
    comparison,
    group_variables,
    timed_curves,
)
from scalewise.experiments.comparisons import BASE, FACTORS, GLOBAL_RESIDUAL, RELATED_BASE
from scalewise.experiments.data import DIV2K
from scalewise.experiments.formatting import recipe_text
from scalewise.experiments.plots import Cost
from scalewise.experiments.queries import (
    MODELS,
    PHASES,
    PUBLISHED,
    REFERENCE,
    SINGLE,
)
from scalewise.experiments.results import (
    Environment,
    Experiment,
    Results,
    Trained,
)
from scalewise.experiments.seeds import (
    at_the_end,
    differences,
    runs_of,
)
from scalewise.experiments.verdicts import spread_text
from scalewise.imaging.protocols import FIELD, SQUASH256


def overview(results: Results) -> Variables:
    """Return what was run, what is missing, and the scores at a glance."""
    dataset, runs = queries.reference(results), queries.finals(results)
    bicubic = queries.psnr(results.bicubic, dataset)
    over_bicubic = {
        queries.short_title(run): value - bicubic
        for run in runs
        if bicubic is not None and (value := queries.psnr(run.measured, dataset)) is not None
    }
    plan = results.plan
    own = judges.evidence_of(results, results.also).document
    own_set, own_protocol = below_bicubic(own) if own else (None, "")
    left_out = [each for each in plan.experiments if each.name in plan.left_out]
    told = {*plan.left_out, *plan.failed}
    missing = [each for each in queries.missing(results) if each.name not in told]
    machines: dict[Environment, list[Experiment]] = {}
    for run in results.trained:
        machines.setdefault(run.environment, []).append(run.experiment)
    return {
        "machines": {machine: queries.grouped(runs) for machine, runs in machines.items()},
        "missing": queries.grouped(missing),
        "left_out": queries.grouped(left_out),
        "reasons": [*results.plan.left_out.values()][:1],
        "unmeasured": queries.grouped_measurements(results.plan.unmeasured),
        "glance": tables.at_a_glance(results),
        "stamped": conditions.final_stamp(results, FIELD.name),
        "dataset": dataset,
        "titles": [queries.short_title(run) for run in runs],
        "apart": queries.gain(runs[0], runs[1], dataset) if len(runs) == len(MODELS) else None,
        "over_bicubic": over_bicubic,
        "full_budget": USUAL_BUDGET["document"],
        "own_epochs": conditions.epoch_length(own) if own else "",
        "own_limit": own.plan.epoch_images if own else None,
        "own_below": own_set,
        "own_protocol": own_protocol,
    }


def training_curves(results: Results) -> Variables:
    """Return the document's figures 1-8, and the curves of both networks for each phase.

    Each of its figures comes in its own form first, and then in the modern form.
    """
    by_form = sorted(filter(None, (results, results.also)), key=lambda each: each.plan.form)
    expected = {f"{model}_{phase}": model for phase in PHASES for model in MODELS}
    runs = [run for name in expected if (run := results.find(name))]
    together: list[Variables] = []
    for phase, title in PHASES.items():
        both = {MODELS[expected[x.name]]: x for x in runs if x.name.endswith(f"_{phase}")}
        if len(both) > 1:
            draw = curve_plots.compared([*both.values()], against="steps")
            image = plots.render(f"curves-both-{phase}", draw)
            together.append({"title": title, "runs": both, "image": image})
    return {
        "runs": runs,
        "figures": [
            {
                "figure": each,
                "of": of,
                "run": run,
                "image": plots.render(
                    f"figure-{each.number}{'' if of is results else f'-{of.plan.form}'}",
                    curve_plots.document_figure(run, each.kind),
                ),
            }
            for each in curve_plots.FIGURES
            for of in by_form
            if (run := of.find(each.run))
        ],
        "together": together,
        "absent": [name for name in expected if results.find(name) is None],
    }


def scores(results: Results) -> Variables:
    """Return published scores, and ours, one table per protocol; and all scores."""
    protocols = queries.table_protocols(results)
    places = (("the image", SINGLE, SQUASH256.name), ("the set", REFERENCE, SQUASH256.name))
    networks = {"original_mixed": "Original", "adaptive_mixed": "Adaptive"}
    return {
        "published": tables.published(),
        "grounds": [
            (value, what, protocol)
            for what, name, protocol in places
            if (value := queries.psnr(results.bicubic, name, protocol)) is not None
        ],
        "single": [each.method for each in PUBLISHED if each.is_single],
        "single_picture": SINGLE,
        "absent": [x for x in (DIV2K, SINGLE, REFERENCE) if x not in queries.sets(results)],
        "chosen_on": results.plan.valid if results.plan.valid in queries.sets(results) else None,
        "command": command(results.plan.form, judges.evidence_of(results, results.also), True),
        "lacking": [title for name, title in networks.items() if results.find(name) is None],
        "by_protocol": {
            name: (tables.measured(results, name), conditions.final_stamp(results, name))
            for name in protocols
        },
        "all_scores": {
            name: table
            for name in queries.score_protocols(results)
            if (table := tables.all_scores(results, name)).rows
        },
    }


def samples(results: Results) -> Variables:
    """Return the sample images, restored by both networks."""
    return sample_sheets.shown(results, single=False)


def single(results: Results) -> Variables:
    """Return the image of the single-image test."""
    return {**sample_sheets.shown(results, single=True), "documents": SINGLE}


def complexity(results: Results) -> Variables:
    """Return the cost of all networks, and quality against time."""
    comparators = queries.first_seeds(results.group("comparator"))
    runs = queries.networks([*queries.finals(results), *results.group("ablation"), *comparators])
    dataset = queries.reference(results)
    known = {queries.short_title(run) for run in queries.finals(results)}
    points = [
        Cost(
            queries.point_title(run, known if run in comparators else set()),
            run.complexity.seconds,
            value,
            run not in comparators,
        )
        for run in [*queries.finals(results), *comparators]
        if not run.recipe.loss.teacher
        and (value := queries.psnr(run.measured, dataset)) is not None
        and run.complexity.seconds is not None
    ]
    draw = plots.costs(points, f"PSNR-Y on {dataset} (dB)")
    return {
        "runs": runs,
        "costs": tables.costs(runs),
        "noise": tables.timing_noise(runs),
        "conditions": dict.fromkeys(
            (cost.processor, cost.threads, cost.runtime, cost.precision)
            for run in runs
            if (cost := run.complexity).runtime
        ),
        "dataset": dataset,
        "points": points,
        "image": plots.render("quality-and-time", draw) if points else None,
    }


def scale_attention(results: Results) -> Variables:
    """Return the maps of alpha, and its mean in every block."""
    attention = results.attention
    if attention is None:
        return {"attention": None}
    values = np.array(attention.means, dtype=np.float64)
    levels = plots.level_names(values.shape[2])
    means = values.mean(axis=0).tolist()
    return {
        "attention": attention,
        "levels": levels,
        "run": results.find(attention.run),
        **_attention_maps(results),
        "image": plots.render("attention-means", plots.means(values)),
        "means": {
            name: list(zip(levels, of_levels, strict=True))
            for name, of_levels in zip(("first", "second"), means, strict=True)
        },
    }


def ablation(results: Results) -> Variables:
    """Return sum or attention, with or without InstanceNorm and global residual."""
    group, dataset = group_variables(results, "ablation"), queries.reference(results)
    runs: list[Trained] = group["runs"]
    base = results.find(BASE)
    if not runs or dataset is None:
        return {**group, "dataset": None}
    factors = {factor: _factor_gains(results, factor) for factor in FACTORS}
    firsts = queries.first_seeds(runs)
    gained = [(run.title, _mean_gains(results, run)) for run in firsts]
    draw = plots.differences(gained, base.title) if base else None
    return {
        **group,
        "dataset": dataset,
        "factors": factors,
        "base": base,
        "differences": gained,
        "firsts": firsts,
        "differences_image": plots.render("ablation", draw) if draw else None,
        "equal_time": tables.equal_time(results, runs),
        "image": timed_curves(firsts, "ablation"),
    }


def _factor_gains(results: Results, factor: str) -> list[tuple[str, str]]:
    """Return what a factor of the ablation gains on the reference set, and where."""
    measure = at_the_end(queries.reference(results))
    return [
        (spread_text([*values.values()]), where)
        for with_it, without, where in FACTORS[factor]
        if (values := differences(results, (with_it, without), measure))
    ]


def _mean_gains(results: Results, run: Trained) -> dict[str, float]:
    """Return a network's gains over the ablation's base on each set, the mean over seeds."""
    pair = (run.experiment.network, BASE)
    names = queries.sets(results)
    found = {name: [*differences(results, pair, at_the_end(name)).values()] for name in names}
    return {name: statistics.mean(values) for name, values in found.items() if values}


def comparators(results: Results) -> Variables:
    """Return the related networks, trained for equal time."""
    group = group_variables(results, "comparator")
    if not (runs := group["runs"]):
        return group
    firsts = queries.first_seeds(runs)
    plotted = [run for run in firsts if not run.recipe.loss.teacher] or firsts
    steps, step = comparison_tables.related_at_equal_steps(results)
    base = next((run for run in plotted if run.name == RELATED_BASE and len(plotted) > 1), None)
    draw = curve_plots.against(base, plotted) if base else curve_plots.compared(plotted)
    seeded = {run.title: seeds for run in plotted if len(seeds := _seeds(results, run)) > 1}
    return {
        **group,
        "equal_steps": steps,
        "step": step,
        "pairs": comparison_tables.related_pairs(results),
        "equal_time": comparison_tables.related_at_equal_time(results),
        "times": tables.equal_time(results, runs, costs=True),
        "plotted": plotted,
        "base": base,
        "image": plots.render("curves-comparators", draw),
        "taught": any(run.recipe.loss.teacher for run in runs),
        "seeded": seeded,
        "dataset": queries.reference(results),
        "residual_gains": _factor_gains(results, GLOBAL_RESIDUAL),
    }


def _seeds(results: Results, run: Trained) -> list[int]:
    """Return the seeds of a run's network."""
    return [each.experiment.seed for each in runs_of(results, run.experiment.network)]


def provenance(results: Results) -> Variables:
    """Return protocols, runs and recipes."""
    return {
        "protocols": [protocol.description for protocol in queries.all_protocols(results)],
        "provenance": tables.provenance(results),
        "recipes": [
            f"# {run.name}: {run.title}\n{recipe_text(run.recipe)}" for run in results.trained
        ],
    }


SECTIONS: dict[str, Callable[[Results], Variables]] = {
    section.__name__: section
    for section in (
        overview,
        claims,
        comparison,
        training_curves,
        scores,
        samples,
        single,
        complexity,
        scale_attention,
        ablation,
        comparators,
        cleaning,
        alternatives,
        provenance,
    )
}
"""The sections of every report, in order."""


def _attention_maps(results: Results) -> Variables:
    """Return the maps of the first, middle and last block; no image if the file is lost."""
    arrays = load_attention_maps(results.folder)
    if arrays is None:
        return {"maps_file": ATTENTION_MAPS, "maps": None}
    picture, alpha = arrays
    blocks = sorted({0, len(alpha) // 2, len(alpha) - 1})
    draw = plots.maps(picture, alpha[:, 1], blocks)
    return {
        "block_numbers": [str(block + 1) for block in blocks],
        "maps": plots.render("attention-maps", draw, kind="png"),
    }
