"""Any output size: how large it is, and which networks lead there."""

from __future__ import annotations

import random
from math import prod
from typing import Any

import numpy as np
import pytest

from scalewise.errors import ScalewiseError
from scalewise.restoring.sizes import SLACK, Target, plan


@pytest.mark.parametrize(
    ("target", "size"),
    [
        (Target(), (200, 600)),
        (Target(scale=3), (300, 900)),
        (Target(scale=1.5), (150, 450)),
        (Target(scale=0.333), (33, 100)),
        (Target(width=400), (133, 400)),
        (Target(height=400), (400, 1200)),
        (Target(fit=(500, 500)), (167, 500)),
        (Target(fit=(3000, 150)), (150, 450)),
        (Target(max_megapixels=0.03), (100, 300)),
        (Target(max_megapixels=5), (200, 600)),
        (Target(scale=0.001), (1, 1)),
    ],
)
def test_sizes_of_a_picture_of_100_by_300(target: Target, size: tuple[int, int]) -> None:
    assert target.size(100, 300, 2) == size


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"scale": 2, "width": 10}, "given by scale and width; choose one"),
        ({"width": 20, "height": 10}, "choose one; fit takes both"),
        ({"scale": 0}, "scale must be above 0, not 0"),
        ({"scale": float("nan")}, "scale must be above 0"),
        ({"fit": (10, 0)}, "fit must be above 0, not 10x0"),
        ({"max_megapixels": -1.0}, "max_megapixels must be above 0"),
        ({"width": 100.5}, "width must be a whole number of pixels, not 100.5"),
        ({"fit": (100, 50.5)}, "fit must be a whole number of pixels, not 100x50.5"),
        ({"width": "100"}, "width must be a number, not '100'"),
        ({"scale": True}, "scale must be a number, not 'True'"),
        ({"fit": 100}, r"fit must be \(width, height\), not 100"),
        ({"fit": "100x50"}, r"fit must be \(width, height\), not '100x50'"),
    ],
)
def test_mistakes(wishes: dict[str, Any], message: str) -> None:
    with pytest.raises(ScalewiseError, match=message):
        Target(**wishes)


def test_whole_numbers_of_any_type() -> None:
    for target in (Target(fit=(np.int64(5), 6.0)), Target(fit=[5, 6])):  # pyright: ignore
        assert target == Target(fit=(5, 6))
    assert Target(width=100.0).label(2) == "w100"  # pyright: ignore[reportArgumentType]


def test_slips_of_the_hand_are_caught() -> None:
    with pytest.raises(ScalewiseError, match="300x100 to 38400x12800 is more than 64 times"):
        Target(width=38400).size(100, 300, 2)


@pytest.mark.parametrize(
    ("factor", "scales", "chain"),
    [
        (2, [2], (2,)),
        (1, [2], ()),
        (0.5, [2, 3], ()),
        (1.1, [2, 3, 4], (2,)),
        (2.05, [2], (2,)),
        (2.2, [2], (2, 2)),
        (2.2, [2, 3], (3,)),
        (4, [2, 4], (4,)),
        (6, [2, 3, 4], (2, 3)),
        (8, [2], (2, 2, 2)),
        (8, [2, 3, 4], (2, 4)),
        (2, [4], (4,)),
    ],
)
def test_chains(factor: float, scales: list[int], chain: tuple[int, ...]) -> None:
    assert plan(200, 300, Target(scale=factor), scales).scales == chain


def test_without_a_wish_the_first_network_runs() -> None:
    assert plan(10, 20, Target(), [4, 2]).scales == (4,)
    assert plan(10, 20, Target(), [1]).scales == (1,)


@pytest.mark.parametrize("seed", range(100))
def test_every_plan_reaches_its_size(seed: int) -> None:
    draw = random.Random(seed)
    height, width = draw.randint(1, 5000), draw.randint(1, 5000)
    scales = draw.sample([2, 3, 4], draw.randint(1, 3))
    fit = (draw.randint(1, 10000), draw.randint(1, 10000))
    try:
        found = plan(height, width, Target(fit=fit), scales)
    except ScalewiseError:
        return
    assert 1 <= found.width <= fit[0]
    assert 1 <= found.height <= fit[1]
    assert found.width == fit[0] or found.height == fit[1]
    factor = max(found.height / height, found.width / width)
    assert prod(found.scales) * SLACK >= factor
    assert set(found.scales) <= set(scales)
