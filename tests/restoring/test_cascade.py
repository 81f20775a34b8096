"""Cascades: networks one after another, and the resampler at the end, row by row."""

from __future__ import annotations

import random
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.files import Picture, PictureWriter, open_picture, read, write
from scalewise.imaging.resize import imresize
from scalewise.restoring.cascade import (
    SLACK,
    plan_cascade,
    plan_image,
    resample_rows,
    upscale_array,
    upscale_rows,
)
from scalewise.restoring.restorer import Restorer
from scalewise.restoring.rows import rows_of, rows_of_array, to_array
from scalewise.restoring.selection import load_cascade
from scalewise.restoring.sizes import Target
from tests.restoring.fakes import ArraySource, FakeRuntime, Traits


@pytest.fixture
def doubling() -> Restorer:
    return Restorer("fake", Traits(), FakeRuntime(), tile=32)


@pytest.mark.parametrize("size", [(97, 61), (40, 30), (150, 90), (33, 200), (1, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_rows_are_resampled_as_the_whole(size: tuple[int, int], channels: int) -> None:
    image = np.random.default_rng(0).random((97, 61, channels)).astype(np.float32)
    found = to_array(resample_rows(rows_of(ArraySource(image)), *size, image.dtype))
    expected = imresize(image, size=size).clip(0, 1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_transparent_colours_do_not_leak_when_resampled() -> None:
    image = np.zeros((40, 40, 4), np.uint8)
    image[:, :19] = (200, 100, 50, 255)
    image[:, 19:] = (0, 255, 0, 0)
    found = to_array(resample_rows(rows_of_array(image), 20, 30, image.dtype))
    visible = found[..., 3] > 20
    assert np.abs(found[visible][:, :3].astype(int) - (200, 100, 50)).max() <= 1
    assert 0 < found[..., 3].min(where=visible, initial=255) < 255


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(
    ("target", "shape"),
    [
        (Target(), (80, 120, 3)),
        (Target(scale=3), (120, 180, 3)),
        (Target(scale=4), (160, 240, 3)),
        (Target(width=50), (33, 50, 3)),
        (Target(scale=1), (40, 60, 3)),
    ],
)
def test_any_size_in_the_same_kind(
    doubling: Restorer,
    photo: NDArray[np.uint8],
    dtype: Any,
    target: Target,
    shape: tuple[int, ...],
) -> None:
    peak = 1 if dtype == np.float32 else np.iinfo(dtype).max
    image = (photo[100:140, 100:160] / 255 * peak).astype(dtype)
    found = upscale_array(image, [doubling], target)
    assert found.shape == shape
    assert found.dtype == dtype
    if shape == image.shape:
        np.testing.assert_array_equal(found, image)
    rough = imresize(image / peak, size=(shape[0], shape[1]))
    assert np.abs(found / peak - rough).mean() < 0.05
    flat = upscale_array(image[..., 0], [doubling], target)
    assert flat.shape == shape[:2]


def test_rows_go_through_the_cascade(doubling: Restorer, photo: NDArray[np.uint8]) -> None:
    image = photo[100:233, 100:170]
    told: list[tuple[int, int]] = []
    target = Target(scale=3)
    plan = plan_image(ArraySource(image), [doubling], target)
    rows = rows_of(ArraySource(image))
    found = to_array(upscale_rows(rows, [doubling], plan, lambda *step: told.append(step)))
    assert found.shape == (plan.height, plan.width, 3)
    np.testing.assert_array_equal(found, upscale_array(image, [doubling], target))
    assert told[-1] == (5 * 133 * 70, 5 * 133 * 70)
    assert told == sorted(told)


def test_the_right_network_of_several_runs(photo: NDArray[np.uint8]) -> None:
    class Tripling(FakeRuntime):
        def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
            self.shapes.append(image.shape)
            return image.repeat(3, -2).repeat(3, -1)

    double, triple = FakeRuntime(), Tripling()
    restorers = [Restorer("x2", Traits(), double), Restorer("x3", Traits(scale=3), triple)]
    assert upscale_array(photo[:20, :30], restorers, Target(scale=3)).shape == (60, 90, 3)
    assert (len(double.shapes), len(triple.shapes)) == (0, 1)
    assert upscale_array(photo[:20, :30], restorers).shape == (40, 60, 3)
    assert (len(double.shapes), len(triple.shapes)) == (1, 1)


def test_a_loaded_cascade_begins_with_the_model() -> None:
    assert next(restorer.name for restorer in load_cascade("scn_x2")) == "scn_x2"


def test_files_are_sources_and_sinks(
    doubling: Restorer, photo: NDArray[np.uint8], tmp_path: Path
) -> None:
    image = photo[100:250, 100:190]
    write(tmp_path / "in.png", Picture(image))
    target = Target(scale=1.5)
    with open_picture(tmp_path / "in.png") as source:
        plan = plan_image(source, [doubling], target)
        with PictureWriter(
            tmp_path / "out.png", plan.width, plan.height, source.channels, source.dtype
        ) as sink:
            for block in upscale_rows(rows_of(source), [doubling], plan).blocks:
                sink.write_rows(block)
    np.testing.assert_array_equal(
        read(tmp_path / "out.png").pixels, upscale_array(image, [doubling], target)
    )


@pytest.mark.parametrize("target", [Target(), Target(scale=3)])
@pytest.mark.parametrize("channels", [2, 4, 5])
def test_separate_channels_know_nothing_of_each_other(
    doubling: Restorer, channels: int, target: Target
) -> None:
    """So that none is taken for alpha, by which others would count less."""
    image = np.random.default_rng(0).integers(0, 256, (40, 60, channels)).astype(np.uint8)
    image[:, :30, -1] = 0
    found = upscale_array(image, [doubling], target, separate=True)
    for channel in range(channels):
        alone = upscale_array(image[..., channel], [doubling], target)
        np.testing.assert_array_equal(found[..., channel], alone)


def test_bands_of_a_file_are_separate(tmp_path: Path, doubling: Restorer) -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 4)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb", extrasamples=[0])
    doubling.restore_file(tmp_path / "a.tif", tmp_path / "b.tif")
    expected = upscale_array(image, [doubling], separate=True)
    np.testing.assert_array_equal(read(tmp_path / "b.tif").pixels, expected)
    np.testing.assert_array_equal(doubling.upscale(read(tmp_path / "a.tif")).pixels, expected)


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
        (2, [1, 2], (1, 2)),
        (6, [1, 2, 3, 4], (1, 2, 3)),
        (1.04, [1, 2], (1,)),
        (0.5, [1, 2], (1,)),
        (3, [1], (1,)),
    ],
)
def test_chains(factor: float, scales: list[int], chain: tuple[int, ...]) -> None:
    assert plan_cascade(200, 300, Target(scale=factor), scales).scales == chain


def test_by_default_the_first_network_runs() -> None:
    assert plan_cascade(10, 20, Target(), [4, 2]).scales == (4,)
    assert plan_cascade(10, 20, Target(), [1]).scales == (1,)
    assert plan_cascade(10, 20, Target(), [1, 2]).scales == (1,)


def test_every_plan_reaches_its_size() -> None:
    for seed in range(100):  # a test for each would take longer to start
        check_every_plan_reaches_its_size(seed)


def check_every_plan_reaches_its_size(seed: int) -> None:
    draw = random.Random(seed)
    height, width = draw.randint(1, 5000), draw.randint(1, 5000)
    scales = draw.sample([2, 3, 4], draw.randint(1, 3))
    fit = (draw.randint(1, 10000), draw.randint(1, 10000))
    try:
        found = plan_cascade(height, width, Target(fit=fit), scales)
    except ScalewiseError:
        return
    assert 1 <= found.width <= fit[0]
    assert 1 <= found.height <= fit[1]
    assert found.width == fit[0] or found.height == fit[1]
    factor = max(found.height / height, found.width / width)
    assert prod(found.scales) * SLACK >= factor
    assert set(found.scales) <= set(scales)
