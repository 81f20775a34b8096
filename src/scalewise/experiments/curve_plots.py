"""Curves of trainings: the document's figures 1-8, and networks compared after equal time.

Each of the document's figures is one plot, large enough for a phone.  Compared networks share an
axis for PSNR-Y; losses share one only if they are the same loss.
"""

# Matplotlib leaves the type of most keyword arguments open.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from scalewise.arguments import counted
from scalewise.experiments.plots import DPI, Draw
from scalewise.experiments.results import Trained
from scalewise.training.curves import LINE_STYLES, MARKERS, SMOOTHING, Theme, dress, smooth
from scalewise.training.log import LogLine

Kind = Literal["loss", "psnr"]

FIGURE_SIZE = (5.2, 3.7)
"""Inches of one of the document's figures: with letters of 11 points a phone's width shows it."""

LETTERS = 11

LEGEND_WIDTH = 46
"""Letters in a line of the legend of compared networks."""

ROW_HEIGHT = 1.45
"""Inches of a row of small plots."""

ROW_TITLE = 28
"""Letters in a line of the title of a small plot."""

EARLY = 0.3
"""First part of the time, in which networks differ too much for the axes of small plots."""

EVEN_STEPS = (1, 2, 5, 10)
"""Steps between ticks, in their first digit."""

OUTLIER = 4.0
"""Distance from the quartiles, in their spread, beyond which a value is off the axis."""

