"""Degradations; the JPEG is held against real libjpeg, by way of Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalewise.imaging.degradations import bicubic_down, gaussian_noise, jpeg
from scalewise.imaging.metrics import psnr
from scalewise.imaging.resize import imresize

Pixels = NDArray[np.uint8]


def libjpeg(image: Pixels, quality: int, subsampling: str) -> Pixels:
    file = io.BytesIO()
    options = (
        {"quality": quality, "subsampling": subsampling}
        if image.ndim == 3
        else {"quality": quality}
    )
    Image.fromarray(image).save(file, "JPEG", **options)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("quality", [1, 10, 30, 50, 75, 90, 100])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
@pytest.mark.parametrize("size", [(96, 96), (61, 75), (8, 17)])
def test_jpeg_is_libjpegs(
    photo: Pixels, quality: int, subsampling: str, size: tuple[int, int]
) -> None:
    image = photo[40 : 40 + size[0], 190 : 190 + size[1]]
    ours, theirs = jpeg(image, quality, subsampling), libjpeg(image, quality, subsampling)
    assert ours.shape == image.shape
    assert ours.dtype == np.uint8
    assert np.abs(ours.astype(int) - theirs).mean() < 0.2
    assert psnr(ours, theirs) > 50


@pytest.mark.parametrize("quality", [10, 50, 95])
@pytest.mark.parametrize("size", [(64, 48), (33, 50)])
def test_grey_jpeg_is_libjpegs(photo: Pixels, quality: int, size: tuple[int, int]) -> None:
    image = photo[: size[0], 200 : 200 + size[1], 0]
    ours = jpeg(image, quality)
    assert psnr(ours, libjpeg(image, quality, "4:4:4")) > 50
    np.testing.assert_array_equal(jpeg(image[..., None], quality)[..., 0], ours)


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_lower_quality_is_worse(photo: Pixels, subsampling: str) -> None:
    image = photo[:96, 190:286]
    values = [psnr(jpeg(image, quality, subsampling), image) for quality in (10, 30, 60, 90, 100)]
    assert values == sorted(values)
    assert values[0] < 33 < values[-1]


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (7, 2, 3), (1, 1), (3, 2, 1)])
def test_tiny_images(shape: tuple[int, ...]) -> None:
    image = np.full(shape, 60, np.uint8)
    np.testing.assert_array_equal(jpeg(image, 95), image)


def test_jpeg_leaves_its_input_alone(photo: Pixels) -> None:
    image = photo[:32, :32].copy()
    before = image.copy()
    jpeg(image, 20)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("image", "arguments", "reason"),
    [
        (np.zeros((8, 8, 3), np.uint8), (0,), "quality"),
        (np.zeros((8, 8, 3), np.uint8), (101,), "quality"),
        (np.zeros((8, 8, 3), np.uint8), (50, "4:1:1"), "subsampling"),
        (np.zeros((8, 8, 4), np.uint8), (50,), "must be"),
    ],
)
def test_jpeg_refuses(image: Pixels, arguments: tuple, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        jpeg(image, *arguments)


def test_noise_has_its_sigma_and_is_not_clipped() -> None:
    image = np.full((200, 200, 3), 250, np.uint8)
    noisy = gaussian_noise(image, 15, np.random.default_rng(0))
    assert noisy.dtype == np.float64
    assert noisy.std() == pytest.approx(15, rel=0.02)
    assert noisy.mean() == pytest.approx(250, abs=0.2)
    assert noisy.max() > 255
    again = gaussian_noise(image, 15, np.random.default_rng(0))
    np.testing.assert_array_equal(noisy, again)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_bicubic_down_crops_and_resizes(photo: Pixels, scale: int) -> None:
    image = photo[:50, :45]
    small = bicubic_down(image, scale)
    assert small.shape == (50 // scale, 45 // scale, 3)
    cropped = image[: 50 // scale * scale, : 45 // scale * scale]
    np.testing.assert_array_equal(small, imresize(cropped, 1 / scale))
