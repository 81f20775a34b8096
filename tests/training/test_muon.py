"""Muon against a plain computation, one matrix at a time, in float64 NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scalewise.training.muon import Muon, is_hidden, orthogonalise

Matrix = NDArray[np.float64]


def with_singular_values(rows: int, columns: int, values: list[float]) -> Tensor:
    random = np.random.default_rng(rows * columns)
    left, _ = np.linalg.qr(random.standard_normal((rows, len(values))))
    right, _ = np.linalg.qr(random.standard_normal((columns, len(values))))
    return torch.tensor(left * values @ right.T, dtype=torch.float32)


@pytest.mark.parametrize(("rows", "columns"), [(6, 40), (40, 6), (6, 6)])
def test_orthogonalising_evens_the_singular_values_out(rows: int, columns: int) -> None:
    matrix = with_singular_values(rows, columns, [10.0, 7.0, 3.0, 2.0, 1.0, 0.5])
    (result,) = orthogonalise(matrix[None])
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    rotated = left.T @ result @ right.T
    assert result.shape == matrix.shape
    assert values.max() / values.min() > 19
    assert rotated.diagonal().min() > 0.65
    assert rotated.diagonal().max() < 1.25
    # The singular vectors stay what they were.
    torch.testing.assert_close(rotated, rotated.diagonal().diag(), atol=1e-4, rtol=0)


def test_matrices_of_a_batch_do_not_mix() -> None:
    first = with_singular_values(4, 9, [3.0, 2.0, 1.0, 0.5])
    second = 100 * with_singular_values(4, 9, [1.0, 1.0, 0.3, 0.2]).flip(0)
    together = orthogonalise(torch.stack([first, second]))
    torch.testing.assert_close(together[0], orthogonalise(first[None])[0])
    torch.testing.assert_close(together[1], orthogonalise(second[None])[0])


def test_which_parameters_are_hidden() -> None:
    assert is_hidden(torch.empty(8, 32, 3, 3))
    assert is_hidden(torch.empty(32, 32, 1, 1))
    assert not is_hidden(torch.empty(32, 3, 3, 3))  # reads the image
    assert not is_hidden(torch.empty(32))
    assert not is_hidden(torch.empty(32, 1, 1, 1))


def parameters() -> list[nn.Parameter]:
    """Two convolutions of one shape, one of another, a first convolution and a bias."""
    generator = torch.Generator().manual_seed(3)
    shapes = [(5, 6, 3, 3), (5, 6, 3, 3), (12, 5, 1, 1), (4, 3, 3, 3), (7,)]
    return [nn.Parameter(torch.randn(shape, generator=generator) * 0.1) for shape in shapes]


def gradients(step: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(100 + step)
    return [torch.randn(p.shape, generator=generator) * 0.01 for p in parameters()]


def plain_muon_step(weight: Matrix, momentum: Matrix, gradient: Matrix, rate: float) -> Matrix:
    momentum *= 0.95
    momentum += gradient
    rows = gradient.shape[0]
    x = (gradient + 0.95 * momentum).reshape(rows, -1)
    x = x / np.sqrt((x**2).sum())
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x - 4.7750 * gram @ x + 2.0315 * gram @ gram @ x
    step = 0.2 * np.sqrt(max(x.shape)) * rate
    return weight - step * x.reshape(weight.shape)


def test_three_steps_against_a_plain_computation() -> None:
    rates = [0.01, 0.02, 0.005]
    ours = parameters()
    optimizer = Muon(ours, 1.0, (0.9, 0.99))
    plain = [p.detach().numpy().astype(np.float64) for p in ours]
    momenta = [np.zeros_like(weight) for weight in plain]
    adams = [nn.Parameter(p.detach().clone()) for p in ours[3:]]
    adam = torch.optim.Adam(adams, 1.0, (0.9, 0.99))
    for step, rate in enumerate(rates):
        for group in (*optimizer.param_groups, *adam.param_groups):
            group["lr"] = rate
        for parameter, gradient in zip(ours, gradients(step), strict=True):
            parameter.grad = gradient
        for parameter, gradient in zip(adams, gradients(step)[3:], strict=True):
            parameter.grad = gradient
        optimizer.step()
        adam.step()
        for index, gradient in enumerate(gradients(step)[:3]):
            weight, momentum = plain[index], momenta[index]
            plain[index] = plain_muon_step(weight, momentum, gradient.double().numpy(), rate)
    for parameter, weight in zip(ours[:3], plain[:3], strict=True):
        np.testing.assert_allclose(parameter.detach().numpy(), weight, atol=1e-6)
    for parameter, other in zip(ours[3:], adams, strict=True):
        torch.testing.assert_close(parameter, other, atol=1e-6, rtol=1e-5)


def test_a_parameter_without_gradient_stays() -> None:
    ours = parameters()
    before = [p.detach().clone() for p in ours]
    ours[0].grad = torch.ones_like(ours[0])
    Muon(ours, 0.1, (0.9, 0.99)).step()
    changed = [not torch.equal(p, old) for p, old in zip(ours, before, strict=True)]
    assert changed == [True, False, False, False, False]


def test_it_minimises_a_quadratic() -> None:
    weight = nn.Parameter(torch.zeros(8, 8, 3, 3))
    bias = nn.Parameter(torch.zeros(8))
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(8, 8, 3, 3, generator=generator) * 0.1
    optimizer = Muon([weight, bias], 1.0, (0.9, 0.99))
    losses: list[float] = []
    for step in range(100):
        optimizer.param_groups[0]["lr"] = 0.02 * (1 - step / 100)
        loss = (weight - target).square().sum() + (bias - 0.3).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[1] < losses[0]
    assert losses[-1] < 0.01 * losses[0]


def test_a_saved_state_goes_on_exactly() -> None:
    straight, stopped = parameters(), parameters()
    optimizer = Muon(straight, 0.01, (0.9, 0.99))
    before = Muon(stopped, 0.01, (0.9, 0.99))

    def take(optimizer: Muon, parameters: list[nn.Parameter], step: int) -> None:
        for parameter, gradient in zip(parameters, gradients(step), strict=True):
            parameter.grad = gradient
        optimizer.step()

    for step in range(2):
        take(optimizer, straight, step)
        take(before, stopped, step)
    resumed = Muon(stopped, 0.5, (0.5, 0.5))
    resumed.load_state_dict(before.state_dict())
    for step in range(2, 4):
        take(optimizer, straight, step)
        take(resumed, stopped, step)
    for ours, theirs in zip(straight, stopped, strict=True):
        assert torch.equal(ours, theirs)