LEAST_SPREAD = 0.25
"""Least spread of the quartiles that counts, so that almost equal curves have no outliers."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class DocumentFigure:
    """One of the document's figures 1-8.

    Attributes:
        number: of the figure.
        run: the training that it shows.
        kind: what it shows: training and validation loss, or PSNR and PSNR-Y.
        caption: the document's, as assumed; it was not at hand.
    """

    number: int
    run: str
    kind: Kind
    caption: str


FIGURES = (
    DocumentFigure(1, "original_l1", "loss", "Original, L1, 10 epochs: loss"),
    DocumentFigure(2, "original_l1", "psnr", "Original, L1, 10 epochs: PSNR"),
    DocumentFigure(3, "adaptive_l1", "loss", "Adaptive, L1, 10 epochs: loss"),
    DocumentFigure(4, "adaptive_l1", "psnr", "Adaptive, L1, 10 epochs: PSNR"),
    DocumentFigure(5, "original_mixed", "loss", "Original, combined loss, 20 epochs: loss"),
    DocumentFigure(6, "original_mixed", "psnr", "Original, combined loss, 20 epochs: PSNR"),
    DocumentFigure(7, "adaptive_mixed", "loss", "Adaptive, combined loss, 30 epochs: loss"),
    DocumentFigure(8, "adaptive_mixed", "psnr", "Adaptive, combined loss, 30 epochs: PSNR"),
)


def document_figure(run: Trained, kind: Kind) -> Draw:
    """Plot training and validation loss, or PSNR and PSNR-Y, against epochs."""
    each = max(1.0, run.steps / (run.recipe.budget.epochs or 1) / max(run.progress, 1e-6))
    validated = [line for line in run.lines if line.psnr_y is not None]
    series: list[tuple[str, list[float], list[float]]] = []
    if kind == "psnr":
        lines = run.validations
        if lines:
            steps = [float(line.step) for line in lines]
            series.append(("PSNR over RGB", steps, [line.psnr for line in lines]))
            series.append(("PSNR-Y", steps, [line.psnr_y for line in lines]))
        else:
            steps = [float(line.step) for line in validated]
            series.append(("PSNR-Y", steps, [line.psnr_y or 0.0 for line in validated]))
    else:
        losses = np.array([line.loss for line in run.lines])
        width = int(len(losses) * SMOOTHING)
        smoothed = smooth(losses, width).tolist()
        series.append(("training", [float(line.step) for line in run.lines], smoothed))
        of = run.validations
        series.append(("validation", [float(x.step) for x in of], [x.loss for x in of]))

    def draw(theme: Theme) -> Figure:
        figure = Figure(figsize=FIGURE_SIZE, dpi=DPI, facecolor=theme.paper, layout="constrained")
        axes = figure.subplots()
        dress(axes, theme, LETTERS)
        for index, (name, steps, values) in enumerate(series):
            marker = None if name == "training" else MARKERS[index]
            draw_line(axes, np.array(steps) / each, np.array(values), index, theme, name, marker)
        fit_axis(axes, [np.array(values) for _, _, values in series], theme)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
        axes.set_xlabel("epoch", color=theme.ink, fontsize=LETTERS)
        unit = "dB" if kind == "psnr" else "loss"
        axes.set_ylabel(unit, color=theme.ink, fontsize=LETTERS)
        axes.legend(frameon=False, labelcolor=theme.ink, fontsize=LETTERS)
        return figure

    return draw


def compared(runs: Sequence[Trained], against: Literal["time", "steps"] = "time") -> Draw:
    """Plot PSNR-Y of networks, and below it one panel for each loss.

    Args:
        runs: the networks.
        against: equal time, or steps.
    """
    losses: dict[str, list[int]] = {}
    for index, run in enumerate(runs):
        losses.setdefault(loss_name(run), []).append(index)
    titles = [textwrap.fill(run.title, LEGEND_WIDTH).replace("$", r"\$") for run in runs]

    def x(run: Trained, lines: Sequence[LogLine]) -> Values:
        if against == "steps":
            return np.array([line.step for line in lines], np.float64)
        return _minutes(run, [line.progress for line in lines])

    def draw(theme: Theme) -> Figure:
        panels = 1 + len(losses)
        height = 2.5 * panels + 0.22 * sum(1 + title.count("\n") for title in titles)
        size = (FIGURE_SIZE[0], height)
        figure = Figure(figsize=size, dpi=DPI, facecolor=theme.paper, layout="constrained")
        first, *others = figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0]
        titled(first, "validation PSNR-Y (dB)", theme)
        curves: list[Values] = []
        for index, run in enumerate(runs):
            lines = [line for line in run.lines if line.psnr_y is not None]
            curves.append(np.array([line.psnr_y for line in lines], np.float64))
            marker = MARKERS[index % len(MARKERS)]
            draw_line(first, x(run, lines), curves[-1], index, theme, titles[index], marker)
        fit_axis(first, curves, theme)
        for axes, (name, members) in zip(others, losses.items(), strict=True):
            titled(axes, f"training loss: {name}", theme)
            smoothed: list[Values] = []
            for index in members:
                lines = runs[index].lines
                values = np.array([line.loss for line in lines])
                smoothed.append(smooth(values, int(len(values) * SMOOTHING)))
                draw_line(axes, x(runs[index], lines), smoothed[-1], index, theme)
            fit_axis(axes, smoothed, theme)
        label = "steps" if against == "steps" else "minutes at full speed"
        others[-1].xaxis.set_major_locator(MaxNLocator(5, steps=EVEN_STEPS))
        others[-1].set_xlabel(label, color=theme.ink, fontsize=LETTERS)
        add_legend(figure, first, theme)
        return figure

    return draw


def against(base: Trained, runs: Sequence[Trained]) -> Draw:
    """Plot networks that were trained for equal time, each in a row of its own, against a base.

    On the left PSNR-Y less that of the base at the same time, on the right the training loss over
    that of the base, which is thin.  All rows have the same axes, which fit what is there after a
    first part of the time.
    """
    others = [run for run in runs if run.name != base.name]
    scores, losses = _scores(base), _losses(base)
    gains = [_less(_scores(run), scores) for run in others]

    def draw(theme: Theme) -> Figure:
        size = (FIGURE_SIZE[0], ROW_HEIGHT * len(others) + 0.6)
        figure = Figure(figsize=size, dpi=DPI, facecolor=theme.paper, layout="constrained")
        grid = figure.subplots(len(others), 2, sharex=True, squeeze=False)
        for run, gain, (left, right) in zip(others, gains, grid, strict=True):
            titled(left, textwrap.fill(run.title.partition(" (")[0], ROW_TITLE), theme)
            left.axhline(0, color=theme.ink, linewidth=0.8)
            draw_line(left, *gain, 0, theme)
            titled(right, "training loss", theme)
            right.plot(*losses, color=theme.ink, linewidth=0.8)
            draw_line(right, *_losses(run), 0, theme)
            for axes in (left, right):
                axes.yaxis.set_major_locator(MaxNLocator(4, steps=EVEN_STEPS))
                axes.xaxis.set_major_locator(MaxNLocator(4, steps=EVEN_STEPS))
        for axes in grid[-1]:
            axes.set_xlabel("minutes at full speed", color=theme.ink, fontsize=LETTERS)
        shown = [losses, *(_losses(run) for run in others)]
        for column, curves in zip(grid.T, (gains, shown), strict=True):
            limits = _late_limits(curves)
            for axes in column:
                axes.set_ylim(*limits)
        return figure

    return draw


def _scores(run: Trained) -> tuple[Values, Values]:
    """Return minutes and PSNR-Y of all validations."""
    lines = [line for line in run.lines if line.psnr_y is not None]
    return _minutes(run, [line.progress for line in lines]), np.array(
        [line.psnr_y for line in lines], np.float64
    )


def _losses(run: Trained) -> tuple[Values, Values]:
    """Return minutes and the smoothed training loss."""
    values = np.array([line.loss for line in run.lines])
    smoothed = smooth(values, int(len(values) * SMOOTHING))
    return _minutes(run, [line.progress for line in run.lines]), smoothed


def _less(curve: tuple[Values, Values], base: tuple[Values, Values]) -> tuple[Values, Values]:
    """Return a curve less another one at the same time, from where that one begins."""
    x, y = (values[curve[0] >= base[0][0]] for values in curve)
    return x, y - np.interp(x, *base)


def _late_limits(curves: Sequence[tuple[Values, Values]]) -> tuple[float, float]:
    """Return the limits of an axis that fit curves after a first part of the time."""
    end = max(float(x[-1]) for x, _ in curves if len(x))
    late = np.concatenate([y[x >= EARLY * end] for x, y in curves])
    low, high = float(late.min()), float(late.max())
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def add_legend(figure: Figure, axes: Axes, theme: Theme) -> None:
    """Name the lines of an axis above all of its figure."""
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside upper left",
        frameon=False,
        labelcolor=theme.ink,
        fontsize=LETTERS,
        handlelength=2.6,
    )


def loss_name(run: Trained) -> str:
    """Return a run's loss as a formula; runs of one formula may share an axis."""
    weights = run.recipe.loss
    parts = (
        (weights.l1, "L1"),
        (weights.smooth_l1, "SmoothL1"),
        (weights.denoised, "MSE(denoised)"),
        (weights.artifact_map, "L1(map)"),
    )
    return " + ".join(
        name if weight == 1 else f"{weight:g} {name}" for weight, name in parts if weight
    )


