"""Progress of a run: plain lines, speed, time left, and a dry run that estimates them."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scalewise.arguments import counted
from scalewise.training.log import LogLine

if TYPE_CHECKING:
    from scalewise.training.loop import Trainer

WARM_UP, TIMED = 2, 5
"""Steps of a dry run: those of the warm-up, and those that are timed."""

PLAIN_LINE_EVERY = 60.0
"""Interval of plain lines in seconds."""


class PlainLines:
    """Plain progress lines: one a minute, and one for every validation.

    Args:
        trainer: the run, at the step it starts from.
        say: called with a line.
    """

    def __init__(self, trainer: Trainer, say: Callable[[str], None]) -> None:
        self._say = say
        self._speed = Speed(trainer)
        self._psnr_y = ""
        self._said = float("-inf")
        say(describe_start(trainer))

    def on_line(self, line: LogLine) -> None:
        """Print a line of the log if it is due."""
        self._speed.on_line(line)
        if line.psnr_y is not None:
            self._psnr_y = f"  {line.psnr_y:.2f} dB"
            if line.further:
                self._psnr_y += f" ({further_scores(line)})"
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
    """Return one line about a run that starts: network, images, batch and budget.

    It is printed before the first step, because the first line of slow steps comes late.
    """
    recipe, budget = trainer.recipe, trainer.budget
    end = counted(budget.steps, "step") if budget.steps else duration(budget.seconds or 0.0)
    count, stored = len(trainer.sampler), sum(map(len, trainer.sampler.stores))
    small = f" (without {counted(stored - count, 'other')}, smaller than a patch)"
    left_out = small if stored > count else ""
    return (
        f"training {recipe.model.name} on {trainer.device}: {counted(count, 'image')}{left_out}, "
        f"{counted(recipe.data.batch, 'patch', 'patches')} a step, {end} in all; "
        f"from step {trainer.step}"
    )


class Speed:
    """Speed and remaining time of a run: a listener that prints nothing.

    Args:
        trainer: the run, at the step it starts from.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.steps = 0.0
        """Steps per second since the line before."""
        self._started, self._first = time.monotonic(), trainer.progress
        self._step, self._then = trainer.step, self._started

    def on_line(self, line: LogLine) -> None:
        """Measure the time since the line before."""
        now = time.monotonic()
        self.steps = (line.step - self._step) / max(now - self._then, 1e-9)
        self._step, self._then = line.step, now

    def left(self, progress: float) -> float:
        """Return the remaining seconds, from the mean speed since this process started.

        They are infinite before the first step.
        """
        if progress <= self._first:
            return math.inf
        elapsed = time.monotonic() - self._started
        return elapsed * (1 - progress) / (progress - self._first)


def further_scores(line: LogLine) -> str:
    """Return the scores of further validation sets as a text.

    >>> further_scores(LogLine(1, 1.0, 0.1, 1e-3, 0.1, 36.5, {"Kodak24": 33.861, "Set5": 37.8}))
    'Kodak24 33.86, Set5 37.80'
    """
    return ", ".join(f"{name} {score:.2f}" for name, score in line.further.items())


def started_at(start: float, best: float) -> str:
    """Return a text that compares a run's best score with that of its start, in dB.

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
    """Return seconds as hours, minutes and seconds; infinite ones as unknown.

    >>> duration(3725.4), duration(math.inf)
    ('1:02:05', '-:--:--')
    """
    if seconds == math.inf:
        return "-:--:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


@dataclass(frozen=True)
class DryRun:
    """Size and time of a run, measured in a few steps.

    Attributes:
        parameters: number of the network's parameters.
        images: number of training images.
        seconds_per_step: median over the timed steps; with progressive patches the mean of those
            of the stages.
        steps: total steps; for a budget of time, an estimate from that speed.
        seconds: total time without validation and checkpoints.
    """

    parameters: int
    images: int
    seconds_per_step: float
    steps: int
    seconds: float


def dry_run(trainer: Trainer) -> DryRun:
    """Take a few steps and measure them; write nothing.  The trainer cannot be used afterwards."""
    from scalewise.training.machine import process_settings

    recipe, budget = trainer.recipe, trainer.budget
    stages = recipe.data.progressive or [(0.0, recipe.data.patch)]
    ends = [*(part for part, _ in stages[1:]), 1.0]
    parts = [end - part for (part, _), end in zip(stages, ends, strict=True)]
    times: list[float] = []
    with process_settings(recipe.deterministic):
        for _, side in stages:
            if recipe.data.progressive:
                data = replace(recipe.data, progressive=[(0.0, side)], patch=side)
                trainer.recipe = replace(recipe, data=data)
            times.append(_seconds_per_step(trainer))
    trainer.batches.close()
    if budget.steps:
        per_step = sum(part * each for part, each in zip(parts, times, strict=True))
    else:  # the stages share the time, not the steps
        per_step = 1 / sum(part / each for part, each in zip(parts, times, strict=True))
    steps = budget.steps or max(1, round((budget.seconds or 0.0) / per_step))
    return DryRun(
        parameters=trainer.network.parameter_count,
        images=len(trainer.sampler),
        seconds_per_step=per_step,
        steps=steps,
        seconds=budget.seconds or steps * per_step,
    )


def _seconds_per_step(trainer: Trainer) -> float:
    """Return the median duration of some steps."""
    times: list[float] = []
    for _ in range(WARM_UP + TIMED):
        start = time.perf_counter()
        trainer.training_step().item()  # waits for the device
        times.append(time.perf_counter() - start)
    return statistics.median(times[WARM_UP:])
