"""Budgets: durations as people write them, and how much of one is done."""

from __future__ import annotations

from typing import Any

import pytest

from scalewise.errors import ScalewiseError
from scalewise.training.budget import Budget, Interval, seconds
from scalewise.training.config import BudgetConfig


@pytest.mark.parametrize(
    ("duration", "expected"),
    [("90s", 90), ("45m", 2700), ("2h", 7200), ("1h30m", 5400), ("1h 2m 3s", 3723), (7.5, 7.5)],
)
def test_durations(duration: str | float, expected: float) -> None:
    assert seconds(duration) == expected


@pytest.mark.parametrize("duration", ["", "soon", "90", "1.5h", "30m1h", "-5s", "5 sec"])
def test_durations_that_are_none(duration: str) -> None:
    with pytest.raises(ScalewiseError, match=r"budget.time: cannot read '.*'; write 90s, 45m"):
        seconds(duration)


def test_an_interval_that_cannot_be_read_names_its_units() -> None:
    with pytest.raises(ScalewiseError, match=r"save: .*'5 min'; write 90s, 10m, 500 steps or 1 ep"):
        Interval.from_config("5 min", epoch=3, key="save")


def test_the_three_units() -> None:
    assert Budget.from_config(BudgetConfig(steps=30), epoch=10) == Budget(30, None)
    assert Budget.from_config(BudgetConfig(epochs=3), epoch=10) == Budget(30, None)
    assert Budget.from_config(BudgetConfig(time="1m"), epoch=10) == Budget(None, 60.0)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "give exactly one of steps, epochs and time, not none"),
        ({"steps": 1, "time": 5.0}, "give exactly one of steps, epochs and time, not steps and"),
        ({"steps": 0}, "budget.steps must be above 0, not 0"),
        ({"epochs": -1}, "budget.epochs must be above 0, not -1"),
        ({"time": 0.0}, "budget.time: must be more than zero"),
    ],
)
def test_budgets_that_make_no_sense(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ScalewiseError, match=message):
        Budget.from_config(BudgetConfig(**config), epoch=10)


def test_progress_counts_what_the_budget_is_in_and_ends_at_1() -> None:
    by_steps, by_time = Budget(200, None), Budget(None, 50.0)
    assert by_steps.progress(steps=50, seconds=1e6) == 0.25
    assert by_time.progress(steps=10**6, seconds=5.0) == 0.1
    assert by_steps.progress(201, 0) == by_time.progress(0, 51.0) == 1.0


@pytest.mark.parametrize(
    ("text", "steps", "length"),
    [
        (600.0, None, 600.0),
        ("10m", None, 600.0),
        ("1 step", 1, None),
        ("200 steps", 200, None),
        ("1 epoch", 50, None),
        (" 3epochs ", 150, None),
    ],
)
def test_intervals(text: float | str, steps: int | None, length: float | None) -> None:
    interval = Interval.from_config(text, 50, "validate_every")
    assert (interval.steps, interval.seconds) == (steps, length)


@pytest.mark.parametrize("text", ["0 steps", "often", "-1 epochs", "", 0, -5, "0s", -0.0])
def test_intervals_that_make_no_sense(text: float | str) -> None:
    with pytest.raises(ScalewiseError, match=r"^validate_every: "):
        Interval.from_config(text, 50, "validate_every")


def test_when_an_interval_is_due() -> None:
    by_steps, by_time = Interval(20, None), Interval(None, 5.0)
    assert [by_steps.is_due(step, 1e9) for step in (19, 20, 21, 40)] == [False, True, False, True]
    assert [by_time.is_due(20, since) for since in (4.9, 5.0)] == [False, True]
