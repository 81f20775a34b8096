"""``scalewise train``: train a network from a recipe."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalewise.cli.console import Update, is_watched, progress_bar
from scalewise.errors import ScalewiseError

if TYPE_CHECKING:
    from scalewise.training.config import Recipe
    from scalewise.training.loop import LogLine, Trainer

RECIPE = "recipe.yaml"
"""The recipe as a run used it, in the run's folder."""

PLAIN_LINE_EVERY = 60.0
"""Seconds between lines where nobody watches a bar."""


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A YAML file; see recipes/.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Other settings: data.batch=8"),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The run's folder. [runs/RECIPE]")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")
    ] = False,
) -> None:
    """Train a network from a recipe; Ctrl-C stops it so that --resume continues exactly."""
    from scalewise.training.recipe import load_recipe
    from scalewise.training.setup import prepare

    settings = load_recipe(recipe, overrides or [])
    folder = run or Path("runs") / recipe.stem
    _check_folder(folder, resume)
    with progress_bar("preparing") as update:
        trainer = prepare(settings, folder, resume=resume, progress=update, notify=_say)
    _settle_recipe(trainer.recipe, folder, resume)
    if resume and (folder / "last.pt").exists():
        trainer.resume()
        _say(f"resuming at step {trainer.step}, {trainer.progress:.1%} done")

    with progress_bar("training", total=1.0, percent=True) as update, _stopping(trainer) as signals:
        trainer.listeners.append(_Display(trainer, update))
        if settings.tensorboard:
            from scalewise.training.tensorboard import TensorBoard

            trainer.listeners.append(TensorBoard(folder / "tensorboard", trainer.step))
        trainer.train()

    if trainer.progress < 1:
        again = ["scalewise", "train", str(recipe), *(overrides or [])]
        again += ["--run", str(folder)] if run else []
        _say(f"stopped at step {trainer.step}; go on with: {shlex.join(again)} --resume")
        raise typer.Exit(128 + signals[0])
    _report(trainer)


def _check_folder(folder: Path, resume: bool) -> None:
    started = (folder / RECIPE).exists()
    if started and not resume:
        raise ScalewiseError(f"{folder} holds a run; go on with --resume, or choose another --run")
    if resume and not started:
        raise ScalewiseError(f"{folder} holds no run to resume; leave out --resume to start one")


def _settle_recipe(recipe: Recipe, folder: Path, resume: bool) -> None:
    """Refuse to resume with another recipe; else save it.  Another budget is welcome."""
    from scalewise.training.recipe import changed_keys, load_recipe, save_recipe

    path = folder / RECIPE
    if resume and (changes := changed_keys(load_recipe(path), recipe, ignored="budget")):
        raise ScalewiseError(
            f"{path}: the run has other settings ({'; '.join(changes)}); "
            "resume it with its own, or choose another --run"
        )
    folder.mkdir(parents=True, exist_ok=True)
    save_recipe(recipe, path)


@contextmanager
def _stopping(trainer: Trainer) -> Generator[list[int], None, None]:
    """Let Ctrl-C and SIGTERM stop a run between two steps; a second one stops it at once.

    Yields:
        The signal that came, once one has.
    """
    came: list[int] = []

    def stop(number: int, _: object) -> None:
        came.append(number)
        trainer.stop()
        for each, handler in before.items():
            signal.signal(each, handler)
        _say("stopping after this step, with a checkpoint; again stops at once, without")

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class _Display:
    """A bar on a terminal; elsewhere a plain line a minute, and one for every validation."""

    def __init__(self, trainer: Trainer, update: Update) -> None:
        self._update = update
        self._plain = not is_watched()
        self._started, self._first = time.monotonic(), trainer.progress
        self._printed = float("-inf")
        self._step, self._seconds = trainer.step, trainer.seconds
        self._psnr_y = ""
        update(trainer.progress)

    def on_line(self, line: LogLine) -> None:
        """Show a line of the log."""
        if line.psnr_y is not None:
            self._psnr_y = f"  {line.psnr_y:.2f} dB"
        speed = (line.step - self._step) / max(line.seconds - self._seconds, 1e-9)
        self._step, self._seconds = line.step, line.seconds
        detail = f"loss {line.loss:.4f}{self._psnr_y}  {speed:.1f} steps/s  rate {line.rate:.1e}"
        self._update(line.progress, detail=detail)
        now = time.monotonic()
        due = line.psnr_y is not None or now - self._printed >= PLAIN_LINE_EVERY
        if self._plain and due:
            self._printed = now
            elapsed = now - self._started
            left = elapsed * (1 - line.progress) / max(line.progress - self._first, 1e-9)
            _say(f"{line.progress:6.1%}  step {line.step}  {detail}  left {_duration(left)}")


def _report(trainer: Trainer) -> None:
    """Say how good a finished run is, where its weights are, and what comes next."""
    from scalewise.training.validation import PROTOCOL

    if trainer.validation is not None:
        count, valid = len(trainer.validation.pairs), trainer.recipe.data.valid
        typer.echo(f"best PSNR-Y {trainer.best:.2f} dB, mean over {valid} (images: {count})")
        typer.echo(f"  {PROTOCOL.description}")
    typer.echo(f"weights: {trainer.run / 'best.pt'}; curves: {trainer.run / 'log.csv'}")
    typer.echo(f"next: scalewise evaluate {trainer.run} DIR...")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def _say(line: str) -> None:
    typer.echo(line, err=True)
