"""Run folders are found, and tell how far they are; the lock tells who is at work."""

from __future__ import annotations

import dataclasses
import math
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scalewise.errors import ScalewiseError
from scalewise.training.checkpoint import read_checkpoint, save_checkpoint
from scalewise.training.config import LossConfig, Recipe
from scalewise.training.log import LogLine, RunLog
from scalewise.training.recipe import load_recipe, save_recipe
from scalewise.training.runs import find_runs, is_training, read_run
from scalewise.training.session import locked, open_run


def write_run(folder: Path, recipe: Recipe, *lines: tuple[int, float | None, float]) -> Path:
    """A run's folder; lines are step, seconds and progress."""
    folder.mkdir(parents=True, exist_ok=True)
    save_recipe(recipe, folder / "recipe.yaml")
    log = RunLog(folder / "log.csv")
    for step, seconds, progress in lines:
        psnr_y = 30.0 - abs(step - 40) if step % 40 == 0 else None
        log.append(LogLine(step, seconds, progress, 1e-3, 0.5, psnr_y))
    return folder


def test_runs_are_found_where_they_are(tmp_path: Path, recipe: Recipe) -> None:
    shallow = write_run(tmp_path / "b", recipe)
    deep = write_run(tmp_path / "a/x/run", recipe)
    write_run(deep / "inner", recipe)
    write_run(tmp_path / ".trash/run", recipe)
    write_run(tmp_path / "1/2/3/too_deep", recipe)
    half = tmp_path / "c"
    half.mkdir()
    (half / "log.csv").touch()
    assert find_runs(tmp_path) == [deep, shallow, half]
    assert find_runs(shallow) == [shallow]
    assert find_runs(tmp_path / "nothing") == []


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([], None),
        ([(20, 10.0, 0.25)], 30.0),
        ([(20, None, 0.25)], None),
        ([(20, 10.0, 1.0)], None),
        # From step 40 on, where the budget was doubled, a tenth takes 6 seconds.
        ([(20, 10.0, 0.5), (40, 20.0, 1.0), (60, 30.0, 0.6), (80, 36.0, 0.7)], 18.0),
        # Only the last lines count: a quarter's time for the first line is long ago.
        ([(1, 900.0, 0.1), *((i, 900.0 + i, 0.1 + i / 1000) for i in range(2, 102))], 799.0),
    ],
)
def test_the_time_left(
    tmp_path: Path, recipe: Recipe, lines: list[tuple[int, float | None, float]], left: float | None
) -> None:
    run = read_run(write_run(tmp_path, recipe, *lines))
    assert run.left == (None if left is None else pytest.approx(left))


@pytest.mark.parametrize(
    ("lines", "state", "best"),
    [
        ([], "stopped", None),
        ([(20, 1.0, 0.3), (40, 2.0, 0.6), (80, 4.0, 0.9)], "stopped", 30.0),
        ([(20, 1.0, 1.0)], "finished", None),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="no locks")
def test_the_state_of_a_run_that_nobody_trains(
    tmp_path: Path,
    recipe: Recipe,
    lines: list[tuple[int, float | None, float]],
    state: str,
    best: float | None,
) -> None:
    run = read_run(write_run(tmp_path, recipe, *lines))
    assert (run.recipe, run.state, run.best) == (recipe, state, best)


@pytest.mark.skipif(os.name == "nt", reason="no locks")
def test_looking_does_not_disturb_the_lock(tmp_path: Path, recipe: Recipe) -> None:
    write_run(tmp_path, recipe, (20, 1.0, 1.0))
    for _ in range(2):
        with locked(tmp_path):
            assert read_run(tmp_path).state == "training"
            with pytest.raises(ScalewiseError, match="another process"), locked(tmp_path):
                pass
        assert is_training(tmp_path) is False


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("log.csv", b"step,loss\n20,nought\n", "not the log of a training run"),
        ("log.csv", b"step,loss\n\xff\n", "not the log of a training run"),
        ("log.csv", b"step,loss\n" + b"0" * 200_000 + b"\n", "not the log of a training run"),
        ("recipe.yaml", b"seed: 2024-13-13", "not YAML: month must be"),
        ("recipe.yaml", b"seed: 1", "is missing"),
        ("recipe.yaml", None, "cannot read the recipe"),
    ],
)
def test_a_damaged_run_says_so(
    tmp_path: Path, recipe: Recipe, file: str, content: bytes | None, reason: str
) -> None:
    write_run(tmp_path, recipe, (20, 1.0, 1.0))
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(ScalewiseError, match=reason):
        read_run(tmp_path)


