"""MS-SSIM, GMSD and VIF-p beside piq's and torchmetrics' values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from scalewise.errors import ScalewiseError
from scalewise.imaging.structural_metrics import gmsd, ms_ssim, vif_p

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]
Metric = Callable[..., float]

GOLDEN: dict[str, dict[Metric, float]] = {
    "noise": {ms_ssim: 0.9569294748, gmsd: 0.0447595270, vif_p: 0.4870540354},
    "contrast": {ms_ssim: 0.9780959768, gmsd: 0.0095451521, vif_p: 0.8958294730},
    "blur": {ms_ssim: 0.9930403977, gmsd: 0.0575764196, vif_p: 0.6320314480},
}
"""By piq 0.8.0 in double precision: multi_scale_ssim, gmsd, and vif_p with sigma_n_sq=2."""


def pair(photo: NDArray[np.uint8], kind: str) -> Pair:
    truth = photo[:240, :256].mean(axis=-1).round()
    changed = {
        "noise": truth + np.random.default_rng(0).normal(0, 8, truth.shape),
        "contrast": truth * 0.8,
        "blur": (truth + np.roll(truth, 1, axis=0)) / 2,
    }[kind]
    return np.rint(changed).clip(0, 255), truth


@pytest.mark.parametrize("kind", GOLDEN)
@pytest.mark.parametrize("metric", [ms_ssim, gmsd, vif_p], ids=["ms_ssim", "gmsd", "vif_p"])
def test_values_of_another_implementation(
    photo: NDArray[np.uint8], kind: str, metric: Metric
) -> None:
    assert metric(*pair(photo, kind), 255) == pytest.approx(GOLDEN[kind][metric], abs=2e-9)


def test_ms_ssim_is_about_torchmetrics(photo: NDArray[np.uint8]) -> None:
    """Its borders differ: torchmetrics filters beyond them, and crops afterwards."""
    image, truth = pair(photo, "noise")
    theirs = multiscale_structural_similarity_index_measure(
        torch.tensor(image)[None, None], torch.tensor(truth)[None, None], data_range=255.0
    )
    assert ms_ssim(image, truth, 255) == pytest.approx(theirs.item(), abs=1e-4)


@pytest.mark.parametrize("metric", [ms_ssim, gmsd, vif_p], ids=["ms_ssim", "gmsd", "vif_p"])
def test_types_have_their_white_and_the_truth_is_perfect(
    photo: NDArray[np.uint8], metric: Metric
) -> None:
    image, truth = (each.astype(np.uint8) for each in pair(photo, "noise"))
    expected = metric(image, truth)
    deep = metric(image.astype(np.uint16) * 257, truth.astype(np.uint16) * 257)
    assert deep == pytest.approx(expected, rel=1e-6)
    assert metric(image / 255, truth / 255) == pytest.approx(expected, rel=1e-6)
    assert metric(truth, truth) == pytest.approx(0 if metric is gmsd else 1, abs=1e-9)
    flat = np.full_like(truth, 100)
    assert metric(flat, flat) == pytest.approx(0 if metric is gmsd else 1, abs=1e-9)


def test_gmsd_fills_an_odd_side_up_with_zeros(photo: NDArray[np.uint8]) -> None:
    image, truth = (each[:239, :255] for each in pair(photo, "noise"))
    filled = [np.pad(each, ((0, 1), (0, 1))) for each in (image, truth)]
    assert gmsd(image, truth, 255) == gmsd(*filled, 255)


@pytest.mark.parametrize(
    ("metric", "side"), [(ms_ssim, 176), (gmsd, 4), (vif_p, 41)], ids=["ms_ssim", "gmsd", "vif_p"]
)
def test_least_sizes(metric: Metric, side: int) -> None:
    least = np.random.default_rng(0).random((side, side))
    assert np.isfinite(metric(least, least))
    with pytest.raises(ScalewiseError, match=f"image must be .H, W. of at least {side}x{side}"):
        metric(least[:-1], least[:-1])
