"""MATLAB's imresize, checked against its definition, its published results, and Pillow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalewise.files import read
from scalewise.imaging.metrics import psnr
from scalewise.imaging.resize import contributions, imresize, resize_like_pillow
from tests.imaging.reference import GOLDEN, slow_imresize, slow_imresize_channels


def random_image(seed: int, dtype: type = np.uint8) -> NDArray:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 24, 2)
    return (rng.random((height, width)) * 255).round().astype(dtype)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("scale", [1 / 4, 1 / 3, 1 / 2, 0.7, 1.0, 1.3, 2.0, 3.0])
def test_floats_follow_the_definition(seed: int, scale: float) -> None:
    image = random_image(seed, np.float64)
    np.testing.assert_allclose(imresize(image, scale), slow_imresize(image, scale), atol=1e-10)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("scale", [1 / 4, 1 / 3, 1 / 2, 2.0])
def test_8_bit_images_follow_the_definition(seed: int, scale: float) -> None:
    image = random_image(seed)
    ours, slow = imresize(image, scale), slow_imresize(image, scale)
    assert ours.dtype == np.uint8
    if scale in (1 / 4, 1 / 2, 2.0):  # weights are exact in binary, so every rounding agrees
        np.testing.assert_array_equal(ours, slow)
    else:
        assert np.abs(ours.astype(int) - slow).max() <= 1


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_stored_low_resolution_images(scale: int) -> None:
    golden = np.load(GOLDEN)
    for kind in ("rgb", "grey"):
        ours, stored = imresize(golden[kind], 1 / scale), golden[f"{kind}_x{scale}"]
        assert ours.shape == stored.shape
        assert np.abs(ours.astype(int) - stored).max() <= 1
        assert psnr(ours, stored) >= 60


def test_stored_arrays_come_from_the_reference() -> None:
    golden = np.load(GOLDEN)
    again = slow_imresize_channels(golden["rgb"], 1 / 4)
    np.testing.assert_array_equal(again, golden["rgb_x4"])


@pytest.mark.parametrize("dataset", ["Set5", "Set14"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_published_low_resolution_images(shared_data: Path, dataset: str, scale: int) -> None:
    root = shared_data / "eval" / dataset
    pictures = sorted((root / "HR").iterdir())
    assert len(pictures) == {"Set5": 5, "Set14": 14}[dataset]
    for path in pictures:
        (published_path,) = (root / "LR_bicubic" / f"X{scale}").glob(f"{path.stem}*")
        published = read(published_path).pixels
        height, width = published.shape[:2]
        ours = imresize(read(path).pixels[: height * scale, : width * scale], 1 / scale)
        assert ours.shape == published.shape, path.name
        difference = np.abs(ours.astype(int) - published)
        assert difference[4:-4, 4:-4].max() <= 1, path.name
        assert psnr(ours, published) >= 50, path.name


def test_rounding_between_the_passes_matters_and_can_be_left_out() -> None:
    golden = np.load(GOLDEN)["grey"]
    once = imresize(golden, 0.5, round_between=False)
    expected = np.floor(imresize(golden.astype(float), 0.5) + 0.5).clip(0, 255)
    np.testing.assert_array_equal(once, expected)
    assert (once != imresize(golden, 0.5)).any()


@pytest.mark.parametrize("scale", [1 / 4, 1 / 3, 0.5, 1.7, 2.0])
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (16, 9, 3)])
def test_a_flat_image_stays_flat(scale: float, shape: tuple[int, ...]) -> None:
    assert (imresize(np.full(shape, 93, np.uint8), scale) == 93).all()


@pytest.mark.parametrize("scale", [0.25, 0.5, 2.0])
def test_mirrored_and_transposed_images(scale: float) -> None:
    image = np.random.default_rng(1).random((16, 24))
    small = imresize(image, scale)
    np.testing.assert_allclose(imresize(image[::-1, ::-1], scale), small[::-1, ::-1], atol=1e-12)
    np.testing.assert_allclose(imresize(image.T, scale), small.T, atol=1e-12)


def test_each_channel_on_its_own() -> None:
    image = np.random.default_rng(2).integers(0, 256, (40, 31, 4), np.uint8)
    together = imresize(image, 0.5)
    for channel in range(4):
        np.testing.assert_array_equal(together[..., channel], imresize(image[..., channel], 0.5))


def test_many_rows_are_as_few_rows() -> None:
    # Larger than the blocks the work is done in.
    image = np.random.default_rng(3).integers(0, 256, (700, 40), np.uint8)
    wide = np.tile(image, (1, 5))
    np.testing.assert_array_equal(
        imresize(wide, 0.5)[:, 50:60], imresize(wide[:, 80:140], 0.5)[:, 10:20]
    )


def test_the_input_is_left_alone_and_the_output_is_contiguous() -> None:
    image = np.random.default_rng(4).integers(0, 256, (9, 8, 3), np.uint8)
    before = image.copy()
    for out in (imresize(image, 0.5), resize_like_pillow(image, (4, 4))):
        assert out.flags.c_contiguous
    np.testing.assert_array_equal(image, before)


def test_size_in_place_of_scale() -> None:
    image = np.random.default_rng(5).random((12, 20))
    np.testing.assert_allclose(imresize(image, size=(6, 10)), imresize(image, 0.5), atol=1e-12)
    assert imresize(image, size=(5, 33)).shape == (5, 33)
    assert imresize(image, 1 / 3).shape == (4, 7)


def test_16_bits_and_linear() -> None:
    ramp = (np.arange(16) * 4000).astype(np.uint16)[None].repeat(4, axis=0)
    half = imresize(ramp, 0.5, kernel="linear")
    assert half.dtype == np.uint16
    np.testing.assert_array_equal(half[0, 1:-1], ramp[0, 2:-2:2] + 2000)


@pytest.mark.parametrize(
    "arguments", [{}, {"scale": 0.5, "size": (2, 2)}, {"size": (0, 4)}, {"scale": 0.0}]
)
def test_bad_arguments(arguments: dict) -> None:
    with pytest.raises(ValueError, match=r"^(scale|size)"):
        imresize(np.zeros((4, 4)), **arguments)


@pytest.mark.parametrize("length", [1, 5, 64])
@pytest.mark.parametrize("out_length", [1, 7, 200])
@pytest.mark.parametrize("border", ["symmetric", "renormalise"])
def test_weights_sum_to_one(length: int, out_length: int, border: str) -> None:
    indices, weights = contributions(length, out_length, out_length / length, border=border)
    assert indices.shape == weights.shape
    assert indices.shape[0] == out_length
    assert indices.min() >= 0
    assert indices.max() < length
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize("kernel", ["linear", "cubic", "lanczos3"])
@pytest.mark.parametrize("seed", range(12))
def test_pillow(kernel: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width, new_height, new_width = rng.integers(1, 70, 4)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    method = {
        "linear": Image.Resampling.BILINEAR,
        "cubic": Image.Resampling.BICUBIC,
        "lanczos3": Image.Resampling.LANCZOS,
    }[kernel]
    # In two steps: Pillow from 13 on chooses between the two orders.
    theirs = Image.fromarray(image).resize((new_width, height), method)
    theirs = np.asarray(theirs.resize((new_width, new_height), method))
    ours = resize_like_pillow(image, (new_height, new_width), kernel)
    assert ours.dtype == np.uint8
    assert np.abs(ours.astype(int) - theirs).max() <= 1
