"""The loop where the disk is full, or a checkpoint cannot be read."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, write
from scalewise.training.build import prepare
from scalewise.training.checkpoint import read_checkpoint
from scalewise.training.config import (
    BudgetConfig,
    Recipe,
)
from scalewise.training.session import open_run
from tests.training.conftest import TRAINED_ON
from tests.training.trainers import (
    At,
    Scripted,
    assert_same_state,
    kill,
    read_log,
    resumed_trainer,
    without_seconds,
)


def test_a_full_disk_keeps_the_checkpoint_before_and_the_run_going(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    recipe = replace(recipe, validate_every=1e-9, checkpoint_every=1e-9)
    said: list[str] = []
    trainer = prepare(recipe, run, notify=said.append)
    trainer.validation = Scripted([30.0, 31.0, 30.5])
    full = False

    def fsync(_: int) -> None:
        if full:
            raise OSError(28, "No space left on device")

    def fill() -> None:
        nonlocal full
        full = True

    def empty() -> None:
        nonlocal full
        full = False
        assert read_checkpoint(run / "last.pt")["step"] == 20
        assert read_checkpoint(run / "best.pt")["step"] == 20

    monkeypatch.setattr("scalewise.atomic.os.fsync", fsync)
    trainer.listeners += [At(40, fill), At(60, empty)]
    trainer.train()
    assert said == [
        TRAINED_ON,
        f"{run}: the checkpoint cannot be written (No space left on device); "
        "the one before is kept, and training goes on",
    ]
    assert read_checkpoint(run / "last.pt")["step"] == 60
    # The best that was never on disk does not stand in the way of a lesser one that is.
    assert (read_checkpoint(run / "best.pt")["step"], trainer.best) == (60, 30.5)
    assert not list(run.glob(".scalewise-*"))


def test_a_result_that_cannot_be_written_is_an_error(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    prepare(recipe, run).train()
    before = (run / "last.pt").read_bytes()

    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scalewise.atomic.os.fsync", fsync)
    longer = replace(recipe, budget=BudgetConfig(steps=61))
    trainer = prepare(longer, run, initialise=False, reuse_packed=True)
    trainer._log.forget_after = lambda _: None
    trainer.resume()
    with pytest.raises(
        ScalewiseError, match=r"cannot be written .*; the one before is still there"
    ):
        trainer.train()
    assert (run / "last.pt").read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="limits of a process")
def test_a_disk_that_is_really_full(recipe: Recipe, tmp_path: Path) -> None:
    import resource

    run = tmp_path / "run"
    said: list[str] = []
    trainer = prepare(replace(recipe, checkpoint_every=1e-9), run, notify=said.append)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    trainer.listeners += [
        At(20, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))),
        At(60, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits)),
    ]
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error, as with a full disk
    try:
        trainer.train()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert len(said) == 3  # at the start, and at steps 20 and 40
    assert all("the checkpoint cannot be written (File too large)" in line for line in said[1:])
    assert read_checkpoint(run / "last.pt")["step"] == 60
    assert [row["step"] for row in read_log(run)] == ["20", "40", "60"]


def test_an_unreadable_checkpoint_falls_back_to_the_one_before(
    recipe: Recipe, tmp_path: Path
) -> None:
    recipe = replace(recipe, checkpoint_every="20 steps")
    straight, run = tmp_path / "straight", tmp_path / "run"
    prepare(recipe, straight).train()
    trainer = prepare(recipe, run)
    trainer.listeners.append(At(60, kill))
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    content = bytearray((run / "last.pt").read_bytes())
    content[len(content) // 2] ^= 1  # torch would read it without a word
    (run / "last.pt").write_bytes(content)
    said: list[str] = []
    resumed = resumed_trainer(recipe, run, said.append)
    assert resumed.step == 20
    assert said == [
        TRAINED_ON,
        f"{run / 'last.pt'}: not a readable checkpoint; "
        f"going back to the one before, {run / 'previous.pt'}, of step 20",
    ]
    resumed.train()
    assert_same_state(read_checkpoint(straight / "last.pt"), read_checkpoint(run / "last.pt"))
    assert without_seconds(run) == without_seconds(straight)


def test_a_disk_that_is_full_at_the_start_is_named(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")  # without a name, as the system's own

    monkeypatch.setattr("scalewise.atomic.os.fsync", fsync)
    with pytest.raises(OSError, match="No space left on device") as refusal:
        open_run(recipe, tmp_path / "run")
    assert refusal.value.filename == str(tmp_path / "run" / "train-0.pack")


@pytest.mark.skipif(os.name == "nt", reason="limits of a process")
def test_a_disk_that_is_full_while_packing_is_named(tmp_path: Path) -> None:
    import resource

    (tmp_path / "set").mkdir()
    write(tmp_path / "set/a.png", Picture(np.zeros((96, 96, 3), np.uint8)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as refusal:
            pack([find_dataset(tmp_path / "set")], tmp_path / "out.pack", [2])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert refusal.value.filename == str(tmp_path / "out.pack")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("previous", [b"", None])
def test_two_unreadable_checkpoints_point_to_the_best(
    recipe: Recipe, tmp_path: Path, previous: bytes | None
) -> None:
    run = tmp_path / "run"
    prepare(recipe, run).train()
    (run / "last.pt").write_bytes(b"torn")
    (run / "previous.pt").unlink(missing_ok=True)
    if previous is not None:
        (run / "previous.pt").write_bytes(previous)
    with pytest.raises(ScalewiseError) as refusal:
        resumed_trainer(recipe, run)
    assert str(refusal.value).startswith(f"{run / 'last.pt'}: not a readable checkpoint")
    assert f"{run / 'best.pt'} of step 60 can be read" in str(refusal.value)
    assert f"init={run / 'best.pt'}" in str(refusal.value)
    assert ("neither is the one before" in str(refusal.value)) == (previous is not None)
    (run / "best.pt").write_bytes(b"torn, too")
    with pytest.raises(ScalewiseError) as refusal:
        resumed_trainer(recipe, run)
    assert "best.pt" not in str(refusal.value)
