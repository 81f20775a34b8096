"""Stability of trainings, from the norms of their gradients after the warm-up."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from scalewise.experiments.experiment_logs import GradientLine
from scalewise.experiments.results import Trained
from scalewise.experiments.seeds import Measure


def relative_deviation(warm_up: float, until: int | None = None) -> Measure:
    """Return the measure of the norm's deviation over its mean, within each line of the log.

    Args:
        warm_up: part of a run's steps that is left out.
        until: last step; None for all.
    """
    return _mean(lambda line: line.deviation / line.mean, warm_up, until)


def peak(warm_up: float, until: int | None = None) -> Measure:
    """Return the measure of the largest norm over the mean, within each line of the log."""
    return _mean(lambda line: line.largest / line.mean, warm_up, until)


def after_warm_up(run: Trained, warm_up: float, until: int | None = None) -> list[GradientLine]:
    """Return the lines after the warm-up whose norm is not zero."""
    first = warm_up * run.steps
    lines = [line for line in run.gradients if line.step > first and line.mean > 0]
    return [line for line in lines if until is None or line.step <= until]


def _mean(value: Callable[[GradientLine], float], warm_up: float, until: int | None) -> Measure:
    def measure(run: Trained) -> float | None:
        lines = after_warm_up(run, warm_up, until)
        return statistics.mean(map(value, lines)) if lines else None

    return measure
