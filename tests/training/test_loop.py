"""Training loop: exact resumption, complete checkpoints, and error messages."""

from __future__ import annotations

import itertools
import math
import re
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
import torch

from scalewise.errors import ScalewiseError
from scalewise.models import list_architectures
from scalewise.training.build import prepare
from scalewise.training.checkpoint import read_checkpoint
from scalewise.training.config import (
    BudgetConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    Recipe,
    ScheduleConfig,
)
from scalewise.training.log import LogLine
from scalewise.training.loop import Trainer
from tests.training.trainers import (
    At,
    Scripted,
    assert_same_state,
    kill,
    read_log,
    resumed_trainer,
    stop_at,
    without_seconds,
)


@pytest.mark.parametrize("kind", ["adam", "muon"])
def test_a_resumed_run_is_bit_for_bit_the_uninterrupted_one(
    recipe: Recipe, tmp_path: Path, kind: Literal["adam", "muon"]
) -> None:
    recipe = replace(
        recipe,
        optimizer=OptimizerConfig(kind=kind, clip=0.5),
        schedule=ScheduleConfig(warmup=0.1),
        checkpoint_every=1e-9,
    )
    straight = prepare(recipe, tmp_path / "straight")
    straight.train()

    # Killed after a line that no checkpoint holds yet; stopped between two lines; resumed.
    run = tmp_path / "interrupted"
    killed = prepare(recipe, run)
    killed.listeners.append(At(40, kill))
    with pytest.raises(KeyboardInterrupt):
        killed.train()
    assert [row["step"] for row in read_log(run)] == ["20", "40"]

    stopped = resumed_trainer(recipe, run)
    assert stopped.step == 20
    stop_at(stopped, 32)
    stopped.train()
    assert stopped.step == 33

    resumed = resumed_trainer(recipe, run)
    assert resumed.step == 33
    resumed.train()

    assert_same_state(straight.state_dict(), resumed.state_dict())
    assert_same_state(
        read_checkpoint(tmp_path / "straight/last.pt"), read_checkpoint(run / "last.pt")
    )
    assert without_seconds(run) == without_seconds(tmp_path / "straight")
    assert resumed.best > 20


def test_seeds_matter(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, budget=BudgetConfig(steps=1))
    losses: list[str] = []
    for number, seed in enumerate((0, 0, 1)):
        prepare(replace(recipe, seed=seed), tmp_path / str(number)).train()
        losses.append(read_log(tmp_path / str(number))[0]["loss"])
    assert losses[0] == losses[1] != losses[2]


def test_the_log(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, budget=BudgetConfig(steps=50))
    lines: list[LogLine] = []

    class Keep:
        def on_line(self, line: LogLine) -> None:
            lines.append(line)

    trainer = prepare(recipe, tmp_path / "run", [Keep()])
    trainer.train()
    rows = read_log(tmp_path / "run")
    assert list(rows[0]) == ["step", "seconds", "progress", "rate", "loss", "psnr_y"]
    assert [row["step"] for row in rows] == ["20", "40", "50"]
    assert [row["progress"] for row in rows] == ["0.4", "0.8", "1.0"]
    assert [bool(row["psnr_y"]) for row in rows] == [False, False, True]
    assert [line.loss for line in lines] == [float(row["loss"]) for row in rows]
    assert float(rows[-1]["psnr_y"]) == lines[-1].psnr_y == trainer.best
    assert float(rows[0]["rate"]) == pytest.approx(0.0005 * (1 + math.cos(0.4 * math.pi)))
    seconds = [float(row["seconds"]) for row in rows]
    assert 0 < seconds[0] < seconds[1] < seconds[2]


def test_training_restores_better_and_better(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, data=replace(recipe.data, batch=8), validate_every="20 steps")
    prepare(replace(recipe, budget=BudgetConfig(steps=200)), tmp_path / "run").train()
    scores = [float(row["psnr_y"]) for row in read_log(tmp_path / "run")]
    assert len(scores) == 10
    assert scores[-1] > scores[4] + 0.05 > scores[0] + 0.3


SMALL = {
    "dbpn": {"width": 4, "features": 4},
    "dsrn": {"width": 4, "stages": 2},
    "plain": {"width": 4, "convolutions": 2},
    "steered": {"width": 4, "stages": 1, "coarse_width": 4},
    "unet": {"width": 4, "levels": 2},
}
"""Small settings of the architectures that have no blocks and levels."""


