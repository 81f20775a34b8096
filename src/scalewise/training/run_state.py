"""Learned state of a run in its checkpoints: weights, their average, and the optimizer."""

from __future__ import annotations

from pathlib import Path

from torch import nn
from torch.optim import Optimizer

from scalewise.errors import ScalewiseError
from scalewise.training.checkpoint import Checkpoint
from scalewise.training.optimization import Ema, load_optimizer_state, optimizer_state


def learned_state(network: nn.Module, ema: Ema, optimizer: Optimizer) -> Checkpoint:
    """Return weights, average and optimizer as tensors and plain values."""
    return {
        "network": network.state_dict(),
        "ema": ema.network.state_dict(),
        "optimizer": optimizer_state(optimizer),
    }


def load_learned(
    checkpoint: Checkpoint, path: Path, network: nn.Module, ema: Ema, optimizer: Optimizer
) -> None:
    """Load a checkpoint's weights, average and optimizer.

    Args:
        checkpoint: of any step.
        path: its file, for messages.
        network, ema, optimizer: what they are loaded into.

    Raises:
        ScalewiseError: they are those of another model or optimizer.
    """
    try:
        network.load_state_dict(checkpoint["network"])
        ema.network.load_state_dict(checkpoint["ema"])
        load_optimizer_state(optimizer, checkpoint["optimizer"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise ScalewiseError(
            f"{path}: is a checkpoint of another model or optimizer; choose another run=",
            arguments=["run"],
        ) from error
