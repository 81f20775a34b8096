"""A whole reproduction on a tiny scale: trained, measured, reported and continued."""

from __future__ import annotations

import json
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from typer.testing import CliRunner

from scalewise.cli.app import app
from scalewise.experiments import closing, comparisons, fitting, plan, runner, train_run
from scalewise.experiments.comparisons import Compared
from scalewise.experiments.complexity import multiply_adds
from scalewise.experiments.queries import FORMS
from scalewise.experiments.results import Complexity, Results, load_json, load_results, save_json
from scalewise.files import Picture, write
from scalewise.models import RestorationNetwork
from scalewise.training.log import LOG_FILE, RunLog, read_log
from scalewise.training.loop import Trainer
from scalewise.training.recipe import read_settings
from scalewise.training.session import locked
from scalewise.weights.release import load_network, to_bytes
from tests.experiments.made_up import make_reproduction

OF_TRAINING = {
    "recipe.yaml",
    "environment.json",
    "lock",
    "log.csv",
    "validation.csv",
    "gradients.csv",
    "pace.json",
    "last.pt",
    "previous.pt",
    "best.pt",
    "origin.json",
}
"""Files that a training writes into its folder."""

OF_FOLDER = {
    "plan.json",
    "lock",
    "terms.json",
    "speeds.json",
    "train.pack",
    "bicubic",
    "unrestored",
    "alternatives",
    "report",
    "report.html",
    "report.md",
}
"""Files and folders of a reproduction that depend on no single run."""

TINY = {"width": 4, "blocks": 1, "levels": 2}
FEW = {
    "ABLATION": ("sum", "attention_norm"),
    "LOSSES": ("loss_l1_fixed", "loss_mixed_cosine"),
    "CLEANING": ("noise_block", "jpeg_module", "photo_plain"),
}
"""Runs of each comparison that are trained here; tests of the plan build the networks of all."""


@pytest.fixture
def data(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    """A folder of data: two images to learn from, two to choose on, a set with lenna in it."""
    places = {
        "train/a": photo[50:130, 180:260],
        "train/b": photo[150:230, 400:480],
        "eval/some_valid/c": photo[300:340, 100:140],
        "eval/some_valid/d": photo[300:340, 200:240],
        "eval/Set14/HR/lenna": photo[60:120, 200:264],
        "eval/Set14/HR/other": photo[200:260, 100:140],
    }
    for name, pixels in places.items():
        path = tmp_path / "data" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, Picture(np.ascontiguousarray(pixels)))
    return tmp_path / "data"


@pytest.fixture
def tiny_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give all recipes and experiments networks of a few hundred weights."""
    for path in Path(str(plan.RECIPES)).glob("*/*.yaml"):
        settings: dict[str, Any] = read_settings(path)
        settings["model"]["settings"] |= TINY
        side = "squash" if "squash" in settings["data"] else "patch"
        settings["data"] |= {"batch": 2, side: 16}
        target = tmp_path / "recipes" / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(yaml.safe_dump(settings))
    small: dict[str, Any] = {
        "dbpn": {"features": 4, "width": 4},
        "dsrn": {"width": 4, "stages": 2},
        "scn": {"width": 4, "blocks": 1, "levels": 2},
    }
    monkeypatch.setattr(plan, "RECIPES", tmp_path / "recipes")
    monkeypatch.setattr(
        plan,
        "COMPARATORS",
        {name: Compared(name, name, settings) for name, settings in small.items()},
    )
    monkeypatch.setattr(plan, "WIDE_PATCH", 16)
    for group, names in FEW.items():
        runs: dict[str, Compared] = {}
        for name in names:
            each: Compared = getattr(comparisons, group)[name]
            seeds = each.seeds[:2] if name == names[0] else (0,)  # one network of two is enough
            runs[name] = replace(each, settings={**TINY, **each.settings}, seeds=seeds)
        monkeypatch.setattr(plan, group, runs)
    monkeypatch.setattr(fitting, "FLOORS", dict.fromkeys(fitting.FLOORS, 0.1))
    monkeypatch.setattr(fitting, "OVERHEAD", 0.0)
    monkeypatch.setattr(runner.Reproduction, "overhead", 0.0)
    monkeypatch.setattr(train_run, "FEWEST_STEPS", 1)
    monkeypatch.setattr(train_run, "PATIENCE", 1e3)
    monkeypatch.setattr(runner, "_require_enough", lambda planned, clock: 0.0)
    # Time stands still: starting and measuring takes longer than these trainings.
    monkeypatch.setattr(closing.Clock, "left", property(lambda _: 1e3))
    monkeypatch.setattr(runner.Reproduction, "left_for_training", property(just_enough))
    monkeypatch.chdir(tmp_path)


def just_enough(reproduction: runner.Reproduction) -> float:
    """A tenth of a second for each run that is left, the floor above, and a little to divide."""
    runs = [reproduction.folder / each.experiment.name for each in reproduction.planned]
    return 0.5 + 0.1 * sum(not train_run.is_trained(run) for run in runs)


def reproduce(data: Path, *options: str) -> tuple[int, str]:
    command = ["reproduce", "--data", str(data), "--budget", "4s", *options]
    result = CliRunner().invoke(app, command)
    return result.exit_code, f"{result.output}{result.exception or ''}"


@pytest.fixture(autouse=True)
def costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the timing of networks to its own tests: it takes seconds for each."""

    def measure(network: RestorationNetwork) -> Complexity:
        return Complexity(
            parameters=network.parameter_count,
            multiply_adds=multiply_adds(network),
            seconds=1.0,
            megabytes=100.0,
            step_seconds=0.5,
            runtime="none",
            precision="float32",
            threads=1,
        )

    monkeypatch.setattr(closing, "measure_complexity", measure)


