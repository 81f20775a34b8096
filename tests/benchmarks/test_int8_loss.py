"""Loss of quality in the precision that ``auto`` chooses for images of many kinds."""

from __future__ import annotations

import pytest
from int8_loss import Loss, Meter, table
from kinds import PHOTOGRAPHS, samples

from scalewise.imaging.blind_estimation import estimate_content


@pytest.fixture(scope="module")
def losses() -> list[Loss]:
    meter = Meter("scn_fast_x2", threads=1)
    return [meter.measure(sample) for sample in samples()]


def test_photographs_are_told_from_other_kinds(losses: list[Loss]) -> None:
    photographs = {"photographs", "photograph of 64 colours", "noise, sigma 10"}
    assert sum(each.kind == "photographs" for each in losses) == len(PHOTOGRAPHS)
    for each in losses:
        assert (each.content == "photograph") == (each.kind in photographs), each


def test_what_is_computed_in_integers_loses_little(losses: list[Loss]) -> None:
    for each in losses:
        if each.content == "photograph":
            assert each.loss < 0.05, each
            assert each.mean < 0.5, each


def test_what_is_not_would_lose_more(losses: list[Loss]) -> None:
    found = {each.kind: each for each in losses}
    assert found["text, 24 pixels"].loss > 0.1
    assert found["gradient"].loss > 0.1
    for kind in ("chessboard of pixels", "white noise", "dithered photograph", "noise, sigma 50"):
        assert found[kind].mean > 2


def test_the_table_counts_what_is_taken(losses: list[Loss]) -> None:
    lines = table(losses)
    assert lines[2].startswith(f"| photographs | {len(PHOTOGRAPHS)} | {len(PHOTOGRAPHS)} | ")
    assert any(line.startswith("| white noise | 1 | 0 | ") for line in lines)


def test_content_is_the_same_whatever_the_samples() -> None:
    for sample in list(samples())[::4]:
        expected = estimate_content(sample.image)
        assert estimate_content(sample.image.astype("uint16") * 257) == expected
        assert estimate_content((sample.image / 255).astype("float32")) == expected
