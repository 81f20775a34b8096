"""Output sizes: how large a target is, and mistakes in one."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest

from scalewise.errors import ScalewiseError
from scalewise.restoring.sizes import Target


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
    ("sizes", "message"),
    [
        ({"scale": 2, "width": 10}, "scale and width give the size; choose one"),
        ({"width": 20, "height": 10}, "choose one; fit= takes both"),
        ({"scale": 0}, "scale must be above 0, not 0"),
        ({"scale": float("nan")}, "scale must be above 0"),
        ({"fit": (10, 0)}, "fit must be above 0, not 10x0"),
        ({"max_megapixels": -1.0}, "max_megapixels must be above 0"),
        ({"scale": 1e308}, r"scale must be at most 1,000,000,000, not 1e\+308"),
        ({"width": 10**400}, "width must be at most 1,000,000,000, not 10"),
        ({"fit": (10, 10**10)}, "fit must be at most 1,000,000,000, not"),
        ({"width": 100.5}, "width must be a whole number of pixels, not 100.5"),
        ({"fit": (100, 50.5)}, "fit must be a whole number of pixels, not 100x50.5"),
        ({"width": "100"}, "width must be a number, not '100'"),
        ({"scale": True}, "scale must be a number, not True"),
        ({"fit": 100}, r"fit must be \(width, height\), not 100"),
        ({"fit": "100x50"}, r"fit must be \(width, height\), not '100x50'"),
    ],
)
def test_mistakes(sizes: dict[str, Any], message: str) -> None:
    with pytest.raises(ScalewiseError, match=message):
        Target(**sizes)


def test_whole_numbers_of_any_type() -> None:
    for target in (Target(fit=(np.int64(5), 6.0)), Target(fit=[5, 6])):  # pyright: ignore
        assert target == Target(fit=(5, 6))
    assert Target(width=100.0).label(2) == "w100"  # pyright: ignore[reportArgumentType]


def test_a_target_is_printed_as_it_was_made() -> None:
    assert repr(Target(scale=3)) == "Target(scale=3)"
    assert repr(Target(fit=(30, 20), max_megapixels=5)) == "Target(fit=(30, 20), max_megapixels=5)"
    assert repr(Target()) == "Target()"


def test_slips_of_the_hand_are_caught() -> None:
    with pytest.raises(ScalewiseError, match=r"300x100 to 38400x12800 is more .* lower width=$"):
        Target(width=38400).size(100, 300, 2)


def test_the_largest_numbers_are_no_size_but_fit_into_megapixels() -> None:
    with pytest.raises(ScalewiseError, match="more than 64 times"):
        Target(scale=10**9).size(100, 300, 2)
    assert prod(Target(scale=10**9, max_megapixels=0.1).size(100, 300, 2)) <= 100_000
