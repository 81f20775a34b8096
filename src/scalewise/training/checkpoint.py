"""Training checkpoints: the complete state of a run in one file, written atomically.

Two generations are kept: if the last one cannot be read, the one before still can.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from scalewise.atomic import link_or_copy, write_atomic
from scalewise.errors import ScalewiseError

Checkpoint = dict[str, Any]

LAST, PREVIOUS, BEST = "last.pt", "previous.pt", "best.pt"
"""A run's checkpoints: the newest, the one before it, and the one that validated best."""


@dataclass(frozen=True)
class Branch:
    """The point at which a run branched off another run, its trunk.

    Attributes:
        trunk: the other run's folder.
        sha256: checksum of the copied checkpoint.
        step: its optimizer steps.
        seconds: its training time.
        init: the weights that the trunk started from (``model.init``).
        recipe: the trunk's settings; None in files of version 0.1.
        branch: the point at which the trunk itself branched off, or None.
    """

    trunk: str
    sha256: str
    step: int
    seconds: float
    init: str | None
    recipe: dict[str, Any] | None = None
    branch: dict[str, Any] | None = None

    @classmethod
    def from_trunk(cls, trunk: Path, checkpoint: Checkpoint) -> Branch:
        """Return the branch from the last checkpoint of the trunk in a folder."""
        return cls(
            trunk=str(trunk),
            sha256=hashlib.sha256((trunk / LAST).read_bytes()).hexdigest(),
            step=checkpoint["step"],
            seconds=checkpoint["seconds"],
            init=checkpoint["recipe"]["model"]["init"],
            recipe=checkpoint["recipe"],
            branch=checkpoint.get("branch"),
        )

    def is_copy_of(self, trunk: Path) -> bool:
        """Return whether it is a copy of the run in a folder, if that was not restarted since."""
        if Path(self.trunk).resolve() != trunk.resolve():
            return False
        if not (trunk / LAST).is_file():
            return True
        return read_checkpoint(trunk / LAST)["step"] >= self.step


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint of tensors and plain values.

    Raises:
        OSError: it cannot be written; an existing checkpoint is unchanged.
    """
    # In memory first: on a full disk PyTorch's own writer reports an unexpected position.
    content = io.BytesIO()
    torch.save(checkpoint, content)
    write_atomic(path, content.getvalue())


def save_generation(run: Path, checkpoint: Checkpoint) -> None:
    """Write a run's last checkpoint, and keep the one before.

    Raises:
        OSError: it cannot be written; at least one of the two old ones is left.
    """
    last, previous = run / LAST, run / PREVIOUS
    if last.exists():
        link_or_copy(last, previous)
    save_checkpoint(last, checkpoint)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; only tensors and plain values are unpickled.

    Raises:
        ScalewiseError: it is missing, damaged, or not a checkpoint of this trainer.
    """
    if path.is_dir():
        raise ScalewiseError(f"{path}: a folder; name a checkpoint in it, such as {path / BEST}")
    if not path.is_file():
        raise ScalewiseError(f"{path}: no checkpoint there")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # PyTorch does not check the checksums
        if damaged is not None:
            raise zipfile.BadZipFile(damaged)
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # PyTorch raises many kinds of errors for a damaged file
        raise ScalewiseError(f"{path}: not a readable checkpoint") from error
    if not isinstance(checkpoint, dict) or "ema" not in checkpoint:
        raise ScalewiseError(f"{path}: not a checkpoint of a scalewise training run")
    return checkpoint  # pyright: ignore[reportUnknownVariableType]


def has_checkpoint(run: Path) -> bool:
    """Return whether a run has written a checkpoint."""
    return (run / LAST).exists() or (run / PREVIOUS).exists()


def _unreadable(run: Path, error: ScalewiseError, older: ScalewiseError) -> str:
    """Return an error message with a remedy if neither checkpoint of a run can be read."""
    what = str(error)
    if (run / PREVIOUS).exists():
        what += f", and neither is the one before, {older}"
    try:
        step = read_checkpoint(run / BEST)["step"]
    except ScalewiseError:
        return what
    return (
        f"{what}; {run / BEST} of step {step} can be read: start another run from its weights, "
        f"with init={run / BEST} and another run="
    )


def load_last(run: Path, notify: Callable[[str], None] | None = None) -> Checkpoint:
    """Read a run's last checkpoint or, if that cannot be read, the one before.

    An unreadable file is renamed to ``last.pt.damaged``.

    Args:
        run: the run's folder.
        notify: called with one line if the one before is read.

    Raises:
        ScalewiseError: neither can be read; the error says whether the best one can.
    """
    try:
        return read_checkpoint(run / LAST)
    except ScalewiseError as error:
        try:
            checkpoint = read_checkpoint(run / PREVIOUS)
        except ScalewiseError as older:
            raise ScalewiseError(_unreadable(run, error, older), arguments=["run"]) from error
        if (run / LAST).exists():  # renamed, so that it does not become the one before
            (run / LAST).replace(run / f"{LAST}.damaged")
        if notify:
            step = checkpoint["step"]
            notify(f"{error}; going back to the one before, {run / PREVIOUS}, of step {step}")
        return checkpoint
