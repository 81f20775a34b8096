"""A recipe's optimizer, and its state in checkpoints."""

from __future__ import annotations

import torch
from torch import nn

from scalewise.training.checkpoint import Checkpoint
from scalewise.training.config import OptimizerConfig
from scalewise.training.muon import Muon


def make_optimizer(
    network: nn.Module, config: OptimizerConfig, captured: bool = False
) -> torch.optim.Optimizer:
    """Return the optimizer that a recipe asks for.

    Args:
        network: what it trains.
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
    """Load an optimizer's state, which may have been captured in a CUDA graph or not."""
    own = [
        {key: group[key] for key in group if key == "capturable"}
        for group in optimizer.param_groups
    ]
    optimizer.load_state_dict(state)
    for group, kept in zip(optimizer.param_groups, own, strict=True):
        group.update(kept)
