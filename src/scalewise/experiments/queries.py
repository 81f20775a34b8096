"""Queries on the results of a reproduction, and the figures that the document published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from scalewise.arguments import counted
from scalewise.evaluating.task_protocols import evaluation_protocol
from scalewise.experiments.comparisons import base_name
from scalewise.experiments.data import CLEANED_BY, DIV2K, LENNA, noisy_enlarging
from scalewise.experiments.denoising_results import Alternative
from scalewise.experiments.formatting import duration, listed
from scalewise.experiments.results import (
    BICUBIC,
    COMPARING,
    UNRESTORED,
    Experiment,
    Form,
    Group,
    Measured,
    Results,
    Trained,
)
from scalewise.imaging.protocols import FIELD, PROTOCOLS, SQUASH256, Protocol
from scalewise.tasks import DENOISE
from scalewise.training.config import ModelConfig
from scalewise.training.validation_protocol import protocol_of
from scalewise.weights.card import Score

SINGLE, REFERENCE = LENNA, "Set14"
"""The document's single image, and the set on which a sentence compares two networks."""

FORMS: dict[Form, str] = {"document": "the document's own form", "modern": "the modern form"}
"""Names of the recipes' forms."""

MODELS = {"original": "Original", "adaptive": "Adaptive"}
"""The document's networks: prefix of the names of their runs, and title."""

PHASES = {"l1": "L1 at a fixed rate", "mixed": "L1 + 0.5 SmoothL1 with cosine annealing"}
"""Their two trainings, in order."""

METHODS = {"noisy": "as given", "nlm": "non-local means", "wavelet": "wavelet shrinkage"}
"""Titles of noisy images, and of denoising methods without a network."""

LAST_PHASE = "mixed"

SHEET_TITLES = METHODS | {f"{name}_{LAST_PHASE}": title for name, title in MODELS.items()}
"""Titles of methods and of the document's networks on sheets."""

GROUPS: dict[Group, str] = {
    "training": "trainings of the document",
    "code": "networks of its program",
    "ablation": "networks of the ablation",
    "loss": "networks of the losses and rates",
    "cleaning": "networks that clean",
    "comparator": "related networks",
}
"""Names of the experiments of each group."""

TIME_OF = "the time of "
"""Beginning of the title of the measurement that times a network."""

TAUGHT = " with a teacher"

FEW = 3
"""The most titles of a group that are listed; more are counted."""

Value = Literal["psnr", "psnr_y"]


class Published(NamedTuple):
    """One row of the document's Table 1 (x2, PSNR in dB).

    Attributes:
        method: the network.
        div2k: PSNR on DIV2K's validation images.
        set14: PSNR in the document's column "Set14".
        is_single: whether that can only be the single image lenna, not the set's mean.
    """

    method: str
    div2k: float
    set14: float
    is_single: bool


PUBLISHED = (
    Published("SCN of its authors", 35.19, 34.14, is_single=False),
    Published("Original", 31.28, 36.90, is_single=True),
    Published("Adaptive", 31.83, 36.72, is_single=True),
)


def unique(texts: Iterable[str]) -> list[str]:
    """Return each text once, in the order of first appearance."""
    return list(dict.fromkeys(texts))


def finals(results: Results) -> list[Trained]:
    """Return both networks of the document, each after its last training so far."""
    return [run for model in MODELS if (run := final(results, model))]


def final(results: Results, model: str) -> Trained | None:
    """Return one network of the document after its last training so far."""
    return results.find(f"{model}_mixed") or results.find(f"{model}_l1")


def short_title(run: Trained) -> str:
    """Return a network's name without its training, where possible."""
    model, _, phase = run.name.rpartition("_")
    if model not in MODELS or phase not in PHASES:
        return run.title
    return MODELS[model] + ("" if phase == LAST_PHASE else " after its first training")


def point_title(run: Trained, others: set[str]) -> str:
    """Return a network's name without remarks; one that others have gets its time."""
    title = short_title(run)
    short = title.partition(" (")[0].partition(" of ")[0].removesuffix(" residual network")
    return f"{short}, {duration(run.pace.planned)}" if title in others and run.pace else short


def method_title(results: Results, model: str) -> str:
    """Return the title of a score's model: of a network here, or of a method without one."""
    run = results.find(model)
    if run is None:
        return METHODS.get(model, model)
    return short_title(run) if run in finals(results) else run.title


def missing(results: Results) -> list[Experiment]:
    """Return the experiments that are planned, but not trained and measured yet."""
    return [each for each in results.plan.experiments if results.find(each.name) is None]


