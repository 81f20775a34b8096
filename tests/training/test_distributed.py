"""Several processes under torchrun learn what one does; one may be lost."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from scalewise.training.__main__ import main
from scalewise.training.checkpoint import read_checkpoint
from scalewise.training.config import BudgetConfig, LossConfig, Recipe
from scalewise.training.distributed import World
from scalewise.training.log import LogLine, read_log
from scalewise.training.loop import Trainer
from scalewise.training.recipe import save_recipe
from scalewise.training.session import open_run
from tests import forked

TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
ALONE = ["--standalone", "--nproc-per-node", "2", "-m", "scalewise.training"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="gloo under torchrun")


@pytest.fixture(autouse=True)
def one_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_two_processes_learn_what_one_does(recipe: Recipe, tmp_path: Path) -> None:
    """With all parts of the loss; the next test compares a network without parts ahead of it."""
    settings = {**recipe.model.settings, "denoise": 2, "artifacts": 2}
    noisy = {"task": "photo", "sigma": (20, 20), "quality": (60, 95), "clean": 0.0}
    recipe = replace(
        recipe,
        model=replace(recipe.model, settings=settings),
        data=replace(recipe.data, batch=4, **noisy),
        loss=LossConfig(l1=1.0, smooth_l1=0.5, denoised=2.0, artifact_map=0.1),
        budget=BudgetConfig(steps=20),
        validate_every="1 step",  # so that every step's loss is logged
    )
    path = tmp_path / "both.yaml"
    save_recipe(recipe, path)
    open_run(recipe, tmp_path / "alone").train()
    said = run_two([str(path), "--folder", str(tmp_path / "both")], tmp_path)
    assert "processes: 2" in said

    alone, both = read_log(tmp_path / "alone"), read_log(tmp_path / "both")
    assert [line.step for line in both] == list(range(1, 21))
    for ours, theirs in zip(both, alone, strict=True):
        assert ours.loss == pytest.approx(theirs.loss, abs=1e-5)
        assert ours.psnr_y == pytest.approx(theirs.psnr_y, abs=1e-2)
    assert alone[-1].loss != alone[0].loss
    assert read_checkpoint(tmp_path / "both/best.pt")["step"] > 0


def run_two(arguments: list[str], folder: Path) -> str:
    """Run the command in two processes as torchrun does, and return what they say.

    The next test runs it by torchrun, which loads PyTorch three times.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    together = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    said = [folder / f"{rank}.txt" for rank in range(2)]
    processes = [
        forked.start(
            main,
            arguments,
            stderr=file,
            environment={**together, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank, file in enumerate(said)
    ]
    for process, file in zip(processes, said, strict=True):
        process.join()
        assert process.exitcode == 0, file.read_text(encoding="utf-8")
    return "".join(file.read_text(encoding="utf-8") for file in said)


@dataclass(frozen=True)
class StopAt:
    """Stops a training after a step of its log."""

    trainer: Trainer
    step: int

    def on_line(self, line: LogLine) -> None:
        if line.step >= self.step:
            self.trainer.stop()


def test_a_lost_worker_ends_the_run_and_one_process_goes_on(recipe: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    endless = replace(
        recipe,
        budget=BudgetConfig(steps=10**6),
        validate_every="20 steps",
        checkpoint_every="50 steps",
    )
    path = tmp_path / "lost.yaml"
    save_recipe(endless, path)
    command = [*TORCHRUN, *ALONE, str(path), "--folder", str(run)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as group:
        assert group.stderr is not None
        deadline = time.monotonic() + 600  # on a busy machine
        while not (run / "previous.pt").exists():  # two checkpoints
            assert time.monotonic() < deadline
            assert group.poll() is None
            time.sleep(0.1)
        os.kill(worker(group.pid, rank=1), 9)
        said = group.stderr.read()
    assert group.returncode != 0
    assert "another process of the run is gone" in said
    assert "Traceback" not in said.split("another process")[0]

    short = open_run(endless, tmp_path / "alone")
    short.listeners.append(StopAt(short, 40))
    short.train()
    expected = read_log(short.run)
    assert [line.step for line in expected] == [20, 40]
    for ours, theirs in zip(read_log(run), expected, strict=False):
        assert ours.step == theirs.step
        # Sums in another order, which the steps amplify.
        assert ours.loss == pytest.approx(theirs.loss, abs=1e-4)
        assert ours.psnr_y == pytest.approx(theirs.psnr_y, abs=5e-2)

    step = read_checkpoint(run / "last.pt")["step"]
    assert step >= 40  # the second checkpoint, at the latest after two better scores
    alone = open_run(replace(endless, budget=BudgetConfig(steps=step + 20)), run)
    assert alone.step == step
    alone.train()
    assert read_log(run)[-1].step == step + 20


@dataclass(frozen=True)
class Pair(World):
    """Two processes, of which the other does nothing but agree."""

    size: int = 2
    exchanges: list[int] = field(default_factory=list[int])

    def sum(self, *numbers: float) -> list[float]:
        self.exchanges.append(len(numbers))
        return list(numbers)

    def mean(self, tensor: Tensor) -> Tensor:
        return tensor

    def wrap(self, network: nn.Module, device: torch.device) -> nn.Module:
        return network


def paired_trainer(recipe: Recipe, run: Path) -> tuple[Trainer, list[int]]:
    """A trainer in a world of two, and the steps at which they agreed."""
    recipe = replace(recipe, data=replace(recipe.data, valid=None))
    world = Pair()
    trainer = open_run(recipe, run, world=world)
    met: list[int] = []
    agree = trainer._agree

    def agree_and_tell(seconds: float) -> None:
        before = len(world.exchanges)
        agree(seconds)
        if len(world.exchanges) > before:
            met.append(trainer.step)

    trainer._agree = agree_and_tell
    return trainer, met


def test_processes_agree_where_lines_are_logged(recipe: Recipe, tmp_path: Path) -> None:
    trainer, met = paired_trainer(replace(recipe, budget=BudgetConfig(steps=50)), tmp_path / "one")
    trainer.train()
    assert (trainer.step, met) == (50, [20, 40, 50])
    timed = [line.seconds for line in read_log(tmp_path / "one")]
    assert len(set(timed)) == 3

    often = replace(recipe, budget=BudgetConfig(steps=50), checkpoint_every="15 steps")
    trainer, met = paired_trainer(often, tmp_path / "two")
    trainer.train()
    assert (trainer.step, met) == (50, [15, 20, 30, 40, 45, 50])

    trainer, met = paired_trainer(replace(recipe, budget=BudgetConfig(steps=99)), tmp_path / "3")
    step = trainer.training_step

    def step_and_stop() -> Tensor:
        if trainer.step == 22:
            trainer.stop()
        return step()

    trainer.training_step = step_and_stop
    trainer.train()
    assert (trainer.step, met) == (40, [20, 40])

    timed = replace(recipe, budget=BudgetConfig(time="1s"))
    trainer, met = paired_trainer(timed, tmp_path / "four")
    trainer.train()
    assert trainer.seconds >= 1
    assert trainer.step % 20 == 0


def worker(parent: int, rank: int) -> int:
    """The process of a rank among the children of torchrun."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for child in children:
        environment = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        if f"RANK={rank}".encode() in environment:
            return int(child)
    raise AssertionError(f"no process of rank {rank} among {children}")