def fit_axis(axes: Axes, curves: Sequence[Values], theme: Theme) -> None:
    """Fit an axis to the curves but not to outliers, whose number is written at the edge."""
    values = np.concatenate([each for each in curves if len(each)] or [np.zeros(1)])
    low, high = robust_limits(values)
    axes.set_ylim(low, high)
    for off, at, sign in ((values < low, 0.03, "below"), (values > high, 0.93, "above")):
        if off.any():
            extreme = values[off].min() if sign == "below" else values[off].max()
            text = f"{counted(int(off.sum()), 'point')} {sign} the axis, to {extreme:.3g}"
            axes.text(
                0.98, at, text, ha="right", color=theme.ink, fontsize=10, transform=axes.transAxes
            )


def robust_limits(values: Values) -> tuple[float, float]:
    """Return the limits of an axis that one outlier does not stretch.

    >>> low, high = robust_limits(np.array([30.0, 31.0, 31.5, 32.0, 32.2, 5.0]))
    >>> 20 < low < 30 and 32.2 < high < 34
    True
    """
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    first, third = np.percentile(values, [25, 75])
    spread = max(third - first, LEAST_SPREAD * abs(float(np.median(values))) / 30)
    kept = values[(values >= first - OUTLIER * spread) & (values <= third + OUTLIER * spread)]
    low, high = float(kept.min()), float(kept.max())
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, high + margin


def _minutes(run: Trained, progress: Sequence[float]) -> Values:
    """Return minutes at full speed; those of the clock for a run without a measured pace."""
    whole = run.pace.planned if run.pace else run.seconds / max(run.progress, 1e-6)
    return np.array(progress, np.float64) * whole / 60


def titled(axes: Axes, title: str, theme: Theme) -> None:
    """Give a panel its title and the theme's looks."""
    dress(axes, theme, LETTERS)
    axes.set_title(title, loc="left", fontsize=LETTERS, color=theme.ink)


def draw_line(
    axes: Axes,
    x: Values,
    y: Values,
    index: int,
    theme: Theme,
    label: str | None = None,
    marker: Any = None,
) -> None:
    """Draw a curve in the colour and style of its index."""
    looks = zip(cycle(theme.runs), cycle(LINE_STYLES), strict=False)
    color, style = [look for look, _ in zip(looks, range(index + 1), strict=False)][-1]
    axes.plot(
        x, y, color=color, linestyle=style, linewidth=2, marker=marker, markersize=5, label=label
    )