RECIPE_OF_0_1 = """\
model:
  name: scn_exact
  settings: {{scale: 1, channels: 3, width: 4, expansion: 2, blocks: 1, levels: 2, shrink: 1,
             denoise: 2, artifacts: 0}}
  init: null
  init_partial: false
data:
  train: [{pictures}]
  valid: null
  valid_images: null
  patch: 8
  batch: 2
  candidates: 1
  epoch: null
  augment: true
  squash: null
  task: denoise
  sigma: [0, 50]
  quality: null
  clean: 0.0
  grey: 0.15
budget: {{steps: 6, epochs: null, time: null}}
optimizer: {{kind: muon, rate: 0.001, betas: [0.9, 0.999], clip: null, ema: 0.999}}
device: cpu
precision: f32
"""

WEIGHTS_OF_0_1 = [
    *("cleaning.denoise.features.0", "cleaning.denoise.noise", "head"),
    *("blocks.0.body.0", "blocks.0.body.2", "blocks.0.up", "tail", "skip"),
]
"""Convolutions of that recipe's network, in the order of the optimizer's state."""


def test_a_run_of_version_0_1_goes_on(tmp_path: Path, pictures: Path) -> None:
    """Its recipe and checkpoint, written here as that version wrote them."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.yaml").write_text(RECIPE_OF_0_1.format(pictures=pictures), encoding="utf-8")
    (run / "log.csv").write_text(
        "step,seconds,progress,rate,loss,psnr_y\n4,1.5,0.6666666666666666,0.0005,0.1,\n"
    )
    recipe = load_recipe(run / "recipe.yaml")
    shapes = {
        f"{layer}.{kind}": shape
        for layer, wide, thin, side in zip(
            WEIGHTS_OF_0_1,
            (4, 3, 4, 8, 4, 4, 3, 3),
            (3, 4, 3, 4, 8, 4, 4, 3),
            "33333135",
            strict=True,
        )
        for kind, shape in (("weight", (wide, thin, int(side), int(side))), ("bias", (wide,)))
    }
    weights = {name: torch.full(shape, 0.01) for name, shape in shapes.items()}
    hidden = [name for name, shape in shapes.items() if len(shape) == 4 and shape[1] > 4]
    states: dict[int, dict[str, torch.Tensor]] = {}
    for index, (name, weight) in enumerate(weights.items()):
        adam = {"mean": weight * 0, "square": weight * 0, "step": torch.tensor(4.0)}
        states[index] = {"momentum": weight * 0} if name in hidden else adam
    group = {"lr": 0.0005, "betas": (0.9, 0.999), "params": list(states)}
    checkpoint = {
        "recipe": dataclasses.asdict(recipe),
        **{"step": 4, "seconds": 1.5, "progress": 4 / 6, "best": -math.inf},
        **{"start": None, "branch": None, "losses": []},
        **{"network": weights, "ema": {name: value + 0.01 for name, value in weights.items()}},
        "optimizer": {"state": states, "param_groups": [group]},
    }
    torch.save(checkpoint, run / "last.pt")
    said: list[str] = []
    trainer = open_run(recipe, run, resume=True, notify=said.append)
    assert said == ["resuming at step 4, 66.7% done"]
    for name, value in trainer.network.state_dict().items():
        assert (value == 0.01).all(), name
    trainer.train()
    assert trainer.step == 6
    written = read_checkpoint(run / "last.pt")
    assert written.keys() == checkpoint.keys()
    assert list(written["network"]) == list(weights)
    assert repr(trainer) == f"Trainer(scn_exact in {run}: step 6, 100.0% done, on cpu)"


def test_a_recipe_prints_what_is_not_as_by_default(recipe: Recipe) -> None:
    shown = repr(replace(recipe, loss=LossConfig(l1=0.5)))
    assert "budget=BudgetConfig(steps=60)" in shown
    assert "loss=LossConfig(l1=0.5)" in shown
    assert "optimizer" not in shown


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(
        ScalewiseError, match=r"a folder; name a checkpoint in it, such as .*best\.pt"
    ):
        read_checkpoint(tmp_path)


def test_a_new_run_replaces_nothing(tmp_path: Path, recipe: Recipe) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "log.csv").write_text("mine")
    with pytest.raises(ScalewiseError, match=r"notes has log\.csv, but no checkpoint to resume"):
        open_run(recipe, notes)
    assert (notes / "log.csv").read_text() == "mine"


def test_best_weights_whose_checkpoints_are_lost_are_kept(tmp_path: Path, recipe: Recipe) -> None:
    run = tmp_path / "run"
    open_run(recipe, run).train()
    for name in ("last.pt", "previous.pt"):
        (run / name).unlink(missing_ok=True)
    before, log = (run / "best.pt").read_bytes(), (run / "log.csv").read_bytes()
    with pytest.raises(ScalewiseError, match=r"log\.csv and best\.pt, but no checkpoint"):
        open_run(recipe, run)
    assert ((run / "best.pt").read_bytes(), (run / "log.csv").read_bytes()) == (before, log)
    best = read_checkpoint(run / "best.pt")  # as of a run that was stopped at once
    save_checkpoint(run / "best.pt", {**best, "step": 0})
    assert open_run(recipe, run).step == 0
