"""Checkpoints: everything a run needs to go on, in one file, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from scalewise.errors import ScalewiseError

Checkpoint = dict[str, Any]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint of tensors and plain values under a temporary name, then rename.

    Raises:
        ScalewiseError: it cannot be written; a checkpoint that was there is as it was.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        torch.save(checkpoint, partial)
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # torch's own writer raises RuntimeError
        reason = str(error).splitlines()[0]
        raise ScalewiseError(f"{path}: the checkpoint cannot be written ({reason})") from error
    finally:
        partial.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; only tensors and plain values are unpickled.

    Raises:
        ScalewiseError: missing, damaged, or not a checkpoint of this trainer.
    """
    if not path.is_file():
        raise ScalewiseError(f"{path}: no checkpoint there")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ScalewiseError(f"{path}: not a readable checkpoint") from error
    if not isinstance(checkpoint, dict) or "ema" not in checkpoint:
        raise ScalewiseError(f"{path}: not a checkpoint of a scalewise training run")
    return checkpoint  # pyright: ignore[reportUnknownVariableType]
