"""Timing of training steps, and of the sections of a step."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from scalewise.training.batches import Batch, Inputs
from scalewise.training.graph import PlainStep
from scalewise.training.loop import Trainer

SECTIONS = ("data", "forward", "backward", "optimizer")
"""The sections of a step; the loss counts as forward, clipping and averaging as optimizer."""

WARM_UP = 3
"""Steps before the first that counts: kernels are chosen, memory is asked for, queues fill."""

GPU_LAP = 20
"""Steps timed together on a GPU, which works on while the host prepares the next ones."""


@dataclass(frozen=True)
class Timing:
    """Results of :func:`measure`, in seconds.

    Attributes:
        step: median time per step.
        sections: mean time per step in each of :data:`SECTIONS`.
        steps: how many steps counted.
        warm_up: time of the :data:`WARM_UP` steps before them.
    """

    step: float
    sections: dict[str, float]
    steps: int
    warm_up: float

    def share(self, section: str) -> float:
        """Return a section's part of the step, in [0, 1]."""
        return self.sections[section] / sum(self.sections.values())

    @property
    def preparation(self) -> float:
        """Extra time of the first steps, mostly for compiling."""
        return max(0.0, self.warm_up - WARM_UP * self.step)


class Stopwatch:
    """A stopwatch that sums the time of each section.

    Args:
        device: where the work is done; a GPU is waited for at every reading.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, float] = dict.fromkeys(SECTIONS, 0.0)
        self.paused = False
        self._section: str | None = None
        self._since = 0.0

    def now(self) -> float:
        """Wait for all work so far, and return the time of a monotonic clock in seconds."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()
        return time.perf_counter()

    def enter(self, section: str | None) -> None:
        """Leave the current section, for another or for none."""
        if self.paused:
            return
        now = self.now()
        if self._section is not None:
            self.seconds[self._section] += now - self._since
        self._section, self._since = section, now


def measure(step: Callable[[], object], watch: Stopwatch, seconds: float, lap: int = 1) -> Timing:
    """Time a training step for a while, after a warm-up.

    On a GPU this is done twice: whole steps first, then, with a wait after every section, how
    they divide.

    Args:
        step: takes one step; enters the sections after ``data``, in which it begins.
        watch: what the step enters its sections on.
        seconds: for about so long; at least three laps.
        lap: steps timed together, where neighbouring ones differ by nature.
    """
    watch.paused = True
    started = watch.now()
    for _ in range(WARM_UP):
        step()
    warm_up = watch.now() - started
    if watch.device.type == "cpu":
        watch.paused = False
        laps = _laps(step, watch, seconds, lap)
        split = laps
    else:
        lap = GPU_LAP
        laps = _laps(step, watch, seconds / 2, lap)
        watch.paused = False
        split = _laps(step, watch, seconds / 2, lap)
    sections = {name: spent / (len(split) * lap) for name, spent in watch.seconds.items()}
    return Timing(statistics.median(laps) / lap, sections, len(laps) * lap, warm_up)


def _laps(step: Callable[[], object], watch: Stopwatch, seconds: float, lap: int) -> list[float]:
    laps: list[float] = []
    began = start = watch.now()
    while len(laps) < 3 or start - began < seconds:
        for _ in range(lap):
            watch.enter("data")
            step()
            watch.enter(None)
        laps.append(-start + (start := watch.now()))
    return laps


@contextmanager
def watched(trainer: Trainer, watch: Stopwatch) -> Generator[None, None, None]:
    """Have a trainer's own steps enter their sections on a stopwatch.

    Nothing of the step is repeated here: its source of batches and ``Tensor.backward`` are
    wrapped, and the times before, between and after them are the other sections.  A step that is
    captured in a CUDA graph has no sections, so while these are timed it runs uncaptured.
    """
    batches, backward, take_step = trainer.batches, Tensor.backward, trainer.take_step
    draw, assemble = batches.draw, batches.assemble
    plain = PlainStep(trainer.operations, trainer.device)

    def step(inputs: Inputs, variant: Hashable = None) -> Tensor:
        return (take_step if watch.paused else plain)(inputs, variant)

    def timed_draw(step: int) -> Inputs:
        watch.enter("data")
        return draw(step)

    def timed_assemble(inputs: Inputs) -> Batch:
        batch = assemble(inputs)
        watch.enter("forward")
        return batch

    def timed_backward(loss: Tensor, *arguments: Any, **named: Any) -> None:
        watch.enter("backward")
        backward(loss, *arguments, **named)
        watch.enter("optimizer")

    with (
        patch.object(trainer, "take_step", step),
        patch.object(batches, "draw", timed_draw),
        patch.object(batches, "assemble", timed_assemble),
        patch.object(Tensor, "backward", timed_backward),
    ):
        yield
