"""Optimizers (Adam, Muon), weight averaging (EMA) and learning-rate schedules.

A schedule is a function of progress, from 0 at the start to 1 at the end, instead of the step,
because a budget may be in steps, epochs or time.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable
from math import cos, pi, sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from scalewise.models import RestorationNetwork
from scalewise.training.checkpoint import Checkpoint
from scalewise.training.config import OptimizerConfig, ScheduleConfig

MOMENTUM = 0.95
EPSILON = 1e-8

State = dict[str, Tensor]
Rate = float | Tensor


def learning_rate(progress: float, rate: float, schedule: ScheduleConfig) -> float:
    """Return the learning rate at a given progress.

    Args:
        progress: completed part of the budget, in [0, 1].
        rate: the highest rate.
        schedule: kind, floor, milestones and warm-up.

    >>> learning_rate(0.8, 1.0, ScheduleConfig(kind="multistep"))
    0.25
    >>> learning_rate(0.05, 1.0, ScheduleConfig(kind="fixed", warmup=0.1))
    0.5
    """
    if progress < schedule.warmup:
        return rate * progress / schedule.warmup
    if schedule.kind == "cosine":
        return cosine(progress, rate, schedule.min_rate)
    if schedule.kind == "wsd":
        return wsd(progress, rate, schedule.min_rate, schedule.decay)
    if schedule.kind == "multistep":
        return rate * schedule.gamma ** sum(progress >= point for point in schedule.milestones)
    return rate


def cosine(progress: float, rate: float, min_rate: float = 0.0) -> float:
    """Return the rate of cosine annealing, the document's formula with ``t / T = progress``.

    ``eta(t) = eta_min + 0.5 (eta_max - eta_min) (1 + cos(pi t / T))``

    >>> [cosine(p, 1e-3) for p in (0.0, 0.5, 1.0)]
    [0.001, 0.0005, 0.0]
    """
    return min_rate + 0.5 * (rate - min_rate) * (1 + cos(pi * progress))


def wsd(progress: float, rate: float, min_rate: float = 0.0, decay: float = 0.2) -> float:
    """Return the rate of warm-up-stable-decay after its warm-up.

    The rate is constant.  Over the last ``decay`` of the budget it falls to ``min_rate`` as
    ``1 - sqrt(t)``, with t rising from 0 to 1: Haegele et al., "Scaling laws and compute-optimal
    training beyond fixed training durations" (NeurIPS 2024).

    >>> [wsd(p, 1.0, decay=0.4) for p in (0.0, 0.6, 0.7, 1.0)]
    [1.0, 1.0, 0.5, 0.0]
    """
    if progress <= 1 - decay or decay == 0:
        return rate
    return min_rate + (rate - min_rate) * (1 - sqrt(min((progress - 1 + decay) / decay, 1.0)))


def make_optimizer(
    network: nn.Module, config: OptimizerConfig, captured: bool = False
) -> torch.optim.Optimizer:
    """Return a recipe's optimizer.

    Args:
        network: the network that it trains.
        config: its settings.
        captured: whether its steps are captured in a CUDA graph.
    """
    if config.kind == "muon":
        return Muon(network.parameters(), config.rate, config.betas)
    return torch.optim.Adam(
        network.parameters(), config.rate, config.betas, fused=True, capturable=captured
    )


def optimizer_state(optimizer: torch.optim.Optimizer) -> Checkpoint:
    """Return an optimizer's state with its rate as a plain number."""
    state = optimizer.state_dict()
    state["param_groups"] = [{**group, "lr": float(group["lr"])} for group in state["param_groups"]]
    return state


def load_optimizer_state(optimizer: torch.optim.Optimizer, state: Checkpoint) -> None:
    """Load an optimizer's state, captured in a CUDA graph or not."""
    own = [
        {key: group[key] for key in group if key == "capturable"}
        for group in optimizer.param_groups
    ]
    optimizer.load_state_dict(state)
    for group, kept in zip(optimizer.param_groups, own, strict=True):
        group.update(kept)


