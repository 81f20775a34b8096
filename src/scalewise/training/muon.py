"""Muon: momentum, orthogonalised, for convolutions; Adam for everything else.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), with the step
size of Liu et al., "Muon is scalable for LLM training" (arXiv 2502.16982), which makes an
update as large as Adam's, so that both share one learning rate.

A convolution's weight is taken as a matrix of output channels by everything else.  Its
momentum is replaced by the nearest matrix with equal singular values: directions that the
gradient shows rarely are learned as fast as those that it shows always.  On a scale-wise
network this reaches in a given time what Adam needs much longer for (see docs/training.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

MOMENTUM = 0.95


class Muon(torch.optim.Optimizer):
    """Muon for hidden convolutions, Adam (bias-corrected, no decay) for the rest.

    Layers that read the image (at most 4 channels in), biases and gains go to Adam.

    Args:
        parameters: what to train.
        rate: learning rate of both; may be changed between steps in ``param_groups``.
        betas: Adam's decay rates.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], rate: float, betas: tuple[float, float]
    ) -> None:
        super().__init__(parameters, {"lr": rate, "betas": betas})

    @torch.no_grad()
    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            with_gradient = [p for p in group["params"] if p.grad is not None]
            hidden = [p for p in with_gradient if is_hidden(p)]
            self._step_muon(hidden, group["lr"])
            others = [p for p in with_gradient if not is_hidden(p)]
            self._step_adam(others, group["lr"], group["betas"])

    def _step_muon(self, parameters: list[Tensor], rate: float) -> None:
        # Matrices of one shape are orthogonalised together: one batch of small products.
        by_shape: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for parameter in parameters:
            gradient = parameter.grad
            assert gradient is not None
            state = self.state[parameter]
            if not state:
                state["momentum"] = torch.zeros_like(parameter)
            momentum: Tensor = state["momentum"].mul_(MOMENTUM).add_(gradient)
            update = gradient.add(momentum, alpha=MOMENTUM).flatten(1)
            by_shape[(update.shape[0], update.shape[1])].append((parameter, update))
        for shape, pairs in by_shape.items():
            updates = orthogonalise(torch.stack([update for _, update in pairs]))
            step = 0.2 * max(shape) ** 0.5 * rate
            for (parameter, _), update in zip(pairs, updates, strict=True):
                parameter.sub_(update.view(parameter.shape), alpha=step)

    def _step_adam(self, parameters: list[Tensor], rate: float, betas: tuple[float, float]) -> None:
        for parameter in parameters:
            gradient = parameter.grad
            assert gradient is not None
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


def is_hidden(parameter: Tensor) -> bool:
    """Whether a parameter is the weight of a convolution between features."""
    return parameter.ndim == 4 and parameter.shape[1] > 4


def orthogonalise(matrices: Tensor) -> Tensor:
    """Bring the singular values of matrices (batch, rows, columns) near 1.

    Five Newton-Schulz steps of the quintic that Muon's authors tuned; the values end between
    about 0.7 and 1.2, which serves as well as 1.
    """
    transposed = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.transpose(-2, -1) if transposed else matrices
    x = x / (x.square().sum(dim=(-2, -1), keepdim=True).sqrt() + 1e-7)
    for _ in range(5):
        gram = x @ x.transpose(-2, -1)
        x = 3.4445 * x + (2.0315 * gram @ gram - 4.7750 * gram) @ x
    return x.transpose(-2, -1) if transposed else x