def grouped(experiments: Iterable[Experiment]) -> list[str]:
    """Return titles of experiments; many of a group, and further seeds, are counted instead.

    >>> from dataclasses import replace
    >>> one = Experiment(name="a", title="A", group="ablation")
    >>> seeds = [replace(one, name=f"{x}_seed{n}", seed=n) for x in "ab" for n in (1, 2)]
    >>> grouped([one, *seeds])
    ['A', 'seeds 1 and 2 of 2 networks']
    >>> grouped([replace(one, name=f"{n}_taught", group="comparator") for n in range(8)])
    ['8 related networks with a teacher']
    """
    firsts: dict[str, list[str]] = {}
    seeds: dict[str, list[int]] = {}
    for each in experiments:
        if each.seed:
            seeds.setdefault(each.network, []).append(each.seed)
        else:
            teacher = TAUGHT if base_name(each.name) != each.name else ""
            firsts.setdefault(GROUPS[each.group] + teacher, []).append(each.title)
    said: list[str] = []
    for group, titles in firsts.items():
        few = len(titles) <= FEW
        said += titles if few else [f"{len(titles)} {group}"]
    for found, count in Counter(tuple(each) for each in seeds.values()).items():
        words = listed(str(seed) for seed in found)
        said.append(f"seed{'s' if len(found) > 1 else ''} {words} of {counted(count, 'network')}")
    return said


def grouped_measurements(titles: Iterable[str]) -> list[str]:
    """Return titles of measurements, with the timing of many networks as one.

    >>> grouped_measurements(["sample images", *(f"the time of {n}" for n in range(9))])
    ['sample images', 'the time of 9 networks']
    """
    titles = [*titles]
    times = [title for title in titles if title.startswith(TIME_OF)]
    if len(times) <= FEW:
        return titles
    others = [title for title in titles if title not in times]
    return [*others, f"{TIME_OF}{counted(len(times), 'network')}"]


def first_seeds(runs: Iterable[Trained]) -> list[Trained]:
    """Return the first run of each network."""
    return [run for run in runs if not run.experiment.seed]


def networks(runs: Iterable[Trained]) -> list[Trained]:
    """Return one run of each network, the first; others differ in their training alone."""
    found: dict[str, Trained] = {}
    for run in runs:
        found.setdefault(network_key(run.recipe.model), run)
    return [*found.values()]


def network_key(model: ModelConfig) -> str:
    """Return what tells a network from others, whatever weights it starts from."""
    return f"{model.name} {model.settings}"


def methods(results: Results) -> list[tuple[str, Measured]]:
    """Return the names and scores of bicubic, of degraded images, and of all networks."""
    found = [(BICUBIC, results.bicubic)]
    if results.unrestored:
        found.append((UNRESTORED, results.unrestored))
    return [*found, *((run.name, run.measured) for run in results.trained)]


def denoised(results: Results) -> list[tuple[Alternative, ...]]:
    """Return each denoising method at all noise levels: noisy images first, the network last."""
    return [*zip(*(level.methods for level in results.alternatives), strict=True)]


def over_the_network(results: Results, method: str) -> list[float]:
    """Return PSNR of a denoising method less that of the network, at each noise level."""
    found = denoised(results)
    levels = next((each for each in found if each[0].score.model == method), ())
    return [
        mine.score.psnr - network.score.psnr
        for mine, network in zip(levels, found[-1] if levels else (), strict=True)
    ]


def enlarged_by(results: Results, way: str) -> list[float]:
    """Return PSNR-Y of every image that was enlarged so; none if it was not measured."""
    methods = results.enlarged.methods if results.enlarged else []
    return [value for each in methods if each.score.model == way for value in each.psnr_y]


def enlarged_over(results: Results, way: str, other: str) -> list[float]:
    """Return PSNR-Y of every image enlarged one way, less that of another way."""
    both = zip(enlarged_by(results, way), enlarged_by(results, other), strict=True)
    return [mine - theirs for mine, theirs in both]


def learned_way(results: Results) -> str:
    """Return the way in which a released network denoises ahead of the network that enlarges."""
    methods = results.enlarged.methods if results.enlarged else []
    ways = (each.score.model.partition(", ") for each in methods)
    return next(("".join(way) for way in ways if way[2] and way[0] not in METHODS), "")


def way_title(way: str) -> str:
    """Return the title of a way to enlarge noisy images.

    >>> way_title("nlm, scn_x2"), way_title("photo_x2")
    ('non-local means, then scn_x2', 'photo_x2')
    """
    return ", then ".join(METHODS.get(each, each) for each in way.split(", "))


