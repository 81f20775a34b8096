"""Plots of training curves: lines, labels and files."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scalewise.errors import ScalewiseError
from scalewise.imaging.protocols import FIELD, SQUASH256
from scalewise.training.curves import (
    DARK,
    LIGHT,
    Curve,
    Theme,
    draw_curves,
    load_curves,
    save_figure,
    smooth,
)
from scalewise.training.log import LogLine, RunLog

LINES = [
    LogLine(20, 36.0, 0.1, 1e-3, 0.5, None),
    LogLine(40, 72.0, 0.2, 1e-3, 0.25, 30.0),
    LogLine(60, 144.0, 0.3, 1e-3, 0.2, 31.5),
    LogLine(80, 180.0, 0.4, 1e-3, 0.04, 31.25),
]


def write_log(folder: Path, lines: list[LogLine]) -> Path:
    folder.mkdir(parents=True)
    log = RunLog(folder / "log.csv")
    for line in lines:
        log.append(line)
    return folder


def test_the_panels_show_what_the_log_says() -> None:
    figure = draw_curves([Curve("mine", LINES)])
    loss, psnr = figure.axes
    raw, smoothed = loss.lines
    np.testing.assert_array_equal(raw.get_xydata(), [(x.step, x.loss) for x in LINES])
    np.testing.assert_array_equal(smoothed.get_xdata(), raw.get_xdata())
    (curve,) = psnr.lines
    np.testing.assert_array_equal(curve.get_xydata(), [(40, 30), (60, 31.5), (80, 31.25)])
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["mine: best 31.50 dB"]
    assert figure.get_supxlabel().endswith(FIELD.description)


def test_time_is_in_hours() -> None:
    _, psnr = draw_curves([Curve("mine", LINES)], "time").axes
    np.testing.assert_allclose(psnr.lines[0].get_xdata(), [0.02, 0.04, 0.05])
    timeless = [replace(line, seconds=None) for line in LINES]
    with pytest.raises(ScalewiseError, match=r"mine: .* has no times"):
        draw_curves([Curve("mine", timeless)], "time")


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_no_two_runs_look_alike(theme: Theme) -> None:
    figure = draw_curves([Curve(str(index), LINES) for index in range(12)], theme=theme)
    looks = {
        (line.get_color(), line.get_linestyle(), line.get_marker()) for line in figure.axes[1].lines
    }
    assert len(looks) == 12
    assert theme.paper not in {color for color, _, _ in looks}
    assert len({marker for _, _, marker in looks}) == 5  # for print without colours


def test_the_loss_axis_ignores_a_spike() -> None:
    steady = [replace(LINES[0], step=step, loss=0.02 + step % 40 * 1e-5) for step in range(100)]
    steady[50] = replace(steady[50], loss=900.0)
    loss, _ = draw_curves([Curve("mine", steady)]).axes
    assert loss.get_ylim()[1] < 900


def test_a_loss_that_falls_far_is_on_a_logarithmic_scale() -> None:
    loss, _ = draw_curves([Curve("mine", LINES)]).axes
    assert loss.get_yscale() == "log"
    low, high = loss.get_ylim()
    ticks = list(loss.get_yticks())
    assert len(ticks) >= 4
    assert all(low <= tick <= high for tick in ticks)
    near = [replace(line, loss=0.5 + line.step / 1000) for line in LINES]
    assert draw_curves([Curve("mine", near)]).axes[0].get_yscale() == "linear"


def test_a_constant_loss_and_no_validation() -> None:
    figure = draw_curves([Curve("$x$", [replace(LINES[0], loss=0.0)])])
    low, high = figure.axes[0].get_ylim()
    assert low < 0 < high
    assert figure.axes[1].texts[0].get_text() == "not measured"
    assert figure.legends[0].get_texts()[0].get_text() == r"\$x\$: not measured"


def test_smoothing_keeps_a_line_and_the_first_value() -> None:
    line = np.arange(20.0)
    np.testing.assert_allclose(smooth(line, 3)[:17], line[:17])
    np.testing.assert_allclose(smooth(line, 3)[-1], np.mean([16, 17, 18, 19]))
    np.testing.assert_array_equal(smooth(line, 0), line)


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    runs = [write_log(tmp_path / name, LINES) for name in ("a/run", "b/run", "other")]
    names = [curve.name for curve in load_curves(runs)]
    assert names == [str(runs[0]), str(runs[1]), "other"]


def test_every_curve_says_how_it_was_measured(tmp_path: Path) -> None:
    runs = [write_log(tmp_path / name, LINES) for name in ("plain", "squashed")]
    (runs[1] / "recipe.yaml").write_text(
        "model: {name: scn}\ndata: {train: [a], squash: 256}\nbudget: {steps: 9}\n"
    )
    curves = load_curves(runs)
    assert [curve.protocol for curve in curves] == [FIELD, SQUASH256]
    alone = draw_curves(curves[1:])
    caption = alone.get_supxlabel().splitlines()
    assert " ".join(caption) == f"PSNR-Y by {SQUASH256.description}"
    assert max(map(len, caption)) <= 180
    assert alone.legends[0].get_texts()[0].get_text() == "squashed: best 31.50 dB"
    both = draw_curves(curves)
    assert both.get_supxlabel().splitlines() == [f"PSNR-Y by {FIELD.description}", *caption]
    assert [text.get_text() for text in both.legends[0].get_texts()] == [
        "plain: best 31.50 dB (field)",
        "squashed: best 31.50 dB (squash256)",
    ]


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match="not the folder of a run"):
        load_curves([tmp_path])
    (tmp_path / "recipe.yaml").touch()
    with pytest.raises(ScalewiseError, match="nothing is logged yet"):
        load_curves([tmp_path])


@pytest.mark.parametrize(
    ("suffix", "start"), [(".PNG", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF-")]
)
def test_the_extension_decides_the_format(tmp_path: Path, suffix: str, start: bytes) -> None:
    file = tmp_path / f"new/curves{suffix}"
    save_figure(draw_curves([Curve("mine", LINES)]), file)
    assert file.read_bytes().startswith(start)
    assert list(file.parent.iterdir()) == [file]


def test_an_unknown_extension_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match=r"curves\.jpg: .* \.png, \.svg, \.pdf"):
        save_figure(draw_curves([Curve("mine", LINES)]), tmp_path / "new/curves.jpg")
    assert list(tmp_path.iterdir()) == []


def test_drawing_leaves_pyplot_and_torch_alone() -> None:
    code = "import sys, scalewise.training.curves; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert "matplotlib" in loaded
    assert {"matplotlib.pyplot", "torch"}.isdisjoint(loaded)
