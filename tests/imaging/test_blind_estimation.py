"""Noise and compression of pictures, found again."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.imaging.blind_estimation import estimate_jpeg_quality, estimate_sigma
from scalewise.imaging.degradations import gaussian_noise, jpeg
from scalewise.imaging.jpeg_codec import LUMA_TABLE, quantisation_table


@pytest.mark.parametrize("sigma", [0, 5, 15, 25, 50])
def test_noise_of_a_photograph(photo: NDArray[np.uint8], sigma: float) -> None:
    noisy = gaussian_noise(photo, sigma, np.random.default_rng(0))
    assert estimate_sigma(noisy) == pytest.approx(sigma, abs=2, rel=0.1)
    rounded = noisy.round().clip(0, 255).astype(np.uint8)
    assert estimate_sigma(rounded) == pytest.approx(sigma, abs=2, rel=0.15)
    assert estimate_sigma(rounded[..., 0]) == pytest.approx(sigma, abs=2, rel=0.15)


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
