"""Several processes under torchrun learn what one does; one may be lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from scalewise.training.checkpoint import load_checkpoint
from scalewise.training.config import BudgetConfig, Recipe
from scalewise.training.log import read_log
from scalewise.training.recipe import save_recipe
from scalewise.training.run import open_run

TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
ALONE = ["--standalone", "--nproc-per-node", "2", "-m", "scalewise.training"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="gloo under torchrun")


@pytest.fixture(autouse=True)
def one_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_two_processes_learn_what_one_does(recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(
        recipe,
        data=replace(recipe.data, batch=4),
        budget=BudgetConfig(steps=50),
        validate_every="1 step",  # so that every step's loss is logged
    )
    path = tmp_path / "both.yaml"
    save_recipe(recipe, path)
    open_run(recipe, tmp_path / "alone").train()
    command = [*TORCHRUN, *ALONE, str(path), "--folder", str(tmp_path / "both")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "processes: 2" in done.stderr

    alone, both = read_log(tmp_path / "alone"), read_log(tmp_path / "both")
    assert [line.step for line in both] == list(range(1, 51))
    for ours, theirs in zip(both, alone, strict=True):
        assert ours.loss == pytest.approx(theirs.loss, abs=1e-5)
        assert ours.psnr_y == pytest.approx(theirs.psnr_y, abs=1e-2)
    assert alone[-1].loss != alone[0].loss
    assert load_checkpoint(tmp_path / "both/best.pt")["step"] > 0


def test_a_lost_worker_ends_the_run_and_one_process_goes_on(recipe: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    endless = replace(recipe, budget=BudgetConfig(steps=10**6), checkpoint_every="50 steps")
    path = tmp_path / "lost.yaml"
    save_recipe(endless, path)
    command = [*TORCHRUN, *ALONE, str(path), "--folder", str(run)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as group:
        assert group.stderr is not None
        deadline = time.monotonic() + 120
        while not (run / "previous.pt").exists():  # two checkpoints
            assert time.monotonic() < deadline
            assert group.poll() is None
            time.sleep(0.1)
        os.kill(worker(group.pid, rank=1), 9)
        said = group.stderr.read()
    assert group.returncode != 0
    assert "another process of the run is gone" in said
    assert "Traceback" not in said.split("another process")[0]

    step = load_checkpoint(run / "last.pt")["step"]
    assert step >= 100
    alone = open_run(replace(endless, budget=BudgetConfig(steps=step + 20)), run)
    assert alone.step == step
    alone.train()
    assert read_log(run)[-1].step == step + 20


def worker(parent: int, rank: int) -> int:
    """The process of a rank among the children of torchrun."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for child in children:
        environment = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        if f"RANK={rank}".encode() in environment:
            return int(child)
    raise AssertionError(f"no process of rank {rank} among {children}")
