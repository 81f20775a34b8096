"""Plots of the report: their content and legibility."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from scalewise.experiments import plots
from scalewise.experiments.plots import Cost
from scalewise.experiments.results import load_results
from scalewise.training.curves import DARK, LIGHT, Curve, Theme
from scalewise.training.validation_protocol import protocol_of


@pytest.fixture(scope="module")
def curves(reproduction: Path) -> list[Curve]:
    runs = load_results(reproduction).group("ablation")
    return [Curve(run.title, run.lines, protocol_of(run.recipe.data)) for run in runs]


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_plot_is_the_same_each_time_and_has_two_themes(kind: str) -> None:
    def draw(theme: Theme) -> Figure:
        return plots.means(np.full((2, 2, 3), 1 / 3))(theme)

    first = plots.render("means", draw, kind)  # pyright: ignore
    assert first == plots.render("means", draw, kind)  # pyright: ignore
    assert first.light != first.dark


def test_time_is_in_minutes(curves: list[Curve]) -> None:
    figure = plots.timed_curves(curves)(LIGHT)
    loss, psnr = figure.axes
    assert loss.get_xlabel() == psnr.get_xlabel() == "minutes of training"
    last = curves[0].lines[-1].seconds
    assert last is not None
    assert loss.lines[0].get_xdata()[-1] == pytest.approx(last / 60)


def test_steps_stand_in_for_times_that_were_not_logged(curves: list[Curve]) -> None:
    timeless = [
        replace(each, lines=[replace(line, seconds=None) for line in each.lines]) for each in curves
    ]
    assert plots.timed_curves(timeless)(LIGHT).axes[0].get_xlabel() == "steps"


def test_the_legend_fits(curves: list[Curve]) -> None:
    figure = plots.timed_curves(curves)(DARK)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert len(legend.get_texts()) == len(curves)
    assert legend.get_window_extent().x1 <= figure.bbox.x1


def test_names_of_points_cover_nothing() -> None:
    points = [
        Cost(f"A network of name {index}", 0.7 + 0.04 * index, 33 + 0.03 * (index % 3), index > 4)
        for index in range(7)
    ]
    figure = plots.costs(points, "PSNR-Y on Set14 (dB)")(LIGHT)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == len(points)
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:index])


def test_differences_have_a_marker_for_every_set() -> None:
    rows = [("sum", {"Set5": 0.0, "Set14": 0.0}), ("attention", {"Set5": -0.2})]
    (axes,) = plots.differences(rows, "sum")(LIGHT).axes
    _, five, fourteen = axes.lines
    assert list(five.get_xdata()) == [0.0, -0.2]
    assert list(fourteen.get_xdata()) == [0.0]
    assert five.get_marker() != fourteen.get_marker()


def test_maps_share_one_scale() -> None:
    alpha = np.full((3, 2, 8, 8), 0.5, np.float16)
    figure = plots.maps(np.zeros((16, 24, 3), np.uint8), alpha, [0, 1, 2])(LIGHT)
    images = [image for axes in figure.axes for image in axes.images]
    weights = [image for image in images if image.get_array().ndim == 2]
    assert len(weights) == 3 * 2
    assert {image.get_clim() for image in weights} == {(0, 1)}
    assert {image.get_cmap().name for image in weights} == {"cividis"}


def test_means_are_drawn_for_both_convolutions() -> None:
    values = np.random.default_rng(0).dirichlet(np.ones(3), (8, 2))
    figure = plots.means(values)(LIGHT)
    for which, axes in enumerate(figure.axes):
        lines = axes.lines[1:]  # after the one that says where all are alike
        for level, line in enumerate(lines):
            np.testing.assert_array_equal(line.get_ydata(), values[:, which, level])
        assert len({line.get_marker() for line in lines}) == 3
