"""Plots that compare the document's networks: norms of the gradient, and overshoot."""

# Matplotlib leaves the type of most keyword arguments open.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scalewise.experiments.curve_plots import (
    FIGURE_SIZE,
    LETTERS,
    add_legend,
    draw_line,
    fit_axis,
    titled,
)
from scalewise.experiments.overshoot import Overshoot
from scalewise.experiments.plots import COLOURS, DPI, Draw
from scalewise.experiments.results import Trained
from scalewise.experiments.stability import after_warm_up
from scalewise.training.curves import SMOOTHING, Theme, smooth

LEVELS = 8.0
"""Overshoot, in levels, that maps show in their last colour."""


def gradients(runs: Sequence[Trained], warm_up: float) -> Draw:
    """Plot the norm of the gradient, and its deviation over its mean, against steps."""

    def draw(theme: Theme) -> Figure:
        width, height = FIGURE_SIZE
        size = (width, 1.5 * height + 0.25 * len(runs))
        figure = Figure(figsize=size, dpi=DPI, facecolor=theme.paper, layout="constrained")
        panels = figure.subplots(2, 1, sharex=True)
        titled(panels[0], "norm of the gradient (logarithmic)", theme)
        titled(panels[1], "deviation / mean", theme)
        panels[0].set_yscale("log")
        ratios: list[Any] = []
        for index, run in enumerate(runs):
            lines = after_warm_up(run, warm_up)
            at = np.array([line.step for line in lines], np.float64)
            means = np.array([line.mean for line in lines])
            reach = int(len(lines) * SMOOTHING)
            ratios.append(smooth(np.array([x.deviation / x.mean for x in lines]), reach))
            draw_line(panels[0], at, smooth(means, reach), index, theme, run.title)
            draw_line(panels[1], at, ratios[-1], index, theme)
        fit_axis(panels[1], ratios, theme)
        panels[1].xaxis.set_major_locator(MaxNLocator(5))
        panels[1].set_xlabel("steps", color=theme.ink, fontsize=LETTERS)
        add_legend(figure, panels[0], theme)
        return figure

    return draw


def overshoot(found: Overshoot, names: Sequence[str]) -> Draw:
    """Plot the ground truth and both networks' crops, and below each network's its overshoot."""

    def draw(theme: Theme) -> Figure:
        figure = Figure(figsize=FIGURE_SIZE, dpi=DPI, facecolor=theme.paper, layout="constrained")
        grid = figure.subplots(2, 3)
        _picture(grid[0, 0], found.truth, "ground truth", theme)
        grid[1, 0].set_axis_off()
        shown: Any = None
        for column, name in enumerate(names, start=1):
            _picture(grid[0, column], found.restored[column - 1], name, theme)
            _picture(grid[1, column], None, "overshoot", theme)
            shown = grid[1, column].imshow(
                found.maps[column - 1], cmap=COLOURS, vmin=0, vmax=LEVELS, interpolation="nearest"
            )
        bar = figure.colorbar(shown, ax=grid[1, 0], location="left", fraction=0.3, aspect=9)
        bar.set_label("levels", color=theme.ink, fontsize=LETTERS)
        bar.ax.tick_params(colors=theme.ink, labelsize=LETTERS)
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        return figure

    return draw


def _picture(axes: Axes, image: Any, title: str, theme: Theme) -> None:
    axes.set_axis_off()
    axes.set_title(title, fontsize=LETTERS, color=theme.ink)
    if image is not None:
        axes.imshow(image, interpolation="nearest")
