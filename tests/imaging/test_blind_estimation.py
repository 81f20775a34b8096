"""Blind estimation: noise level and JPEG quality, found again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalewise.errors import ScalewiseError
from scalewise.imaging.blind_estimation import (
    Compression,
    estimate_degradation,
    estimate_jpeg_quality,
    estimate_jpeg_quality_of_pixels,
    estimate_sigma,
)
from scalewise.imaging.degradations import gaussian_noise, jpeg, sensor_noise
from scalewise.imaging.jpeg_codec import LUMA_TABLE, quantisation_table
from scalewise.visibility import sigma_before_coding


@pytest.mark.parametrize("sigma", [0, 5, 15, 25, 50])
def test_noise_of_a_photograph(photo: NDArray[np.uint8], sigma: float) -> None:
    noisy = gaussian_noise(photo, sigma, np.random.default_rng(0))
    assert estimate_sigma(noisy, 255) == pytest.approx(sigma, abs=2, rel=0.1)
    rounded = noisy.round().clip(0, 255).astype(np.uint8)
    assert estimate_sigma(rounded) == pytest.approx(sigma, abs=2, rel=0.15)
    assert estimate_sigma(rounded[..., 0]) == pytest.approx(sigma, abs=2, rel=0.15)


def test_white_is_that_of_the_type(photo: NDArray[np.uint8]) -> None:
    noisy = gaussian_noise(photo, 15, np.random.default_rng(0)).clip(0, 255)
    coded = jpeg(photo, 50)
    assert estimate_sigma(noisy / 255) == pytest.approx(estimate_sigma(noisy, 255))
    assert estimate_jpeg_quality_of_pixels(coded / 255) == pytest.approx(50, abs=1)
    deep = coded.astype(np.uint16) * np.uint16(257)
    assert estimate_jpeg_quality_of_pixels(deep) == pytest.approx(50, abs=1)
    for estimate in (estimate_sigma, estimate_jpeg_quality_of_pixels, estimate_degradation):
        with pytest.raises(ScalewiseError, match=r"floating values .* not from 0 to 255"):
            estimate(noisy)


def test_dithering_is_called_a_pattern(photo: NDArray[np.uint8]) -> None:
    with Image.fromarray(photo).convert("1") as dithered:
        estimate = estimate_degradation(np.asarray(dithered.convert("L")))
    assert estimate.has_pattern
    assert str(estimate).endswith("a pattern")
    assert "noise" not in str(estimate)
    noisy = gaussian_noise(photo, 50, np.random.default_rng(0)).clip(0, 255).astype(np.uint8)
    assert not estimate_degradation(noisy).has_pattern


def test_compression_is_no_noise(photo: NDArray[np.uint8]) -> None:
    assert estimate_sigma(jpeg(photo, 50)) < 2


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("size", [(4, 4), (64, 64)])
def test_nothing_to_see(value: int, size: tuple[int, int]) -> None:
    assert estimate_sigma(np.full(size, value, np.uint8)) == 0.0


def test_every_quality_is_found_again() -> None:
    tables = {quality: quantisation_table(LUMA_TABLE, quality) for quality in range(10, 101)}
    for quality, table in tables.items():
        assert estimate_jpeg_quality(table) == quality


def test_tables_of_another_encoder() -> None:
    assert abs(estimate_jpeg_quality(quantisation_table(LUMA_TABLE, 60) + 1) - 60) <= 5


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 85, 92, 95])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_pixels_tell_the_quality_that_they_were_coded_with(
    photo: NDArray[np.uint8], quality: int, subsampling: str
) -> None:
    coded = jpeg(photo, quality, subsampling)  # pyright: ignore[reportArgumentType]
    near = pytest.approx(quality, abs=1)  # neighbours have the same steps of low frequencies
    assert estimate_jpeg_quality_of_pixels(coded) == near
    assert estimate_jpeg_quality_of_pixels(coded[64:160, 200:296]) == near
    assert estimate_degradation((coded / 255).astype(np.float32)).quality == near
    assert estimate_jpeg_quality_of_pixels(jpeg(photo[..., :1], quality)) == near


def test_pixels_of_no_jpeg_tell_no_quality(photo: NDArray[np.uint8]) -> None:
    coded = jpeg(photo, 60)
    shifted = coded[3:, 5:]
    noisy = gaussian_noise(coded, 5, np.random.default_rng(0))
    flat = np.full((64, 64, 3), 130, np.uint8)
    drawing = np.repeat(np.repeat(np.eye(32, dtype=np.uint8) * 255, 4, 0), 4, 1)[..., None]
    for image in (photo, shifted, noisy, flat, drawing, coded[:7, :7]):
        assert estimate_jpeg_quality_of_pixels(image, 255) is None


@pytest.mark.parametrize("slope", [0.2, 0.45, 0.7, 0.93])
def test_smooth_gradients_are_no_bad_jpegs(slope: float) -> None:
    """All blocks of one have the same coefficients, which lie near multiples of some steps."""
    rows, columns = np.mgrid[:240, :240]
    grey = np.full_like(rows, 117)
    gradient = np.stack([slope * columns, grey, (slope * (rows + columns)) / 2], axis=-1) + 9
    image = np.rint(gradient).astype(np.uint8)
    quality = estimate_jpeg_quality_of_pixels(jpeg(image, 99))
    assert quality is None or quality > 93


def test_a_file_is_believed_before_the_pixels(photo: NDArray[np.uint8]) -> None:
    assert estimate_degradation(photo, Compression("JPEG", 98)).quality == 98
    found = estimate_degradation(photo, Compression("WebP", 75))
    assert (found.codec, found.quality) == ("WebP", 75)
    assert str(found).startswith("WebP quality 75, noise about ")


def test_pixels_tell_of_a_stronger_compression_before(photo: NDArray[np.uint8]) -> None:
    coarse = jpeg(photo, 40)
    for stated in (Compression("JPEG", 95), Compression("WebP", 90)):
        found = estimate_degradation(coarse, stated)
        assert (found.codec, found.quality) == ("JPEG", 40)


def test_noise_that_neighbours_share_is_coarse(photo: NDArray[np.uint8]) -> None:
    noise = np.random.default_rng(0).normal(0, 12, photo.shape)
    shared = np.repeat(np.repeat(noise[::2, ::2], 2, axis=0), 2, axis=1)
    luma = noise[..., :1].repeat(3, axis=2)

    def coarseness(image: NDArray[Any]) -> float:
        return estimate_degradation(np.rint(image).clip(0, 255).astype(np.uint8)).coarseness

    assert coarseness(photo + noise) == pytest.approx(1, abs=0.3)
    assert coarseness(photo + luma + noise) < 1.5
    assert coarseness(photo + shared) > 2
    assert coarseness(jpeg(np.rint(photo + noise).clip(0, 255).astype(np.uint8), 98)) > 4
    assert coarseness((photo + noise)[..., :1]) == 0  # grey
    assert coarseness(np.full((20, 8, 3), 100)) == 0  # too small


@pytest.mark.parametrize(
    ("sigma", "quality", "least"), [(10, None, 9), (10, 90, 6), (15, 75, 7), (20, 60, 9)]
)
def test_noise_of_a_sensor_is_seen(
    photo: NDArray[np.uint8], sigma: float, quality: int | None, least: float
) -> None:
    """Diagonal details, which tell independent noise, see a third of it and less."""
    noise = sensor_noise(*photo.shape[:2], sigma, np.random.default_rng(3))
    noisy = np.rint(photo + noise).clip(0, 255).astype(np.uint8)
    coded = noisy if quality is None else jpeg(noisy, quality)
    found = estimate_degradation(coded)
    assert least < sigma_before_coding(found) < 1.4 * sigma
    assert found.is_coarse
    independent = gaussian_noise(photo, sigma, np.random.default_rng(3))
    assert not estimate_degradation(np.rint(independent).clip(0, 255).astype(np.uint8)).is_coarse
    assert estimate_sigma(coded) < 0.6 * sigma
    clean = photo if quality is None else jpeg(photo, quality)
    assert sigma_before_coding(estimate_degradation(clean)) < 4
