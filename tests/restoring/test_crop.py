"""Parts of an image, restored as the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.restoring.cascade import plan_cascade, upscale_array
from scalewise.restoring.crop import Box, restore_crop
from scalewise.restoring.loading import LoadOptions, load
from scalewise.restoring.selection import load_cascade
from scalewise.restoring.sizes import Target

EXACT = LoadOptions(precision="f32")
BOXES: list[Box] = [(0, 0, 40, 30), (61, 37, 31, 42), (160, 131, 40, 19)]


def crops(image: NDArray[Any], restorers: list[Any], target: Target, box: Box) -> NDArray[Any]:
    height, width = image.shape[:2]
    plan = plan_cascade(height, width, target, [each.scale for each in restorers])

    def look(x: int, y: int, width: int, height: int) -> NDArray[Any]:
        assert width * height < image.shape[0] * image.shape[1]
        return image[y : y + height, x : x + width]

    return restore_crop(look, (width, height), restorers, plan, box)


@pytest.mark.parametrize(
    ("models", "target"),
    [
        (["scn_x2"], Target()),
        (["scn_fast_x2"], Target(scale=1.5)),
        (["scn_fast_x2"], Target(scale=0.6)),
        (["photo_x2", "scn_fast_x2"], Target(scale=4)),
        (["dejpeg"], Target()),
    ],
    ids=["own scale", "smaller", "reduced", "cascade", "same size"],
)
def test_a_part_is_that_of_the_whole(
    photo: NDArray[np.uint8], models: list[str], target: Target
) -> None:
    image = photo[100:250, 100:300]
    restorers = [load(model, EXACT) for model in models]
    whole = upscale_array(image, restorers, target)
    down, across = whole.shape[0] / 150, whole.shape[1] / 200
    for box in BOXES:
        part = crops(image, restorers, target, box)
        top, left = round(box[1] * down), round(box[0] * across)
        expected = whole[top : top + part.shape[0], left : left + part.shape[1]]
        assert part.shape[:2] == (
            round((box[1] + box[3]) * down) - top,
            round((box[0] + box[2]) * across) - left,
        )
        assert part.dtype == np.uint8
        difference = np.abs(part.astype(int) - expected)
        assert difference.max() <= 1, box
        assert (difference > 0).mean() < 0.01, box


def test_strengths_share_a_network_and_mix_linearly(photo: NDArray[np.uint8]) -> None:
    image = photo[100:160, 100:190].astype(np.float32) / 255
    image[20:40, 10:30] = 1  # which what enlarges alone keeps flat
    (clean,) = load_cascade("scn_x2", EXACT)[:1]
    full = load_cascade("photo_x2", EXACT)[0]
    half = full.with_strength(0.5, clean).restore(image)
    loaded = load_cascade("photo_x2", LoadOptions(precision="f32", strength=0.5))[0]
    assert np.array_equal(half, loaded.restore(image))
    mixed = 0.5 * clean.restore(image) + 0.5 * full.restore(image)
    assert np.abs(half - mixed).mean() < 1e-3  # clipping alone differs
    assert np.array_equal(full.with_strength(0, clean).restore(image), clean.restore(image))
    assert np.array_equal(full.with_strength(1).restore(image), full.restore(image))


def test_a_crop_stops_when_it_is_told_to(photo: NDArray[np.uint8]) -> None:
    restorers = load_cascade("scn_x2", EXACT)
    plan = plan_cascade(150, 200, Target(), [each.scale for each in restorers])

    def check() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        restore_crop(
            lambda x, y, width, height: photo[y : y + height, x : x + width],
            (200, 150),
            restorers,
            plan,
            (0, 0, 10, 10),
            check=check,
        )
