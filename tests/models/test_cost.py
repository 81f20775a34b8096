"""What the networks that race for a release may cost, in multiply-adds for each LR pixel."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from scalewise.models import create_model
from scalewise.reproducing.complexity import multiply_adds

MAIN = [
    ("scn_exact", {"width": 32, "expansion": 2, "blocks": 8, "levels": 3}),
    ("plain", {}),
    ("steered", {}),
]
FAST = [
    {"width": 32, "blocks": 2},
    {"width": 16, "blocks": 7, "ends": 5},
    {"width": 64, "blocks": 2, "shrink": 2},
]


def per_lr_pixel(name: str, **settings: Any) -> float:
    network = create_model(name, **settings)
    return multiply_adds(network) * network.scale**2 / 1e6


@pytest.mark.parametrize(("name", "settings"), MAIN)
def test_a_main_network_takes_at_most_450_000(name: str, settings: dict[str, Any]) -> None:
    assert 380_000 < per_lr_pixel(name, **settings) <= 450_000


@pytest.mark.parametrize(("settings", "luminance"), list(product(FAST, (False, True))))
def test_a_fast_network_takes_at_most_50_000(settings: dict[str, Any], luminance: bool) -> None:
    cost = per_lr_pixel("plain", residual=False, luminance=luminance, **settings)
    assert 30_000 < cost <= 50_000
