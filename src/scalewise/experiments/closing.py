"""Measurements: of each run what it needs, and after all trainings as far as the budget goes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scalewise.data.layouts import Dataset
from scalewise.experiments.alternatives import (
    measure_alternatives,
    missing_alternatives,
    obstacle,
)
from scalewise.experiments.attention import ATTENTION_FILE, ATTENTION_MAPS
from scalewise.experiments.complexity import count_operations, is_current, measure_complexity
from scalewise.experiments.data import CLEANED_BY, cleaning_sets, small_sets
from scalewise.experiments.measurement import (
    add_scores,
    make_samples,
    measure_attention,
    measure_bicubic,
    measure_run,
    measure_run_images,
    measure_unrestored,
    unscored,
)
from scalewise.experiments.overshoot import OVERSHOOT_FILE, measure_overshoot
from scalewise.experiments.plan import DENOISING_TEST, Planned
from scalewise.experiments.queries import TIME_OF, network_key
from scalewise.experiments.results import (
    ARTIFACTS_FILE,
    BICUBIC,
    COMPARING,
    COMPLEXITY_FILE,
    FIDELITY_FILE,
    SAMPLES,
    SAMPLES_FILE,
    SCORES_FILE,
    UNRESTORED,
    Complexity,
    Measured,
    load_json,
    save_json,
)
from scalewise.experiments.scoring_speed import ScoringSpeeds
from scalewise.imaging.protocols import FIELD, PROTOCOLS, Protocol
from scalewise.models.adaptive import Adaptive
from scalewise.restoring.loading import LoadOptions, load_trained
from scalewise.training.build import build_network
from scalewise.training.checkpoint import BEST
from scalewise.training.log import Notify
from scalewise.training.recipe import load_recipe
from scalewise.training.runs import RECIPE_FILE
from scalewise.weights.release import load_network

FINAL_RUNS = ("original_mixed", "adaptive_mixed")
"""Trainings whose networks are measured on every set and restore the sample images."""

OF_WEIGHTS = (SCORES_FILE, COMPLEXITY_FILE, ARTIFACTS_FILE, FIDELITY_FILE)
"""Files in a run's folder that are measured from its weights."""

OF_FINAL_WEIGHTS = (SAMPLES, ATTENTION_FILE, ATTENTION_MAPS)
"""Files and folders of a reproduction that are measured from the weights of the final runs."""

ALTERNATIVE_SECONDS = 36.0
"""Seconds of each file of the test of denoising without a network."""


@dataclass
class Clock:
    """Time of a budget.

    Attributes:
        start: time of the monotonic clock at which it begins.
        end: likewise, at which it is used up.
    """

    start: float
    end: float

    @classmethod
    def of(cls, seconds: float) -> Clock:
        """Return the clock of a budget that begins now."""
        start = time.monotonic()
        return cls(start, start + seconds)

    @property
    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.start

    @property
    def left(self) -> float:
        """Seconds that are left; negative after the end."""
        return self.end - time.monotonic()


@dataclass(frozen=True)
class Deferred:
    """A measurement that can wait.

    Attributes:
        title: for people.
        seconds: about what it takes.
        measure: does it.
    """

    title: str
    seconds: float
    measure: Callable[[], object]


def discard_measurements(run: Path) -> None:
    """Remove everything that was measured from a run's weights, which are about to change."""
    paths = [run / name for name in OF_WEIGHTS]
    if run.name in FINAL_RUNS:
        paths += [run.parent / name for name in OF_FINAL_WEIGHTS]
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def measure_trained(
    planned: Planned,
    folder: Path,
    sets: dict[str, Dataset],
    samples: Sequence[Path],
    speeds: ScoringSpeeds,
    notify: Notify,
) -> str | None:
    """Measure what a run lacks: scores on the small sets, artifacts and detail, operations.

    Args:
        planned: the experiment.
        folder: of the reproduction.
        sets: test sets by name.
        samples: sample images.
        speeds: of scoring; that of the run is added.
        notify: called with one line of text per step.

    Returns:
        The reason if the run cannot be measured; None if nothing is missing any more.

    Raises:
        ScalewiseError: an image cannot be read or is too small.
    """
    name, group = planned.experiment.name, planned.experiment.group
    run = folder / name
    wanted = OF_WEIGHTS if group in COMPARING else (SCORES_FILE, COMPLEXITY_FILE)
    missing = [each for each in wanted if not (run / each).is_file()]
    if missing and not (run / BEST).is_file():
        return f"{', '.join(missing)}: not measured, because {run / BEST} is missing"
    unrestored = folder / UNRESTORED / SCORES_FILE
    if group == "cleaning" and not unrestored.is_file():
        save_json(measure_unrestored(sets), unrestored)
    if SCORES_FILE in missing:
        notify(f"measuring {name}")
        chosen, protocols = sets_and_protocols(planned, sets)
        with speeds.timing(chosen, name):
            save_json(measure_run(run, chosen, protocols), run / SCORES_FILE)
    if FIDELITY_FILE in missing or ARTIFACTS_FILE in missing:
        measure_run_images(run, samples)
    if COMPLEXITY_FILE in missing:
        save_json(count_operations(load_network(run)), run / COMPLEXITY_FILE)
    return None


def measure_what_fits(waiting: list[Deferred], clock: Clock, notify: Notify) -> list[str]:
    """Do measurements, cheapest first, while their time is left; return the others' titles."""
    left_out: list[str] = []
    for each in sorted(waiting, key=lambda each: each.seconds):
        if each.seconds > clock.left:
            left_out.append(each.title)
            continue
        notify(f"measuring {each.title}")
        each.measure()
    return left_out


