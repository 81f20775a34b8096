"""Listeners that a recipe names: TensorBoard, Weights & Biases, MLflow, and crops as PNG files.

Each tracker is a module of its own, which is imported when a recipe names it.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from importlib import import_module
from pathlib import Path

from scalewise.errors import ScalewiseError, requiring
from scalewise.training.config import Recipe
from scalewise.training.log import Notify
from scalewise.training.loop import Trainer
from scalewise.training.tracker import Guarded, State, Tracker, first_line


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

    Those that have started are also closed if a later one cannot be started.

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
    state: State = "failed"
    trackers: list[Guarded] = []

    def close_trackers() -> None:
        for tracker in trackers:
            tracker.close(state)

    with ExitStack() as started:
        started.callback(close_trackers)
        for name in _trackers(recipe):
            trackers.append(Guarded(name, _start(name, trainer), notify))
        trainer.listeners += trackers
        if recipe.tensorboard:
            from scalewise.training.tensorboard import TensorBoard

            trainer.listeners.append(started.enter_context(closing(TensorBoard(trainer))))
        if recipe.crops:
            from scalewise.training.crops import CropWriter

            def saved(path: Path, step: int) -> None:
                for tracker in trackers:
                    tracker.on_crop(path, step)

            trainer.listeners.append(CropWriter(trainer, recipe.crops, notify, saved))
        yield
        state = "finished" if trainer.progress >= 1 else "stopped"


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
            f"{name}: cannot start a run ({first_line(error)}); set {name}=false to train without"
        ) from error
