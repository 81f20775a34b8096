"""The averaged weights, and learning rates against their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from scalewise.models import RestorationNetwork, create_model
from scalewise.training.config import ScheduleConfig
from scalewise.training.optimization import Ema, learning_rate


def network() -> RestorationNetwork:
    return create_model("scn_exact", width=2, blocks=1, levels=2)


def fill(network: RestorationNetwork, value: float) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)


def values(network: RestorationNetwork) -> set[float]:
    return {value for p in network.parameters() for value in p.flatten().tolist()}


def test_without_decay_the_average_is_the_last_weights() -> None:
    trained = network()
    ema = Ema(trained, decay=0)
    for step in (0, 1, 1000):
        fill(trained, 0.1 + step / 3)
        ema.update(trained, decay=ema.decay_at(step))
        assert values(ema.network) == values(trained)


def test_the_average_follows_the_formula_with_its_warm_up() -> None:
    trained = network()
    fill(trained, 0.0)
    ema = Ema(trained, decay=0.5)
    expected = 0.0
    for step, value in enumerate([1.0, 3.0, -2.0, 5.0, 4.0, 8.0, 1.0, 1.0, 9.0, 2.0]):
        fill(trained, value)
        ema.update(trained, decay=ema.decay_at(step))
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    (average,) = values(ema.network)
    assert average == pytest.approx(expected, rel=1e-5)
    assert (1 + 9) / (10 + 9) > 0.5  # the warm-up was over


def test_the_decay_may_be_a_tensor() -> None:
    torch.manual_seed(5)
    trained = network()
    by_number, by_tensor = Ema(trained, decay=0.9), Ema(trained, decay=0.9)
    decay = torch.zeros(())
    for step in range(30):
        with torch.no_grad():
            for parameter in trained.parameters():
                parameter.add_(torch.randn_like(parameter))
        by_number.update(trained, decay=by_number.decay_at(step))
        by_tensor.update(trained, decay=decay.fill_(by_tensor.decay_at(step)))
    pairs = zip(by_number.network.parameters(), by_tensor.network.parameters(), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-6)


def test_it_equals_an_average_parameter_by_parameter() -> None:
    torch.manual_seed(6)
    trained = network()
    ema = Ema(trained, decay=0.9)
    plain = [parameter.detach().clone() for parameter in trained.parameters()]
    for step in range(30):
        with torch.no_grad():
            for parameter in trained.parameters():
                parameter.add_(torch.randn_like(parameter))
        ema.update(trained, decay=ema.decay_at(step))
        for average, parameter in zip(plain, trained.parameters(), strict=True):
            average.lerp_(parameter.detach(), 1 - min(0.9, (1 + step) / (10 + step)))
    for average, parameter in zip(plain, ema.network.parameters(), strict=True):
        assert torch.equal(average, parameter)


def test_it_is_a_network_of_its_own() -> None:
    trained = network()
    ema = Ema(trained, decay=0.9)
    before = values(ema.network)
    fill(trained, 7.0)
    assert values(ema.network) == before
    ema.update(trained, decay=ema.decay_at(0))
    assert values(trained) == {7.0}
    assert not ema.network.training
    assert not any(parameter.requires_grad for parameter in ema.network.parameters())
    assert all(parameter.requires_grad for parameter in trained.parameters())


@pytest.mark.parametrize("step", [0, 1, 250, 500, 999, 1000])
def test_cosine_is_the_documents_formula(step: int) -> None:
    schedule = ScheduleConfig(kind="cosine", min_rate=1e-5)
    eta_max, eta_min, total = 1e-3, 1e-5, 1000
    expected = eta_min + 0.5 * (eta_max - eta_min) * (1 + math.cos(math.pi * step / total))
    assert learning_rate(step / total, eta_max, schedule) == pytest.approx(expected, rel=1e-12)


def test_fixed() -> None:
    schedule = ScheduleConfig(kind="fixed")
    assert {learning_rate(part, 1e-3, schedule) for part in (0.0, 0.3, 1.0)} == {1e-3}


@pytest.mark.parametrize(
    ("progress", "rate"), [(0.0, 1.0), (0.29, 1.0), (0.3, 0.1), (0.79, 0.1), (0.8, 0.01), (1, 0.01)]
)
def test_multistep(progress: float, rate: float) -> None:
    schedule = ScheduleConfig(kind="multistep", milestones=[0.3, 0.8], gamma=0.1)
    assert learning_rate(progress, 1.0, schedule) == pytest.approx(rate)


@pytest.mark.parametrize("kind", ["fixed", "cosine", "multistep"])
def test_warmup_rises_linearly_from_zero(kind: str) -> None:
    schedule = ScheduleConfig(kind=kind, warmup=0.2)
    rates = [learning_rate(progress, 1.0, schedule) for progress in (0.0, 0.05, 0.1, 0.15)]
    assert rates == pytest.approx([0.0, 0.25, 0.5, 0.75])
    plain = ScheduleConfig(kind=kind)
    assert learning_rate(0.2, 1.0, schedule) == learning_rate(0.2, 1.0, plain)
