"""Measurements: of each run what it needs, and after all trainings as far as the budget goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scalewise.data.layouts import Dataset
from scalewise.experiments.alternatives import measure_alternatives
from scalewise.experiments.attention import ATTENTION_FILE
from scalewise.experiments.complexity import measure_complexity
from scalewise.experiments.data import CLEANED_BY, cleaning_sets, small_sets
from scalewise.experiments.measurement import (
    add_scores,
    make_samples,
    measure_attention,
    measure_bicubic,
    measure_run,
    unscored,
)
from scalewise.experiments.overshoot import OVERSHOOT_FILE, measure_overshoot
from scalewise.experiments.plan import DENOISING_TEST, Planned
from scalewise.experiments.queries import TIME_OF
from scalewise.experiments.results import (
    BICUBIC,
    COMPLEXITY_FILE,
    SAMPLES,
    SAMPLES_FILE,
    SCORES_FILE,
    Complexity,
    Measured,
    load_json,
    save_json,
)
from scalewise.imaging.protocols import FIELD, PROTOCOLS, Protocol
from scalewise.models.adaptive import Adaptive
from scalewise.restoring.loading import LoadOptions, load_trained
from scalewise.training.checkpoint import BEST
from scalewise.training.log import Notify
from scalewise.weights.release import load_network

FINAL_RUNS = ("original_mixed", "adaptive_mixed")
"""Trainings whose networks are measured on every set and restore the sample images."""


@dataclass
class Clock:
    """Time of a budget.

    Attributes:
        end: time of the monotonic clock at which it is used up.
    """

    end: float

    @classmethod
    def of(cls, seconds: float) -> Clock:
        """Return the clock of a budget that begins now."""
        return cls(time.monotonic() + seconds)

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
    per_byte: Mapping[str, float],
    notify: Notify,
) -> list[Deferred]:
    """Return the measurements that are missing.

    Args:
        runs: names of the trained runs, the document's first.
        sets: test sets by name.
        images: sample images, and that of the single-picture test.
        folder: of the reproduction.
        per_byte: seconds of scoring per byte of image files, of each run.
        notify: called with one line of text per step.
    """
    found = [*_bicubic(sets, folder, per_byte)]
    finals = [name for name in FINAL_RUNS if (folder / name / BEST).is_file()]
    if len(finals) == len(FINAL_RUNS):
        found += _images(finals, *images, folder)
    for name in finals:
        found += _large_sets(name, sets, folder, per_byte)
    for name in sorted(runs, key=lambda name: name not in FINAL_RUNS):
        run = folder / name
        is_timed = load_json(Complexity, run / COMPLEXITY_FILE).seconds is not None
        if not is_timed and (run / BEST).is_file():
            found.append(Deferred(f"{TIME_OF}{name}", 20.0, lambda run=run: _time_run(run)))
    sample = images[0][0]
    found.append(
        Deferred(
            "denoising without a network",
            180.0,
            lambda: measure_alternatives(DENOISING_TEST, sets, sample, folder, notify),
        )
    )
    return found


def bytes_of(sets: Mapping[str, Dataset]) -> int:
    """Return the bytes of the image files of sets, a measure of the time that scoring takes."""
    return sum(item.hr.stat().st_size for each in sets.values() for item in each.items)


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


def _bicubic(
    sets: dict[str, Dataset], folder: Path, per_byte: Mapping[str, float]
) -> Iterator[Deferred]:
    path = folder / BICUBIC / SCORES_FILE
    measured = load_json(Measured, path)
    if missing := unscored(measured, sets):
        seconds = per_byte.get(BICUBIC, 0.0) * bytes_of(missing)
        yield Deferred(
            f"bicubic on {', '.join(missing)}",
            seconds,
            lambda: save_json(add_scores(measured, measure_bicubic(missing)), path),
        )


def _large_sets(
    name: str, sets: dict[str, Dataset], folder: Path, per_byte: Mapping[str, float]
) -> Iterator[Deferred]:
    path = folder / name / SCORES_FILE
    for dataset in unscored(load_json(Measured, path), sets):
        one = {dataset: sets[dataset]}

        def measure(one: dict[str, Dataset] = one) -> None:
            more = measure_run(folder / name, one, PROTOCOLS.values())
            save_json(add_scores(load_json(Measured, path), more), path)

        yield Deferred(f"{name} on {dataset}", per_byte.get(name, 0.0) * bytes_of(one), measure)


def _time_run(run: Path) -> None:
    save_json(measure_complexity(load_network(run)), run / COMPLEXITY_FILE)


def sets_and_protocols(
    planned: Planned, sets: dict[str, Dataset]
) -> tuple[dict[str, Dataset], list[Protocol]]:
    """Return the small test sets and the protocols of an experiment."""
    experiment, task = planned.experiment, planned.recipe.data.task
    if experiment.group == "cleaning":
        return cleaning_sets(sets, task), [CLEANED_BY[task][0]]
    in_table_one = experiment.group in ("training", "code")
    return small_sets(sets), [*PROTOCOLS.values()] if in_table_one else [FIELD]
