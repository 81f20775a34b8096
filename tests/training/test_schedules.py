"""Learning rates against their formulas."""

from __future__ import annotations

import math

import pytest

from scalewise.training.config import ScheduleConfig
from scalewise.training.schedules import learning_rate


@pytest.mark.parametrize("step", [0, 1, 250, 500, 999, 1000])
def test_cosine_is_the_documents_formula(step: int) -> None:
    schedule = ScheduleConfig(kind="cosine", min_rate=1e-5)
    eta_max, eta_min, total = 1e-3, 1e-5, 1000
    expected = eta_min + 0.5 * (eta_max - eta_min) * (1 + math.cos(math.pi * step / total))
    assert learning_rate(step / total, eta_max, schedule) == pytest.approx(expected, rel=1e-12)


def test_fixed() -> None:
    schedule = ScheduleConfig(kind="fixed")
    assert {learning_rate(part, 1e-3, schedule) for part in (0.0, 0.3, 1.0)} == {1e-3}


@pytest.mark.parametrize(
    ("progress", "rate"), [(0.0, 1.0), (0.29, 1.0), (0.3, 0.1), (0.79, 0.1), (0.8, 0.01), (1, 0.01)]
)
def test_multistep(progress: float, rate: float) -> None:
    schedule = ScheduleConfig(kind="multistep", milestones=[0.3, 0.8], gamma=0.1)
    assert learning_rate(progress, 1.0, schedule) == pytest.approx(rate)


@pytest.mark.parametrize("kind", ["fixed", "cosine", "multistep"])
def test_warmup_rises_linearly_from_zero(kind: str) -> None:
    schedule = ScheduleConfig(kind=kind, warmup=0.2)
    rates = [learning_rate(progress, 1.0, schedule) for progress in (0.0, 0.05, 0.1, 0.15)]
    assert rates == pytest.approx([0.0, 0.25, 0.5, 0.75])
    plain = ScheduleConfig(kind=kind)
    assert learning_rate(0.2, 1.0, schedule) == learning_rate(0.2, 1.0, plain)
