"""Data of the report's sections; the templates of the same names word them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import numpy as np

from scalewise.experiments import (
    comparison_tables,
    curve_plots,
    plots,
    queries,
    sample_sheets,
    tables,
)
from scalewise.experiments.attention import ATTENTION_MAPS, load_attention_maps
from scalewise.experiments.claims import USUAL_BUDGET, command
from scalewise.experiments.comparison_section import Variables, claims, comparison
from scalewise.experiments.comparisons import BASE, FACTORS, PARTS, Part
from scalewise.experiments.data import CLEANED_BY, DIV2K
from scalewise.experiments.formatting import recipe_text
from scalewise.experiments.judges import evidence_of
from scalewise.experiments.plan import DENOISING_TEST
from scalewise.experiments.plots import Cost, ReportImage
from scalewise.experiments.queries import (
    MODELS,
    PHASES,
    PUBLISHED,
    REFERENCE,
    SINGLE,
)
from scalewise.experiments.results import (
    ALTERNATIVES,
    Environment,
    Experiment,
    Group,
    Results,
    Trained,
)
from scalewise.experiments.seeds import (
    at_step,
    at_the_end,
    differences,
    last_common_step,
    runs_of,
)
from scalewise.experiments.verdicts import spread_text
from scalewise.imaging.protocols import FIELD, SQUASH256
from scalewise.tasks import PHOTO


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
        "stamped": queries.final_stamp(results, FIELD.name),
        "dataset": dataset,
        "titles": [queries.short_title(run) for run in runs],
        "apart": queries.gain(runs[0], runs[1], dataset) if len(runs) == len(MODELS) else None,
        "over_bicubic": over_bicubic,
        "full_budget": USUAL_BUDGET["document"],
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
        "command": command(results.plan.form, evidence_of(results, results.also), True),
        "lacking": [title for name, title in networks.items() if results.find(name) is None],
        "by_protocol": {
            name: (tables.measured(results, name), queries.final_stamp(results, name))
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
    group, dataset = _group(results, "ablation"), queries.reference(results)
    runs: list[Trained] = group["runs"]
    base = results.find(BASE)
    if not runs or dataset is None:
        return {**group, "dataset": None}
    factors = {
        factor: [
            (spread_text([*values.values()]), where)
            for with_it, without, where in pairs
            if (values := differences(results, (with_it, without), at_the_end(dataset)))
        ]
        for factor, pairs in FACTORS.items()
    }
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
        "image": _timed_curves(firsts, "ablation"),
    }


def _mean_gains(results: Results, run: Trained) -> dict[str, float]:
    """Return a network's gains over the ablation's base on each set, the mean over seeds."""
    pair = (run.experiment.network, BASE)
    names = queries.sets(results)
    found = {name: [*differences(results, pair, at_the_end(name)).values()] for name in names}
    return {name: statistics.mean(values) for name, values in found.items() if values}


def comparators(results: Results) -> Variables:
    """Return the related networks, trained for equal time."""
    group = _group(results, "comparator")
    if not (runs := group["runs"]):
        return group
    firsts = queries.first_seeds(runs)
    plotted = [run for run in firsts if not run.recipe.loss.teacher] or firsts
    steps, step = comparison_tables.related_at_equal_steps(results)
    return {
        **group,
        "equal_steps": steps,
        "step": step,
        "equal_time": comparison_tables.related_at_equal_time(results),
        "times": tables.equal_time(results, runs, costs=True),
        "plotted": plotted,
        "image": _timed_curves(plotted, "comparators"),
        "taught": any(run.recipe.loss.teacher for run in runs),
        "seeded": queries.unique(run.title for run in runs if run.experiment.seed),
    }


def cleaning(results: Results) -> Variables:
    """Return networks with and without denoising block, with and without artifact module."""
    group = _group(results, "cleaning")
    tasks = {run.recipe.data.task: run.recipe.data for run in group["runs"]}
    return {**group, "parts": [_part(results, part) for part in PARTS], "tasks": tasks}


def alternatives(results: Results) -> Variables:
    """Return denoising without a network, and by a released one."""
    levels, strip = results.alternatives, results.strip
    methods = queries.denoised(results)
    gains = {
        queries.method_title(results, each[0].score.model): [
            (level.sigma, ours.score.psnr - theirs.score.psnr)
            for level, ours, theirs in zip(levels, methods[-1], each, strict=True)
        ]
        for each in methods[1:-1]
    }
    return {
        "test": DENOISING_TEST,
        "levels": levels,
        "network": methods[-1][0].score if methods else None,
        "gains": gains,
        "table_of_methods": tables.alternatives(results),
        "enlarged": results.enlarged,
        "joint_sigma": max(PHOTO.training.sigma or (0.0,)) if PHOTO.training else 0.0,
        "table_of_enlarged": tables.enlarged(results),
        "strip": strip,
        "image": sample_sheets.sheet(results, ALTERNATIVES, strip, "alternatives")
        if strip
        else None,
        "shown": [queries.method_title(results, x.model) for x in strip.scores] if strip else [],
    }


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


def _timed_curves(runs: Sequence[Trained], name: str) -> ReportImage:
    return plots.render(f"curves-{name}", curve_plots.compared(runs))


def _group(results: Results, group: Group) -> Variables:
    """Return the trained runs of a group, the titles of the others, and their stamp."""
    runs = results.group(group)
    scored = (x for run in runs for x in run.measured.scores if x.protocol == FIELD.name)
    absent = queries.grouped(x for x in queries.missing(results) if x.group == group)
    return {"runs": runs, "absent": absent, "stamped": queries.stamp(scored)}


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


def _part(results: Results, part: Part) -> Variables:
    """Return the gains of a cleaning module, and the scores and curves of its runs."""
    protocol, pair = CLEANED_BY[part.task][0].name, (part.with_it, part.without)
    runs = runs_of(results, part.without, part.with_it)
    scored = [x for run in runs for x in run.measured.scores if x.protocol == protocol]
    step = last_common_step(runs)
    equal_steps = [*differences(results, pair, at_step(step, part.value)).values()]
    gains = {
        name: [*differences(results, pair, at_the_end(name, protocol, part.value)).values()]
        for name in queries.sets(results)
    }
    firsts = queries.first_seeds(runs)
    return {
        "name": part.name,
        "protocol": protocol,
        "step": step,
        "at_equal_steps": spread_text(equal_steps) if equal_steps else "",
        "is_enlarged": part.task == PHOTO.name,
        "value": {"psnr": "PSNR over RGB", "psnr_y": "PSNR-Y"}[part.value],
        "gains": {name: spread_text(values) for name, values in gains.items() if values},
        "runs": runs,
        "firsts": firsts,
        "equal_time": tables.equal_time(
            results, runs, protocol=protocol, value=part.value, given=results.unrestored
        ),
        "stamped": queries.stamp(scored),
        "image": _timed_curves(firsts, "-".join(part.name.split())) if firsts else None,
    }
