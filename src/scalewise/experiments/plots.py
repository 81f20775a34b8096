"""Plots of the report, each for light and for dark pages.

The colours are Okabe and Ito's.  Markers and line styles differ, too, for print without colour.
"""

# Matplotlib leaves the type of most keyword arguments open.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from scalewise.experiments.formatting import difference
from scalewise.training.curves import DARK, LIGHT, LINE_STYLES, MARKERS, Theme, dress

Draw = Callable[[Theme], Figure]

DPI = 110
LABEL_SIZE = 11

COLOURS = "cividis"
"""A colour map of even lightness steps, also readable for colour-blind people."""

FULL, SHORT = "the document's trainings", "related networks"
"""Legend of the plot of quality against time."""

OUTLIER = 8.0
"""Multiple of the median difference beyond which a value is left off the axis."""

OFF_WIDTH = 34
"""Letters in a line of the values that are off the axis."""

NAME_WIDTH = 26
"""Letters in a line of a point's name."""

LABEL_HEIGHT, LETTER_WIDTH = 13.5, 6.2
"""Approximate size of a plot's labels, in points."""

NEAR = 26.0
"""Height in points up to which a label needs no line to its point."""


@dataclass(frozen=True)
class ReportImage:
    """An image file of the report, with a second one for dark pages if necessary.

    Attributes:
        name: of the file, without suffix.
        kind: suffix of the file.
        light: content of the file.
        dark: content of the file for dark pages, or None.
    """

    name: str
    kind: Literal["svg", "png"]
    light: bytes
    dark: bytes | None = None

    @property
    def file(self) -> str:
        """Name of the file."""
        return f"{self.name}.{self.kind}"

    @property
    def dark_file(self) -> str:
        """Name of the file for dark pages."""
        return f"{self.name}-dark.{self.kind}"


@dataclass(frozen=True)
class Cost:
    """A point of the plot of quality against time.

    Attributes:
        title: of the network.
        seconds: per megapixel.
        psnr_y: in dB.
        full: trained in full, not only for the ablation's time.
    """

    title: str
    seconds: float
    psnr_y: float
    full: bool


def render(name: str, draw: Draw, kind: Literal["svg", "png"] = "svg") -> ReportImage:
    """Draw a plot in both themes; the layout, which takes longest, once where it is SVG."""
    dark = _content(draw(DARK), kind)
    light = _content(draw(LIGHT), kind) if kind == "png" else recolour(dark, DARK, LIGHT)
    return ReportImage(name, kind, light, dark)


def recolour(svg: bytes, old: Theme, new: Theme) -> bytes:
    """Return an SVG file of Matplotlib in the colours of another theme.

    The old theme's colours must differ from one another, and none may be black, which is the
    default in SVG and not written.
    """
    exchanged = dict(zip(_colours_of(old), _colours_of(new), strict=True))
    pattern = re.compile("|".join(exchanged))
    return pattern.sub(lambda found: exchanged[found[0]], svg.decode()).encode()


def costs(points: Sequence[Cost], score: str) -> Draw:
    """Plot PSNR-Y against seconds per megapixel, each point with its name."""

    def draw(theme: Theme) -> Figure:
        figure, axes = _plot(theme, (7.5, 5.5))
        axes.set_xscale("log")
        for full, marker, label in ((True, "o", FULL), (False, "D", SHORT)):
            of_kind = [point for point in points if point.full == full]
            axes.plot(
                [point.seconds for point in of_kind],
                [point.psnr_y for point in of_kind],
                linestyle="none",
                marker=marker,
                markersize=8,
                color=theme.runs[0 if full else 1],
                markerfacecolor=theme.runs[0] if full else theme.paper,
                markeredgewidth=1.8,
                label=label,
                zorder=3,
            )
        axes.set_xlabel("seconds per megapixel of output (logarithmic)", color=theme.ink)
        axes.set_ylabel(score, color=theme.ink)
        seconds = [point.seconds for point in points]
        axes.set_xlim(min(seconds) / 1.4, max(seconds) * 1.9)
        axes.margins(y=0.15)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        _legend(figure, axes, theme)
        _name_points(figure, axes, points, theme)
        return figure

    return draw


