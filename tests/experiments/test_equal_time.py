"""Networks that are compared after equal time get it, whatever their steps and validations cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.experiments import runner
from scalewise.experiments.plan import Planned, TrainingSpeed, fit_to, make_plan
from scalewise.files import Picture, write
from scalewise.training.build import prepare
from scalewise.training.config import ModelConfig, Recipe
from scalewise.training.log import read_log


@dataclass
class Clock:
    """A clock that is set forward by hand."""

    now: float = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("scalewise.training.loop.time.monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def recipe(tmp_path: Path, photo: NDArray[np.uint8]) -> Recipe:
    """An ablation's recipe, with a network that takes no time."""
    for name in "abcd":
        write(tmp_path / f"{name}.png", Picture(photo[:40, :40]))
    made = make_plan("modern", tmp_path, tmp_path, tmp_path)
    base = next(each for each in made if each.is_timed).recipe
    model = ModelConfig(name="scn_exact", settings={"width": 4, "blocks": 1, "levels": 2})
    return replace(base, model=model, data=replace(base.data, patch=8, batch=1))


@pytest.mark.parametrize(
    ("step", "picture", "validations", "off"),
    [
        (1.0, 0.5, 6, 1.0),
        (1.0, 0.5, 6, 0.95),
        (1.0, 0.5, 6, 1.05),
        (2.5, 0.5, 6, 1.0),
        (2.5, 1, 3, 1),
    ],
)
def test_steps_get_the_same_time_beside_validations(
    step: float,
    picture: float,
    validations: int,
    off: float,
    recipe: Recipe,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A step takes ``off`` times as long as it was measured to."""
    fitted = fit_to(recipe, 100.0, TrainingSpeed(step, picture, images=4))
    trainer = prepare(fitted, tmp_path / "run")
    take_step = trainer.training_step

    def training_step() -> object:
        clock.now += off * step
        return take_step()

    class Validation:
        def psnr_y(self, *_: object) -> float:
            clock.now += 4 * picture
            return 30.0

    monkeypatch.setattr(trainer, "training_step", training_step)
    monkeypatch.setattr(trainer, "validation", Validation())
    trainer.train()
    lines = read_log(tmp_path / "run")
    assert sum(line.psnr_y is not None for line in lines) == validations
    assert trainer.step * off * step == pytest.approx(0.85 * 100.0, abs=off * step)


def test_all_get_the_same_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even though they use up none of it, and leave it all to those after them."""
    limits: dict[str, float] = {}

    def train_one(planned: Planned, path: Path, limit: float, *_: object) -> None:
        limits[path.name] = limit

    monkeypatch.setattr(runner, "_train_one", train_one)
    planned = make_plan("modern", tmp_path, tmp_path, tmp_path)
    runner._train_all(planned, tmp_path, 1000.0, lambda _: None, lambda _: None)
    timed = [limits[each.experiment.name] for each in planned if each.is_timed]
    assert len(timed) == 16
    assert timed == pytest.approx([1000.0 / 16] * 16)
