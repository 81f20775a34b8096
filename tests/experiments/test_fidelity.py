"""Fidelity of detail, and the parts of the mixed loss."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.experiments.fidelity import Fidelity, high_pass, measure_fidelity, smooth_l1_share


@pytest.fixture
def crop(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return photo[100:164, 200:280]


def test_a_shift_of_brightness_costs_no_detail(crop: NDArray[np.uint8]) -> None:
    brighter = crop.astype(np.float64) + 4
    found = measure_fidelity(brighter, crop.astype(np.float64))
    assert found.detail > 150
    assert found.l1 == pytest.approx(4 / 255)


def test_blur_costs_detail(crop: NDArray[np.uint8]) -> None:
    def blurred(times: int) -> NDArray[np.float64]:
        image = crop.astype(np.float64)
        for _ in range(times):
            padded = np.pad(image, ((0, 0), (1, 1), (0, 0)), mode="edge")
            image = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
        return image

    found = [measure_fidelity(blurred(times), crop).detail for times in (1, 2, 4)]
    assert found[0] > found[1] > found[2]


def test_high_pass_is_what_the_mean_around_leaves() -> None:
    image = np.random.default_rng(0).random((9, 11))
    expected = image[4, 5] - image[2:7, 3:8].mean()
    assert high_pass(image)[4, 5] == pytest.approx(expected)


def test_losses_are_those_of_training(crop: NDArray[np.uint8]) -> None:
    torch = pytest.importorskip("torch")
    from scalewise.training.config import LossConfig
    from scalewise.training.losses import restoration_loss

    other = np.roll(crop, 1, axis=1)
    found = measure_fidelity(other, crop)
    first, second = (torch.tensor(each).float() / 255 for each in (other, crop))
    l1 = restoration_loss(first, second, LossConfig())
    smooth_l1 = restoration_loss(first, second, LossConfig(l1=0, smooth_l1=1))
    assert found.l1 == pytest.approx(l1.item(), rel=1e-4)
    assert found.smooth_l1 == pytest.approx(smooth_l1.item(), rel=1e-4)


def test_the_share_of_smooth_l1() -> None:
    assert smooth_l1_share(Fidelity(30.0, 0.03, 0.02), 0.5) == 0.25
    assert smooth_l1_share(Fidelity(30.0, 0.0, 0.0), 0.5) == 0.0


def test_shapes_must_agree(crop: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="two images of one shape"):
        measure_fidelity(crop, crop[:-1])