class Ema:
    """Exponential moving average of a network's weights: ``w_ema = d w_ema + (1 - d) w``.

    The decay has a warm-up, ``min(decay, (1 + step) / (10 + step))``, so that the random
    initial weights soon lose their influence.

    Args:
        network: the network to average; it is copied.
        decay: the final decay per step.
    """

    def __init__(self, network: RestorationNetwork, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._averaged: list[Tensor] = list(self.network.parameters())

    def decay_at(self, step: int) -> float:
        """Return the decay of a step, counted from 0."""
        return min(self.decay, (1 + step) / (10 + step))

    @torch.no_grad()
    def update(self, network: RestorationNetwork, *, decay: float | Tensor) -> None:
        """Move the average towards a network of the same architecture.

        Args:
            network: the network with the current weights.
            decay: the decay of this step.  Fill a tensor () on the network's device in place to
                change the decay of a CUDA graph.
        """
        current: list[Tensor] = list(network.parameters())
        if isinstance(decay, Tensor):
            torch._foreach_mul_(self._averaged, decay)  # pyright: ignore
            torch._foreach_add_(self._averaged, torch._foreach_mul(current, 1 - decay))  # pyright: ignore
        else:
            torch._foreach_lerp_(self._averaged, current, 1 - decay)  # pyright: ignore


class Muon(torch.optim.Optimizer):
    """Muon for hidden convolutions, Adam (bias-corrected, no decay) for the rest.

    Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), with the
    step size of Liu et al., "Muon is scalable for LLM training" (arXiv 2502.16982).  That makes
    an update as large as Adam's, so both share one learning rate.

    A convolution's weight is a matrix of output channels by all other dimensions.  Its momentum is
    replaced by the nearest matrix with equal singular values: directions that the gradient
    rarely shows are learned as fast as those that it always shows.  On a scale-wise network this
    reaches in a given time what Adam needs much longer for (see docs/training.md).

    A step dispatches few operations.  Weights of one shape share a :class:`_Stack`, and Adam is
    one fused operation.  A step reads no device value on the host, so a CUDA graph can capture
    it: take one step before the capture, which allocates the state, and give the rate as a
    tensor.

    Layers that read the image (at most 4 channels in), biases and gains go to Adam.

    Args:
        parameters: parameters to train.
        rate: learning rate of both; may be changed between steps in ``param_groups``.  Fill a
            tensor () on the parameters' device in place to change the rate of a CUDA graph.
        betas: Adam's decay rates.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], rate: Rate, betas: tuple[float, float]
    ) -> None:
        super().__init__(parameters, {"lr": rate, "betas": betas})
        self._stacks: dict[tuple[int, torch.Size], _Stack] = {}

    @torch.no_grad()
    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Update every parameter that has a gradient."""
        for index, group in enumerate(self.param_groups):
            with_gradient = [p for p in group["params"] if p.grad is not None]
            hidden = [p for p in with_gradient if is_hidden(p)]
            others = [p for p in with_gradient if not is_hidden(p)]
            for stack in self._stacked(hidden, index):
                stack.step(group["lr"])
            self._step_adam(others, group["lr"], group["betas"])

    def _stacked(self, parameters: list[Tensor], group: int) -> list[_Stack]:
        """Return the stacks of parameters, and build those whose parameters changed."""
        by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
        for parameter in parameters:
            by_shape[parameter.shape].append(parameter)
        for shape, alike in by_shape.items():
            stack = self._stacks.get((group, shape))
            if stack is None or not stack.holds(alike):
                states = [self.state[parameter] for parameter in alike]
                self._stacks[group, shape] = _Stack(alike, states)
        return [self._stacks[group, shape] for shape in by_shape]

    def _step_adam(self, parameters: list[Tensor], rate: Rate, betas: tuple[float, float]) -> None:
        for parameter in parameters:
            state: State = self.state[parameter]
            if not state:
                state["mean"] = torch.zeros_like(parameter)
                state["square"] = torch.zeros_like(parameter)
                state["step"] = torch.zeros((), device=parameter.device)
        states = [self.state[parameter] for parameter in parameters]
        adam(
            parameters,
            [in_layout_of(parameter, gradient_of(parameter)) for parameter in parameters],
            [state["mean"] for state in states],
            [state["square"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            amsgrad=False,
            beta1=betas[0],
            beta2=betas[1],
            lr=rate,
            weight_decay=0,
            eps=EPSILON,
            maximize=False,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load a state; a rate that is a tensor stays the same tensor with the loaded value."""
        rates: list[Rate] = [group["lr"] for group in self.param_groups]
        super().load_state_dict(state_dict)
        for group, rate in zip(self.param_groups, rates, strict=True):
            loaded = float(group["lr"])
            group["lr"] = rate.fill_(loaded) if isinstance(rate, Tensor) else loaded

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set a state that was loaded, copied or unpickled."""
        super().__setstate__(state)
        self._stacks = {}
        for parameter, values in self.state.items():
            for key, value in values.items():
                scalar = torch.zeros((), device=parameter.device)
                own = scalar if key == "step" else torch.empty_like(parameter)
                values[key] = own.copy_(value)


class _Stack:
    """Weights of one shape, whose momenta are one batch of matrices.

    A weight's state is a view of its matrix.  The columns of a matrix are in the weight's memory
    order, which may be channels last; orthogonalisation does not depend on their order.

    Args:
        parameters: weights (out, in, height, width) that have gradients.
        states: their states; each ``momentum`` is copied and replaced by a view.
    """

    def __init__(self, parameters: list[Tensor], states: list[State]) -> None:
        first = parameters[0]
        self.parameters = parameters
        self.momentum = first.new_zeros(len(parameters), first.shape[0], first[0].numel())
        self.update = torch.empty_like(self.momentum)
        self.updates = views_like(first, self.update)
        for state, momentum in zip(states, views_like(first, self.momentum), strict=True):
            if state:
                momentum.copy_(state["momentum"])
            state["momentum"] = momentum

    def holds(self, parameters: list[Tensor]) -> bool:
        """Return whether these are the stack's parameters."""
        return list(map(id, parameters)) == list(map(id, self.parameters))

    def step(self, rate: Rate) -> None:
        """Update the weights by their orthogonalised Nesterov momentum."""
        torch._foreach_copy_(self.updates, [gradient_of(p) for p in self.parameters])  # pyright: ignore
        self.momentum.mul_(MOMENTUM).add_(self.update)
        direction = orthogonalise(self.update.add(self.momentum, alpha=MOMENTUM))
        size = 0.2 * max(direction.shape[1:]) ** 0.5 * rate
        torch.mul(direction, -size, out=self.update)
        torch._foreach_add_(self.parameters, self.updates)  # pyright: ignore


def is_hidden(parameter: Tensor) -> bool:
    """Return whether a parameter is the weight of a convolution between features."""
    return parameter.ndim == 4 and parameter.shape[1] > 4


def gradient_of(parameter: Tensor) -> Tensor:
    """Return the gradient of a parameter that has one."""
    assert parameter.grad is not None
    return parameter.grad


def in_layout_of(parameter: Tensor, tensor: Tensor) -> Tensor:
    """Return a tensor with a parameter's strides, which fused Adam needs and does not check."""
    if tensor.stride() == parameter.stride():
        return tensor
    return torch.empty_like(parameter).copy_(tensor)


def views_like(weight: Tensor, matrices: Tensor) -> list[Tensor]:
    """Return matrices (batch, rows, columns) as views of a weight's shape and memory order."""
    out, channels, height, width = weight.shape
    if weight.is_contiguous(memory_format=torch.channels_last):
        views = matrices.view(-1, out, height, width, channels).permute(0, 1, 4, 2, 3)
    else:
        views = matrices.view(-1, *weight.shape)
    return list(views.unbind())


def orthogonalise(matrices: Tensor) -> Tensor:
    """Bring the singular values of matrices (batch, rows, columns) near 1.

    Five Newton-Schulz steps of the quintic that Muon's authors tuned: with ``G = X X'``,
    ``X <- 3.4445 X + (2.0315 G G - 4.7750 G) X``.  The values end between about 0.7 and 1.2,
    which serves as well as 1.
    """
    transposed = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.transpose(-2, -1) if transposed else matrices
    x = x / (x.square().sum(dim=(-2, -1), keepdim=True).sqrt() + 1e-7)
    for _ in range(5):
        gram = x.bmm(x.transpose(-2, -1))
        polynomial = torch.baddbmm(gram, gram, gram, beta=-4.7750, alpha=2.0315)
        x = torch.baddbmm(x, polynomial, x, beta=3.4445)
    return x.transpose(-2, -1) if transposed else x
