"""Computational cost of a network."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
import pytest

from scalewise.experiments import complexity
from scalewise.experiments.complexity import (
    measure_complexity,
    multiply_adds,
    multiply_adds_per_pixel,
    steady_median,
)
from scalewise.models import create_model
from scalewise.training import machine


def test_multiply_adds_of_original_by_hand() -> None:
    """Of one output pixel: a quarter of what an input pixel costs."""
    width = 8
    network = create_model("original", width=width, blocks=1, levels=2)
    inside = 2 * (1 + 1 / 4) * 9 * width * width  # two convolutions at full and half size
    by_hand = (9 * 3 * width + inside + 9 * width * 12) / 4
    assert multiply_adds(network) == pytest.approx(by_hand * 1e6, rel=1e-6)


MAIN, FAST = 0.45e6, 0.05e6
"""Multiply-adds per input pixel that a main and a fast network may cost at x2."""


@pytest.mark.parametrize(
    ("name", "settings", "limit"),
    [
        ("plain", {"width": 48, "convolutions": 18}, MAIN),
        ("steered", {}, MAIN),
        ("scn_exact", {"width": 32, "expansion": 2, "blocks": 8, "levels": 3}, MAIN),
        ("plain", {"width": 32, "convolutions": 4, "residual": False}, FAST),
        ("plain", {"width": 16, "convolutions": 14, "residual": False, "ends": 5}, FAST),
        ("plain", {"width": 64, "convolutions": 4, "residual": False, "shrink": 2}, FAST),
    ],
)
def test_candidates_stay_within_their_limit(
    name: str, settings: dict[str, Any], limit: float
) -> None:
    variants = [settings]
    if limit == FAST:
        variants.append({**settings, "luminance": True})
    for variant in variants:
        assert 0.5 * limit < multiply_adds_per_pixel(create_model(name, **variant)) <= limit


def test_multiply_adds_of_plain_by_hand() -> None:
    """Of an input pixel; four of them share a feature, and the skip has 5x5 taps."""
    network = create_model("plain", width=8, convolutions=2, shrink=2, luminance=True)
    by_hand = 9 * (12 * 8 + 2 * 8 * 8 + 8 * 16) / 4 + 25 * 3 * 12
    assert multiply_adds_per_pixel(network) == pytest.approx(by_hand, rel=1e-6)


def test_attention_is_counted() -> None:
    with_it = multiply_adds(create_model("adaptive", width=8, blocks=1, levels=2))
    without = multiply_adds(create_model("adaptive", width=8, blocks=1, levels=2, attention="none"))
    assert with_it - without == pytest.approx(2 * (1 + 1 / 4) * 8 * 2 / 4 * 1e6, rel=1e-6)


def test_everything_is_measured_and_memory_is_the_networks_alone() -> None:
    network = create_model("original", width=4, blocks=1, levels=2)
    held = np.ones(600 * 2**20, np.uint8)  # by this process, as after a training
    found = measure_complexity(network)
    assert found.parameters == network.parameter_count
    assert found.seconds > 0
    assert 1 < found.megabytes < 400
    assert found.step_seconds > 0
    assert found.runtime.startswith("OpenVINO ")
    assert held.all()


def test_the_allocator_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for name in ("keep_freed_memory", "return_freed_memory"):
        monkeypatch.setattr(machine, name, partial(done.append, name))
    monkeypatch.setattr(
        complexity, "_measure_inference", lambda *_: {"seconds": 1.0, "megabytes": 1.0}
    )
    monkeypatch.setattr(complexity, "steady_median", lambda step, **_: done.append("step") or 1.0)
    measure_complexity(create_model("original", width=4, blocks=1, levels=2))
    assert done == ["keep_freed_memory", "step", "return_freed_memory"]


def test_slow_steps_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalewise.experiments.complexity.PATIENCE", 0.0)
    seconds = iter([0.2, 0.0])  # memory comes from the system in the first one
    assert steady_median(lambda: time.sleep(next(seconds)), warm_up=2, repeats=5) < 0.1
    assert not [*seconds]
