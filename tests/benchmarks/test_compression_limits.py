"""Networks for JPEGs on images of other codecs."""

from __future__ import annotations

from typing import Any

import numpy as np
from compression_limits import UNCHANGED, coded, scores, table
from numpy.typing import NDArray

from scalewise.restoring import LoadOptions, load


def test_codecs_degrade_by_quality(photo: NDArray[np.uint8]) -> None:
    image = np.ascontiguousarray(photo[:128, :128])
    for codec in ("JPEG", "WebP", "AVIF"):
        errors = [
            np.abs(coded(image, codec, quality).astype(int) - image).mean() for quality in (20, 80)
        ]
        assert errors[0] > errors[1] > 0


def test_each_network_is_scored_on_the_same_image(photo: NDArray[np.uint8]) -> None:
    image = np.ascontiguousarray(photo[:128, :128])
    fast: Any = load("scn_fast_x2", LoadOptions("cpu", "f32", threads=1))
    clean: Any = load("dejpeg", LoadOptions("cpu", "f32", threads=1))
    found = list(scores(image, "JPEG", 20, {"dejpeg": clean}, {"scn_fast_x2": fast}))
    assert [each[:2] for each in found] == [
        *(("restored", UNCHANGED), ("restored", "dejpeg"), ("enlarged", "scn_fast_x2"))
    ]
    assert found[1][2] > found[0][2] + 0.5


def test_the_table_counts_what_is_better() -> None:
    lines = table({("restored", "WebP", 75): {UNCHANGED: [30.0, 40.0], "a": [31.0, 39.5]}})
    assert lines[2:] == [
        f"| restored | WebP | 75 | {UNCHANGED} | 35.00 | 0 |",
        "| restored | WebP | 75 | a | 35.25 | 1 |",
    ]
