"""A reproduction keeps its budget, whatever its trainings and measurements take."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.errors import ScalewiseError
from scalewise.experiments import closing, runner
from scalewise.experiments.closing import Clock, Deferred, measure_what_fits
from scalewise.experiments.data import Data
from scalewise.experiments.fitting import TrainingSpeed
from scalewise.experiments.plan import TRAININGS, Planned, make_plan
from scalewise.experiments.results import PLAN_FILE, Plan, load_json
from scalewise.experiments.runner import Reproduction, Request
from scalewise.experiments.train_run import LeftOut
from scalewise.files import Picture, write
from scalewise.training.progress import duration

BUDGET = 1200.0


@dataclass
class Hand:
    """A clock that is set forward by hand."""

    now: float = 0.0


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    fake = SimpleNamespace(monotonic=lambda: hand.now)
    monkeypatch.setattr(runner, "time", fake)
    monkeypatch.setattr(closing, "time", fake)
    return hand


@pytest.fixture
def reproduction(
    tmp_path: Path, photo: NDArray[np.uint8], hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> Reproduction:
    """A reproduction of 20 minutes; its parts are replaced by ones that take time alone."""
    write(tmp_path / "a.png", Picture(photo[:40, :40]))
    store = tmp_path / "train.pack"
    pack([find_dataset(tmp_path)], store, [2])
    request = Request(
        data=Data(tmp_path, tmp_path, {"Set5": find_dataset(tmp_path)}),
        folder=tmp_path / "out",
        form="modern",
        budget="20m",
        samples=[tmp_path / "a.png"],
        single=None,
    )
    planned = make_plan("modern", tmp_path / "out", store, tmp_path)

    def spend(seconds: float) -> Any:
        def do(*_: object, **__: object) -> list[Any]:
            hand.now += seconds
            return []

        return do

    def report(*_: object) -> tuple[Path, Path]:
        hand.now += 8
        return tmp_path, tmp_path

    monkeypatch.setattr(runner, "write_report", report)
    monkeypatch.setattr(runner, "load_results", lambda folder: None)
    speed = TrainingSpeed(step=0.1, validation=0.1, images=9)
    monkeypatch.setattr(runner, "measure_speed", lambda recipe: speed)
    monkeypatch.setattr(Reproduction, "_measure_without_networks", spend(5))
    monkeypatch.setattr(Reproduction, "_measure", spend(20))
    return Reproduction(request, planned, store, 4, Clock.of(BUDGET), None, lambda _: None)


def train_by(hand: Hand, slower: float, order: list[str]) -> Any:
    """Return a training that takes so many times its limit, up to where it is stopped."""

    def train_run(
        planned: Planned, run: Path, limit: float, latest: float, *_: object
    ) -> str | None:
        order.append(planned.experiment.name)
        hand.now += min(slower * limit, 2.5 * limit, latest)
        return None

    return train_run


def test_terms_of_a_small_budget_stay_and_a_larger_one_says_so(
    reproduction: Reproduction, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    reproduction.folder.mkdir()
    reproduction.notify = lines.append
    compared = [each for each in reproduction.planned if each.experiment.group == "ablation"]

    def agreed(seconds: float) -> list[float]:
        return [reproduction._terms_of(each, compared, seconds).seconds for each in compared]

    assert {*agreed(100.0), *agreed(190.0)} == {100.0}
    assert [line for line in lines if "another folder" in line] == []
    assert {*agreed(210.0)} == {100.0}
    (line,) = (line for line in lines if "another folder" in line)
    assert line.startswith("networks of the ablation: 0:01:40 for each, as agreed for the first")


@pytest.mark.parametrize("slower", [0.5, 1.0, 1.3, 2.4])
def test_twenty_minutes_end_within_twenty_five(
    slower: float, hand: Hand, reproduction: Reproduction, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr(runner, "train_run", train_by(hand, slower, order))
    waits = [Deferred(f"{n}", 30.0, lambda: setattr(hand, "now", hand.now + 30)) for n in range(9)]
    monkeypatch.setattr(runner, "deferred", lambda *_: waits)
    reproduction.run(lambda _: None)
    assert hand.now <= 25 * 60
    assert order[0] == next(iter(TRAININGS))
    names = {each.experiment.name for each in reproduction.planned}
    assert {*order, *reproduction.left_out} == names
    assert not set(order) & set(reproduction.left_out)
    if slower == 1.0:
        assert set(TRAININGS) < set(order)
        assert reproduction.unmeasured or len(order) > len(TRAININGS)


def test_there_is_a_report_after_the_first_training(
    hand: Hand, reproduction: Reproduction, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    write_report = runner.write_report

    def report(*arguments: Any) -> tuple[Path, Path]:
        events.append("report")
        return write_report(*arguments)

    monkeypatch.setattr(runner, "write_report", report)
    monkeypatch.setattr(runner, "train_run", train_by(hand, 1.0, events))
    monkeypatch.setattr(runner, "deferred", lambda *_: [])
    reproduction.run(lambda _: None)
    assert events[:2] == ["original_l1", "report"]
    assert events[-1] == "report"
    assert events.count("report") < len(events) / 2  # not after each of them


def test_a_run_that_cannot_be_trained_is_named_and_the_others_are_trained(
    hand: Hand, reproduction: Reproduction, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    said: list[str] = []
    reproduction.notify = said.append
    train = train_by(hand, 0.5, order)

    def train_run(planned: Planned, *arguments: Any) -> LeftOut | None:
        if planned.experiment.name == "original_mixed":
            return LeftOut("its start is missing", for_time=False)
        return train(planned, *arguments)

    monkeypatch.setattr(runner, "train_run", train_run)
    monkeypatch.setattr(runner, "deferred", lambda *_: [])
    reproduction.run(lambda _: None)
    assert order[:2] == ["original_l1", "adaptive_l1"]
    reasons = {"original_mixed": "its start is missing"}
    assert load_json(Plan, reproduction.folder / PLAN_FILE).failed == reasons
    title = next(x.experiment.title for x in reproduction.planned if x.experiment.name in reasons)
    assert f"incomplete: {title}: its start is missing" in said


def test_what_is_left_out_is_grouped_in_the_last_line(
    hand: Hand, reproduction: Reproduction, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    reproduction.notify = said.append
    monkeypatch.setattr(runner, "train_run", train_by(hand, 2.4, []))
    times = [Deferred(f"the time of {n}", 9e9, lambda: None) for n in range(20)]
    monkeypatch.setattr(runner, "deferred", lambda *_: times)
    reproduction.run(lambda _: None)
    (line,) = (each for each in said if each.startswith("left out, for want of time: "))
    assert "8 related networks, " in line
    assert "seeds 1 and 2 of 17 networks, the time of 20 networks; the same command" in line


def test_the_time_of_packing_counts(
    hand: Hand, reproduction: Reproduction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    packed: list[Path] = []

    def packed_stores(*_: object) -> tuple[Path, Path]:
        if not packed:
            packed.append(tmp_path / "train.pack")
            hand.now += 166
        return packed[0], tmp_path

    def reproduce(budget: str) -> None:
        request = replace(reproduction.request, budget=budget, folder=tmp_path / budget)
        runner.reproduce(request, lambda _: None, said.append, lambda: nullcontext(print))

    monkeypatch.setattr(runner, "packed_stores", packed_stores)
    monkeypatch.setattr(runner, "probe_step", lambda recipe: 0.1)
    monkeypatch.setattr(runner, "train_run", train_by(hand, 0.5, []))
    monkeypatch.setattr(runner, "deferred", lambda *_: [])
    with pytest.raises(ScalewiseError, match=r"packing took 0:02:46, .* the same command now has"):
        reproduce("3m")
    assert said == []
    assert not (tmp_path / "3m" / PLAN_FILE).exists()
    reproduce("3m")
    assert any(line.startswith("writing the report; ") for line in said)
    packed.clear()
    said.clear()
    began = hand.now
    reproduce("20m")
    (*_, last) = (line for line in said if line.startswith("writing the report; "))
    assert last == f"writing the report; {duration(hand.now - began - 8)} so far"


def test_runs_that_are_left_out_at_once_are_one_line(
    hand: Hand, reproduction: Reproduction, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    reproduction.notify = said.append
    monkeypatch.setattr(runner, "deferred", lambda *_: [])
    hand.now = BUDGET
    reproduction.run(lambda _: None)
    count = len(reproduction.planned)
    (line,) = (each for each in said if each.startswith("left out: "))
    assert line.startswith(f"left out: {count} runs (Original, L1")
    assert line.endswith("; ...): 0:00:00 are left for all of the rest")
    assert len(reproduction.left_out) == count


def test_the_cheapest_measurement_comes_first_and_the_rest_is_named(hand: Hand) -> None:
    done: list[str] = []

    def part(title: str, seconds: float) -> Deferred:
        def measure() -> None:
            hand.now += seconds
            done.append(title)

        return Deferred(title, seconds, measure)

    parts = [part("dear", 50.0), part("cheap", 5.0), part("middle", 20.0)]
    left_out = measure_what_fits(parts, Clock.of(40.0), lambda _: None)
    assert done == ["cheap", "middle"]
    assert left_out == ["dear"]
