"""State of a run in its checkpoints: what is saved, and how it is loaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from scalewise.errors import ScalewiseError
from scalewise.training.checkpoint import Checkpoint
from scalewise.training.optimization import load_optimizer_state, optimizer_state

if TYPE_CHECKING:
    from scalewise.training.loop import Trainer


def run_state(trainer: Trainer, losses: Iterable[Tensor]) -> Checkpoint:
    """Return a run's state as tensors and plain values.

    Args:
        trainer: the run.
        losses: losses since the last line of the log.
    """
    return {
        "recipe": dataclasses.asdict(trainer.recipe),
        "step": trainer.step,
        "seconds": trainer.seconds,
        "progress": trainer.progress,
        "best": trainer.best,
        "start": trainer.start,
        "branch": None if trainer.branch is None else dataclasses.asdict(trainer.branch),
        "losses": [loss.item() for loss in losses],
        "network": trainer.network.state_dict(),
        "ema": trainer.ema.network.state_dict(),
        "optimizer": optimizer_state(trainer.optimizer),
    }


def load_learned(trainer: Trainer, checkpoint: Checkpoint, path: Path) -> None:
    """Load a checkpoint's weights, average and optimizer into a run.

    Raises:
        ScalewiseError: they are those of another model or optimizer.
    """
    try:
        trainer.network.load_state_dict(checkpoint["network"])
        trainer.ema.network.load_state_dict(checkpoint["ema"])
        load_optimizer_state(trainer.optimizer, checkpoint["optimizer"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise ScalewiseError(
            f"{path}: is a checkpoint of another model or optimizer; choose another run=",
            arguments=["run"],
        ) from error
