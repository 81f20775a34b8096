"""Losses, element by element."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scalewise.models import create_model
from scalewise.models.cleaning import Cleaned
from scalewise.training.config import LossConfig
from scalewise.training.losses import (
    charbonnier_loss,
    cleaning_loss,
    departure,
    divergence,
    fft_loss,
    psnr_loss,
    restoration_loss,
)


def test_against_the_definitions() -> None:
    generator = torch.Generator().manual_seed(0)
    restored = torch.randn((2, 3, 4, 5), generator=generator) * 2
    target = torch.rand((2, 3, 4, 5), generator=generator)
    pairs = zip(restored.flatten().tolist(), target.flatten().tolist(), strict=True)
    errors = [abs(a - b) for a, b in pairs]
    assert min(errors) < 1 < max(errors)  # both branches of the smooth loss
    l1 = sum(errors) / len(errors)
    smooth = sum(0.5 * e**2 if e < 1 else e - 0.5 for e in errors) / len(errors)

    assert restoration_loss(restored, target, LossConfig()).item() == pytest.approx(l1, rel=1e-5)
    combined = restoration_loss(restored, target, LossConfig(smooth_l1=0.5)).item()
    assert combined == pytest.approx(l1 + 0.5 * smooth, rel=1e-5)
    alone = restoration_loss(restored, target, LossConfig(l1=0, smooth_l1=2)).item()
    assert alone == pytest.approx(2 * smooth, rel=1e-5)


def test_gradient_of_the_combined_loss() -> None:
    restored = torch.tensor([0.2, 0.9, 2.5], requires_grad=True)
    target = torch.tensor([0.5, 0.5, 0.5])
    restoration_loss(restored, target, LossConfig(smooth_l1=0.5)).backward()
    # Per element: sign(d) + 0.5 d within 1, sign(d) + 0.5 sign(d) beyond; over 3 elements.
    expected = torch.tensor([-1 - 0.5 * 0.3, 1 + 0.5 * 0.4, 1.5]) / 3
    torch.testing.assert_close(restored.grad, expected)


def test_departure_by_hand() -> None:
    clean = torch.full((1, 3, 1, 4), 0.5)
    levels = [[0, 3, -16, 255], [0, 3, 16, 0], [0, -6, 0, 0]]  # by channel
    degraded = clean + torch.tensor(levels)[None, :, None] / 255
    expected = torch.tensor([[[[0, 4 / 16, (32 / 3) / 16, 1]]]])
    torch.testing.assert_close(departure(degraded, clean), expected)


def test_cleaning_loss_by_hand() -> None:
    clean = torch.zeros(1, 3, 1, 2)
    degraded = torch.tensor([0.0, 8 / 255]).expand(1, 3, 1, 2)
    image = torch.tensor([0.1, -0.3]).expand(1, 3, 1, 2)
    cleaned = Cleaned(image, torch.tensor([[[[0.25, 0.75]]]]))
    squared, absolute = (0.1**2 + 0.3**2) / 2, (0.25 + 0.25) / 2  # departures are 0 and 0.5
    both = cleaning_loss(cleaned, degraded, clean, denoised=2.0, artifact_map=0.5).item()
    assert both == pytest.approx(2 * squared + 0.5 * absolute)
    alone = cleaning_loss(Cleaned(image, None), degraded, clean, denoised=1.0).item()
    assert alone == pytest.approx(squared)
    of_map = cleaning_loss(cleaned, degraded, clean, artifact_map=1.0).item()
    assert of_map == pytest.approx(absolute)


def test_cleaning_loss_is_of_single_precision() -> None:
    """Whatever the network computes in: squares of small errors vanish in bfloat16."""
    clean = torch.zeros(1, 3, 2, 2)
    rough = Cleaned(clean.bfloat16() + 1e-3, torch.zeros(1, 1, 2, 2).bfloat16())
    assert cleaning_loss(rough, clean, clean, denoised=1.0, artifact_map=1.0).dtype == torch.float32


def test_divergence() -> None:
    network = create_model("plain", width=4, convolutions=2)
    weights = LossConfig(l1=0.5, smooth_l1=0.5)
    assert divergence(torch.tensor([0.1, 7.0]), network, weights) is None  # as SCN is drawn
    assert divergence(torch.tensor([0.1, 2e17]), network, weights) == "rose to 1.0e+17"
    assert divergence(torch.tensor([0.1, torch.nan]), network, weights) == "stopped being finite"
    next(network.parameters()).data.fill_(torch.inf)
    assert divergence(torch.tensor([0.1]), network, weights) == "stopped being finite"


def test_charbonnier_and_fft_against_the_definitions() -> None:
    generator = torch.Generator().manual_seed(0)
    restored = torch.rand((2, 3, 4, 6), generator=generator)
    target = torch.rand((2, 3, 4, 6), generator=generator)
    difference = (restored - target).double().numpy()
    charbonnier = np.sqrt(difference**2 + 1e-6).mean()
    rows, columns = (np.arange(side) for side in (4, 6))
    waves = [np.exp(-2j * np.pi * np.outer(at, at) / len(at)) for at in (rows, columns)]
    coefficients = waves[0] @ difference @ waves[1]
    fft = (np.abs(coefficients.real).mean() + np.abs(coefficients.imag).mean()) / 2
    assert charbonnier_loss(restored, target).item() == pytest.approx(charbonnier, rel=1e-5)
    assert fft_loss(restored, target).item() == pytest.approx(fft, rel=1e-5)
    l1 = float(np.abs(difference).mean())
    mixed = restoration_loss(restored, target, LossConfig(charbonnier=0.5, fft=0.05)).item()
    assert mixed == pytest.approx(l1 + 0.5 * charbonnier + 0.05 * fft, rel=1e-5)
    taught = restoration_loss(restored, target, LossConfig(l1=0, fft=1), target, 0.5).item()
    assert taught == pytest.approx(fft, rel=1e-5)
    restored.requires_grad_()
    charbonnier_loss(restored, restored.detach()).backward()
    assert restored.grad is not None
    assert not restored.grad.any()  # smooth at 0


def test_psnr_loss_counts_each_patch_by_its_own_psnr() -> None:
    target = torch.full((3, 3, 4, 4), 0.5)
    errors = torch.tensor([0.1, 0.01, 0.0]).view(3, 1, 1, 1)  # 20 dB, 40 dB, equal
    loss = psnr_loss(target + errors, target).item()
    assert loss == pytest.approx((40 + 20 + 0) / 3, abs=0.02)  # below 60 dB, softened near there
    alone = restoration_loss(target + errors, target, LossConfig(l1=0, psnr=7e-4)).item()
    assert alone == pytest.approx(7e-4 * loss)
    restored = (target + errors).requires_grad_()
    psnr_loss(restored, target).backward()
    assert restored.grad is not None
    steps = restored.grad.abs().amax(dim=(1, 2, 3)) * errors.flatten()
    assert steps[0] == pytest.approx(steps[1].item(), rel=0.02)  # an error of 1 % counts alike
    assert not restored.grad[2].any()


def test_psnr_loss_with_a_teacher() -> None:
    """The teacher gives the direction; the ground truth says how much a patch counts."""
    target, taught = torch.full((1, 3, 2, 2), 0.5), torch.full((1, 3, 2, 2), 0.53)
    restored = torch.full((1, 3, 2, 2), 0.57, requires_grad=True)
    loss = restoration_loss(restored, target, LossConfig(l1=0, psnr=2), taught, 0.75)
    error = 0.25 * 0.07**2 + 0.75 * (0.04**2 + 0.03**2)
    assert loss.item() == pytest.approx(20 * np.log10(1 + error * 1e6), rel=1e-5)
    loss.backward()
    assert restored.grad is not None
    slope = 2 * (0.25 * 0.07 + 0.75 * 0.04) / (error + 1e-6) * 20 / np.log(10)
    assert restored.grad.sum().item() == pytest.approx(slope, rel=1e-4)
    of_teacher = restoration_loss(restored, target, LossConfig(l1=0, psnr=1), taught, 1.0)
    assert of_teacher.item() == pytest.approx(10 * np.log10(1 + 0.0025 * 1e6), rel=1e-4)


def test_a_random_network_under_the_fft_loss_has_not_diverged() -> None:
    network = create_model("plain", width=4, convolutions=2)
    images = torch.randn((1, 3, 192, 192), generator=torch.Generator().manual_seed(0))
    loss = fft_loss(10 * images, torch.zeros(()))
    assert divergence(loss[None], network, LossConfig(l1=0.0, fft=1.0)) is None
