"""The time that an image will take."""

from __future__ import annotations

import time

import pytest

from scalewise.restoring.sizes import Target
from scalewise.web.catalogue import chain_of
from scalewise.web.speed import RemainingTime, Speeds, Work, work_of
from scalewise.weights import resolve


@pytest.mark.parametrize(
    ("model", "target", "strength", "models"),
    [
        ("scn_x2", Target(), 1.0, ["scn_x2"]),
        ("photo_x2", Target(scale=4), 1.0, ["photo_x2", "scn_x2"]),
        ("photo_x2", Target(), 0.5, ["photo_x2", "scn_x2"]),
        ("photo_x2", Target(), 0.0, ["scn_x2"]),
        ("denoise", Target(), 0.5, ["denoise"]),
        ("denoise", Target(), 0.0, []),
        ("denoise", Target(scale=2), 0.0, ["scn_x2"]),
        ("scn_x2", Target(scale=0.5), 1.0, []),
    ],
    ids=[
        *("one", "cascade", "sibling", "sibling alone", "same size", "nothing", "left out"),
        "smaller",
    ],
)
def test_the_work_is_that_of_all_networks(
    model: str, target: Target, strength: float, models: list[str]
) -> None:
    work = work_of(chain_of(model), target, strength, 1000, 700)
    assert [name for name, _ in work.pixels] == models
    height, width = target.size(700, 1000, resolve(model).card.scale)
    assert work.result_pixels == height * width
    if models:
        assert 700 * 1000 <= work.pixels[0][1] < 1.4 * 700 * 1000  # tiles overlap


BIG = 12_000_000


def work(pixels: int, model: str = "a", format: str = "png") -> Work:
    return Work([(model, pixels)], 4 * pixels, format)


def test_a_large_job_tells_more_than_a_sample() -> None:
    speeds = Speeds()
    assert speeds.seconds(work(BIG)) is None
    speeds.add_sample("a", 25_600, 0.5)
    assert speeds.network_seconds(work(BIG)) == pytest.approx(234, rel=0.01)
    speeds.add_job(work(BIG), 150.0, 4.0)
    assert speeds.network_seconds(work(BIG)) == pytest.approx(150, rel=0.1)
    speeds.add_sample("a", 25_600, 5.0)
    assert speeds.network_seconds(work(BIG)) == pytest.approx(150, rel=0.1)
    for _ in range(12):
        speeds.add_job(work(BIG), 75.0, 4.0)
    assert speeds.seconds(work(BIG)) == pytest.approx(79, rel=0.05)


@pytest.mark.parametrize("rate", [40e-6, 4e-6, 0.5e-6], ids=["slow", "fast", "very fast"])
@pytest.mark.parametrize("side", [10, 50, 200, 300])
def test_small_jobs_hardly_change_the_time_of_large_ones(side: int, rate: float) -> None:
    """Loading, compiling, a pause for a preview and writing take a small job's time."""
    speeds = Speeds()
    for model in "ab":
        speeds.add_sample(model, 25_600, 25_600 * rate)
    before = speeds.seconds(work(BIG))
    assert before is not None
    for overhead in [3.0, 1.0, 6.0, *[1.0] * 40]:
        speeds.add_job(work(side**2), side**2 * rate + overhead, 0.5)
        assert speeds.seconds(work(BIG)) == pytest.approx(before, rel=0.2, abs=5)
    assert speeds.seconds(work(BIG, "b", "webp")) == pytest.approx(before, rel=1e-6)
    assert speeds.seconds(work(side**2)) == pytest.approx(1.5 + side**2 * rate, rel=0.3)


def test_a_small_job_alone_does_not_make_a_model_known() -> None:
    speeds = Speeds()
    speeds.add_job(work(2_000), 1.5, 0.5)
    assert not speeds.knows("a")
    speeds.add_job(work(BIG), 120.0, 5.0)
    assert speeds.network_seconds(work(BIG)) == pytest.approx(120)


def test_of_models_that_ran_together_the_less_known_one_is_wrong() -> None:
    speeds = Speeds()
    for model, seconds in (("a", 0.25), ("b", 0.75)):
        speeds.add_sample(model, 25_600, seconds)
    both = Work([("a", BIG), ("b", BIG)], BIG)
    factor = 25_600 / BIG
    speeds.add_job(both, 2 / factor, 0.1)
    assert speeds.network_seconds(work(BIG, "a")) == pytest.approx(0.5 / factor, rel=0.05)
    assert speeds.network_seconds(work(BIG, "b")) == pytest.approx(1.5 / factor, rel=0.05)
    speeds.add_sample("c", 25_600, 1.0)
    speeds.add_job(Work([("a", BIG), ("c", BIG)], BIG), 2.5 / factor, 0.1)
    assert speeds.network_seconds(work(BIG, "a")) == pytest.approx(0.5 / factor, rel=0.1)
    assert speeds.network_seconds(work(BIG, "c")) == pytest.approx(2 / factor, rel=0.1)


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
