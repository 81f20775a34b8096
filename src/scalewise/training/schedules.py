"""Learning-rate schedules as functions of progress, from 0 at the start to 1 at the end.

Progress, and not the step, because a budget may be steps, epochs or time.
"""

from __future__ import annotations

from math import cos, pi, sqrt

from scalewise.training.config import ScheduleConfig


def cosine(progress: float, rate: float, min_rate: float = 0.0) -> float:
    """Cosine annealing, the document's formula with ``t / T = progress``:
    ``eta(t) = eta_min + 0.5 (eta_max - eta_min) (1 + cos(pi t / T))``.

    >>> [cosine(p, 1e-3) for p in (0.0, 0.5, 1.0)]
    [0.001, 0.0005, 0.0]
    """
    return min_rate + 0.5 * (rate - min_rate) * (1 + cos(pi * progress))


def wsd(progress: float, rate: float, min_rate: float = 0.0, decay: float = 0.2) -> float:
    """Return warm-up-stable-decay's rate after its warm-up.

    Constant, then over the last ``decay`` of the budget ``1 - sqrt(t)`` of the way down to
    ``min_rate``, t rising from 0 to 1: Haegele et al., "Scaling laws and compute-optimal training
    beyond fixed training durations" (NeurIPS 2024).

    >>> [wsd(p, 1.0, decay=0.4) for p in (0.0, 0.6, 0.7, 1.0)]
    [1.0, 1.0, 0.5, 0.0]
    """
    if progress <= 1 - decay or decay == 0:
        return rate
    return min_rate + (rate - min_rate) * (1 - sqrt(min((progress - 1 + decay) / decay, 1.0)))


def learning_rate(progress: float, rate: float, schedule: ScheduleConfig) -> float:
    """The learning rate at a moment of the run.

    Args:
        progress: done part of the budget, in [0, 1].
        rate: the highest rate.
        schedule: kind, floor, milestones and warm-up.

    >>> learning_rate(0.8, 1.0, ScheduleConfig(kind="multistep"))
    0.25
    >>> learning_rate(0.05, 1.0, ScheduleConfig(kind="fixed", warmup=0.1))
    0.5
    """
    if progress < schedule.warmup:
        return rate * progress / schedule.warmup
    if schedule.kind == "cosine":
        return cosine(progress, rate, schedule.min_rate)
    if schedule.kind == "wsd":
        return wsd(progress, rate, schedule.min_rate, schedule.decay)
    if schedule.kind == "multistep":
        return rate * schedule.gamma ** sum(progress >= point for point in schedule.milestones)
    return rate
