"""Training curves as plots: loss and validation PSNR-Y, against steps or time."""

# Matplotlib leaves the type of most keyword arguments open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray

from scalewise.arguments import AnyPath, path_of, paths_of
from scalewise.atomic import write_atomic
from scalewise.errors import ScalewiseError
from scalewise.imaging.protocols import Protocol
from scalewise.training.log import LogLine, best_psnr_y, read_log
from scalewise.training.recipe import load_recipe
from scalewise.training.runs import RECIPE_FILE, is_run
from scalewise.training.validation_protocol import PROTOCOL, protocol_of

FORMATS = (".png", ".svg", ".pdf")
"""File name extensions of the formats of plots."""

SMOOTHING = 1 / 40
"""Half width of the smoothing window of the loss, as a part of the log."""

LOG_SCALE_FROM = 3.0
"""Ratio of the largest loss to the smallest from which on the scale is logarithmic."""

CAPTION_WIDTH = 180
"""Characters per line of the caption."""

LEGEND_WIDTH = 150
"""Characters per line of the legend; the sample of a curve takes nine."""

Axis = Literal["steps", "time"]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One run's log, its name in the legend, and the protocol of its PSNR-Y."""

    name: str
    lines: list[LogLine]
    protocol: Protocol = PROTOCOL


@dataclass(frozen=True)
class Theme:
    """Colours of the background, the text, the grid and the runs.

    The runs' colours are those of Okabe and Ito (2008) with enough contrast to the background;
    colour-blind people can distinguish them.
    """

    paper: str
    ink: str
    grid: str
    runs: tuple[str, ...]


LIGHT = Theme(
    paper="#ffffff",
    ink="#222222",
    grid="#e2e2e2",
    runs=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"),
)
DARK = Theme(
    paper="#15171c",
    ink="#e4e4e4",
    grid="#31343c",
    runs=("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#ffffff"),
)

LINE_STYLES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)))
MARKERS = ("o", "s", "^", "D", "v")
# The numbers of colours, styles and markers have no common divisor: 140 runs look different.


def load_curves(runs: Sequence[AnyPath]) -> list[Curve]:
    """Read the logs of runs.

    Raises:
        ScalewiseError: a folder is not a run's, its log is empty, or log or recipe is damaged.
    """
    folders = paths_of(runs, "runs")
    names = [run.resolve().name for run in folders]
    count = Counter(names)
    curves: list[Curve] = []
    for run, name in zip(folders, names, strict=True):
        if not is_run(run):
            raise ScalewiseError(f"{run}: not the folder of a run; scalewise runs lists them")
        lines = read_log(run)
        if not lines:
            raise ScalewiseError(f"{run}: nothing is logged yet; wait for the run's first steps")
        curves.append(Curve(name if count[name] == 1 else str(run), lines, _protocol(run)))
    return curves


def _protocol(run: Path) -> Protocol:
    recipe = run / RECIPE_FILE
    return protocol_of(load_recipe(recipe).data) if recipe.exists() else PROTOCOL


def draw_curves(curves: Sequence[Curve], x: Axis = "steps", theme: Theme = LIGHT) -> Figure:
    """Draw training loss on the left and validation PSNR-Y on the right.

    Args:
        curves: one or more curves, none of them empty.
        x: optimizer steps, or hours of training.
        theme: colours.

    Raises:
        ScalewiseError: no curves; or ``x`` is time, and a log does not contain it.
    """
    if not curves:
        raise ScalewiseError("curves is empty: give one or more", arguments=["curves"])
    figure = Figure(figsize=(10, 4.6), dpi=150, facecolor=theme.paper, layout="constrained")
    loss_axes, psnr_axes = figure.subplots(1, 2, sharex=True)
    for axes, title in ((loss_axes, "training loss"), (psnr_axes, "validation PSNR-Y (dB)")):
        _dress(axes, title, x, theme)
    protocols = list(dict.fromkeys(curve.protocol for curve in curves))
    handles: list[Any] = []
    losses: list[Points] = []
    looks = zip(cycle(theme.runs), cycle(LINE_STYLES), cycle(MARKERS), strict=False)
    for curve, (color, style, marker) in zip(curves, looks, strict=False):
        at = _x_values(curve, x)
        raw = np.array([line.loss for line in curve.lines])
        width = int(len(raw) * SMOOTHING)
        smoothed = smooth(smooth(raw, width), width)  # once makes spikes rectangles
        losses += [smoothed, np.percentile(raw, [2, 98])]
        loss_axes.plot(at, raw, color=color, linewidth=0.6, alpha=0.3, zorder=2)
        loss_axes.plot(at, smoothed, color=color, linestyle=style, linewidth=2, zorder=3)
        psnr = np.array([np.nan if line.psnr_y is None else line.psnr_y for line in curve.lines])
        measured = ~np.isnan(psnr)
        handles += psnr_axes.plot(
            at[measured],
            psnr[measured],
            color=color,
            linestyle=style,
            linewidth=2,
            marker=marker,
            markersize=4.5,
            label=_label(curve, with_protocol=len(protocols) > 1),
        )
    _scale_loss(loss_axes, losses)
    if all(best_psnr_y(curve.lines) is None for curve in curves):
        psnr_axes.set_yticks([])
        psnr_axes.text(
            0.5, 0.5, "not measured", color=theme.ink, ha="center", transform=psnr_axes.transAxes
        )
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=_columns([handle.get_label() for handle in handles]),
        frameon=False,
        labelcolor=theme.ink,
        handlelength=3.2,
    )
    captions = (f"PSNR-Y by {protocol.description}" for protocol in protocols)
    caption = "\n".join(textwrap.fill(each, CAPTION_WIDTH) for each in captions)
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=6.5, color=theme.ink, alpha=0.8)
    return figure


