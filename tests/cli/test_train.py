"""``scalewise train`` as a user runs it; the tiny recipe from end to end."""

from __future__ import annotations

import csv
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from scalewise.__main__ import main
from scalewise.cli.app import app
from scalewise.data.reading import read_rgb
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, write
from scalewise.imaging.protocols import FIELD, squashing
from scalewise.imaging.resize import imresize
from scalewise.models import create_model
from scalewise.training.log import read_log
from scalewise.training.recipe import load_recipe
from scalewise.training.session import locked
from scalewise.weights.release import load_network
from tests import forked

PROJECT = Path(__file__).parents[2]
TINY = "recipes/tiny.yaml"
PREPARING = f"preparing {TINY}\n"
TINY_SETTINGS = {"width": 4, "expansion": 2, "blocks": 1, "levels": 3}
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
    steps = "budget.steps=150"  # so that a busy machine does not matter
    done = train(TINY, steps, "--run", run)
    assert done.exit_code == 0, done.output

    hr = read_rgb(PROJECT / "examples/pictures/valid/astronaut.png")
    lr, hr = FIELD.prepare(hr, None, 2)
    bicubic = FIELD.score(imresize(lr, 2), hr, 2).psnr_y
    with (run / "log.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["step"] == "150"
    best = max(float(row["psnr_y"]) for row in rows if row["psnr_y"])
    assert bicubic == pytest.approx(31.71, abs=0.01)
    assert best > bicubic + 0.8

    first, *protocol, weights, following = done.stdout.splitlines()
    assert first == f"best PSNR-Y {best:.2f} dB, mean over examples/pictures/valid (images: 1)"
    assert " ".join(line.strip() for line in protocol) == FIELD.description
    assert max(map(len, protocol)) <= 80
    assert weights == f"weights: {run / 'best.pt'}; curves: {run / 'log.csv'}"
    assert following == f"next: scalewise evaluate {run} DIR..."
    assert (run / "best.pt").is_file()
    lines = done.stderr.splitlines()
    assert lines[0] == f"preparing {TINY}"  # no terminal: plain lines, the first at once
    assert lines[1].startswith("training ")
    assert lines[1].endswith("images, 8 patches a step, 150 steps in all; from step 0")
    assert "step 20  loss 0.0" in lines[2]
    assert lines[-1].startswith("100.0%  step 150")


def test_images_smaller_than_a_patch_are_counted(tmp_path: Path) -> None:
    photo = read_rgb(PROJECT / "examples/pictures/valid/astronaut.png")
    (tmp_path / "images").mkdir()
    for name, side in (("large", 64), ("small", 20), ("tiny", 16)):
        write(tmp_path / "images" / f"{name}.png", Picture(photo[:side, :side]))
    data = [f"data.train=[{tmp_path / 'images'}]", "data.valid=null", "data.patch=16"]
    done = train(TINY, "--run", tmp_path / "run", *data, *SMALL[:3], "steps=1")
    assert done.exit_code == 0, done.output
    assert (
        ": 1 image (without 2 others, smaller than a patch), 2 patches a step, 1 step in"
        in done.stderr
    )


def test_the_same_command_goes_on_and_another_recipe_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train(TINY, *SMALL, "steps=2", "--run", run).exit_code == 0
    log = (run / "log.csv").read_text()
    again = train(TINY, *SMALL, "steps=2", "--run", run)
    assert again.exit_code == 0
    assert "this run is finished; to continue it, give a larger budget" in again.stderr
    assert train(TINY, *SMALL, "steps=1", "--run", run).exit_code == 0
    assert load_recipe(run / "recipe.yaml").budget.steps == 2  # what it was trained for
    other = [TINY, *SMALL, "steps=4", "batch=4", "--run", run]
    for command in (other, [*other, "--resume"]):
        assert message(train(*command)) == (
            f"{run} holds a run with other settings (data.batch: 2, now 4); choose another --run, "
            "or add --accept-changes to resume it with the new ones"
        )
    assert (run / "log.csv").read_text() == log

    # What the run's folder says is the recipe too; a longer budget is no other recipe.
    resumed = train(run / "recipe.yaml", "steps=3", "--run", run, "--resume")
    assert resumed.exit_code == 0
    preparing = f"preparing {run / 'recipe.yaml'}\n"
    assert resumed.stderr.startswith(f"{preparing}resuming at step 2, 66.7% done\n")
    accepted = train(*other, "--accept-changes")
    assert accepted.exit_code == 0
    assert accepted.stderr.startswith(
        f"{PREPARING}changed: data.batch: 2, now 4\nresuming at step 3, 75.0%"
    )
    assert (run / "log.csv").read_text().startswith(log)
    assert [line.step for line in read_log(run)] == [2, 3, 4]


def test_training_on_whole_squashed_pictures(tmp_path: Path) -> None:
    run = tmp_path / "run"
    data = "data={train: [examples/pictures/train], valid: examples/pictures/valid, squash: 32}"
    settings = [data, "batch=2", "width=4", "blocks=1", "ema=0", "epochs=3"]
    settings[2:4] = [f"model.settings.{setting}" for setting in settings[2:4]]
    dry = train(TINY, *settings, "--run", run, "--dry-run")
    assert "\ndata      2 images; 2 squashed to 64 px per step\n" in dry.stdout
    assert "\nsteps     3\n" in dry.stdout  # an epoch is every image once
    done = train(TINY, *settings, "--run", run)
    assert done.exit_code == 0, done.output
    protocol = squashing(32)
    assert protocol.description in " ".join(done.stdout.split())

    # What is logged is what the last weights score.
    hr = read_rgb(PROJECT / "examples/pictures/valid/astronaut.png")
    lr, hr = protocol.prepare(hr, None, 2)
    network = load_network(run)
    with torch.no_grad():
        restored = network(torch.tensor(lr).permute(2, 0, 1)[None] / 255)[0]
    score = protocol.score(restored.permute(1, 2, 0).numpy() * 255, hr, 2)
    (line,) = read_log(run)
    assert line.step == 3
    assert line.psnr_y == pytest.approx(score.psnr_y, abs=0.05)  # trained in bfloat16, perhaps
    # It goes on, and its own recipe is no other.
    settings[-1] = "epochs=4"
    for again in ([TINY, *settings], [run / "recipe.yaml", "epochs=5"]):
        assert train(*again, "--run", run, "--resume").exit_code == 0
    assert [line.step for line in read_log(run)] == [3, 4, 5]


def test_a_dry_run_says_what_would_be_trained(tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = train(TINY, *SMALL, "steps=1000000", "--run", run, "--dry-run")
    assert done.exit_code == 0
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    parameters = sum(p.numel() for p in create_model("scn_exact", **TINY_SETTINGS).parameters())
    assert lines["network"] == f"scn_exact, {parameters:,} parameters"
    assert lines["data"] == "2 images; 2 patches of 16 px per step"
    assert lines["steps"] == "1,000,000"
    milliseconds = int(lines["step"].split()[0])
    hours, minutes, seconds = map(int, lines["time"].partition(";")[0].split(":"))
    assert 3600 * hours + 60 * minutes + seconds == pytest.approx(milliseconds * 1000, abs=501)
    assert not run.exists()

    clocked = train(TINY, *SMALL, "time=50s", "--dry-run").stdout
    assert "\ntime      0:00:50; if started now it ends 20" in clocked
    assert "\nsteps     about " in clocked


def test_a_sweep_prints_its_table(tmp_path: Path) -> None:
    sweep = tmp_path / "two.yaml"
    sweep.write_text(
        f"recipe: {PROJECT / TINY}\nbudget: 1s\ngrid: {{data.patch: [8, 16]}}\n"
        "settings: {model.settings.width: 4, model.settings.blocks: 1, batch: 1}\n"
    )
    command = ["sweep", str(sweep), "--folder", str(tmp_path / "out")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0
    assert "round 1: patch=8" in done.stderr
    table = (tmp_path / "out/table.md").read_text()
    assert " ".join(table.split()) in " ".join(done.stdout.split())
    assert max(len(line) for line in done.stdout.splitlines() if str(tmp_path) not in line) <= 80
    assert f"table: {tmp_path / 'out/table.md'}" in done.stdout


def test_training_starts_from_a_released_model(tmp_path: Path) -> None:
    settings = ["settings={expansion: 2}", "init=scn_x2", "steps=1", "batch=1", "patch=16"]
    assert train(TINY, *settings, "--run", tmp_path / "run").exit_code == 0
    assert read_log(tmp_path / "run")[0].psnr_y > 33  # where the tiny recipe begins at 31.7


def test_two_commands_do_not_train_in_one_folder(tmp_path: Path) -> None:
    with locked(tmp_path / "run"):
        refused = train(TINY, *SMALL, "steps=2", "--run", tmp_path / "run")
    assert message(refused) == f"{tmp_path / 'run'}: another process is training there"
    assert train(TINY, *SMALL, "steps=2", "--run", tmp_path / "run").exit_code == 0


def test_there_is_nothing_to_resume(tmp_path: Path) -> None:
    assert message(train(TINY, "--run", tmp_path / "run", "--resume")) == (
        f"{tmp_path / 'run'} holds no run to resume; leave out --resume to start one"
    )


def test_a_mistake_leaves_no_run_behind(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert "did you mean 'batch'?" in message(train(TINY, "data.bacth=8", "--run", run))
    assert "data.train: there is no nope" in message(train(TINY, "data.train=[nope]", "--run", run))
    assert "give exactly one of" in message(train(TINY, "budget={}", "--run", run))
    assert not (run / "recipe.yaml").exists()
    assert train(TINY, *SMALL, "steps=2", "--run", run).exit_code == 0


def test_the_run_is_named_after_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = (PROJECT / TINY).read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(recipe.replace("examples", f"{PROJECT}/examples"))
    monkeypatch.chdir(tmp_path)
    steps = ["budget.steps=2"]
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
    endless = ["budget.steps=1000000", "--run", str(run)]
    errors, stderr = forked.pipe()
    child = forked.start(main, ["train", TINY, *SMALL, *endless], stderr=stderr)
    with errors:
        assert errors.readline() == PREPARING
        assert errors.readline().startswith("training scn_exact on cpu: ")
        assert "step 20 " in errors.readline()
        assert child.pid is not None
        os.kill(child.pid, sent)
        stopping, stopped = errors.read().splitlines()
    child.join()
    assert child.exitcode == 128 + sent
    assert stopping.startswith("stopping after this step, with a checkpoint")
    step = int(stopped.removeprefix("stopped at step ").partition(";")[0])
    assert step >= 20
    assert stopped.endswith(f"resume with: scalewise train {TINY} {' '.join([*SMALL, *endless])}")
    endless[0] = f"budget.steps={step + 1}"
    resumed = train(TINY, *SMALL, *endless)
    assert resumed.exit_code == 0
    assert resumed.stderr.startswith(f"{PREPARING}resuming at step {step}, ")
