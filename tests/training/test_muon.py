"""Muon against plain computations: in float64 NumPy, and parameter by parameter in torch."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scalewise.training.optimization import Muon, is_hidden, orthogonalise

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


class PlainMuon(torch.optim.Optimizer):
    """Muon one parameter at a time, without stacks and fused operations.

    Older checkpoints hold the state of such an optimizer.
    """

    def __init__(
        self, parameters: list[nn.Parameter], rate: float, betas: tuple[float, float]
    ) -> None:
        super().__init__(parameters, {"lr": rate, "betas": betas})

    @torch.no_grad()
    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        (group,) = self.param_groups
        for parameter in group["params"]:
            if parameter.grad is None:
                continue
            if is_hidden(parameter):
                self._step_muon(parameter, parameter.grad, group["lr"])
            else:
                self._step_adam(parameter, parameter.grad, group["lr"], group["betas"])

    def _step_muon(self, parameter: Tensor, gradient: Tensor, rate: float) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum: Tensor = state["momentum"].mul_(0.95).add_(gradient)
        x = gradient.add(momentum, alpha=0.95).flatten(1)
        step = 0.2 * max(x.shape) ** 0.5 * rate
        transposed = x.shape[0] > x.shape[1]
        x = x.T if transposed else x
        x = x / (x.square().sum().sqrt() + 1e-7)
        for _ in range(5):
            gram = x @ x.T
            x = 3.4445 * x + (2.0315 * gram @ gram - 4.7750 * gram) @ x
        x = x.T if transposed else x
        parameter.sub_(x.reshape(parameter.shape), alpha=step)

    def _step_adam(
        self, parameter: Tensor, gradient: Tensor, rate: float, betas: tuple[float, float]
    ) -> None:
        state = self.state[parameter]
        if not state:
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
            state["step"] = torch.zeros(())
        state["step"] += 1
        taken = int(state["step"])
        state["mean"].lerp_(gradient, 1 - betas[0])
        state["square"].lerp_(gradient.square(), 1 - betas[1])
        mean = state["mean"] / (1 - betas[0] ** taken)
        deviation = (state["square"] / (1 - betas[1] ** taken)).sqrt_().add_(1e-8)
        parameter.addcdiv_(mean, deviation, value=-rate)


FORMATS = [torch.contiguous_format, torch.channels_last]
BETAS = (0.9, 0.99)


def parameters_in(memory_format: torch.memory_format) -> list[nn.Parameter]:
    """Return the parameters with those of four dimensions in a memory format."""
    return [
        nn.Parameter(p.detach().to(memory_format=memory_format)) if p.ndim == 4 else p
        for p in parameters()
    ]


def rate_at(step: int) -> float:
    return 0.002 * (1 + step % 7)


def give_gradients(parameters: list[nn.Parameter], step: int) -> None:
    """Give gradients in the parameters' layout; every third step some have none."""
    for index, (parameter, gradient) in enumerate(zip(parameters, gradients(step), strict=True)):
        missing = step % 3 == 2 and (index + step) % 2 == 0
        parameter.grad = None if missing else torch.empty_like(parameter).copy_(gradient)


def take(
    optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], first: int, last: int
) -> None:
    """Take the steps from one number to before another."""
    for step in range(first, last):
        optimizer.param_groups[0]["lr"] = rate_at(step)
        give_gradients(parameters, step)
        optimizer.step()