def save_figure(figure: Figure, path: AnyPath) -> None:
    """Write a figure atomically, in the format of the file name's extension.

    Raises:
        ScalewiseError: the extension is not in :data:`FORMATS`.
    """
    path = path_of(path, "path")
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise ScalewiseError(f"{path}: curves are written as {', '.join(FORMATS)}; choose one")
    content = io.BytesIO()
    figure.savefig(content, format=suffix[1:], facecolor=figure.get_facecolor())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, content.getvalue())


def smooth(values: Points, width: int) -> Points:
    """Return the moving average over ``width`` values on either side of each value.

    Near the beginning, where a loss falls steeply, the window shrinks on both sides.  Near the
    end it is cut off.

    >>> smooth(np.array([0.0, 3.0, 3.0, 6.0]), 1).tolist()
    [0.0, 2.0, 4.0, 4.5]
    """
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    reach = np.minimum(index, width)
    first, end = index - reach, np.minimum(index + reach + 1, len(values))
    return (sums[end] - sums[first]) / (end - first)


def dress(axes: Axes, theme: Theme, label_size: float) -> None:
    """Apply a theme to axes: its colours, a light grid, no frame."""
    axes.set_facecolor(theme.paper)
    axes.grid(color=theme.grid, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=theme.ink, labelsize=label_size, length=0)
    for side, spine in axes.spines.items():
        spine.set_color(theme.grid)
        spine.set_visible(side in ("left", "bottom"))


def _dress(axes: Axes, title: str, x: Axis, theme: Theme) -> None:
    dress(axes, theme, label_size=8)
    axes.set_title(title, loc="left", fontsize=10, color=theme.ink)
    axes.set_xlabel("steps" if x == "steps" else "hours of training", color=theme.ink, fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    if x == "steps":
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _scale_loss(axes: Axes, losses: Sequence[Points]) -> None:
    """Fit the loss axis to the values, but not to single spikes."""
    low = min(float(each.min()) for each in losses)
    high = max(float(each.max()) for each in losses)
    if low > 0 and high / low >= LOG_SCALE_FROM:
        margin = (high / low) ** 0.05
        low, high = low / margin, high * margin
        axes.set_yscale("log")
        ticks = _log_ticks(low, high)
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        margin = 0.05 * (high - low) or 0.1 * high or 1.0
        low, high = low - margin, high + margin
    axes.set_ylim(low, high)


def _log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers from ``low`` to ``high``, about evenly spaced in the logarithm."""
    digits = (1, 1.5, 2, 3, 5, 7) if high / low < 30 else (1, 3)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [float(f"{digit}e{power}") for power in powers for digit in digits]
    return [tick for tick in ticks if low <= tick <= high]


def _columns(labels: Sequence[str]) -> int:
    """Return the number of legend columns that fit the figure's width."""
    longest = max(len(label) for label in labels)
    return max(1, min(len(labels), 3, LEGEND_WIDTH // (longest + 9)))


def _x_values(curve: Curve, x: Axis) -> Points:
    if x == "steps":
        return np.array([float(line.step) for line in curve.lines])
    seconds = [line.seconds for line in curve.lines]
    if None in seconds:
        raise ScalewiseError(
            f"{curve.name}: the log of a deterministic run has no times; give x=steps",
            arguments=["x"],
        )
    return np.array(seconds, dtype=np.float64) / 3600


def _label(curve: Curve, with_protocol: bool) -> str:
    """Return a run's name and best score, with dollar signs escaped from formulas."""
    best = best_psnr_y(curve.lines)
    name = curve.name.replace("$", r"\$")
    if best is None:
        return f"{name}: not measured"
    measured_by = f" ({curve.protocol.name})" if with_protocol else ""
    return f"{name}: best {best:.2f} dB{measured_by}"
