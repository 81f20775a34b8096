"""PSNR and SSIM beside scikit-image's and torchmetrics', where conventions agree."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from scalewise.imaging.metrics import psnr, ssim


@pytest.fixture(scope="module")
def pair(photo: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    clean = photo[:120, :100]
    noise = np.random.default_rng(0).normal(0, 12, clean.shape)
    return np.rint(clean + noise).clip(0, 255).astype(np.uint8), clean


Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def test_psnr_is_scikit_images(pair: Pair) -> None:
    image, reference = pair
    assert psnr(image, reference) == pytest.approx(peak_signal_noise_ratio(reference, image))


def test_psnr_of_one_image_is_torchmetrics(pair: Pair) -> None:
    torch = pytest.importorskip("torch")
    from torchmetrics.functional.image import peak_signal_noise_ratio as torch_psnr

    image, reference = (torch.from_numpy(picture).double() for picture in pair)
    assert psnr(*pair) == pytest.approx(float(torch_psnr(image, reference, data_range=255.0)))


def test_psnr_peak_and_identity() -> None:
    image = np.random.default_rng(1).random((5, 7))
    assert psnr(image, image) == float("inf")
    assert psnr(image, image + 0.1, peak=1.0) == pytest.approx(20)


def test_ssim_is_scikit_images_within_its_valid_interior(pair: Pair) -> None:
    image, reference = (picture[..., 1].astype(float) for picture in pair)
    _, field = structural_similarity(
        image,
        reference,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        full=True,
    )
    assert ssim(image, reference) == pytest.approx(field[5:-5, 5:-5].mean(), abs=1e-9)


def test_ssim_knows_identity_and_order(pair: Pair) -> None:
    image, reference = (picture[..., 0] for picture in pair)
    assert ssim(reference, reference) == pytest.approx(1.0)
    assert ssim(image, reference) == pytest.approx(ssim(reference, image))
    assert ssim(255 - reference, reference) < ssim(image, reference) < 1


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_shapes_must_agree(metric) -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        metric(np.zeros((16, 16)), np.zeros((16, 15)))
    with pytest.raises(ValueError, match="empty"):
        metric(np.zeros((0, 16)), np.zeros((0, 16)))


@pytest.mark.parametrize("shape", [(10, 20), (20, 10), (20, 20, 3)])
def test_ssim_needs_its_window(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="11x11"):
        ssim(np.zeros(shape), np.zeros(shape))