def differences(rows: Sequence[tuple[str, dict[str, float]]], base: str) -> Draw:
    """Plot the differences of rows' PSNR-Y from a base row, one marker per set."""
    names = list(dict.fromkeys(name for _, values in rows for name in values))

    def draw(theme: Theme) -> Figure:
        figure, axes = _plot(theme, (5.2, 1.6 + 0.55 * len(rows)))
        axes.axvline(0, color=theme.ink, linewidth=1, zorder=2)
        spread = 0.22 if len(names) > 1 else 0.0
        for index, name in enumerate(names):
            shift = spread * (index / max(1, len(names) - 1) - 0.5) * 2
            found = [
                (values[name], y + shift) for y, (_, values) in enumerate(rows) if name in values
            ]
            axes.plot(
                [x for x, _ in found],
                [y for _, y in found],
                linestyle="none",
                marker=MARKERS[index % len(MARKERS)],
                markersize=7,
                color=theme.runs[index % len(theme.runs)],
                label=name,
                zorder=3,
            )
        axes.set_yticks(range(len(rows)), [textwrap.fill(title, 20) for title, _ in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.margins(x=0.1)
        _clip(axes, [values for _, values in rows], theme)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(f"PSNR-Y against\n{base} (dB)", color=theme.ink, fontsize=LABEL_SIZE)
        _legend(figure, axes, theme)
        return figure

    return draw


def _clip(axes: Axes, rows: Sequence[dict[str, float]], theme: Theme) -> None:
    """Leave far outliers off the x axis, and write them into their rows."""
    values = [value for row in rows for value in row.values()]
    reach = OUTLIER * max(0.1, float(np.median(np.abs(values))) if values else 0.1)
    near = [0.0, *(value for value in values if abs(value) <= reach)]
    if len(near) > len(values):
        return
    margin = 0.1 * (max(near) - min(near)) + 0.05
    low, high = min(near) - margin, max(near) + margin
    axes.set_xlim(low, high)
    for y, row in enumerate(rows):
        off = [
            f"{name}\N{NO-BREAK SPACE}{difference(x)}"
            for name, x in row.items()
            if not low <= x <= high
        ]
        if off:
            is_left = min(row.values()) < low
            axes.text(
                0.02 if is_left else 0.98,
                y,
                textwrap.fill(f"off the axis: {', '.join(off)}", OFF_WIDTH),
                ha="left" if is_left else "right",
                va="center",
                color=theme.ink,
                fontsize=LABEL_SIZE - 1,
                transform=axes.get_yaxis_transform(),
            )


def level_names(levels: int) -> list[str]:
    """Return the names of a pyramid's levels.

    >>> level_names(3)
    ['whole', '1/2', '1/4']
    """
    return ["whole", *(f"1/{2**level}" for level in range(1, levels))]


def maps(image: NDArray[np.uint8], alpha: NDArray[Any], blocks: Sequence[int]) -> Draw:
    """Plot an image, and next to it the weight of every level in some blocks.

    Args:
        image: (H, W, 3).
        alpha: (blocks, levels, h, w), of one convolution per block.
        blocks: indices of the blocks.
    """
    levels = alpha.shape[1]
    height = 6.6 / (levels + 1) * image.shape[0] / image.shape[1] + 0.32

    def draw(theme: Theme) -> Figure:
        figure = Figure(
            figsize=(7.5, height * len(blocks)),
            dpi=DPI,
            facecolor=theme.paper,
            layout="constrained",
        )
        grid = figure.subplots(len(blocks), levels + 1, squeeze=False)
        shown: Any = None
        for row, block in enumerate(blocks):
            _bare(grid[row, 0], "the image", theme)
            grid[row, 0].imshow(image)
            for level, name in enumerate(level_names(levels)):
                _bare(grid[row, level + 1], f"block {block + 1}, {name}", theme)
                shown = grid[row, level + 1].imshow(
                    alpha[block, level], cmap=COLOURS, vmin=0, vmax=1, interpolation="nearest"
                )
        bar = figure.colorbar(shown, ax=grid, shrink=0.7, pad=0.01, aspect=30)
        bar.set_label("alpha", color=theme.ink)
        bar.ax.tick_params(colors=theme.ink, labelsize=8)
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        return figure

    return draw


def means(values: NDArray[np.float64]) -> Draw:
    """Plot the mean weight of every level in every block, from (blocks, 2, levels)."""
    blocks, _, levels = values.shape
    at = list(range(1, blocks + 1))

    def draw(theme: Theme) -> Figure:
        figure = Figure(figsize=(5.2, 6), dpi=DPI, facecolor=theme.paper, layout="constrained")
        panels = figure.subplots(2, 1, sharex=True)
        for which, axes in enumerate(panels):
            dress(axes, theme, LABEL_SIZE)
            title = ("first", "second")[which] + " convolution of each block"
            axes.set_title(title, loc="left", fontsize=LABEL_SIZE, color=theme.ink)
            axes.axhline(1 / levels, color=theme.ink, linewidth=0.8, zorder=2)
            for level, name in enumerate(level_names(levels)):
                color = theme.runs[level % len(theme.runs)]
                axes.plot(
                    at,
                    values[:, which, level],
                    color=color,
                    linestyle=LINE_STYLES[level % len(LINE_STYLES)],
                    marker=MARKERS[level % len(MARKERS)],
                    linewidth=2,
                    markersize=5,
                    zorder=3,
                    label=name,
                )
            axes.set_ylim(0, 1)
            axes.set_xlim(0.7, blocks + 0.3)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_ylabel("mean of alpha", color=theme.ink, fontsize=LABEL_SIZE)
        panels[-1].set_xlabel("block", color=theme.ink, fontsize=LABEL_SIZE)
        _legend(figure, panels[0], theme, handle=3.2)
        return figure

    return draw


def _colours_of(theme: Theme) -> tuple[str, ...]:
    return theme.paper, theme.ink, theme.grid, *theme.runs


def _content(figure: Figure, kind: str) -> bytes:
    content = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": "scalewise"}):  # the same results, the same file
        figure.savefig(content, format=kind, facecolor=figure.get_facecolor(), metadata=metadata)
    return content.getvalue()


def _plot(theme: Theme, size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, dpi=DPI, facecolor=theme.paper, layout="constrained")
    axes = figure.subplots()
    dress(axes, theme, LABEL_SIZE)
    return figure, axes


def _bare(axes: Axes, title: str, theme: Theme) -> None:
    axes.set_title(title, loc="left", fontsize=LABEL_SIZE - 1, color=theme.ink)
    axes.set_axis_off()


def _legend(figure: Figure, axes: Axes, theme: Theme, handle: float = 1.2) -> None:
    """Draw a legend with as many columns as fit."""
    named: list[tuple[Any, str]] = list(zip(*axes.get_legend_handles_labels(), strict=True))
    shown = [(line, label) for line, label in named if len(line.get_xdata()) > 0]
    longest = max((len(label) for _, label in shown), default=1)
    room = figure.get_figwidth() * 72 / LETTER_WIDTH
    figure.legend(
        [line for line, _ in shown],
        [label for _, label in shown],
        loc="outside upper left",
        ncols=max(1, min(len(shown), int(room / (longest + 9)))),
        frameon=False,
        labelcolor=theme.ink,
        fontsize=LABEL_SIZE - 1,
        handlelength=handle,
    )


def _name_points(figure: Figure, axes: Axes, points: Sequence[Cost], theme: Theme) -> None:
    """Write each point's name next to it, where it covers no other name or point."""
    figure.draw_without_rendering()
    scale = 72 / figure.dpi
    places = axes.transData.transform([(each.seconds, each.psnr_y) for each in points]) * scale
    at = [(float(x), float(y)) for x, y in places]
    extent = axes.get_window_extent()
    left, right = (float(each) * scale for each in extent.intervalx)
    bottom, top = (float(each) * scale for each in extent.intervaly)
    taken = [Bbox.from_extents(x - 5, y - 5, x + 5, y + 5) for x, y in at]
    for point, (x, y) in zip(points, at, strict=True):
        rows = textwrap.wrap(point.title, NAME_WIDTH) or [""]
        size = LETTER_WIDTH * max(map(len, rows)), LABEL_HEIGHT * len(rows)
        dx, dy = next(
            (
                (dx, dy)
                for dx, dy in _places(size[0])
                if left <= x + dx <= right - size[0]
                and bottom <= y + dy - size[1] / 2 <= top - size[1]
                and not any(_box(x + dx, y + dy, size).overlaps(other) for other in taken)
            ),
            (9.0, 0.0),
        )
        taken.append(_box(x + dx, y + dy, size))
        name = axes.annotate(
            "\n".join(rows).replace("$", r"\$"),
            (point.seconds, point.psnr_y),
            xytext=(max(dx, -9.0), dy),
            textcoords="offset points",
            ha="left" if dx > 0 else "right",  # close to its point on either side
            va="center",
            fontsize=LABEL_SIZE - 1,
            color=theme.ink,
            annotation_clip=False,
            arrowprops=_leader(theme) if abs(dy) > NEAR else None,
        )
        name.set_in_layout(False)  # a long name would take the room of the plot


def _places(width: float) -> list[tuple[float, float]]:
    """Return offsets of a label from its point: right first, then further away."""
    sides = (9.0, -9.0 - width)
    heights = (0.0, 9.0, 16.0, 26.0, 38.0, 52.0, 68.0)
    return [(dx, dy) for height in heights for dy in (height, -height) for dx in sides]


def _leader(theme: Theme) -> dict[str, Any]:
    """Return the line from a label to its point, where others lie between."""
    return {"arrowstyle": "-", "color": theme.ink, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 5}


def _box(left: float, middle: float, size: tuple[float, float]) -> Bbox:
    return Bbox.from_bounds(left, middle - size[1] / 2, *size)
