"""The live view of ``scalewise train``: what it shows, and that it leaves the terminal whole."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from scalewise.cli.train_display import LiveView, can_show, live_view, sparkcurve
from scalewise.training.config import BudgetConfig, DataConfig, ModelConfig, Recipe
from scalewise.training.log import LogLine, RunLog
from scalewise.training.loop import Trainer

EMPTY = chr(0x2800)


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    """What a view looks at in a run that is at step 40 of 80."""
    run = tmp_path / "my_run"
    run.mkdir()
    log = RunLog(run / "log.csv")
    log.append(LogLine(20, 10.0, 0.25, 1e-3, 0.25, None))
    log.append(LogLine(40, 20.0, 0.5, 1e-3, 0.15, 31.5))
    log.append(LogLine(60, 30.0, 0.75, 1e-3, 9.75, 99.5))  # after the checkpoint
    state: dict[str, Any] = {"step": 40, "seconds": 20.0, "progress": 0.5, "best": 32.25}
    recipe = Recipe(
        model=ModelConfig(name="scn"), data=DataConfig(train=["a"]), budget=BudgetConfig(steps=80)
    )
    return cast(Trainer, SimpleNamespace(run=run, rate=1e-3, recipe=recipe, **state))


def drawn(trainer: Trainer, *lines: LogLine, width: int = 100) -> str:
    console = Console(width=width, force_terminal=True, color_system=None)
    view = LiveView(trainer, console)
    for line in lines:
        now = {"step": line.step, "seconds": line.seconds or 0.0, "progress": line.progress}
        vars(trainer).update(now)
        view.on_line(line)
    with console.capture() as capture:
        console.print(view)
    return capture.get()


def test_a_resumed_run_is_shown_with_its_past(trainer: Trainer) -> None:
    text = drawn(trainer)
    for part in ("my_run", "50.0%", "step 40", "0:00:20", "left -:--:--", "rate 1.0e-03"):
        assert part in text
    assert "loss 0.1500" in text
    assert "PSNR-Y 31.50 dB, best 32.25 (protocol field)" in text
    labels = [line.split()[0] for line in text.splitlines() if EMPTY in line]
    assert (labels[0], labels[-1]) == ("0.2500", "0.2000")  # means over the lines so far
    assert "99" not in text


def test_a_line_moves_the_view(trainer: Trainer) -> None:
    text = drawn(trainer, LogLine(60, 30.0, 0.75, 1e-3, 0.05, 33.25))
    assert "loss 0.0500" in text
    assert "PSNR-Y 33.25 dB, best 33.25" in text
    assert "step 60" in text
    assert "steps/s" in text
    assert "-:--:--" not in text


def test_a_run_without_a_log_yet(trainer: Trainer) -> None:
    trainer.step = 0
    text = drawn(trainer)
    assert "step 0" in text
    assert "loss" not in text
    assert "PSNR" not in text


@pytest.mark.parametrize("width", [20, 80, 300])
def test_the_view_fits_the_terminal(trainer: Trainer, width: int) -> None:
    lines = drawn(trainer, width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert (EMPTY in "".join(lines)) == (width > 20)


def test_a_curve_has_its_extremes_at_top_and_bottom() -> None:
    rising = sparkcurve([1, 2, 3, 4, 5, 6, 7, 8], 4, 2)
    assert rising == [EMPTY * 2 + "⡠⠊", "⡠⠊" + EMPTY * 2]
    assert sparkcurve(list(range(8000)), 4, 2) == rising
    spike = sparkcurve([0.0, 0.0, 1.0, 0.0, 0.0, 0.0], 3, 3)
    assert [line[1] for line in spike][:2] != [EMPTY, EMPTY]
    assert [len(line) for line in sparkcurve([1.5], 7, 3)] == [7, 7, 7]


def test_messages_appear_above_and_the_cursor_comes_back(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes stderr for a terminal
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    before = sys.stderr

    def fail() -> None:
        with live_view(trainer):
            sys.stderr.write("stopping\n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert sys.stderr is before
    said = capsys.readouterr()
    assert said.out == ""
    shown, _, rest = said.err.partition("stopping\n")
    assert shown.count("my_run") < said.err.count("my_run")
    assert "my_run" in rest
    assert said.err.rindex("\x1b[?25h") > said.err.rindex("\x1b[?25l")


@pytest.mark.parametrize(
    ("variables", "shows"),
    [({}, False), ({"FORCE_COLOR": "1", "TERM": "xterm"}, True), ({"TERM": "dumb"}, False)],
)
def test_where_nobody_watches_there_is_no_view(
    variables: dict[str, str],
    shows: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert can_show() == shows
