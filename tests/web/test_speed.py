"""The time that an image will take."""

from __future__ import annotations

import time

import pytest

from scalewise.restoring.sizes import Target
from scalewise.web.speed import RemainingTime, Speeds, Work, work_of
from scalewise.weights import resolve


@pytest.mark.parametrize(
    ("model", "target", "strength", "models"),
    [
        ("scn_x2", Target(), 1.0, ["scn_x2"]),
        ("photo_x2", Target(scale=4), 1.0, ["photo_x2", "scn_x2"]),
        ("photo_x2", Target(), 0.5, ["photo_x2", "scn_x2"]),
        ("denoise", Target(), 0.5, ["denoise"]),
        ("scn_x2", Target(scale=0.5), 1.0, []),
    ],
    ids=["one", "cascade", "sibling", "same size", "smaller"],
)
def test_the_work_is_that_of_all_networks(
    model: str, target: Target, strength: float, models: list[str]
) -> None:
    work = work_of(resolve(model).card, target, strength, 1000, 700)
    assert [name for name, _ in work.pixels] == models
    height, width = target.size(700, 1000, resolve(model).card.scale)
    assert work.result_pixels == height * width
    if models:
        assert 700 * 1000 <= work.pixels[0][1] < 1.4 * 700 * 1000  # tiles overlap


def test_a_job_tells_more_than_a_sample() -> None:
    speeds = Speeds()
    work = Work([("a", 1000)], 4000)
    assert speeds.seconds(work) is None
    speeds.add_sample("a", 100, 1.0)
    assert speeds.network_seconds(work) == pytest.approx(10)
    speeds.add_job(work, 8.0, 2.0)
    assert speeds.network_seconds(work) == pytest.approx(8)
    speeds.add_sample("a", 100, 5.0)
    assert speeds.network_seconds(work) == pytest.approx(8)
    for _ in range(12):
        speeds.add_job(work, 4.0, 2.0)
    assert speeds.seconds(work) == pytest.approx(6, rel=0.01)


def test_models_that_ran_together_are_wrong_by_one_factor() -> None:
    speeds = Speeds()
    speeds.add_sample("a", 100, 1.0)
    speeds.add_sample("b", 100, 3.0)
    speeds.add_job(Work([("a", 100), ("b", 100)], 400), 8.0, 0.1)
    assert speeds.network_seconds(Work([("a", 100)], 400)) == pytest.approx(2)
    assert speeds.network_seconds(Work([("b", 100)], 400)) == pytest.approx(6)


def test_time_is_honest_from_the_first_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first tile takes ten times as long as the others, as its graph is compiled."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    remaining = RemainingTime(20.0, 2.0)
    assert remaining.left(0) == 22
    ends = [10.0, *(10 + tile for tile in range(1, 20))]
    told: list[float] = []
    for tile, end in enumerate(ends, start=1):
        now = 100 + end
        left = remaining.left(tile / 20)
        assert left is not None
        told.append(left)
    assert told[0] < 60, "without what was known before, 10 s a tile would be 190 s"
    right = [ends[-1] - end + 2 for end in ends]
    assert all(left < 3 * should + 5 for left, should in zip(told, right, strict=True))
    assert told[-1] == 2
    assert RemainingTime(None, 0.0).left(0) is None
