"""``scalewise runs``: one row for every run, whatever state it is in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scalewise.cli.app import app
from scalewise.evaluating.text_layout import wrapped
from scalewise.imaging.protocols import FIELD, SQUASH256

RECIPE = """
model: {name: scn_exact}
data: {train: [a.pack], patch: 32, batch: 8}
budget: {steps: 80}
"""
LOG = """step,seconds,progress,rate,loss,psnr_y
20,3600.0,0.25,0.001,0.0312,
40,7200.0,0.5,0.001,0.0298,37.512
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("good", "new", "torn"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.yaml").write_text(RECIPE)
    (tmp_path / "good/log.csv").write_text(LOG)
    (tmp_path / "torn/recipe.yaml").write_text("model: {nam: scn_exact}\n")
    return tmp_path


def say(*arguments: str | Path) -> list[str]:
    result = CliRunner().invoke(app, ["runs", *map(str, arguments)], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def notes(text: str) -> set[str]:
    """The lines that a note is broken into."""
    return set(wrapped(text).splitlines())


def test_a_row_for_every_run(folder: Path) -> None:
    lines = say(folder)
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    good = ["scn_exact", "32x8", "50.0%", "40", "37.51", "0.0298", "2:00:00", "2:00:00"]
    assert rows["good"][:-1] == good
    assert rows["new"][:-1] == ["scn_exact", "32x8", "0.0%", "0", *"----"]
    assert rows["torn"][-1] == "damaged"
    assert f"damaged: {folder / 'torn/recipe.yaml'}: " in " ".join(" ".join(lines).split())
    assert notes(f"  {FIELD.description}") <= set(lines)
    assert max(len(line) for line in lines if str(folder) not in line) <= 80


def test_scores_of_squashed_pictures_are_told_apart(folder: Path) -> None:
    (folder / "squashed").mkdir()
    squashed = RECIPE.replace("patch: 32", "squash: 256")
    (folder / "squashed/recipe.yaml").write_text(squashed)
    (folder / "squashed/log.csv").write_text(LOG)
    lines = say(folder)
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    assert rows["good"][4] == "37.51"
    assert rows["squashed"][1:5] == ["256x8", "50.0%", "40", "37.51*"]
    assert notes(f"  {FIELD.description}") <= set(lines)
    assert notes(f"* {SQUASH256.description}") <= set(lines)
    alone = say(folder / "squashed")
    assert notes(f"* {SQUASH256.description}") <= set(alone)
    assert not notes(f"  {FIELD.description}") & set(alone)


def test_every_other_protocol_has_a_mark_of_its_own(folder: Path) -> None:
    for name, data in (("a", "task: photo"), ("b", "task: photo, sigma: [0, 20]")):
        (folder / name).mkdir()
        recipe = RECIPE.replace("patch: 32", f"patch: 32, {data}")
        (folder / name / "recipe.yaml").write_text(recipe)
        (folder / name / "log.csv").write_text(LOG)
    lines = say(folder)
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    assert [rows[name][4] for name in ("a", "b", "good")] == ["37.51*", "37.51+", "37.51"]
    assert sum(line.startswith("* protocol photo: ") for line in lines) == 1
    assert sum(line.startswith("+ protocol photo10-77: ") for line in lines) == 1


def test_one_run_goes_by_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "good")
    assert any(line.split()[:2] == ["good", "scn_exact"] for line in say("."))


def test_no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert say() == ["no runs in runs; start one with: scalewise train RECIPE"]


@pytest.mark.parametrize(
    ("name", "problem"), [("missing", "no such folder"), ("file", "is a file, not a folder")]
)
def test_what_is_no_folder_of_runs_is_an_error(
    call, tmp_path: Path, name: str, problem: str
) -> None:
    (tmp_path / "file").touch()
    assert call("runs", tmp_path / name) == (1, "", f"error: {tmp_path / name}: {problem}\n")


def test_listing_needs_no_torch(folder: Path) -> None:
    code = "import sys; sys.modules['torch'] = None; from scalewise.cli.app import main; main()"
    command = [sys.executable, "-c", code, "runs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "37.51" in done.stdout
