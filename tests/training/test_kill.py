"""Runs killed with SIGKILL, at any moment, end as if they had not been."""

from __future__ import annotations

import os
import random
import time
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import torch

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.data.store import TeacherInfo
from scalewise.data.teacher import TeacherModel
from scalewise.imaging.resize import imresize
from scalewise.training.__main__ import main
from scalewise.training.checkpoint import read_checkpoint
from scalewise.training.config import BudgetConfig, LossConfig, OptimizerConfig, Recipe
from scalewise.training.recipe import save_recipe
from tests import forked

KILLS = 20


@pytest.fixture
def recipe_file(recipe: Recipe, pictures: Path, tmp_path: Path) -> Path:
    """300 steps with something at almost every one: epochs end, scores and checkpoints.

    It learns from a teacher, too, until step 240.
    """
    store = tmp_path / "taught.pack"
    teacher = TeacherModel(lambda lr: imresize(lr, 2), TeacherInfo("bicubic", "CC0-1.0", 2))
    pack([find_dataset(pictures)], store, [2], teacher=teacher)
    data = replace(recipe.data, train=[str(store)], valid=str(store), valid_images=1, epoch=9)
    recipe = replace(
        recipe,
        data=data,
        loss=LossConfig(teacher=0.5, teacher_until=0.8),
        budget=BudgetConfig(steps=300),
        optimizer=OptimizerConfig(kind="muon", clip=0.5),
        deterministic=True,
        validate_every="1 epoch",
        checkpoint_every="4 steps",
    )
    path = tmp_path / "killed.yaml"
    save_recipe(recipe, path)
    return path


def wait_for_a_sign_of_life(process: BaseProcess, log: Path) -> None:
    """Until a run that was just started writes to its log, or has ended."""
    before = log.stat().st_mtime_ns if log.exists() else 0
    while process.is_alive() and (not log.exists() or log.stat().st_mtime_ns == before):
        time.sleep(0.002)


def contents(run: Path) -> dict[str, Any]:
    """All of a run that does not depend on when it was interrupted."""
    last, best = read_checkpoint(run / "last.pt"), read_checkpoint(run / "best.pt")
    parts = {key: last[key] for key in ("step", "best", "network", "ema", "optimizer")}
    return {**parts, "best_weights": best["ema"], "best_step": best["step"]}


def assert_identical(one: Any, other: Any) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_identical(one[key], other[key])
    else:
        assert one == other


@pytest.mark.skipif(os.name == "nt", reason="fork")
def test_a_run_killed_at_twenty_moments_ends_as_if_it_had_not_been(
    recipe_file: Path, tmp_path: Path
) -> None:
    def start(run: Path) -> BaseProcess:
        errors = tmp_path / "errors"
        return forked.start(main, [str(recipe_file), "--folder", str(run)], stderr=errors)

    straight = tmp_path / "straight"
    process = start(straight)
    process.join()
    assert process.exitcode == 0
    expected = contents(straight)
    assert expected["step"] == 300
    log = (straight / "log.csv").read_bytes()

    moments = random.Random(0)
    kills, finished = 0, 0
    steps: set[int] = set()
    while kills < KILLS or finished == 0:
        run = tmp_path / f"killed-{finished}"
        process = start(run)
        if kills < KILLS:
            if moments.random() < 0.8:  # else perhaps while it starts
                wait_for_a_sign_of_life(process, run / "log.csv")
            process.join(timeout=moments.uniform(0.0, 0.6))
        else:
            process.join()
        if process.is_alive():
            process.kill()
            process.join()
        if process.exitcode == -9:  # and did not end by itself just before
            kills += 1
            if (run / "last.pt").exists():
                steps.add(read_checkpoint(run / "last.pt")["step"])
            continue
        assert process.exitcode == 0
        finished += 1
        assert_identical(contents(run), expected)
        assert (run / "log.csv").read_bytes() == log
        assert not list(run.glob("*.damaged"))
    assert len(steps) >= 5  # it was killed along the way, not only before it began
