"""A dry run: what a recipe would train and how long that would take, found out in a few steps."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from scalewise.training.loop import Trainer

WARM_UP, TIMED = 2, 5
"""Steps that are not timed, since memory and kernels are prepared in them; and steps that are."""


@dataclass(frozen=True)
class Rehearsal:
    """What was found out.

    Attributes:
        parameters: trained numbers of the network.
        pictures: that patches are drawn from.
        seconds_per_step: median over the timed steps.
        steps: in all; of a budget of time, as many as fit at that speed.
        seconds: in all, without validation and checkpoints.
    """

    parameters: int
    pictures: int
    seconds_per_step: float
    steps: int
    seconds: float


def rehearse(trainer: Trainer) -> Rehearsal:
    """Take a few steps with a trainer that is thrown away afterwards; nothing is written."""
    times: list[float] = []
    for _ in range(WARM_UP + TIMED):
        start = time.perf_counter()
        trainer.training_step().item()  # waits for the device
        times.append(time.perf_counter() - start)
    trainer.batches.close()
    per_step = statistics.median(times[WARM_UP:])
    budget = trainer.budget
    steps = budget.steps or max(1, round((budget.seconds or 0.0) / per_step))
    return Rehearsal(
        parameters=trainer.network.parameter_count,
        pictures=len(trainer.sampler),
        seconds_per_step=per_step,
        steps=steps,
        seconds=budget.seconds or steps * per_step,
    )
