"""``scalewise sweep``: search a recipe's settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalewise.cli.train import say, train_and_show

if TYPE_CHECKING:
    from scalewise.training.loop import Trainer


def sweep(
    path: Annotated[Path, typer.Argument(metavar="SWEEP", help="A YAML file; see recipes/.")],
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="[runs/sweep-NAME]")
    ] = None,
) -> None:
    """Try many settings briefly, and the better ones for longer.

    The same command goes on with a sweep that was stopped.
    """
    from scalewise.training.session import stopped_by_signals
    from scalewise.training.sweep import TABLE_FILE, markdown, run_sweep

    folder = folder or Path("runs") / f"sweep-{path.stem}"

    def train(trainer: Trainer, name: str) -> None:
        say(name)
        with stopped_by_signals(trainer, say):
            train_and_show(trainer)

    outcomes = run_sweep(path, folder, train, say)
    typer.echo(markdown(outcomes))
    typer.echo(f"table: {folder / TABLE_FILE}; every trial's run: {folder}/round-*/")
