"""Listeners that a recipe names: TensorBoard, Weights & Biases, MLflow, and crops as PNG files.

Each tracker is a module of its own, which is imported when a recipe names it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol

from scalewise.errors import ScalewiseError, requiring
from scalewise.training.config import Recipe
from scalewise.training.log import LogLine, Notify
from scalewise.training.loop import Trainer

State = Literal["finished", "stopped", "failed"]


class Tracker(Protocol):
    """Receiver of a run's numbers and crops that belongs to another program."""

    def on_line(self, line: LogLine) -> None:
        """Receive a line that was logged."""
        ...

    def on_crop(self, path: Path, step: int) -> None:
        """Receive a crop that was saved."""
        ...

    def close(self, state: State) -> None:
        """End the tracking."""
        ...


class Guarded:
    """Tracker whose failures, such as an unreachable server, do not end the training.

    After the first failure, nothing more is sent.

    Args:
        name: the tracker's name, for messages.
        tracker: what it forwards to.
        notify: called with one line about a failure.
    """

    def __init__(self, name: str, tracker: Tracker, notify: Notify) -> None:
        self._name, self._tracker, self._notify = name, tracker, notify
        self._failed = False

    def on_line(self, line: LogLine) -> None:
        """Forward a line."""
        self._try(lambda: self._tracker.on_line(line))

    def on_crop(self, path: Path, step: int) -> None:
        """Forward a crop."""
        self._try(lambda: self._tracker.on_crop(path, step))

    def close(self, state: State) -> None:
        """End the tracking, if it still works."""
        self._try(lambda: self._tracker.close(state))

    def _try(self, action: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            action()
        except Exception as error:  # each has many errors of its own
            self._failed = True
            self._notify(f"{self._name}: {_first_line(error)}; nothing more is sent to it")


def require_packages(recipe: Recipe) -> None:
    """Check that the packages of a recipe's trackers are installed.

    Raises:
        ScalewiseError: one is missing.
    """
    if recipe.tensorboard:
        with requiring("tensorboard", "tensorboard: writing its logs", "set tensorboard=false"):
            import_module("torch.utils.tensorboard")
    for name in _trackers(recipe):
        with requiring(name, f"{name}: sending a run to it", f"set {name}=false"):
            import_module(name)


@contextmanager
def recipe_listeners(trainer: Trainer, notify: Notify) -> Generator[None, None, None]:
    """Add the listeners that a run's recipe names, and close them after the training.

    Args:
        trainer: the run, at the step it starts from.
        notify: called with one line for each failure that the run survives.

    Raises:
        ScalewiseError: a tracker cannot be started.
    """
    recipe = trainer.recipe
    if not trainer.world.writes:
        yield
        return
    trackers = [Guarded(name, _start(name, trainer), notify) for name in _trackers(recipe)]
    trainer.listeners += trackers
    if recipe.tensorboard:
        from scalewise.training.tensorboard import TensorBoard

        trainer.listeners.append(TensorBoard(trainer))
    if recipe.crops:
        from scalewise.training.crops import CropWriter

        def saved(path: Path, step: int) -> None:
            for tracker in trackers:
                tracker.on_crop(path, step)

        trainer.listeners.append(CropWriter(trainer, recipe.crops, notify, saved))
    state: State = "failed"
    try:
        yield
        state = "finished" if trainer.progress >= 1 else "stopped"
    finally:
        for tracker in trackers:
            tracker.close(state)


def _trackers(recipe: Recipe) -> list[str]:
    return ["wandb"] * recipe.wandb + ["mlflow"] * recipe.mlflow


def _start(name: str, trainer: Trainer) -> Tracker:
    try:
        if name == "wandb":
            from scalewise.training.wandb_tracker import WandbTracker

            return WandbTracker(trainer)
        from scalewise.training.mlflow_tracker import MlflowTracker

        return MlflowTracker(trainer)
    except OSError:
        raise
    except Exception as error:  # both have many errors of their own
        raise ScalewiseError(
            f"{name}: cannot start a run ({_first_line(error)}); set {name}=false to train without"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
