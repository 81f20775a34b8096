"""``scalewise plot``: training curves of runs in one figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from scalewise.cli.options import ReplaceOption
from scalewise.cli.outputs import check_output_file


def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of training runs.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write this file, a .png, .svg or .pdf (default: RUN/curves.png, or curves.png "
            "for several runs).",
        ),
    ] = None,
    x: Annotated[
        Literal["steps", "time"],
        typer.Option(
            "--x", metavar="steps|time", help="Plot against steps, or against time in hours."
        ),
    ] = "steps",
    dark: Annotated[
        bool, typer.Option("--dark", help="Use light colours on a dark background.")
    ] = False,
    overwrite: ReplaceOption = False,
) -> None:
    """Plot training loss and validation PSNR-Y of runs.

    A run need not be finished.

    Examples:
        # Plot one run, as runs/tiny/curves.png
        scalewise plot runs/tiny

        # Compare two runs by training time
        scalewise plot runs/scn_x2 runs/adaptive_x2 --x time

        # Write a vector graphic in dark colours
        scalewise plot runs/tiny --dark -o curves.svg
    """
    from scalewise.training.curves import DARK, LIGHT, draw_curves, load_curves, save_figure

    file = output or (runs[0] if len(runs) == 1 else Path()) / "curves.png"
    is_own = output is None and len(runs) == 1  # curves.png in the run's folder
    check_output_file(file, "--output", overwrite=overwrite or is_own)
    save_figure(draw_curves(load_curves(runs), x, DARK if dark else LIGHT), file)
    typer.echo(f"curves: {file}")
