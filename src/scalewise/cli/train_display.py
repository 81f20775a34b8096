"""Live display of training in a terminal: progress, speed, and two small curves.

This module imports rich at its top.  So it is imported only where there is a terminal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from scalewise.errors import ScalewiseError
from scalewise.training.log import LogLine, read_log
from scalewise.training.loop import Trainer
from scalewise.training.progress import Speed, duration, further_scores
from scalewise.training.validation_protocol import protocol_of

CURVE_HEIGHT = 4
"""Height of a curve, in lines of the terminal."""

CURVE_WIDTH = 48
"""Maximum width of a curve, in characters."""

SMOOTHED_OVER = 20
"""Approximate number of log lines over which the loss in the curve is averaged."""

REFRESHED = 2
"""Redraws per second."""

LABEL_WIDTH = 7

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of a braille character's dots: the left column and the right one, each from the top."""


def can_show() -> bool:
    """Return whether stderr is a terminal that can redraw lines, and displays braille."""
    console = Console(stderr=True)
    return console.is_interactive and console.encoding.startswith("utf")


@contextmanager
def live_view(trainer: Trainer) -> Generator[LiveView, None, None]:
    """Show a run at the bottom of the terminal; the last state stays there.

    Text written to stderr in the meantime appears above it.

    Yields:
        The view, a listener of the training loop.
    """
    console = Console(stderr=True)
    view = LiveView(trainer, console)
    with Live(view, console=console, refresh_per_second=REFRESHED, redirect_stdout=False):
        yield view


class LiveView:
    """A run in a few lines of text, redrawn by rich.

    Args:
        trainer: the run, at its first step of this process.
        console: the terminal that shows it.
    """

    def __init__(self, trainer: Trainer, console: Console) -> None:
        self._trainer, self._console = trainer, console
        self._speed = Speed(trainer)
        self._losses: list[float] = []  # smoothed
        self._psnr_y: list[float] = []
        self._loss = math.nan
        self._further = ""
        self._is_moving = False
        for line in _logged(trainer):
            self._take(line)

    def on_line(self, line: LogLine) -> None:
        """Add a line of the log to the numbers and the curves."""
        self._speed.on_line(line)
        self._is_moving = True
        self._take(line)

    def _take(self, line: LogLine) -> None:
        self._loss = line.loss
        before = self._losses[-1] if self._losses else 0.0
        part = 1 / min(len(self._losses) + 1, SMOOTHED_OVER)
        self._losses.append(before + part * (line.loss - before))
        if line.psnr_y is not None:
            self._psnr_y.append(line.psnr_y)
            self._further = further_scores(line)

    def __rich__(self) -> RenderableType:
        return Group(self._bar(), self._numbers(), self._curves())

    def _bar(self) -> RenderableType:
        trainer = self._trainer
        progress = trainer.progress
        left = duration(self._speed.left(progress)) if self._is_moving else "-:--:--"
        bar = Table.grid(padding=(0, 2, 0, 0), expand=True)
        for ratio in (None, 1, None, None, None, None):
            bar.add_column(ratio=ratio, no_wrap=True)
        bar.add_row(
            Text(trainer.run.resolve().name, "bold"),
            ProgressBar(total=1, completed=progress),
            f"{progress:.1%}",
            f"step {trainer.step:,}",
            duration(trainer.seconds),
            f"left {left}",
        )
        return bar

    def _numbers(self) -> RenderableType:
        parts = [f"rate {self._trainer.rate:.1e}"]
        if self._losses:
            parts.insert(0, f"loss {self._loss:.4f}")
        if self._is_moving:
            parts.append(f"{self._speed.steps:.1f} steps/s")
        if self._psnr_y:
            now, best = self._psnr_y[-1], max(*self._psnr_y, self._trainer.best)
            protocol = protocol_of(self._trainer.recipe.data).name
            parts.append(f"PSNR-Y {now:.2f} dB, best {best:.2f} (protocol {protocol})")
        text = Text("   ".join(parts))
        return text.append(f"\n{self._further}", "dim") if self._further else text

    def _curves(self) -> RenderableType:
        width = min(self._console.width // 2 - LABEL_WIDTH - 3, CURVE_WIDTH)
        curves = Table.grid(padding=(0, 1, 0, 0))
        if width < 8:
            return curves
        losses = [math.log(max(loss, 1e-12)) for loss in self._losses]
        shown = [
            _curve("loss, smoothed (log)", losses, width, lambda low: f"{math.exp(low):.4f}"),
            _curve("PSNR-Y (dB)", self._psnr_y, width, lambda low: f"{low:.2f}"),
        ]
        curves.add_row(*(curve for curve in shown if curve is not None))
        return curves


def sparkcurve(values: Sequence[float], width: int, height: int) -> list[str]:
    """Draw a curve with braille dots, from the minimum at the bottom to the maximum.

    Args:
        values: evenly spaced, at least one; neighbours are averaged where dots are fewer.
        width: in characters.
        height: in lines.

    Returns:
        The lines from the top, of ``width`` characters each.

    >>> sparkcurve([0, 1, 2, 3, 3, 3, 2, 0], 4, 1)
    ['⡠⠊⠉⢢']
    >>> sparkcurve([5, 5], 2, 2)
    ['⣀⣀', '⠀⠀']
    """
    low, high = min(values), max(values)
    top = 4 * height - 1
    scale = top / (high - low) if high > low else 0.0
    levels = [round((value - low) * scale) for value in _resampled(values, 2 * width)]
    if high == low:
        levels = [top // 2 + 1] * len(levels)
    cells = [[0x2800] * width for _ in range(height)]
    before = levels[0]
    for x, level in enumerate(levels):
        # Connect to the previous dot, so that steep parts have no gaps.
        start, end = sorted((level, before + (level > before) - (level < before)))
        for y in range(start, end + 1):
            row, dot = divmod(top - y, 4)
            cells[row][x // 2] |= DOTS[x % 2][dot]
        before = level
    return ["".join(map(chr, row)) for row in cells]


def _resampled(values: Sequence[float], count: int) -> list[float]:
    """Resample values to a count: by means of neighbours, or by linear interpolation."""
    if len(values) > count:
        edges = [index * len(values) // count for index in range(count + 1)]
        return [sum(values[start:end]) / (end - start) for start, end in pairwise(edges)]
    points: list[float] = []
    for index in range(count):
        whole, part = divmod(index * (len(values) - 1) / max(count - 1, 1), 1)
        here, after = int(whole), min(int(whole) + 1, len(values) - 1)
        points.append(values[here] + part * (values[after] - values[here]))
    return points


def _curve(
    title: str, values: Sequence[float], width: int, label: Callable[[float], str]
) -> RenderableType | None:
    """Draw a curve under its title, with labels for its maximum and minimum."""
    if not values:
        return None
    labels = [label(max(values)), *[""] * (CURVE_HEIGHT - 2), label(min(values))]
    drawn = zip(labels, sparkcurve(values, width, CURVE_HEIGHT), strict=True)
    text = Text(f"{'':{LABEL_WIDTH}} {title}\n", "dim")
    for each, line in drawn:
        text.append(f"{each:>{LABEL_WIDTH}} ", "dim")
        text.append(f"{line}\n", "not dim cyan")
    text.right_crop(1)
    return text


def _logged(trainer: Trainer) -> list[LogLine]:
    """Return the log up to the step from which the run continues."""
    try:
        return [line for line in read_log(trainer.run) if line.step <= trainer.step]
    except ScalewiseError:  # training continues without the log, and so does the display
        return []
