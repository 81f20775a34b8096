"""Tiling: windows cover without gap, keep their distance, and fall on the grid."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from scalewise.restoring.tiling import FloatImage, restore_tiled, spans


@pytest.mark.parametrize("seed", range(200))
def test_spans_cover_the_axis_and_keep_their_distance(seed: int) -> None:
    draw = random.Random(seed)
    multiple = draw.choice([1, 2, 4, 8])
    length = multiple * draw.randint(1, 200)
    overlap = draw.randint(0, 40)
    found = spans(length, draw.randint(1, 300), overlap, multiple)
    assert found[0].keep_from == 0
    assert found[-1].keep_to == length
    assert len({span.length for span in found}) == 1
    for before, after in pairwise(found):
        assert before.keep_to == after.keep_from
    for span in found:
        end = span.start + span.length
        assert span.start % multiple == 0
        assert span.length % multiple == 0
        assert 0 <= span.start <= span.keep_from < span.keep_to <= end <= length
        assert span.start == 0 or span.keep_from - span.start >= overlap
        assert end == length or end - span.keep_to >= overlap


def blur(image: FloatImage) -> FloatImage:
    """The mean over 3x3 pixels, edges repeated, of (H, W, C)."""
    height, width = image.shape[:2]
    around = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    shifted = [around[y : y + height, x : x + width] for y in (0, 1, 2) for x in (0, 1, 2)]
    return np.mean(shifted, axis=0, dtype=np.float32)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 90), (64, 64), (131, 67), (200, 45)])
@pytest.mark.parametrize("tile", [None, 32, 64])
def test_tiles_of_a_local_operation_make_the_whole(
    height: int, width: int, tile: int | None
) -> None:
    """Doubling by repetition, and a blur that sees one pixel around it, know no tiles."""

    def run(batch: FloatImage) -> FloatImage:
        assert batch.shape[2] % 4 == 0
        assert batch.shape[3] % 4 == 0
        return blur(batch[0].transpose(1, 2, 0)).repeat(2, 0).repeat(2, 1).transpose(2, 0, 1)[None]

    image = np.random.default_rng(0).random((height, width, 3)).astype(np.float32)
    expected = blur(image).repeat(2, axis=0).repeat(2, axis=1)
    calls: list[tuple[int, int]] = []
    found = restore_tiled(
        run, image, 2, 4, tile, 8, lambda done, total: calls.append((done, total))
    )
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    total = calls[-1][1]
    assert calls == [(done, total) for done in range(1, total + 1)]
    assert (total > 1) == (tile is not None and max(height, width) > tile)
