"""Losses, element by element."""

from __future__ import annotations

import pytest
import torch

from scalewise.training.losses import restoration_loss


def test_against_the_definitions() -> None:
    generator = torch.Generator().manual_seed(0)
    restored = torch.randn((2, 3, 4, 5), generator=generator) * 2
    target = torch.rand((2, 3, 4, 5), generator=generator)
    pairs = zip(restored.flatten().tolist(), target.flatten().tolist(), strict=True)
    errors = [abs(a - b) for a, b in pairs]
    assert min(errors) < 1 < max(errors)  # both branches of the smooth loss
    l1 = sum(errors) / len(errors)
    smooth = sum(0.5 * e**2 if e < 1 else e - 0.5 for e in errors) / len(errors)

    assert restoration_loss(restored, target).item() == pytest.approx(l1, rel=1e-5)
    combined = restoration_loss(restored, target, l1=1.0, smooth_l1=0.5).item()
    assert combined == pytest.approx(l1 + 0.5 * smooth, rel=1e-5)
    alone = restoration_loss(restored, target, l1=0.0, smooth_l1=2.0).item()
    assert alone == pytest.approx(2 * smooth, rel=1e-5)


def test_gradient_of_the_combined_loss() -> None:
    restored = torch.tensor([0.2, 0.9, 2.5], requires_grad=True)
    target = torch.tensor([0.5, 0.5, 0.5])
    restoration_loss(restored, target, l1=1.0, smooth_l1=0.5).backward()
    # Per element: sign(d) + 0.5 d within 1, sign(d) + 0.5 sign(d) beyond; over 3 elements.
    expected = torch.tensor([-1 - 0.5 * 0.3, 1 + 0.5 * 0.4, 1.5]) / 3
    torch.testing.assert_close(restored.grad, expected)
