"""Plots of the report: their content and legibility."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from scalewise.experiments import plots
from scalewise.experiments.plots import Cost
from scalewise.training.curves import DARK, LIGHT, Theme


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_plot_is_the_same_each_time_and_has_two_themes(kind: str) -> None:
    def draw(theme: Theme) -> Figure:
        return plots.means(np.full((2, 2, 3), 1 / 3))(theme)

    first = plots.render("means", draw, kind)  # pyright: ignore
    assert first == plots.render("means", draw, kind)  # pyright: ignore
    assert first.light != first.dark


def test_another_themes_colours_make_another_themes_plot() -> None:
    draw = plots.differences([(str(n), dict.fromkeys("abcdefg", n / 10)) for n in range(3)], "base")
    in_light, in_dark = (plots._content(draw(theme), "svg") for theme in (LIGHT, DARK))  # pyright: ignore
    plain = plainly(in_light)
    assert "stroke: #000000" in plain
    assert plainly(plots.recolour(in_dark, DARK, LIGHT)) == plain != plainly(in_dark)


def plainly(svg: bytes) -> str:
    """A file without black, the default, and the names of its parts, which tell their colours."""
    text = svg.decode().replace("fill: #000000; ", "")
    return re.sub(r'((?<= id=")|(?<=#))[a-z][0-9a-f]{10}', "", text)


def _spread_out() -> list[Cost]:
    name = "A network of a long name, which is"
    return [
        Cost(f"{name} {index}", 0.7 + 0.04 * index, 33 + 0.03 * (index % 3), index > 4)
        for index in range(7)
    ]


# At the left edge, closer together than their names are high.
CROWDED = [
    Cost("Original", 1.09, 32.88, True),
    Cost("Adaptive", 1.38, 32.46, True),
    Cost("Original", 1.09, 33.01, False),
    Cost("Original, one convolution for all levels (SiCNN's idea)", 1.05, 32.9, False),
    Cost("plain residual network of the same cost", 0.826, 33.18, False),
    Cost("SCN", 1.87, 32.83, False),
    Cost("DSRN of 1 M parameters", 13.9, 32.67, False),
]


@pytest.mark.parametrize("points", [_spread_out(), CROWDED])
def test_names_of_points_cover_nothing(points: list[Cost]) -> None:
    figure = plots.costs(points, "PSNR-Y on Set14 (dB)")(LIGHT)
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(name) for name in figure.axes[0].texts]  # without its line
    assert len(boxes) == len(points)
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:index])
        assert box.x0 >= figure.axes[0].get_window_extent().x0


def test_differences_have_a_marker_for_every_set() -> None:
    rows = [("sum", {"Set5": 0.0, "Set14": 0.0}), ("attention", {"Set5": -0.2})]
    (axes,) = plots.differences(rows, "sum")(LIGHT).axes
    _, five, fourteen = axes.lines
    assert list(five.get_xdata()) == [0.0, -0.2]
    assert list(fourteen.get_xdata()) == [0.0]
    assert five.get_marker() != fourteen.get_marker()


def test_an_outlier_does_not_flatten_the_differences() -> None:
    rows = [("a", {"Set5": 0.1}), ("b", {"Set5": -0.2}), ("c", {"Set5": 0.15}), ("d", {"Set5": -9})]
    (axes,) = plots.differences(rows, "a")(LIGHT).axes
    low, high = axes.get_xlim()
    assert -1 < low < -0.2 < 0.15 < high < 1
    (text,) = axes.texts
    assert text.get_text() == "off the axis: Set5\N{NO-BREAK SPACE}−9.00"
    assert text.get_position()[1] == 3  # in its row


def test_a_value_that_is_drawn_is_not_off_the_axis() -> None:
    rows = [("a", {"Set5": 0.0}), ("b", {"Set5": 0.1}), ("c", {"Set5": -0.79, "Set14": -0.81})]
    rows += [(name, {"Set5": 0.05}) for name in "defg"] + [("h", {"Set5": -5.0})]
    (axes,) = plots.differences(rows, "a")(LIGHT).axes
    assert axes.get_xlim()[0] < -0.81
    assert [text.get_text() for text in axes.texts] == ["off the axis: Set5\N{NO-BREAK SPACE}−5.00"]


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
