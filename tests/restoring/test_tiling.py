"""Tiling: windows cover without gap, keep their distance, fall on the grid, and blend."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from scalewise.restoring.tiling import spans


@pytest.mark.parametrize("seed", range(200))
def test_spans_cover_the_axis_and_keep_their_distance(seed: int) -> None:
    draw = random.Random(seed)
    multiple = draw.choice([1, 2, 4, 8])
    length = multiple * draw.randint(1, 200)
    overlap = draw.randint(0, 40)
    tile = draw.randint(1, 300)
    begin = draw.choice([0, draw.randrange(length)])
    found = spans(length, tile, overlap, multiple, begin)
    assert found[0].keep_from == begin
    assert found[-1].keep_to == length
    assert len({span.length for span in found}) == 1
    assert found[0].length <= tile + 2 * (overlap + multiple) + multiple or len(found) == 1
    for before, after in pairwise(found):
        assert before.keep_to == after.keep_from
    for span in found:
        end = span.start + span.length
        assert span.start % multiple == 0
        assert span.length % multiple == 0
        assert 0 <= span.start <= span.keep_from < span.keep_to <= end <= length
        assert span.start == 0 or span.keep_from - span.start >= overlap
        assert end == length or end - span.keep_to >= overlap


def test_windows_are_no_larger_than_their_number_asks_for() -> None:
    assert [span.length for span in spans(4000, 640, 28, 4)] == [620] * 7


@pytest.mark.parametrize("seed", range(50))
def test_weights_add_up_to_one(seed: int) -> None:
    draw = random.Random(seed)
    multiple, scale = draw.choice([1, 4]), draw.choice([1, 2, 3])
    length = multiple * draw.randint(1, 100)
    overlap = multiple * draw.randint(1, 10)
    blend = draw.randint(0, overlap)
    total = np.zeros(length * scale)
    for span in spans(length, draw.randint(1, 100), overlap, multiple):
        places, weights = span.weights(length, blend, scale)
        assert span.start * scale <= places.start < places.stop
        assert places.stop <= (span.start + span.length) * scale
        assert weights.min() >= 0
        total[places] += weights
    np.testing.assert_allclose(total, 1, atol=1e-6)
