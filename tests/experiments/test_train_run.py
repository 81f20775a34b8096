"""Training of one experiment: left out if it is too short, stopped if it is too slow."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from scalewise.errors import Diverged, Interrupted, ScalewiseError
from scalewise.experiments import train_run
from scalewise.experiments.closing import FINAL_RUNS, OF_WEIGHTS
from scalewise.experiments.experiment_logs import DIVERGED_FILE, Divergence
from scalewise.experiments.fitting import Terms, TrainingSpeed
from scalewise.experiments.plan import Planned, make_plan
from scalewise.experiments.results import PACE_FILE, Pace, load_json
from scalewise.experiments.train_run import LeftOut
from scalewise.training.checkpoint import BEST, LAST
from scalewise.training.config import Recipe
from scalewise.training.log import read_log
from scalewise.training.recipe import save_recipe
from scalewise.training.runs import RECIPE_FILE


@dataclass
class Run:
    """A training that goes on until it is stopped."""

    run: Path
    recipe: Any = None
    step: int = 7
    seconds: float = 9.0
    rate: float = 0.001
    progress: float = 0.4
    losses: list[float] = field(default_factory=lambda: [0.01, 0.03])
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
        return {"step": self.step, "losses": self.losses}


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
    monkeypatch.setattr(train_run, "locked", lambda path: nullcontext())

    def open_run(recipe: Recipe, *_: object, **__: object) -> Run:
        run.recipe = recipe
        return run

    monkeypatch.setattr(train_run, "open_run", open_run)
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
    assert torch.load(run.run / BEST, weights_only=True)["step"] == 7
    (line,) = read_log(run.run)
    assert (line.step, line.progress, line.loss) == (7, 0.4, pytest.approx(0.02))
    assert not train_run.is_trained(run.run)
    assert train_run.incomplete(run.run) == "stopped at 40% of its schedule"
    pace = load_json(Pace, run.run / PACE_FILE)
    assert (pace.step, pace.planned) == (0.001, pytest.approx(0.17))


def test_a_run_that_the_user_stops_is_interrupted(planned: Planned, run: Run) -> None:
    with pytest.raises(Interrupted, match="stopped in sum; the same command continues it"):
        train_run.train_run(planned, run.run, 9.0, 99.0, lambda _: None, lambda _: None, terms(170))


def test_a_run_of_few_steps_is_left_out(planned: Planned, run: Run) -> None:
    found = train_run.train_run(planned, run.run, 0.04, 9.0, untrained, lambda _: None, terms(34))
    assert found == LeftOut("0 s are enough for 34 steps, and fewer than 50 say nothing")
    assert not (run.run / PACE_FILE).exists()


def test_a_run_that_would_not_be_validated_with_the_others_is_left_out(
    planned: Planned, run: Run
) -> None:
    slow = replace(terms(170), interval=171)
    found = train_run.train_run(planned, run.run, 9.0, 99.0, untrained, lambda _: None, slow)
    reason = "9 s are enough for 170 steps, and its comparison is validated every 171"
    assert found == LeftOut(reason, for_time=False)


def resume(planned: Planned, run: Path, train: Any = lambda _: None) -> LeftOut | None:
    """Continue a run that was measured before."""
    if not (run / RECIPE_FILE).exists():
        save_recipe(planned.recipe, run / RECIPE_FILE)
    (run / "scores.json").write_text("{}")
    return train_run.train_run(planned, run, 9.0, 99.0, train, lambda _: None)


def test_nothing_of_earlier_weights_is_left_when_a_run_trains_on(
    planned: Planned, run: Run
) -> None:
    final = replace(planned, experiment=replace(planned.experiment, name=FINAL_RUNS[0]))
    run.run, run.progress = run.run.with_name(FINAL_RUNS[0]), 1.0
    samples = run.run.parent / "samples"
    for folder in (run.run, samples):
        folder.mkdir()
    (samples / "0.png").write_bytes(b"")
    paths = [run.run / name for name in OF_WEIGHTS] + [run.run.parent / "attention.json"]
    for path in paths:
        path.write_text("{}")
    (run.run / LAST).write_bytes(b"")
    assert resume(final, run.run) is None
    assert not any(path.exists() for path in (*paths, samples))
    assert (run.run / LAST).exists()


def test_a_measured_run_without_its_checkpoint_keeps_what_it_has(
    planned: Planned, run: Run
) -> None:
    found = resume(planned, run.run, untrained)
    assert found is not None
    assert not found.for_time
    assert "last.pt to continue from is missing" in found.reason
    assert (run.run / "scores.json").exists()


def test_a_run_that_cannot_be_opened_keeps_what_it_has(
    planned: Planned, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_run(*_: object, **__: object) -> Run:
        raise ScalewiseError("last.pt: not a readable checkpoint")

    monkeypatch.setattr(train_run, "open_run", open_run)
    (run.run / LAST).write_bytes(b"")
    found = resume(planned, run.run, untrained)
    assert found == LeftOut("last.pt: not a readable checkpoint", for_time=False)
    assert (run.run / "scores.json").exists()


def test_a_run_whose_start_is_missing_is_left_out(run: Run) -> None:
    planned = {each.experiment.name: each for each in make_plan("modern", *[Path("elsewhere")] * 3)}
    mixed = planned["original_mixed"]
    found = train_run.train_run(mixed, run.run, 9.0, 99.0, untrained, lambda _: None)
    start = Path("elsewhere", "original_l1", BEST)
    assert found == LeftOut(f"it starts from {start}, which is missing", for_time=False)


def test_a_continued_run_finds_its_data_where_they_are_today(planned: Planned, run: Run) -> None:
    data = replace(planned.recipe.data, train=["gone.pack"], valid="gone", epoch=5)
    save_recipe(replace(planned.recipe, data=data), run.run / RECIPE_FILE)
    (run.run / LAST).write_bytes(b"")
    run.progress = 1.0
    assert resume(planned, run.run) is None
    assert run.recipe.data == replace(planned.recipe.data, epoch=5)


def test_a_run_that_diverged_is_not_trained_again(planned: Planned, run: Run) -> None:
    def train(_: Any) -> None:
        raise Diverged("the loss rose to 3.0e+02 by step 7; last.pt is from before that")

    (run.run / LAST).write_bytes(b"")
    assert resume(planned, run.run, train) is None
    assert train_run.is_trained(run.run)
    assert train_run.incomplete(run.run) == "the loss rose to 3.0e+02 by step 7"
    assert load_json(Divergence, run.run / DIVERGED_FILE).step == 7
