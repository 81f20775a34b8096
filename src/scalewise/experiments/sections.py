"""Data of the report's sections; the templates of the same names word them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scalewise.experiments import curve_plots, plots, queries, tables
from scalewise.experiments.artifacts import BAND, REACH
from scalewise.experiments.attention import ATTENTION_MAPS, load_attention_maps
from scalewise.experiments.claims import SEEDS, claims_table
from scalewise.experiments.comparisons import BASE, FACTORS, PARTS, Part
from scalewise.experiments.data import CLEANED_BY, DIV2K
from scalewise.experiments.formatting import recipe_text
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
    SAMPLES,
    Environment,
    Group,
    Results,
    Sample,
    Trained,
)
from scalewise.imaging.protocols import FIELD, PROTOCOLS, SQUASH256
from scalewise.training.curves import Curve
from scalewise.training.validation_protocol import protocol_of

Variables = dict[str, Any]
"""Variables of a section's template."""


def overview(results: Results) -> Variables:
    """Return what was run, what is missing, and the scores at a glance."""
    dataset, runs = queries.reference(results), queries.finals(results)
    bicubic = queries.psnr(results.bicubic, dataset)
    over_bicubic = {
        queries.short_title(run): value - bicubic
        for run in runs
        if bicubic is not None and (value := queries.psnr(run.measured, dataset)) is not None
    }
    machines: dict[Environment, list[str]] = {}
    for run in results.trained:
        machines.setdefault(run.environment, []).append(run.name)
    return {
        "machines": machines,
        "missing": [each.title for each in queries.missing(results)],
        "glance": tables.at_a_glance(results),
        "stamped": queries.final_stamp(results, FIELD.name),
        "dataset": dataset,
        "titles": [queries.short_title(run) for run in runs],
        "apart": queries.gain(runs[0], runs[1], dataset) if len(runs) == len(MODELS) else None,
        "over_bicubic": over_bicubic,
    }


def claims(results: Results) -> Variables:
    """Return the document's claims and their verdicts, and the artifacts of the networks."""
    return {
        "claims": claims_table(results),
        "artifacts": tables.artifacts(results),
        "protocol": next(iter(PROTOCOLS)),
        "seeds": SEEDS,
        "reach": REACH,
        "band": BAND,
    }


def training_curves(results: Results) -> Variables:
    """Return the document's figures 1-8, and the curves of both networks for each phase."""
    expected = {f"{model}_{phase}": model for phase in PHASES for model in MODELS}
    runs = [run for name in expected if (run := results.find(name))]
    together: list[Variables] = []
    for phase, title in PHASES.items():
        both = {MODELS[expected[x.name]]: x for x in runs if x.name.endswith(f"_{phase}")}
        if len(both) > 1:
            draw = plots.curves([_curve(run, model) for model, run in both.items()])
            image = plots.render(f"curves-both-{phase}", draw)
            together.append({"title": title, "runs": both, "image": image})
    return {
        "runs": runs,
        "figures": [
            {
                "figure": each,
                "run": run,
                "image": plots.render(
                    f"figure-{each.number}", curve_plots.document_figure(run, each.kind)
                ),
            }
            for each in curve_plots.FIGURES
            if (run := results.find(each.run))
        ],
        "together": together,
        "absent": [name for name in expected if results.find(name) is None],
    }


def scores(results: Results) -> Variables:
    """Return published scores, and ours, one table per protocol; and all scores."""
    protocols = queries.table_protocols(results)
    places = (("the picture", SINGLE, FIELD.name), ("the set", REFERENCE, SQUASH256.name))
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


def other_variant(results: Results, also: Results) -> Variables:
    """Return the trainings and scores of another reproduction, in the other form."""
    return {
        "also": also,
        "runs": [*also.group("training"), *also.group("code")],
        "by_protocol": {
            name: [
                (each.plan, tables.measured(each, name), queries.final_stamp(each, name))
                for each in (results, also)
            ]
            for name in queries.score_protocols(also)
            if name in PROTOCOLS
        },
        "provenance": tables.provenance(also),
    }


def samples(results: Results) -> Variables:
    """Return the sample images, restored by both networks."""
    return _samples(results, single=False)


def single(results: Results) -> Variables:
    """Return the image of the single-picture test."""
    return {**_samples(results, single=True), "documents": SINGLE}


