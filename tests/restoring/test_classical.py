"""Classical denoising: it helps, leaves clean images alone, and names the packages it needs."""

from __future__ import annotations

import sys
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.restoring.classical import (
    ClassicalDenoiser,
    ClassicalMethod,
    check_method,
    denoise,
)
from scalewise.restoring.rows import rows_of_array, to_array


@pytest.fixture
def clean(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    return (photo[40:140, 170:290] / 255).astype(np.float32)


def noisy(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    noise = np.random.default_rng(0).normal(0, sigma / 255, image.shape)
    return (image + noise).clip(0, 1).astype(np.float32)


def psnr(image: NDArray[Any], clean: NDArray[Any]) -> float:
    return float(-10 * np.log10(np.mean((image.astype(float) - clean) ** 2)))


def require(method: str) -> None:
    pytest.importorskip("skimage")
    if method == "wavelet":
        pytest.importorskip("pywt")


@pytest.mark.parametrize(("method", "gain"), [("nlm", 5), ("wavelet", 4)])
@pytest.mark.parametrize("channels", [1, 3])
def test_takes_noise_off(
    method: ClassicalMethod, gain: float, channels: int, clean: NDArray[np.float32]
) -> None:
    require(method)
    clean = clean[..., :channels]
    image = noisy(clean, 25)
    before = image.copy()
    for sigma in (25.0, None):
        found = denoise(image, method, sigma)
        assert found.shape == image.shape
        assert found.dtype == np.float32
        assert 0 <= found.min() <= found.max() <= 1
        assert psnr(found, clean) > psnr(image, clean) + gain
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(("method", "least"), [("nlm", 29.6), ("wavelet", 28.3)])
def test_settings_are_as_good_as_known(
    method: ClassicalMethod, least: float, photo: NDArray[np.uint8]
) -> None:
    require(method)
    clean = (photo[:256, 128:384] / 255).astype(np.float32)
    assert psnr(denoise(noisy(clean, 25), method, 25), clean) > least


@pytest.mark.parametrize("method", ["nlm", "wavelet"])
def test_stronger_noise_is_smoothed_more(
    method: ClassicalMethod, clean: NDArray[np.float32]
) -> None:
    require(method)
    image = noisy(clean, 25)
    denoised = [denoise(image, method, sigma) for sigma in (15, 20, 40)]
    rough = [np.abs(np.diff(each, axis=0)).mean() for each in denoised]
    assert rough[0] > 1.2 * rough[1] > 1.2**2 * rough[2]


@pytest.mark.parametrize("method", ["nlm", "wavelet"])
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 40, 3), (3, 2, 1), (16, 16, 1)])
def test_any_size(method: ClassicalMethod, shape: tuple[int, ...]) -> None:
    require(method)
    image = np.random.default_rng(0).random(shape)
    assert denoise(image, method, 20.0).shape == shape


@pytest.mark.parametrize("method", ["nlm", "wavelet"])
def test_without_noise_nothing_changes(method: ClassicalMethod) -> None:
    smooth = np.full((32, 32, 3), 0.5, np.float32)
    np.testing.assert_array_equal(denoise(smooth, method), smooth)
    image = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    np.testing.assert_array_equal(denoise(image, method, 0.0), image)


@pytest.mark.parametrize(
    ("method", "sigma", "message"),
    [
        ("median", None, "^method must be one of nlm, wavelet, not 'median'$"),
        ("wavelet", -1.0, "^sigma must be from 0 to 255, not -1.0$"),
        ("wavelet", float("nan"), "^sigma must be from 0 to 255, not nan$"),
        ("nlm", float("inf"), "^sigma must be from 0 to 255, not inf$"),
    ],
)
def test_errors(method: str, sigma: float | None, message: str) -> None:
    with pytest.raises(ScalewiseError, match=message):
        denoise(np.zeros((8, 8, 3)), cast(ClassicalMethod, method), sigma)


@pytest.mark.parametrize(("method", "missing"), [("nlm", "skimage"), ("wavelet", "pywt")])
def test_a_missing_package_is_named(
    method: ClassicalMethod, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ScalewiseError, match=r"pip install 'scalewise-restoration\[classical\]'$"):
        check_method(method)


def test_alpha_and_separate_channels_are_kept_apart(clean: NDArray[np.float32]) -> None:
    require("wavelet")
    image = noisy(clean, 25)
    alpha = np.random.default_rng(0).random((*image.shape[:2], 1)).astype(np.float32)
    found = restore(np.concatenate([image, alpha], axis=2))
    np.testing.assert_array_equal(found[..., 3:], alpha)
    np.testing.assert_array_equal(found[..., :3], restore(image))
    apart = restore(image, separate=True)
    for channel in range(3):
        alone = restore(image[..., channel : channel + 1])
        np.testing.assert_array_equal(apart[..., channel : channel + 1], alone)


def restore(image: NDArray[np.float32], separate: bool = False) -> NDArray[np.float32]:
    rows = rows_of_array(image, separate)
    return to_array(ClassicalDenoiser("wavelet", 25.0).restore_rows(rows, image.dtype))