@pytest.mark.parametrize("name", list_architectures())
def test_every_architecture_trains(recipe: Recipe, tmp_path: Path, name: str) -> None:
    settings = SMALL.get(name, {"width": 4, "blocks": 1, "levels": 2})
    model = ModelConfig(name=name, settings=settings)
    recipe = replace(recipe, model=model, budget=BudgetConfig(steps=2))
    trainer = prepare(recipe, tmp_path / "run")
    before = {name: p.detach().clone() for name, p in trainer.network.named_parameters()}
    trainer.train()
    assert math.isfinite(trainer.best)
    moved = [not torch.equal(p, before[name]) for name, p in trainer.network.named_parameters()]
    assert sum(moved) > 0.8 * len(moved)  # a block may have a part that nothing hears


def test_the_best_is_kept(recipe: Recipe, tmp_path: Path) -> None:
    trainer = prepare(replace(recipe, validate_every=1e-9), tmp_path / "run")
    trainer.validation = Scripted([30.0, 32.0, 31.0])
    trainer.train()
    best = read_checkpoint(tmp_path / "run/best.pt")
    last = read_checkpoint(tmp_path / "run/last.pt")
    assert (best["step"], best["best"]) == (40, 32.0)
    assert (last["step"], last["best"]) == (60, 32.0)

    longer = replace(recipe, budget=BudgetConfig(steps=80), validate_every=1e-9)
    resumed = resumed_trainer(longer, tmp_path / "run")
    resumed.validation = Scripted([31.9])
    resumed.train()
    assert resumed.step == 80
    assert read_checkpoint(tmp_path / "run/best.pt")["step"] == 40


def test_without_validation_the_last_is_the_best(recipe: Recipe, tmp_path: Path) -> None:
    trainer = prepare(
        replace(recipe, data=replace(recipe.data, valid=None), checkpoint_every=1e-9),
        tmp_path / "run",
    )
    trainer.train()
    assert read_checkpoint(tmp_path / "run/best.pt")["step"] == 60
    assert {row["psnr_y"] for row in read_log(tmp_path / "run")} == {""}