def assert_complete(results: Results, names: list[str]) -> None:
    assert [each.name for each in results.trained] == names
    for each in results.trained:
        assert each.progress == 1
        assert (results.folder / each.name / "environment.json").is_file()
        assert each.measured.weights
        assert each.gradients[-1].step == each.steps
        seen = each.experiment.group in ("ablation", "loss")
        assert bool(each.artifacts) == bool(each.fidelity) == seen
    final = results.find("original_mixed")
    assert final is not None
    measured = {(score.dataset, score.protocol) for score in final.measured.scores}
    sets = ("Set14", "lenna", "some_valid")
    assert measured == {(name, protocol) for name in sets for protocol in ("field", "squash256")}
    assert len(results.samples) == 2
    assert results.attention is not None
    assert (results.folder / "samples" / "overshoot.npz").is_file()
    assert_each_file_is_known(results)


def assert_each_file_is_known(results: Results) -> None:
    """A new measurement of weights has to be named among those that go with them."""
    for each in results.trained:
        assert names_in(each.folder) <= {*OF_TRAINING, *closing.OF_WEIGHTS}
    runs = {each.name for each in results.trained}
    assert names_in(results.folder) <= {*OF_FOLDER, *runs, *closing.OF_FINAL_WEIGHTS}


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.usefixtures("tiny_recipes", "plain_plots")
@pytest.mark.parametrize("form", ["modern", "document"])
def test_all_of_it(
    tmp_path: Path,
    data: Path,
    form: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if form == "modern":  # speeds are measured in the other form
        speed = fitting.TrainingSpeed(step=0.02, validation=0.02, images=2)
        monkeypatch.setattr(train_run, "measure_speed", lambda _: speed)
        monkeypatch.setattr(runner, "measure_speed", lambda _: speed)
    sample = str(data / "eval" / "some_valid" / "c.png")
    other = "modern" if form == "document" else "document"
    also = str(make_reproduction(tmp_path / "other", other))
    options = ("--recipes", form, "--folder", "out", "--sample", sample, "--also", also)
    code, output = reproduce(data, *options)
    assert code == 0, output
    compared = [
        comparisons.seed_name(name, seed)
        for networks in (plan.ABLATION, plan.LOSSES, plan.CLEANING, plan.COMPARATORS)
        for seed in comparisons.SEEDS
        for name, each in networks.items()
        if seed in each.seeds
    ]
    names = [*plan.TRAININGS, *(plan.CODE if form == "document" else compared)]
    assert "denoising without a network is not measured: put Kodak24" in output
    results = load_results(tmp_path / "out")
    assert_complete(results, names)
    page = unescape((tmp_path / "out" / "report.html").read_text())
    for each in results.trained:
        assert each.title in page
    assert f"The same in {FORMS[other]}" in page

    if form == "modern":
        return
    # Once more, nothing is trained or measured again; the report comes out the same.
    monkeypatch.setattr(train_run, "open_run", None)
    monkeypatch.setattr(closing, "measure_run", None)
    for again in ((), ("--no-training", "--budget", "9s")):
        code, output = reproduce(data, *options, *again)
        assert code == 0, output
        assert unescape((tmp_path / "out" / "report.html").read_text()) == page

    # A machine that has the results of earlier runs, but not their weights, continues.
    copy = (tmp_path / "out").rename(tmp_path / "copy")
    for weights in copy.rglob("*.pt"):
        weights.unlink()
    untimed = copy / "original_code" / "complexity.json"
    save_json(replace(load_json(Complexity, untimed), seconds=None), untimed)
    stop_before_its_end(copy / "adaptive_l1")
    code, output = reproduce(data, *options, "--folder", "copy")
    assert code == 0, output
    assert "last.pt to continue from is missing" in output
    results = load_results(copy)
    assert [each.name for each in results.trained] == names
    assert [each.name for each in results.trained if not each.is_finished] == ["adaptive_l1"]
    assert [*results.plan.failed] == ["adaptive_l1"]


def stop_before_its_end(run: Path) -> None:
    """Change a run's log, which may have a single line, so that half of the budget is left."""
    log = RunLog(run / LOG_FILE)
    lines = read_log(run)
    log.path.unlink()
    for line in [*lines[:-1], replace(lines[-1], progress=0.5)]:
        log.append(line)


@pytest.mark.usefixtures("tiny_recipes")
def test_continues_where_it_was_stopped_though_the_folder_was_moved(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    begun: dict[str, bytes] = {}

    def train(trainer: Trainer) -> None:
        trained.append(trainer.run.name)
        begun.setdefault(trainer.run.name, to_bytes(trainer.network))
        if len(trained) == 3:
            trainer.stop()
        trainer.train()

    monkeypatch.setattr("scalewise.cli.reproduce.train_and_show", train)
    for group in ("ABLATION", "LOSSES", "COMPARATORS", "CLEANING"):
        monkeypatch.setattr(plan, group, {})
    # Images and the page take most of the time, and are made in the tests above.
    monkeypatch.setattr(closing, "_images", lambda *_: iter(()))
    monkeypatch.setattr(
        runner, "write_report", lambda results, also: (results.folder, results.folder)
    )
    code, output = reproduce(data, "--folder", "out")
    assert code != 0
    assert "stopped in adaptive_l1; the same command continues it" in output
    moved = (tmp_path / "out").rename(tmp_path / "moved")  # as if to another machine
    code, output = reproduce(data, "--folder", "moved")
    assert code == 0, output
    assert "changed: data.train: ['out/train.pack'], now ['moved/train.pack']" in output
    assert trained[:4] == ["original_l1", "original_mixed", "adaptive_l1", "adaptive_l1"]
    assert len(trained) == len(set(trained)) + 1
    for name, start in plan.STARTS.items():
        assert begun[name] == to_bytes(load_network(moved / start))
    scores = json.loads((moved / "bicubic" / "scores.json").read_text())
    assert {each["dataset"] for each in scores["scores"]} == {"Set14", "lenna", "some_valid"}


def test_the_form_beside_is_another(tmp_path: Path, data: Path) -> None:
    made_up = make_reproduction(tmp_path / "made_up")
    code, output = reproduce(data, "--folder", str(tmp_path / "out"), "--also", str(made_up))
    assert code != 0
    assert "made_up is in the modern form, too" in output
    assert not (tmp_path / "out").exists()


def test_two_commands_in_one_folder_are_refused(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_require_enough", lambda planned, clock: 0.0)
    with locked(tmp_path / "out"):
        code, output = reproduce(data, "--folder", str(tmp_path / "out"))
    assert code != 0
    assert "out: another process is training there" in output
    assert not (tmp_path / "out" / "train.pack").exists()


def test_what_is_wrong_is_said_in_a_line(data: Path, tmp_path: Path) -> None:
    for options, message in {
        ("--data", str(tmp_path / "nowhere")): "no such folder",
        ("--data", str(data), "--budget", "soon"): "budget: cannot read 'soon'",
        ("--data", str(data), "--image", "missing.png"): "no such image: missing.png",
        ("--data", str(data), "--also", "nowhere"): "plan.json: missing",
        ("--data", str(data), "--no-training", "--folder", "empty"): "empty: nothing was trained",
        ("--data", str(data), "--epoch-images", "9"): "--epoch-images is for --recipes document",
    }.items():
        result = CliRunner().invoke(app, ["reproduce", *options])
        assert result.exit_code != 0
        assert message in result.output.replace("\n", " ") + str(result.exception)


def test_a_budget_that_is_too_short_is_refused_at_once(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "probe_step", lambda recipe: 3.0)  # 50 of these are 176 s
    monkeypatch.chdir(tmp_path)
    code, output = reproduce(data, "--folder", "out")
    assert code != 0
    assert "budget: too short; on this machine the least is 4m, for 'Original, L1 at" in output
    assert not (tmp_path / "out").exists()
