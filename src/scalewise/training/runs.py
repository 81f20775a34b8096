"""Folders of training runs: find and read them.

A run is one recipe trained in one folder.  The folder holds ``recipe.yaml`` (every setting),
``environment.json``, ``log.csv``, ``last.pt``, ``previous.pt`` and ``best.pt``, and ``origin.json``
if it started from trained weights.  Reading a run needs no PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scalewise.arguments import AnyPath, path_of
from scalewise.errors import ScalewiseError
from scalewise.locks import try_lock
from scalewise.training.config import Recipe
from scalewise.training.log import LOG_FILE, LogLine, best_psnr_y, read_log
from scalewise.training.recipe import load_recipe

RECIPE_FILE = "recipe.yaml"
"""File with the recipe that a run used, in the run's folder."""

LOCK_FILE = "lock"
"""File that is locked while a process trains in the run's folder."""

DEPTH = 3
"""Depth of folders in the search for runs."""

RECENT = 50
"""Lines of the log from which a run's current speed is computed."""

State = Literal["training", "finished", "stopped", "unknown"]


@dataclass(frozen=True)
class Run:
    """A run, read from its folder.

    Attributes:
        folder: the run's folder.
        recipe: its settings.
        lines: its log, oldest line first.
        state: ``training`` if a process is training it; ``unknown`` if that cannot be checked.
    """

    folder: Path
    recipe: Recipe
    lines: list[LogLine]
    state: State

    @property
    def best(self) -> float | None:
        """Best PSNR-Y in dB, if any was measured."""
        return best_psnr_y(self.lines)

    @property
    def left(self) -> float | None:
        """Remaining seconds of training, from the speed of the last lines; None if unknown."""
        if not self.lines or self.lines[-1].progress >= 1:
            return None
        timed = [(line.progress, line.seconds) for line in self.lines if line.seconds is not None]
        points = [(0.0, 0.0), *timed][-RECENT:]
        first = last = points[-1]
        for point in reversed(points):
            if point[0] > first[0]:  # a line of a smaller budget
                break
            first = point
        progress, seconds = last[0] - first[0], last[1] - first[1]
        return seconds / progress * (1 - last[0]) if progress > 0 else None


def find_runs(folder: AnyPath, depth: int = DEPTH) -> list[Path]:
    """Return the run folders below a folder, sorted, or the folder itself if it is a run's.

    Run folders are not searched for others.  Folders without permission to read are skipped.
    """
    folder = path_of(folder, "folder")
    try:
        if is_run(folder):
            return [folder]
        inner = sorted(
            path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
        )
    except OSError:
        return []
    return [run for path in inner for run in find_runs(path, depth - 1)] if depth else []


def is_run(folder: Path) -> bool:
    """Return whether a folder is a run's, even if some files are missing."""
    return (folder / RECIPE_FILE).is_file() or (folder / LOG_FILE).is_file()


def read_run(folder: AnyPath) -> Run:
    """Read a run's recipe, log and lock.

    Raises:
        ScalewiseError: the recipe or the log is incomplete, damaged or unreadable.
    """
    folder = path_of(folder, "folder")
    # Before the log: otherwise a run that ends in between would look like a stopped one.
    training = is_training(folder)
    try:
        recipe = load_recipe(folder / RECIPE_FILE)
        lines = read_log(folder)
    except OSError as error:
        raise ScalewiseError(f"{error.filename}: cannot be read ({error.strerror})") from error
    return Run(folder, recipe, lines, _state(training, lines))


def is_training(folder: Path) -> bool | None:
    """Return whether a process is training in a run's folder; None if that cannot be checked.

    The check takes a shared lock, which training excludes, and releases it at once.
    """
    try:
        with (folder / LOCK_FILE).open("rb") as file:
            lock = try_lock(file, shared=True)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    return {"locked": False, "taken": True, "unsupported": None}[lock]


def _state(training: bool | None, lines: list[LogLine]) -> State:
    if training:
        return "training"
    if lines and lines[-1].progress >= 1:
        return "finished"
    return "unknown" if training is None else "stopped"
