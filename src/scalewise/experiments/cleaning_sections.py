"""Data of the report's sections on noise and artifacts: modules that clean, and other methods."""

from __future__ import annotations

from scalewise.experiments import conditions, queries, sample_sheets, tables
from scalewise.experiments.comparison_section import Variables, group_variables, timed_curves
from scalewise.experiments.comparisons import PARTS, Part
from scalewise.experiments.data import CLEANED_BY
from scalewise.experiments.denoising_results import has_same_weights
from scalewise.experiments.formatting import VALUES
from scalewise.experiments.plan import DENOISING_TEST
from scalewise.experiments.results import ALTERNATIVES, Results
from scalewise.experiments.seeds import (
    at_step,
    at_the_end,
    differences,
    last_common_step,
    runs_of,
)
from scalewise.experiments.verdicts import spread_text
from scalewise.tasks import PHOTO


def cleaning(results: Results) -> Variables:
    """Return networks with and without denoising block, with and without artifact module."""
    group = group_variables(results, "cleaning")
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
    network = methods[-1][0].score if methods else None
    return {
        "test": DENOISING_TEST,
        "levels": levels,
        "has_same_weights": network is not None and has_same_weights(network),
        "network": network,
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
        "value": VALUES[part.value],
        "gains": {name: spread_text(values) for name, values in gains.items() if values},
        "runs": runs,
        "firsts": firsts,
        "equal_time": tables.equal_time(
            results, runs, protocol=protocol, value=part.value, given=results.unrestored
        ),
        "stamped": conditions.stamp(scored),
        "image": timed_curves(firsts, "-".join(part.name.split())) if firsts else None,
    }
