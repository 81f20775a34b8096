"""MLflow as a tracker: numbers at every line of the log, and crops where they are saved.

Server and experiment come from the environment, ``MLFLOW_TRACKING_URI`` and
``MLFLOW_EXPERIMENT_NAME``: https://mlflow.org/docs/latest/ml/tracking
"""

from __future__ import annotations

import re
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scalewise.atomic import write_atomic
from scalewise.training.log import LogLine
from scalewise.training.recipe import flat_settings, to_plain
from scalewise.training.tracker import State

if TYPE_CHECKING:
    from scalewise.training.loop import Trainer

ID_FILE = "mlflow_id"
"""File with the id of the tracked run, in the run's folder: a resumed run continues it."""

PARAMETERS = 100
"""The most parameters that a server takes at once."""

STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


class MlflowTracker:
    """A run of MLflow.

    Args:
        trainer: the run, at the step it starts from.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._mlflow: Any = import_module("mlflow")
        path = trainer.run / ID_FILE
        if trainer.step > 0 and path.is_file():
            # Its parameters are there already, and cannot be changed.
            self._mlflow.start_run(run_id=path.read_text(encoding="utf-8").strip())
            return
        run = self._mlflow.start_run(run_name=trainer.run.resolve().name)
        write_atomic(path, str(run.info.run_id).encode())
        settings = iter(flat_settings(to_plain(trainer.recipe)).items())
        while part := dict(islice(settings, PARAMETERS)):
            self._mlflow.log_params(part)

    def on_line(self, line: LogLine) -> None:
        """Send a line's loss, rate and scores."""
        # Of other characters MLflow makes an error.
        values = {re.sub(r"[^/\w.\- ]", "_", name): each for name, each in line.values.items()}
        self._mlflow.log_metrics(values, step=line.step)

    def on_crop(self, path: Path, step: int) -> None:
        """Send a crop."""
        self._mlflow.log_artifact(str(path), "crops")

    def close(self, state: State) -> None:
        """End the run."""
        self._mlflow.end_run(status=STATUS[state])
