"""Measurements after the trainings: only what is missing, and with what it costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalewise.data.layouts import Dataset, find_dataset
from scalewise.experiments import closing, scoring_speed
from scalewise.experiments.closing import FINAL_RUNS, Deferred, deferred
from scalewise.experiments.plan import DENOISING_TEST, RECIPES
from scalewise.experiments.queries import TIME_OF
from scalewise.experiments.results import (
    ALTERNATIVES,
    BICUBIC,
    COMPLEXITY_FILE,
    SCORES_FILE,
    Complexity,
    Measured,
    load_json,
    save_json,
)
from scalewise.experiments.scoring_speed import UNKNOWN, ScoringSpeeds
from scalewise.files import Picture, write
from scalewise.models import RestorationNetwork
from scalewise.training.checkpoint import BEST
from scalewise.training.machine import processor_name
from scalewise.training.runs import RECIPE_FILE


@pytest.fixture
def sets(tmp_path: Path, photo: NDArray[np.uint8]) -> dict[str, Dataset]:
    (tmp_path / "Large").mkdir()
    write(tmp_path / "Large" / "a.png", Picture(photo[:64, :64]))
    return {"Large": find_dataset(tmp_path / "Large")}


def size(sets: dict[str, Dataset]) -> int:
    return sets["Large"].items[0].hr.stat().st_size


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A reproduction whose final run has weights, and lacks the scores of a set."""
    folder = tmp_path / "out"
    save_json(Measured(weights="", scores=[]), folder / BICUBIC / SCORES_FILE)
    run = folder / FINAL_RUNS[0]
    save_json(Measured(weights="a", scores=[]), run / SCORES_FILE)
    add_timed_run(run)
    (run / BEST).write_bytes(b"")
    return folder


def add_timed_run(run: Path, seconds: float = 1.0, processor: str | None = None) -> None:
    """Add the recipe of a run, and the time of its network on this machine or another."""
    run.mkdir(exist_ok=True)
    recipe = RECIPES / "modern" / f"{FINAL_RUNS[0]}.yaml"
    (run / RECIPE_FILE).write_text(recipe.read_text(encoding="utf-8"), encoding="utf-8")
    found = Complexity(
        parameters=1,
        multiply_adds=1,
        seconds=seconds,
        threads=torch.get_num_threads(),
        processor=processor_name() if processor is None else processor,
    )
    save_json(found, run / COMPLEXITY_FILE)


def waiting(folder: Path, sets: dict[str, Dataset], said: list[str]) -> dict[str, Deferred]:
    sample = folder / "sample.png"
    speeds = ScoringSpeeds(folder)
    runs = [path.parent.name for path in folder.glob(f"*/{COMPLEXITY_FILE}")]
    found = deferred(runs, sets, ([sample], None), folder, speeds, said.append)
    return {each.title: each for each in found}


def test_sets_cost_what_was_measured_on_another_day(
    folder: Path, sets: dict[str, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    title = f"{FINAL_RUNS[0]} on Large"
    cost = waiting(folder, sets, [])[title].seconds
    assert cost == pytest.approx(UNKNOWN * size(sets))
    times = iter([0.0, 8.0])
    monkeypatch.setattr(scoring_speed.time, "monotonic", lambda: next(times))
    with ScoringSpeeds(folder).timing(sets, "sum"):
        pass
    assert waiting(folder, sets, [])[title].seconds == pytest.approx(8.0)  # as the slowest one
    save_json({"sum": 8.0 / size(sets), FINAL_RUNS[0]: 5.0 / size(sets)}, folder / "speeds.json")
    assert waiting(folder, sets, [])[title].seconds == pytest.approx(5.0)


def test_a_network_is_timed_once_and_on_this_machine(
    folder: Path, sets: dict[str, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    title = f"{TIME_OF}{FINAL_RUNS[0]}"
    assert title not in waiting(folder, sets, [])
    add_timed_run(folder / "sum", 2.0, "another")  # the same network, in another comparison
    timed: list[str] = []

    def measure(network: RestorationNetwork) -> Complexity:
        timed.append(network.architecture)
        return Complexity(parameters=1, multiply_adds=1, seconds=3.0)

    monkeypatch.setattr(closing, "measure_complexity", measure)
    found = waiting(folder, sets, [])
    assert [each for each in found if each.startswith(TIME_OF)] == [title]
    found[title].measure()
    assert timed == ["original"]
    for name in (FINAL_RUNS[0], "sum"):
        assert load_json(Complexity, folder / name / COMPLEXITY_FILE).seconds == 3.0


def test_a_final_run_that_is_not_measured_has_to_wait(
    folder: Path, sets: dict[str, Dataset]
) -> None:
    (folder / FINAL_RUNS[1]).mkdir()
    (folder / FINAL_RUNS[1] / BEST).write_bytes(b"")  # stopped in the middle of its training
    assert set(waiting(folder, sets, [])) == {"bicubic on Large", f"{FINAL_RUNS[0]} on Large"}


def test_denoising_waits_only_where_it_is_missing(folder: Path, sets: dict[str, Dataset]) -> None:
    said: list[str] = []
    title = "denoising without a network"
    assert title not in waiting(folder, sets, said)
    (line,) = said
    assert line.startswith(f"{title} is not measured: put Kodak24")
    sets = {**sets, DENOISING_TEST.dataset: sets["Large"]}
    whole = waiting(folder, sets, said)[title].seconds
    (folder / ALTERNATIVES).mkdir()
    for sigma in DENOISING_TEST.sigmas:
        (folder / ALTERNATIVES / f"sigma{sigma}.json").write_text("{}")
    assert waiting(folder, sets, said)[title].seconds == pytest.approx(whole * 2 / 5)
    for name in ("strip.json", "enlarged.json"):
        (folder / ALTERNATIVES / name).write_text("{}")
    assert title not in waiting(folder, sets, said)
    assert len(said) == 1
