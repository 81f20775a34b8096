"""``scalewise sweep``: search over a recipe's settings by successive halving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalewise.cli.outputs import check_output_folder
from scalewise.cli.train import say, train_and_show

if TYPE_CHECKING:
    from scalewise.training.loop import Trainer


def sweep(
    path: Annotated[
        Path, typer.Argument(metavar="SWEEP", help="A YAML file, such as those in recipes/sweeps.")
    ],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder", metavar="DIR", help="Write to this folder (default: runs/sweep-NAME)."
        ),
    ] = None,
) -> None:
    """Try many settings of a recipe, the better ones for longer.

    Run the same command again to resume a sweep.

    Examples:
        # Search the settings of the x2 model
        scalewise sweep recipes/sweeps/scn_x2.yaml

        # Write the runs and the table to another folder
        scalewise sweep recipes/sweeps/fast_x2.yaml --folder runs/fast

        # Compare the runs of the second round
        scalewise plot runs/fast/round-2/*
    """
    from scalewise.evaluating.text_layout import wrapped
    from scalewise.training.session import stopped_by_signals
    from scalewise.training.sweep import TABLE_FILE, markdown, run_sweep

    folder = folder or Path("runs") / f"sweep-{path.stem}"
    check_output_folder(folder, "--folder")

    def train(trainer: Trainer, name: str) -> None:
        say(name)
        with stopped_by_signals(trainer, say):
            train_and_show(trainer)

    outcomes = run_sweep(path, folder, train, say)
    *rows, note = markdown(outcomes).splitlines()
    typer.echo("\n".join([*rows, wrapped(note)]))
    typer.echo(f"table: {folder / TABLE_FILE}; every trial's run: {folder}/round-*/")
