"""What a network costs."""

from __future__ import annotations

import numpy as np
import pytest

from scalewise.models import create_model
from scalewise.reproducing.complexity import measure_complexity, multiply_adds, steady_median


def test_multiply_adds_of_original_by_hand() -> None:
    """Of one output pixel: a quarter of what an input pixel costs."""
    width = 8
    network = create_model("original", width=width, blocks=1, levels=2)
    inside = 2 * (1 + 1 / 4) * 9 * width * width  # two convolutions at full and half size
    by_hand = (9 * 3 * width + inside + 9 * width * 12) / 4
    assert multiply_adds(network) == pytest.approx(by_hand * 1e6, rel=1e-6)


def test_attention_is_counted() -> None:
    with_it = multiply_adds(create_model("adaptive", width=8, blocks=1, levels=2))
    without = multiply_adds(create_model("adaptive", width=8, blocks=1, levels=2, attention="none"))
    assert with_it - without == pytest.approx(2 * (1 + 1 / 4) * 8 * 2 / 4 * 1e6, rel=1e-6)


def test_everything_is_measured() -> None:
    network = create_model("original", width=4, blocks=1, levels=2)
    found = measure_complexity(network)
    assert found.parameters == network.parameter_count
    assert found.seconds > 0
    assert 1 < found.megabytes < 2000
    assert found.step_seconds > 0
    assert found.runtime.startswith("OpenVINO ")


def test_memory_is_the_networks_alone() -> None:
    network = create_model("original", width=4, blocks=1, levels=2)
    held = np.ones(600 * 2**20, np.uint8)  # by this process, as after a training
    assert measure_complexity(network).megabytes < 400
    assert held.all()


def test_slow_steps_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalewise.reproducing.complexity.PATIENCE", 0.0)
    taken: list[int] = []
    assert steady_median(lambda: taken.append(1), warm_up=2, repeats=5) >= 0
    assert len(taken) == 1
