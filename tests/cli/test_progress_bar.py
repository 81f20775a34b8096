"""A progress bar where somebody watches, and silence elsewhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scalewise.cli.progress_bar import progress_bar


def test_progress_is_silent_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("reading", total=2) as update:
        update(2)
    assert capsys.readouterr() == ("", "")


def test_progress_shows_what_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes stderr for a terminal
    monkeypatch.setenv("COLUMNS", "120")
    with progress_bar("training [x2]") as update:
        update(3, 12, detail="loss 0.0123")
    said = capsys.readouterr()
    assert said.out == ""
    assert "training [x2]" in said.err
    assert "3/12" in said.err
    assert "loss 0.0123" in said.err


def test_rich_is_not_imported_where_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    program = """
import sys
from scalewise.cli.progress_bar import progress_bar
with progress_bar("reading") as update:
    update(1, 2)
sys.exit("rich" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0