def through_a_file(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state that was saved and loaded, each tensor with memory of its own."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=True)
    for values in loaded["state"].values():
        values.update({key: value.clone() for key, value in values.items()})
    return loaded


def assert_equal(ours: list[nn.Parameter], theirs: list[nn.Parameter]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)


def assert_close(ours: list[nn.Parameter], theirs: list[nn.Parameter]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("by_tensor", [False, True])
def test_it_equals_the_formulas_parameter_by_parameter(
    memory_format: torch.memory_format, by_tensor: bool
) -> None:
    ours, theirs = parameters_in(memory_format), parameters_in(memory_format)
    rate = torch.zeros(()) if by_tensor else 0.0
    optimizer, plain = Muon(ours, rate, BETAS), PlainMuon(theirs, 0.0, BETAS)
    for step in range(40):
        plain.param_groups[0]["lr"] = rate_at(step)
        if isinstance(rate, Tensor):
            rate.fill_(rate_at(step))
        else:
            optimizer.param_groups[0]["lr"] = rate_at(step)
        for each in (ours, theirs):
            give_gradients(each, step)
        optimizer.step()
        plain.step()
        assert_close(ours, theirs)


@pytest.mark.parametrize("given", FORMATS)
@pytest.mark.parametrize("memory_format", FORMATS)
def test_gradients_may_have_another_layout_than_their_parameters(
    memory_format: torch.memory_format, given: torch.memory_format
) -> None:
    ours, theirs = parameters_in(memory_format), parameters()
    optimizer, plain = Muon(ours, 0.01, BETAS), PlainMuon(theirs, 0.01, BETAS)
    for step in range(3):
        for parameter, other, gradient in zip(ours, theirs, gradients(step), strict=True):
            four = parameter.ndim == 4
            parameter.grad = gradient.to(memory_format=given) if four else gradient
            other.grad = gradient
        optimizer.step()
        plain.step()
    assert_close(ours, theirs)


@pytest.mark.parametrize("memory_format", FORMATS)
def test_a_saved_state_goes_on_exactly(memory_format: torch.memory_format) -> None:
    straight, stopped = parameters_in(memory_format), parameters_in(memory_format)
    optimizer, before = Muon(straight, 0.01, BETAS), Muon(stopped, 0.01, BETAS)
    take(optimizer, straight, 0, 12)
    take(before, stopped, 0, 12)
    resumed = Muon(stopped, 0.5, (0.5, 0.5))
    resumed.load_state_dict(through_a_file(before.state_dict()))
    take(optimizer, straight, 12, 24)
    take(resumed, stopped, 12, 24)
    assert_equal(straight, stopped)


@pytest.mark.parametrize("memory_format", FORMATS)
def test_a_state_saved_parameter_by_parameter_goes_on(memory_format: torch.memory_format) -> None:
    theirs = parameters_in(memory_format)
    plain = PlainMuon(theirs, 0.01, BETAS)
    take(plain, theirs, 0, 8)
    ours, again = copy.deepcopy(theirs), copy.deepcopy(theirs)
    optimizer, other = Muon(ours, 0.5, (0.5, 0.5)), Muon(again, 0.5, (0.5, 0.5))
    optimizer.load_state_dict(through_a_file(plain.state_dict()))
    other.load_state_dict(through_a_file(optimizer.state_dict()))
    take(plain, theirs, 8, 30)
    take(optimizer, ours, 8, 30)
    take(other, again, 8, 30)
    assert_close(ours, theirs)
    assert_equal(ours, again)


def test_a_saved_state_has_the_format_of_the_plain_formulas() -> None:
    def layouts(optimizer: torch.optim.Optimizer) -> dict[tuple[int, str], Any]:
        states = optimizer.state_dict()["state"]
        return {
            (index, key): (value.shape, value.stride())
            for index, values in states.items()
            for key, value in values.items()
        }

    ours = parameters_in(torch.channels_last)
    optimizer, plain = Muon(ours, 0.01, BETAS), PlainMuon(ours, 0.01, BETAS)
    take(optimizer, ours, 0, 2)
    take(plain, ours, 0, 2)
    assert layouts(optimizer) == layouts(plain)


def test_the_optimizer_that_a_state_came_from_stays_as_it_is() -> None:
    ours, theirs = parameters(), parameters()
    optimizer, other = Muon(ours, 0.01, BETAS), Muon(theirs, 0.01, BETAS)
    take(optimizer, ours, 0, 3)
    other.load_state_dict(optimizer.state_dict())
    before = through_a_file(optimizer.state_dict())["state"]
    take(other, theirs, 3, 6)
    for index, values in optimizer.state_dict()["state"].items():
        for key, value in values.items():
            assert torch.equal(value, before[index][key])


def copied(optimizer: Muon) -> Muon:
    return copy.deepcopy(optimizer)


def pickled(optimizer: Muon) -> Muon:
    return pickle.loads(pickle.dumps(optimizer))


@pytest.mark.parametrize("duplicate", [copied, pickled])
@pytest.mark.parametrize("memory_format", FORMATS)
def test_a_copy_goes_on_exactly(memory_format: torch.memory_format, duplicate: Any) -> None:
    ours = parameters_in(memory_format)
    optimizer = Muon(ours, 0.01, BETAS)
    take(optimizer, ours, 0, 5)
    other = duplicate(optimizer)
    theirs = other.param_groups[0]["params"]
    take(optimizer, ours, 5, 12)
    take(other, theirs, 5, 12)
    assert_equal(ours, theirs)


def test_a_rate_stays_a_tensor_or_a_number_when_a_state_is_loaded() -> None:
    rate = torch.tensor(0.5)
    by_tensor, by_number = Muon(parameters(), rate, BETAS), Muon(parameters(), 0.25, BETAS)
    by_tensor.load_state_dict(by_number.state_dict())
    assert by_tensor.param_groups[0]["lr"] is rate
    assert rate == 0.25
    rate.fill_(0.125)
    by_number.load_state_dict(by_tensor.state_dict())
    assert by_number.param_groups[0]["lr"] == 0.125
    assert isinstance(by_number.param_groups[0]["lr"], float)
    assert by_tensor.param_groups[0]["lr"] is rate