def test_a_budget_of_time_leaves_pauses_out(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(1000)  # a second for every look at it
    monkeypatch.setattr("scalewise.training.loop.time.monotonic", lambda: float(next(clock)))
    recipe = replace(recipe, budget=BudgetConfig(time="50s"), checkpoint_every=1e-9)
    first = prepare(recipe, tmp_path / "run")
    first.listeners.append(At(20, first.stop))
    first.train()
    assert (first.step, first.seconds, first.progress) == (20, 20.0, 0.4)
    assert first.rate == pytest.approx(0.0005 * (1 + math.cos(0.4 * math.pi)))

    for _ in range(500):
        next(clock)
    second = resumed_trainer(recipe, tmp_path / "run")
    second.train()
    assert (second.step, second.seconds, second.rate) == (50, 50.0, 0.0)


def test_a_loss_that_is_not_finite_stops_the_run(recipe: Recipe, tmp_path: Path) -> None:
    trainer = prepare(replace(recipe, checkpoint_every=1e-9), tmp_path / "run")

    def explode() -> None:
        trainer.recipe = replace(trainer.recipe, loss=LossConfig(l1=1e39))

    trainer.listeners.append(At(20, explode))
    with pytest.raises(ScalewiseError) as caught:
        trainer.train()
    message = str(caught.value)
    assert message.startswith("the loss stopped being finite by step 40; ")
    assert f"{tmp_path / 'run/last.pt'} is from before that" in message
    assert "optimizer.rate" in message
    last = read_checkpoint(tmp_path / "run/last.pt")
    assert last["step"] == 20
    assert all(weights.isfinite().all() for weights in last["network"].values())
    assert all(weights.isfinite().all() for weights in last["ema"].values())


@pytest.mark.parametrize("rate", [50.0, 5000.0])
def test_a_loss_beyond_all_bounds_stops_the_run(
    recipe: Recipe, tmp_path: Path, rate: float
) -> None:
    """A finite loss of 1e9 would else end as a finished run."""
    recipe = replace(recipe, optimizer=OptimizerConfig(rate=rate))
    with pytest.raises(ScalewiseError) as caught:
        prepare(recipe, tmp_path / "run").train()
    assert re.match(r"the loss (rose to .*e\+\d+|stopped being finite) by step ", str(caught.value))
    assert "lower optimizer.rate" in str(caught.value)


def test_weights_that_are_not_finite_are_not_saved(recipe: Recipe, tmp_path: Path) -> None:
    trainer = prepare(replace(recipe, checkpoint_every=1e-9), tmp_path / "run")
    step = trainer.training_step

    def step_and_break() -> torch.Tensor:
        loss = step()
        if trainer.step == 20:
            next(trainer.network.parameters()).data[0] = math.nan
        return loss

    trainer.training_step = step_and_break
    with pytest.raises(ScalewiseError, match="no checkpoint was written"):
        trainer.train()
    assert not (tmp_path / "run/last.pt").exists()


def test_intervals_in_steps_are_exact(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(recipe, validate_every="25 steps", checkpoint_every="7 steps")
    trainer = prepare(recipe, tmp_path / "run")
    saved: list[int] = []
    save = trainer._save

    def save_and_tell(improved: bool = False, must: bool = False) -> None:
        saved.append(trainer.step)
        save(improved, must)

    trainer._save = save_and_tell
    trainer.validation = Scripted([30.0, 29.0, 28.0])
    trainer.train()
    rows = read_log(tmp_path / "run")
    assert [row["step"] for row in rows] == ["20", "25", "45", "50", "60"]
    assert [row["step"] for row in rows if row["psnr_y"]] == ["25", "50", "60"]
    assert saved == [7, 14, 21, 25, 28, 35, 42, 49, 56, 60]


def test_a_deterministic_run_is_the_same_file_by_file(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(
        recipe, deterministic=True, validate_every="1 epoch", checkpoint_every="20 steps"
    )
    logs: list[bytes] = []
    for name in ("one", "other"):
        prepare(recipe, tmp_path / name).train()
        logs.append((tmp_path / name / "log.csv").read_bytes())
    assert logs[0] == logs[1]
    assert {row["seconds"] for row in read_log(tmp_path / "one")} == {""}
    for key, clocked in (
        ("budget", replace(recipe, budget=BudgetConfig(time="5s"))),
        ("validate_every", replace(recipe, validate_every="5s")),
        ("checkpoint_every", replace(recipe, checkpoint_every=5)),
    ):
        with pytest.raises(ScalewiseError, match=f"^{key}: .*cannot depend on the clock"):
            prepare(clocked, tmp_path / "third")


@pytest.mark.parametrize(
    "backend",
    [
        "aot_eager",  # traces forward and backward passes as the next one does, without g++
        pytest.param(
            "inductor",
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(shutil.which("g++") is None, reason="no compiler"),
            ],
        ),
    ],
)
def test_a_compiled_network_learns_the_same(
    recipe: Recipe, tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))
    recipe = replace(recipe, budget=BudgetConfig(steps=3))
    prepare(recipe, tmp_path / "plain").train()
    prepare(replace(recipe, compile=True), tmp_path / "compiled").train()
    plain = read_checkpoint(tmp_path / "plain/best.pt")
    compiled = read_checkpoint(tmp_path / "compiled/best.pt")
    assert plain["network"].keys() == compiled["network"].keys()
    for name, weights in plain["network"].items():
        torch.testing.assert_close(compiled["network"][name], weights, rtol=1e-3, atol=1e-4)


def test_resuming_from_what_is_no_checkpoint_of_this_run(recipe: Recipe, tmp_path: Path) -> None:
    def resume(recipe: Recipe) -> Trainer:
        return resumed_trainer(recipe, tmp_path / "run")

    with pytest.raises(ScalewiseError, match=r"last.pt: no checkpoint there"):
        resume(recipe)
    trainer = prepare(replace(recipe, budget=BudgetConfig(steps=1)), tmp_path / "run")
    trainer.train()
    wider = ModelConfig(name="scn_exact", settings={"width": 6})
    with pytest.raises(ScalewiseError, match=r"last.pt: is a checkpoint of another model"):
        resume(replace(recipe, model=wider))
    path = tmp_path / "run/last.pt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ScalewiseError, match=r"last.pt: not a readable checkpoint"):
        resume(recipe)
    torch.save({"weights": torch.zeros(1)}, path)
    with pytest.raises(ScalewiseError, match=r"last.pt: not a checkpoint of a scalewise"):
        resume(recipe)
