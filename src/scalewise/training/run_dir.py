"""Runs as they lie in their folders: what each is, how far, and whether it goes on just now.

Reads recipe, log and lock only, and needs no PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scalewise.errors import ScalewiseError
from scalewise.training.config import Recipe
from scalewise.training.log import LOG_FILE, LogLine, best_psnr_y, read_log
from scalewise.training.recipe import load_recipe

RECIPE_FILE = "recipe.yaml"
"""The recipe as a run used it, in the run's folder."""

LOCK_FILE = "lock"
"""Locked while a process trains in the run's folder."""

DEPTH = 3
"""How many folders deep runs are looked for."""

RECENT = 50
"""Lines of the log that tell a run's speed now."""

State = Literal["training", "finished", "stopped", "unknown"]


@dataclass(frozen=True)
class Run:
    """A run as its folder tells it.

    Attributes:
        folder: the run's folder.
        recipe: its settings.
        lines: its log, oldest line first.
        state: ``training`` if a process is at it; ``unknown`` where that cannot be told.
    """

    folder: Path
    recipe: Recipe
    lines: list[LogLine]
    state: State

    @property
    def best(self) -> float | None:
        """The best PSNR-Y in dB, if any was measured."""
        return best_psnr_y(self.lines)

    @property
    def left(self) -> float | None:
        """Seconds of training that remain, by the speed of the last lines; None if not known."""
        if not self.lines or self.lines[-1].progress >= 1:
            return None
        timed = [(line.progress, line.seconds) for line in self.lines if line.seconds is not None]
        points = [(0.0, 0.0), *timed][-RECENT:]
        first = last = points[-1]
        for point in reversed(points):
            if point[0] > first[0]:  # of a smaller budget
                break
            first = point
        progress, seconds = last[0] - first[0], last[1] - first[1]
        return seconds / progress * (1 - last[0]) if progress > 0 else None


def find_runs(folder: Path, depth: int = DEPTH) -> list[Path]:
    """The folders of runs below a folder, by name; or the folder itself if it is a run's.

    A run's folder is not searched for others, and what may not be read is passed over.
    """
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
    """Whether a folder is a run's, perhaps with half of it missing."""
    return (folder / RECIPE_FILE).is_file() or (folder / LOG_FILE).is_file()


def read_run(folder: Path) -> Run:
    """Read a run's recipe, log and lock.

    Raises:
        ScalewiseError: the recipe or the log is missing a part, damaged or unreadable.
    """
    # Before the log, lest a run that ends in between is taken for one that was stopped.
    training = is_training(folder)
    try:
        recipe = load_recipe(folder / RECIPE_FILE)
        lines = read_log(folder)
    except OSError as error:
        raise ScalewiseError(f"{error.filename}: cannot be read ({error.strerror})") from error
    return Run(folder, recipe, lines, _state(training, lines))


def is_training(folder: Path) -> bool | None:
    """Whether a process is training in a run's folder; None where that cannot be told.

    Asks for a share in the lock that training keeps for itself, and hands it back at once.
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # not on Windows
        return None
    try:
        with (folder / LOCK_FILE).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return None
    return False


def _state(training: bool | None, lines: list[LogLine]) -> State:
    if training:
        return "training"
    if lines and lines[-1].progress >= 1:
        return "finished"
    return "unknown" if training is None else "stopped"
