"""Tables and reports on stdout: whole in a pipe or a file, whatever the width of a terminal."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.table import Table
from typer.testing import CliRunner

from scalewise.cli.app import app
from scalewise.cli.tables import print_table
from scalewise.files import Picture, write
from scalewise.weights import resolve
from scalewise.weights.card_page import describe_card

LONG = "a_name_that_is_longer_than_most_and_needs_more_than_eighty_columns_by_itself_" + "x" * 30


def piped(*arguments: object) -> list[str]:
    """What a command writes into a pipe, although the terminal around it is narrow."""
    result = CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "40"})
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.exit_code in (0, 1)
    return result.stdout.splitlines()


@pytest.fixture
def dataset(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    folder = tmp_path / LONG
    folder.mkdir()
    write(folder / f"{LONG}.png", Picture(photo[:60, 100:170]))
    return folder


def test_models() -> None:
    (row,) = [line for line in piped("models") if "scn_fast_x2" in line]
    assert row.split()[:4] == ["scn_fast_x2", "super-resolution", "x2", "39,420"]
    assert row.split()[-1] == "Apache-2.0"


def test_the_card_of_a_model() -> None:
    card = resolve("scn_fast_x2").card
    lines = piped("models", "scn_fast_x2")
    assert lines[0] == f"scn_fast_x2: {card.summary}"
    text = " ".join(" ".join(lines).split())
    for label, fact in describe_card(card):
        assert f"{label}: {fact.replace('`', '')}" in text
    own = [each for each in card.scores if each.model == card.name]
    rows = [line.split() for line in lines]
    for each in own:
        (row,) = [row for row in rows if [row[:1], row[3:4]] == [[each.dataset], [each.precision]]]
        assert row[-2:] == [f"{each.psnr_y:.2f}", f"{each.ssim:.4f}"]
    assert "Set5: 37.50 dB PSNR-Y was the aim; reached." in lines
    assert card.describe_cost("int8") in text
    assert max(map(len, lines)) <= 80


def test_an_unknown_model_has_no_card() -> None:
    result = CliRunner().invoke(app, ["models", "scn_fast"])
    assert result.exit_code == 1
    assert "did you mean 'scn_fast_x2'?" in str(result.exception)


def test_models_and_runs_fit_80_columns_in_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    recipe = "model: {name: scn_exact}\ndata: {train: [a.pack], patch: 32, batch: 8}\n"
    (tmp_path / "a" / "recipe.yaml").write_text(f"{recipe}budget: {{steps: 80}}\n")
    for lines in (piped("models"), piped("runs", tmp_path)):
        assert "mean over images" in " ".join(" ".join(lines).split())
        assert max(map(len, lines)) <= 80


def test_models_fit_a_terminal_of_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from scalewise.cli.models import models

    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "80")
    models()
    lines = [line for line in capsys.readouterr().out.splitlines() if "_x2" in line]
    assert lines
    for line in lines:
        assert "Apache-2.0" in line
        assert "super-resolution" in line or "photo" in line or "graphics" in line


def test_scores(dataset: Path) -> None:
    lines = piped("evaluate", "bicubic", dataset)
    (row,) = [line for line in lines if line.startswith("bicubic")]
    assert len(row.split()) == 6
    assert f"{LONG}, x2, 1 image" in lines
    assert "mean over images" in " ".join(line.strip() for line in lines)
    assert max(len(line) for line in lines if LONG not in line) <= 80


def test_a_folder_name_need_not_be_valid_text(tmp_path: Path, dataset: Path) -> None:
    odd = dataset.rename(tmp_path / "caf\udce9")
    table = tmp_path / "table.csv"
    arguments = [sys.executable, "-m", "scalewise", "evaluate", "bicubic", odd, "-o", table]
    printed = subprocess.run(arguments, capture_output=True, check=True, text=True).stdout
    assert r"caf\udce9, x2, 1 image" in printed
    assert r"caf\udce9" in table.read_text(encoding="utf-8")


def test_training_runs(tmp_path: Path) -> None:
    (tmp_path / LONG).mkdir()
    recipe = "model: {name: scn_exact}\ndata: {train: [a.pack], patch: 32, batch: 8}\n"
    (tmp_path / LONG / "recipe.yaml").write_text(f"{recipe}budget: {{steps: 80}}\n")
    lines = piped("runs", tmp_path)
    (row,) = [line for line in lines if LONG in line]
    assert row.split()[:3] == [LONG, "scn_exact", "32x8"]
    assert "done, steps, loss: as last logged" in lines


def test_problems_of_a_dataset(dataset: Path) -> None:
    (dataset / f"{LONG}.jpg").write_bytes(b"no image")
    lines = piped("data", "check", dataset)
    assert str(dataset) in lines
    assert any(f"{LONG}.jpg: " in line for line in lines)


def test_comparison(dataset: Path, small_release: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    lines = piped("compare", dataset / f"{LONG}.png", "-m", small_release, "-o", out)
    (row,) = [line for line in lines if "bicubic" in line]
    assert row.endswith(str(out / f"{LONG}_bicubic.png"))


@pytest.mark.parametrize("width", [40, 200])
def test_a_terminal_limits_a_table_but_not_its_notes(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    table = Table("name")
    table.add_row(LONG)
    print_table(table, [LONG])
    *rows, note = terminal.getvalue().splitlines()
    assert note == LONG
    assert max(len(row) for row in rows if "\x1b" not in row) <= width
    assert (LONG in "\n".join(rows)) == (width > len(LONG))
