"""Degradations; the JPEG is held against real libjpeg, by way of Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import convolve

from scalewise.errors import ScalewiseError
from scalewise.imaging.degradations import bicubic_down, gaussian_noise, jpeg, sensor_noise
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


def test_noise_of_a_sensor_is_its_interpolated_sites() -> None:
    """Without gain and blur: what SciPy makes of the mosaic by the kernels of the method."""
    noise = sensor_noise(64, 48, 20, np.random.default_rng(5), gain=1, blur=0)
    assert (noise.shape, noise.dtype) == ((64, 48, 3), np.float32)
    assert noise.std() == pytest.approx(20, rel=0.01)
    random = np.random.default_rng(5)
    sites = random.standard_normal((68, 52), np.float32)
    top, left = random.integers(2, size=2).tolist()
    rows, columns = np.indices(sites.shape)
    red = ((rows % 2 == top) & (columns % 2 == left), 0.25)
    blue = ((rows % 2 != top) & (columns % 2 != left), 0.25)
    green = ((rows + columns) % 2 != (top + left) % 2, 0.0)
    for channel, (pattern, corner) in enumerate((red, green, blue)):
        beside = 0.5 if corner else 0.25
        kernel = [[corner, beside, corner], [beside, 1, beside], [corner, beside, corner]]
        wanted = convolve(sites * pattern, np.array(kernel))[2:-2, 2:-2]
        scale = noise[..., channel].std() / wanted.std()
        np.testing.assert_allclose(noise[..., channel], scale * wanted, atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (33, 2)])
def test_noise_of_a_sensor_has_any_size(size: tuple[int, int]) -> None:
    noise = sensor_noise(*size, 10, np.random.default_rng(1), gain=2, blur=1)
    assert noise.shape == (*size, 3)
    assert np.isfinite(noise).all()


def test_gain_and_blur_make_noise_colourful_and_coarse() -> None:
    def shares(gain: float, blur: float) -> tuple[float, float]:
        noise = sensor_noise(128, 128, 10, np.random.default_rng(1), gain=gain, blur=blur)
        across = np.corrcoef(noise[:, 1:, 0].ravel(), noise[:, :-1, 0].ravel())[0, 1]
        return noise[..., 0].std() / noise[..., 1].std(), across

    plain, loud, blurred = shares(1, 0), shares(2, 0), shares(1, 1)
    assert plain[0] == pytest.approx(0.95, abs=0.05)  # 0.5625 and 0.625 of the variance are left
    assert loud[0] == pytest.approx(2 * plain[0], rel=0.05)
    assert plain[1] < 0.7 < 0.8 < blurred[1]


@pytest.mark.parametrize("wrong", [{"gain": -1}, {"blur": 1.5}, {"sigma": 300}, {"height": 0}])
def test_noise_of_a_sensor_refuses(wrong: dict[str, float]) -> None:
    given = {"height": 8, "width": 8, "sigma": 10, "rng": np.random.default_rng(1), **wrong}
    with pytest.raises(ScalewiseError, match=f"{next(iter(wrong))} must be"):
        sensor_noise(**given)


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