def deferred(
    runs: list[str],
    sets: dict[str, Dataset],
    images: tuple[list[Path], Path | None],
    folder: Path,
    speeds: ScoringSpeeds,
    notify: Notify,
) -> list[Deferred]:
    """Return the measurements that are missing.

    Args:
        runs: names of the trained runs, the document's first.
        sets: test sets by name.
        images: sample images, and that of the single-image test.
        folder: of the reproduction.
        speeds: of scoring; those of large sets are added.
        notify: called with one line of text per step.
    """
    found = [*_bicubic(sets, folder, speeds)]
    finals = [name for name in FINAL_RUNS if name in runs and (folder / name / BEST).is_file()]
    if len(finals) == len(FINAL_RUNS):
        found += _images(finals, *images, folder)
    for name in finals:
        found += _large_sets(name, sets, folder, speeds)
    found += _times(sorted(runs, key=lambda name: name not in FINAL_RUNS), folder)
    return [*found, *_alternatives(sets, images[0][0], folder, notify)]


def _times(runs: list[str], folder: Path) -> Iterator[Deferred]:
    """Yield the timing of each network that was not timed on this machine.

    Runs of the same network, which differ in their training alone, share its time.
    """
    same: dict[str, list[Path]] = {}
    for run in (folder / name for name in runs):
        key = network_key(load_recipe(run / RECIPE_FILE).model)
        same.setdefault(key, []).append(run / COMPLEXITY_FILE)
    for paths in same.values():
        if not all(is_current(load_json(Complexity, path)) for path in paths):
            name = paths[0].parent.name
            yield Deferred(f"{TIME_OF}{name}", 20.0, lambda paths=paths: _time(paths))


def _time(paths: list[Path]) -> None:
    recipe = load_recipe(paths[0].parent / RECIPE_FILE)
    found = measure_complexity(build_network(recipe.model, recipe.seed, initialise=False))
    for path in paths:
        save_json(found, path)


def _images(
    finals: list[str], samples: list[Path], single: Path | None, folder: Path
) -> Iterator[Deferred]:
    """Yield the sample images of the final networks, and the maps of scale attention."""

    def restore() -> None:
        restorers = [load_trained(folder / name, LoadOptions(tile=None)) for name in finals]
        make_samples(samples, single, restorers, folder)

    def look() -> None:
        network = load_network(folder / finals[1])
        assert isinstance(network, Adaptive)
        measure_attention(network, samples[0], finals[1], folder)

    def look_for_overshoot() -> None:
        restorers = [load_trained(folder / name, LoadOptions(tile=None)) for name in finals]
        measure_overshoot(samples[0], restorers, folder / SAMPLES / OVERSHOOT_FILE)

    if not (folder / SAMPLES / OVERSHOOT_FILE).is_file():
        yield Deferred("overshoot of both networks", 10.0, look_for_overshoot)
    if not (folder / ATTENTION_FILE).is_file():
        yield Deferred("what scale attention learned", 5.0, look)
    if not (folder / SAMPLES / SAMPLES_FILE).is_file():
        yield Deferred("sample images", 15.0, restore)


def _alternatives(
    sets: dict[str, Dataset], sample: Path, folder: Path, notify: Notify
) -> Iterator[Deferred]:
    """Yield what is missing of denoising without a network; say why if it cannot be measured."""
    missing = missing_alternatives(DENOISING_TEST, folder)
    if not missing:
        return
    if reason := obstacle(DENOISING_TEST, sets):
        notify(f"denoising without a network is not measured: {reason}")
        return
    yield Deferred(
        "denoising without a network",
        ALTERNATIVE_SECONDS * len(missing),
        lambda: measure_alternatives(DENOISING_TEST, sets, sample, folder, notify),
    )


def _bicubic(sets: dict[str, Dataset], folder: Path, speeds: ScoringSpeeds) -> Iterator[Deferred]:
    path = folder / BICUBIC / SCORES_FILE
    measured = load_json(Measured, path)
    if missing := unscored(measured, sets):
        yield Deferred(
            f"bicubic on {', '.join(missing)}",
            speeds.seconds(missing, BICUBIC),
            lambda: save_json(add_scores(measured, measure_bicubic(missing)), path),
        )


def _large_sets(
    name: str, sets: dict[str, Dataset], folder: Path, speeds: ScoringSpeeds
) -> Iterator[Deferred]:
    path = folder / name / SCORES_FILE
    for dataset in unscored(load_json(Measured, path), sets):
        one = {dataset: sets[dataset]}

        def measure(one: dict[str, Dataset] = one) -> None:
            with speeds.timing(one, name):
                more = measure_run(folder / name, one, PROTOCOLS.values())
            save_json(add_scores(load_json(Measured, path), more), path)

        yield Deferred(f"{name} on {dataset}", speeds.seconds(one, name), measure)


def sets_and_protocols(
    planned: Planned, sets: dict[str, Dataset]
) -> tuple[dict[str, Dataset], list[Protocol]]:
    """Return the small test sets and the protocols of an experiment."""
    experiment, task = planned.experiment, planned.recipe.data.task
    if experiment.group == "cleaning":
        return cleaning_sets(sets, task), [CLEANED_BY[task][0]]
    in_table_one = experiment.group in ("training", "code")
    return small_sets(sets), [*PROTOCOLS.values()] if in_table_one else [FIELD]