def complexity(results: Results) -> Variables:
    """Return the cost of all networks, and quality against time."""
    comparators = results.group("comparator")
    runs = [*queries.finals(results), *results.group("ablation"), *comparators]
    dataset = queries.reference(results)
    points = [
        Cost(queries.short_title(run), run.complexity.seconds, value, run not in comparators)
        for run in [*queries.finals(results), *comparators]
        if (value := queries.psnr(run.measured, dataset)) is not None
        and run.complexity.seconds is not None
    ]
    draw = plots.costs(points, f"PSNR-Y on {dataset} (dB)")
    return {
        "runs": runs,
        "costs": tables.costs(runs),
        "conditions": dict.fromkeys(
            (run.complexity.runtime, run.complexity.precision, run.complexity.threads)
            for run in runs
            if run.complexity.runtime
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
            (value, where)
            for with_it, without, where in pairs
            if (value := queries.gain(results.find(with_it), results.find(without), dataset))
            is not None
        ]
        for factor, pairs in FACTORS.items()
    }
    names = queries.sets(results)
    differences = [(run.title, queries.gains(run, base, names)) for run in runs]
    draw = plots.differences(differences, base.title) if base else None
    return {
        **group,
        "dataset": dataset,
        "grid": tables.grid(results, dataset),
        "factors": factors,
        "base": base,
        "differences": differences,
        "differences_image": plots.render("ablation", draw) if draw else None,
        "equal_time": tables.equal_time(results, runs),
        "image": _timed_curves(runs, "ablation"),
    }


def comparators(results: Results) -> Variables:
    """Return the related networks, trained for equal time."""
    group = _group(results, "comparator")
    if not (runs := group["runs"]):
        return group
    table = tables.equal_time(results, runs, costs=True)
    return {**group, "equal_time": table, "image": _timed_curves(runs, "comparators")}


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
        "strip": strip,
        "image": _sheet(results, ALTERNATIVES, strip, "alternatives") if strip else None,
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


def _curve(run: Trained, title: str | None = None) -> Curve:
    return Curve(title or run.title, run.lines, protocol_of(run.recipe.data))


def _timed_curves(runs: Sequence[Trained], name: str) -> ReportImage:
    return plots.render(f"curves-{name}", curve_plots.compared(runs))


def _group(results: Results, group: Group) -> Variables:
    """Return the trained runs of a group, the titles of the others, and their stamp."""
    runs = results.group(group)
    scored = (x for run in runs for x in run.measured.scores if x.protocol == FIELD.name)
    absent = [each.title for each in queries.missing(results) if each.group == group]
    return {"runs": runs, "absent": absent, "stamped": queries.stamp(scored)}


def _samples(results: Results, single: bool) -> Variables:
    shown: list[Variables] = []
    for sample in (each for each in results.samples if each.single == single):
        name = f"sample-{Path(sample.sheet).stem}"
        shown.append(
            {
                "sample": sample,
                "image": _sheet(results, SAMPLES, sample, name),
                "scores": tables.sample_scores(results, sample),
            }
        )
    return {
        "shown": shown,
        "networks": ["bicubic", *(queries.short_title(run) for run in queries.finals(results))],
        "weights": [f"{queries.short_title(run)} {run.weights}" for run in queries.finals(results)],
    }


def _sheet(results: Results, folder: str, sample: Sample, name: str) -> ReportImage | None:
    """Return a sample's sheet as an image of the report; None if the file is lost."""
    path = results.folder / folder / sample.sheet
    return ReportImage(name, "png", path.read_bytes()) if path.is_file() else None


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
    """Return the gains of a cleaning module, and the scores and curves of its two runs."""
    protocol = CLEANED_BY[part.task][0].name
    without, with_it = results.find(part.without), results.find(part.with_it)
    runs = [run for run in (without, with_it) if run]
    scored = (x for run in runs for x in run.measured.scores if x.protocol == protocol)
    return {
        "name": part.name,
        "protocol": protocol,
        "value": {"psnr": "PSNR over RGB", "psnr_y": "PSNR-Y"}[part.value],
        "gains": queries.gains(with_it, without, queries.sets(results), protocol, part.value),
        "runs": runs,
        "equal_time": tables.equal_time(
            results, runs, protocol=protocol, value=part.value, given=results.unrestored
        ),
        "stamped": queries.stamp(scored),
        "image": _timed_curves(runs, part.task) if runs else None,
    }
