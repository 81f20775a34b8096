"""Training of one experiment: left out if it is too short, stopped if it is too slow."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from scalewise.errors import Interrupted
from scalewise.experiments import train_run
from scalewise.experiments.fitting import Terms, TrainingSpeed
from scalewise.experiments.plan import Planned, make_plan
from scalewise.experiments.results import PACE_FILE, Pace, load_json
from scalewise.training.checkpoint import BEST
from scalewise.training.recipe import save_recipe


@dataclass
class Run:
    """A training that goes on until it is stopped."""

    run: Path
    progress: float = 0.4
    validation: Any = None
    network: Any = None
    device: Any = None
    dtype: Any = None
    gradient_norms: Any = None
    listeners: list[Any] = field(default_factory=list[Any])
    stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Stop it."""
        self.stopped.set()

    @property
    def ema(self) -> Any:
        """The averaged weights are not those that are trained, but have the same attributes."""
        return self

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {"step": 7}


@pytest.fixture
def planned() -> Planned:
    return make_plan("modern", Path("folder"), Path("a.pack"), Path("valid"))[4]


def terms(steps: int) -> Terms:
    return Terms(seconds=9.0, batch=8, interval=9, speeds={"sum": 0.001}, steps={"sum": steps})


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    run = Run(tmp_path / "sum")
    run.run.mkdir()
    speed = TrainingSpeed(step=0.001, validation=0.001, images=9)
    monkeypatch.setattr(train_run, "measure_speed", lambda recipe: speed)
    monkeypatch.setattr(train_run, "open_run", lambda *_, **__: run)
    monkeypatch.setattr(train_run, "locked", lambda path: nullcontext())
    return run


def untrained(trainer: Any) -> None:
    """Fail: nothing is trained here."""
    raise AssertionError(trainer)


def test_a_run_that_is_too_slow_is_stopped_and_counts(planned: Planned, run: Run) -> None:
    said: list[str] = []

    def train(trainer: Any) -> None:
        assert trainer.stopped.wait(30)

    assert train_run.train_run(planned, run.run, 0.2, 9.0, train, said.append, terms(170)) is None
    assert said == [
        "sum is slower than measured: stopped at 40% of its schedule; the same command continues it"
    ]
    assert torch.load(run.run / BEST, weights_only=True) == {"step": 7}
    pace = load_json(Pace, run.run / PACE_FILE)
    assert (pace.step, pace.planned) == (0.001, pytest.approx(0.17))


def test_a_run_that_the_user_stops_is_interrupted(planned: Planned, run: Run) -> None:
    with pytest.raises(Interrupted, match="stopped in sum; the same command continues it"):
        train_run.train_run(planned, run.run, 9.0, 99.0, lambda _: None, lambda _: None, terms(170))


def test_a_run_of_few_steps_is_left_out(planned: Planned, run: Run) -> None:
    reason = train_run.train_run(planned, run.run, 0.04, 9.0, untrained, lambda _: None, terms(34))
    assert reason == "0 s are 34 steps, and fewer than 50 say nothing"
    assert not (run.run / PACE_FILE).exists()


def test_a_run_that_would_not_be_validated_with_the_others_is_left_out(
    planned: Planned, run: Run
) -> None:
    slow = replace(terms(170), interval=171)
    reason = train_run.train_run(planned, run.run, 9.0, 99.0, untrained, lambda _: None, slow)
    assert reason == "9 s are 170 steps, and its comparison is validated every 171"


def test_scores_of_a_continued_run_are_measured_again(planned: Planned, run: Run) -> None:
    run.progress = 1.0
    save_recipe(planned.recipe, run.run / "recipe.yaml")
    (run.run / "scores.json").write_text("{}")
    train_run.train_run(planned, run.run, 9.0, 99.0, lambda _: None, lambda _: None)
    assert not (run.run / "scores.json").exists()
