"""``scalewise train`` as a user runs it; the tiny recipe from end to end."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from scalewise.cli.app import app
from scalewise.data.store import read_rgb
from scalewise.errors import ScalewiseError
from scalewise.imaging.protocols import FIELD
from scalewise.imaging.resize import imresize

PROJECT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from scalewise.cli.app import main; main()", "train"]
TINY = "recipes/tiny.yaml"
SMALL = ["model.settings.width=4", "model.settings.blocks=1", "data.batch=2", "data.patch=8"]


def train(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def message(result: Result) -> str:
    assert isinstance(result.exception, ScalewiseError)
    return str(result.exception)


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)


def test_the_tiny_recipe_beats_bicubic(tmp_path: Path) -> None:
    run = tmp_path / "run"
    steps = ["budget.time=null", "budget.steps=150"]  # so that a busy machine does not matter
    command = [*COMMAND, TINY, *steps, "--run", str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    hr = read_rgb(PROJECT / "examples/pictures/valid/astronaut.png")
    lr, hr = FIELD.prepare(hr, None, 2)
    bicubic = FIELD.score(imresize(lr, 2), hr, 2).psnr_y
    with (run / "log.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["step"] == "150"
    best = max(float(row["psnr_y"]) for row in rows if row["psnr_y"])
    assert bicubic == pytest.approx(31.71, abs=0.01)
    assert best > bicubic + 0.8

    first, protocol, weights, following = done.stdout.splitlines()
    assert first == f"best PSNR-Y {best:.2f} dB, mean over examples/pictures/valid (images: 1)"
    assert protocol.strip() == FIELD.description
    assert weights == f"weights: {run / 'best.pt'}; curves: {run / 'log.csv'}"
    assert following == f"next: scalewise evaluate {run} DIR..."
    assert (run / "best.pt").is_file()
    lines = done.stderr.splitlines()
    assert "step 20  loss 0.0" in lines[0]  # no terminal: plain lines, the first at once
    assert lines[-1].startswith("100.0%  step 150")


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path: Path) -> None:
    steps = ["budget.time=null", "budget.steps=2"]
    assert train(TINY, *SMALL, *steps, "--run", tmp_path / "run").exit_code == 0
    log = (tmp_path / "run/log.csv").read_text()
    again = train(TINY, *SMALL, *steps, "--run", tmp_path / "run")
    assert message(again) == (
        f"{tmp_path / 'run'} holds a run; go on with --resume, or choose another --run"
    )
    other = train(TINY, *SMALL, *steps, "data.batch=4", "--run", tmp_path / "run", "--resume")
    assert message(other).startswith(
        f"{tmp_path / 'run/recipe.yaml'}: the run has other settings (data.batch: 2, now 4); "
    )
    assert (tmp_path / "run/log.csv").read_text() == log

    # What the run's folder says is the recipe too; a longer budget is no other recipe.
    longer = ["budget.steps=3", "--run", tmp_path / "run", "--resume"]
    resumed = train(tmp_path / "run/recipe.yaml", *longer)
    assert resumed.exit_code == 0
    assert resumed.stderr.startswith("resuming at step 2, 66.7% done\n")
    assert (tmp_path / "run/log.csv").read_text().startswith(log)


def test_there_is_nothing_to_resume(tmp_path: Path) -> None:
    assert message(train(TINY, "--run", tmp_path / "run", "--resume")) == (
        f"{tmp_path / 'run'} holds no run to resume; leave out --resume to start one"
    )


def test_a_mistake_leaves_no_run_behind(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert "did you mean 'batch'?" in message(train(TINY, "data.bacth=8", "--run", run))
    assert "data.train: there is no nope" in message(train(TINY, "data.train=[nope]", "--run", run))
    assert "give exactly one of" in message(train(TINY, "budget.steps=2", "--run", run))
    assert not (run / "recipe.yaml").exists()
    steps = ["budget.time=null", "budget.steps=2"]
    assert train(TINY, *SMALL, *steps, "--run", run).exit_code == 0


def test_the_run_is_named_after_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = (PROJECT / TINY).read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(recipe.replace("examples", f"{PROJECT}/examples"))
    monkeypatch.chdir(tmp_path)
    steps = ["budget.time=null", "budget.steps=2"]
    assert train("mine.yaml", *SMALL, *steps, "tensorboard=true").exit_code == 0
    run = tmp_path / "runs/mine"
    assert {"best.pt", "last.pt", "log.csv", "recipe.yaml"} <= {path.name for path in run.iterdir()}

    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "rate", "psnr_y"}
    with (run / "log.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    (loss,) = events.Scalars("loss")
    assert (loss.step, loss.value) == (2, np.float32(row["loss"]))


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_so_that_it_can_go_on(tmp_path: Path, sent: signal.Signals) -> None:
    run = tmp_path / "run"
    endless = ["budget.time=null", "budget.steps=1000000", "--run", str(run)]
    command = [*COMMAND, TINY, *SMALL, *endless]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert "step 20 " in child.stderr.readline()
        child.send_signal(sent)
        stopping, stopped = child.stderr.read().splitlines()
    assert child.returncode == 128 + sent
    assert stopping.startswith("stopping after this step, with a checkpoint")
    step = int(stopped.removeprefix("stopped at step ").partition(";")[0])
    assert step >= 20
    assert stopped.endswith(
        f"go on with: scalewise train {TINY} {' '.join([*SMALL, *endless])} --resume"
    )
    endless[1] = f"budget.steps={step + 1}"
    resumed = train(TINY, *SMALL, *endless, "--resume")
    assert resumed.exit_code == 0
    assert resumed.stderr.startswith(f"resuming at step {step}, ")
