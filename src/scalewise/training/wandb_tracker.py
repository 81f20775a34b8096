"""Weights & Biases as a tracker: numbers at every line of the log, and crops where they are saved.

Project, account and mode come from the environment, such as ``WANDB_PROJECT`` and
``WANDB_MODE=offline``: https://docs.wandb.ai/guides/track/environment-variables
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scalewise.atomic import write_atomic
from scalewise.training.log import LogLine
from scalewise.training.recipe import to_plain
from scalewise.training.tracker import State

if TYPE_CHECKING:
    from scalewise.training.loop import Trainer

ID_FILE = "wandb_id"
"""File with the id of the tracked run, in the run's folder: a resumed run continues it."""


class WandbTracker:
    """A run at Weights & Biases.

    Args:
        trainer: the run, at the step it starts from.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._wandb: Any = import_module("wandb")
        path = trainer.run / ID_FILE
        resumes = trainer.step > 0 and path.is_file()
        self._run: Any = self._wandb.init(
            dir=str(trainer.run),
            name=trainer.run.resolve().name,
            id=path.read_text(encoding="utf-8").strip() if resumes else None,
            resume="allow",
            config=to_plain(trainer.recipe),
        )
        write_atomic(path, str(self._run.id).encode())

    def on_line(self, line: LogLine) -> None:
        """Send a line's loss, rate and scores."""
        self._run.log(line.values, step=line.step)

    def on_crop(self, path: Path, step: int) -> None:
        """Send a crop."""
        name = path.stem.partition("_")[0]
        self._run.log({f"crops/{name}": self._wandb.Image(str(path))}, step=step)

    def close(self, state: State) -> None:
        """End the run; only a failed one counts as crashed."""
        self._run.finish(exit_code=1 if state == "failed" else 0)