def sets(results: Results) -> list[str]:
    """Return the names of all measured sets; DIV2K and the single image are first."""
    names = unique(each.dataset for _, one in methods(results) for each in one.scores)
    return sorted(names, key=lambda name: (name != DIV2K, name != SINGLE))


def reference(results: Results) -> str | None:
    """Return the set on which sentences compare networks."""
    return _reference_among(sets(results))


def judged_on(results: Results, *groups: Group) -> str | None:
    """Return the set on which claims are judged: one on which all runs of groups were scored.

    DIV2K, where it is given, is too large for all but the document's trainings.

    Args:
        results: of the reproduction.
        groups: of the runs; without one, those that compare both networks, losses and rates.
    """
    compared = [run for each in groups or COMPARING for run in results.group(each)]
    scored = [{score.dataset for score in run.measured.scores} for run in compared]
    names = [name for name in sets(results) if all(name in each for each in scored)]
    return DIV2K if DIV2K in names else _reference_among(names)


def _reference_among(names: Sequence[str]) -> str | None:
    names = [name for name in names if name not in (SINGLE, DIV2K)] or names
    return REFERENCE if REFERENCE in names else next(iter(names), None)


def find_score(measured: Measured, dataset: str | None, protocol: str) -> Score | None:
    """Return the score on a set under a protocol, if it was measured."""
    return next(
        (x for x in measured.scores if (x.dataset, x.protocol) == (dataset, protocol)), None
    )


def psnr(
    measured: Measured,
    dataset: str | None,
    protocol: str = FIELD.name,
    value: Value = "psnr_y",
) -> float | None:
    """Return the PSNR-Y or PSNR on a set under a protocol, if it was measured."""
    score = find_score(measured, dataset, protocol)
    return None if score is None else getattr(score, value)


def gain(
    run: Trained | None,
    over: Trained | None,
    dataset: str | None,
    protocol: str = FIELD.name,
    value: Value = "psnr_y",
) -> float | None:
    """Return the difference of two networks' PSNRs, if both were measured."""
    if run is None or over is None:
        return None
    mine, other = (psnr(each.measured, dataset, protocol, value) for each in (run, over))
    return None if mine is None or other is None else mine - other


def gains(
    run: Trained | None,
    over: Trained | None,
    datasets: Iterable[str],
    protocol: str = FIELD.name,
    value: Value = "psnr_y",
) -> dict[str, float]:
    """Return the differences on those sets on which both networks were measured."""
    found = {name: gain(run, over, name, protocol, value) for name in datasets}
    return {name: each for name, each in found.items() if each is not None}


def best_end(
    runs: Iterable[Trained], dataset: str | None, protocol: str = FIELD.name
) -> float | None:
    """Return the best PSNR-Y of runs on a set, if any was measured."""
    ends = (psnr(run.measured, dataset, protocol) for run in runs)
    return max((end for end in ends if end is not None), default=None)


def are_below_bicubic(
    results: Results,
    runs: Iterable[Trained],
    dataset: str | None,
    protocol: str = FIELD.name,
) -> bool:
    """Return whether all measured runs end below bicubic interpolation: too early to tell."""
    bicubic, best = psnr(results.bicubic, dataset, protocol), best_end(runs, dataset, protocol)
    return bicubic is not None and best is not None and best < bicubic


def table_protocols(results: Results) -> list[str]:
    """Return the names of Table 1's protocols; the recipes' own is first."""
    own = SQUASH256 if results.plan.form == "document" else FIELD
    return unique([own.name, *PROTOCOLS])


def score_protocols(results: Results) -> list[str]:
    """Return the names of all scores' protocols; those of Table 1 are first."""
    found = (each.protocol for _, one in methods(results) for each in one.scores)
    return unique([*table_protocols(results), *found])


def all_protocols(results: Results) -> list[Protocol]:
    """Return all protocols of the report, those of validation included."""
    validated = {(each := protocol_of(run.recipe.data)).name: each for run in results.trained}
    cleaning = {protocol.name: protocol for protocol, _ in CLEANED_BY.values()}
    levels = [evaluation_protocol(DENOISE.name, sigma=x.sigma) for x in results.alternatives]
    if results.enlarged:
        levels.append(noisy_enlarging(results.enlarged.sigma))
    noise = {protocol.name: protocol for protocol in levels}
    known = {**PROTOCOLS, **cleaning, **validated, **noise}
    names = unique([*score_protocols(results), *validated, *noise])
    return [known[name] for name in names if name in known]
