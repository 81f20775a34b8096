"""How a run tells how far it is: in words, and as plain lines where nobody watches a bar."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from scalewise.training.log import LogLine

if TYPE_CHECKING:  # whoever needs a duration only goes without PyTorch
    from scalewise.training.loop import Trainer

PLAIN_LINE_EVERY = 60.0
"""Seconds between plain lines."""


class PlainLines:
    """A line a minute, and one for every validation.

    Args:
        trainer: the run, at the step it starts from.
        say: takes a line.
    """

    def __init__(self, trainer: Trainer, say: Callable[[str], None]) -> None:
        self._say = say
        self._speed = Speed(trainer)
        self._psnr_y = ""
        self._said = float("-inf")
        say(describe_start(trainer))

    def on_line(self, line: LogLine) -> None:
        """Say a line of the log, if it is time."""
        self._speed.on_line(line)
        if line.psnr_y is not None:
            self._psnr_y = f"  {line.psnr_y:.2f} dB"
        now = time.monotonic()
        if line.psnr_y is None and now - self._said < PLAIN_LINE_EVERY:
            return
        self._said = now
        self._say(
            f"{line.progress:6.1%}  step {line.step}  loss {line.loss:.4f}{self._psnr_y}  "
            f"{self._speed.steps:.1f} steps/s  rate {line.rate:.1e}  "
            f"left {duration(self._speed.left(line.progress))}"
        )


def describe_start(trainer: Trainer) -> str:
    """Say in one line what begins: slow steps take a while to their first line.

    Network, pictures, batch and what the run's end is measured in.
    """
    recipe, budget = trainer.recipe, trainer.budget
    end = f"{budget.steps:,} steps" if budget.steps else duration(budget.seconds or 0.0)
    return (
        f"training {recipe.model.name} on {trainer.device}: {len(trainer.sampler):,} pictures, "
        f"{recipe.data.batch} patches a step, {end} in all; from step {trainer.step}"
    )


class Speed:
    """How fast a run is, and how long it will take: a listener without a voice.

    Args:
        trainer: the run, at the step it starts from.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.steps = 0.0
        """Steps per second since the line before."""
        self._started, self._first = time.monotonic(), trainer.progress
        self._step, self._then = trainer.step, self._started

    def on_line(self, line: LogLine) -> None:
        """Take the time."""
        now = time.monotonic()
        self.steps = (line.step - self._step) / max(now - self._then, 1e-9)
        self._step, self._then = line.step, now

    def left(self, progress: float) -> float:
        """Return seconds to the end, by the mean speed since this process started.

        Infinite before the first step, when nothing is known.
        """
        if progress <= self._first:
            return math.inf
        elapsed = time.monotonic() - self._started
        return elapsed * (1 - progress) / (progress - self._first)


def started_at(start: float, best: float) -> str:
    """Say what a run made of the weights that it started from, scores in dB.

    >>> started_at(37.79, 37.86)
    'from 37.79 dB at the start'
    """
    if best > start:
        return f"from {start:.2f} dB at the start"
    return (
        f"no better than the {start:.2f} dB of the start, whose weights are kept as the best; "
        "a lower optimizer.rate or a longer budget may help"
    )


def duration(seconds: float) -> str:
    """Seconds as hours, minutes and seconds; infinite ones as not known yet.

    >>> duration(3725.4), duration(math.inf)
    ('1:02:05', '-:--:--')
    """
    if seconds == math.inf:
        return "-:--:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
