"""PSNR and SSIM beside scikit-image's and torchmetrics', where conventions agree; PSNR-B."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from scalewise.errors import ScalewiseError
from scalewise.imaging.metric_registry import METRICS
from scalewise.imaging.metrics import blocking_effect, psnr, psnr_b, ssim
from scalewise.imaging.protocols import FIELD


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
    assert psnr(image, image + 0.1, data_range=1.0) == pytest.approx(20)


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
    assert ssim(image, reference, 255) == pytest.approx(field[5:-5, 5:-5].mean(), abs=1e-9)


def test_ssim_knows_identity_and_order(pair: Pair) -> None:
    image, reference = (picture[..., 0] for picture in pair)
    assert ssim(reference, reference) == pytest.approx(1.0)
    assert ssim(image, reference) == pytest.approx(ssim(reference, image))
    assert ssim(255 - reference, reference) < ssim(image, reference) < 1


def blocking_effect_by_loops(image: NDArray[np.float64]) -> float:
    """Yim and Bovik's definition, pixel by pixel."""
    height, width = image.shape
    edge: list[float] = []
    inner: list[float] = []
    for y in range(height):
        for x in range(width):
            if x + 1 < width:
                step = (image[y, x] - image[y, x + 1]) ** 2
                (edge if x % 8 == 7 else inner).append(step)
            if y + 1 < height:
                step = (image[y, x] - image[y + 1, x]) ** 2
                (edge if y % 8 == 7 else inner).append(step)
    excess = sum(edge) / len(edge) - sum(inner) / len(inner)
    return excess * np.log2(8) / np.log2(min(height, width)) if excess > 0 else 0.0


@pytest.mark.parametrize("size", [(48, 64), (35, 50), (9, 12)])
def test_the_blocking_effect_is_its_definition(
    photo: NDArray[np.uint8], size: tuple[int, int]
) -> None:
    image = photo[40 : 40 + size[0], 190 : 190 + size[1], 0].astype(float)
    for strength in (0.0, 25.0):
        blocks = image + strength * ((np.indices(size) // 8).sum(axis=0) % 2)
        assert blocking_effect(blocks) == pytest.approx(blocking_effect_by_loops(blocks))
    assert blocking_effect(blocks) > 1


def test_psnr_b_by_hand() -> None:
    # Two blocks of 16x16's width that differ by 6: steps of 36 at all 16 of the 32 edge pairs
    # that are upright, none within; log2(8) / log2(16) = 3/4; MSE 9.
    image = np.repeat([[0.0, 6.0]], 8, axis=1).repeat(16, axis=0)
    reference = image + 3
    assert blocking_effect(image) == pytest.approx(36 / 2 * 3 / 4)
    assert psnr_b(image, reference, 255) == pytest.approx(10 * np.log10(255**2 / (9 + 13.5)))
    assert psnr_b(image, image, 255) == pytest.approx(10 * np.log10(255**2 / 13.5))


def test_psnr_b_sees_blocks_where_they_are_and_only_those(pair: Pair) -> None:
    _, clean = (picture[:96, :96, 0].astype(float) for picture in pair)
    tiles = 12.0 * (np.indices((96, 96)) // 8).sum(axis=0) % 24
    blocks, shifted = (clean + shift for shift in (tiles, np.roll(tiles, 4, axis=(0, 1))))
    unblocked = pytest.approx(psnr(shifted, clean, 255))
    assert psnr(blocks, clean, 255) == unblocked
    assert psnr_b(blocks, clean, 255) < psnr_b(shifted, clean, 255) == unblocked


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_blocks_are_those_of_the_picture_whatever_is_cropped(pair: Pair, scale: int) -> None:
    clean = np.ascontiguousarray(pair[1][:96, :96])
    tiles = 12.0 * (np.indices((96, 96)) // 8).sum(axis=0)[..., None] % 24
    blocks, shifted = (clean + shift for shift in (tiles, np.roll(tiles, 4, axis=(0, 1))))
    metric = METRICS["psnr_b"]
    found = [metric.measure(FIELD.views(each, clean, scale)) for each in (blocks, shifted)]
    assert found[0] < found[1] - 1
    plain = np.zeros((96, 96))
    plain[:, 8:16] = 9  # two edges of one image: they count alike, at any crop that keeps both
    cropped = plain[scale - 1 :, scale - 1 :]
    assert blocking_effect(cropped, offset=scale - 1) > 0
    assert blocking_effect(cropped, offset=scale + 3) == 0


@pytest.mark.parametrize("metric", [psnr, psnr_b, ssim])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("data_range", [None, 1])
def test_what_is_not_finite_has_no_score(
    metric: Callable[..., float], value: float, data_range: float | None
) -> None:
    image = np.zeros((16, 16))
    broken = image.copy()
    broken[3:9, 4] = value
    with pytest.raises(ScalewiseError, match=r"^reference has .* not finite .* row 3, column 4;"):
        metric(image, broken, data_range)


@pytest.mark.parametrize("shape", [(8, 20), (20, 8), (20, 20, 3)])
def test_psnr_b_needs_two_blocks(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="9x9"):
        psnr_b(np.zeros(shape), np.zeros(shape))


@pytest.mark.parametrize("metric", [psnr, psnr_b, ssim])
def test_white_is_that_of_the_type(metric, pair: Pair) -> None:
    image, reference = (picture[..., 0] for picture in pair)
    expected = pytest.approx(metric(image, reference))
    assert metric(image / 255, reference / 255) == expected
    assert metric(image.astype(float), reference.astype(float), 255) == expected
    assert metric(image, reference.astype(float), data_range=255) == expected
    for wrong, message in (
        ((image.astype(float), reference.astype(float)), "floating values are in .* data_range="),
        ((image.astype(float) * 2 - 255, reference / 255), "floating values are in"),
        ((image, reference / 255), "float64 and uint8 have no white in common; .* give data_range"),
        ((image.astype(int), reference.astype(int)), "int64 does not tell what is white"),
        ((image, reference, "255"), "data_range must be a number above 0, not '255'"),
        ((image, reference, 0), "data_range must be a number above 0, not 0"),
    ):
        with pytest.raises(ScalewiseError, match=message) as caught:
            metric(*wrong)
        assert caught.value.arguments == ("data_range",)
    noisy = reference / 255 + np.random.default_rng(0).normal(0, 50 / 255, reference.shape)
    assert metric(noisy, reference / 255) > 0  # noise goes beyond the range


def test_white_of_16_bits(pair: Pair) -> None:
    image, reference = (picture.astype(np.uint16) * np.uint16(257) for picture in pair)
    assert psnr(image, reference) == pytest.approx(psnr(*pair))
    assert psnr(image.astype(">u2"), reference) == pytest.approx(psnr(*pair))


@pytest.mark.parametrize("metric", [psnr, psnr_b, ssim])
def test_shapes_must_agree(metric) -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        metric(np.zeros((16, 16)), np.zeros((16, 15)))
    with pytest.raises(ValueError, match="empty"):
        metric(np.zeros((0, 16)), np.zeros((0, 16)))


@pytest.mark.parametrize("shape", [(10, 20), (20, 10), (20, 20, 3)])
def test_ssim_needs_its_window(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="11x11"):
        ssim(np.zeros(shape), np.zeros(shape))
