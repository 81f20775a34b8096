"""``scalewise plot``: the curves of training runs in one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .png, .svg or .pdf. [RUN/curves.png, or curves.png for several runs]",
        ),
    ] = None,
    x: Annotated[
        Literal["steps", "time"], typer.Option("--x", help="Against steps, or hours of training.")
    ] = "steps",
    dark: Annotated[bool, typer.Option("--dark", help="Light on dark.")] = False,
) -> None:
    """Draw training loss and validation PSNR-Y of runs.

    A run need not be finished.
    """
    from scalewise.training.curves import DARK, LIGHT, draw_curves, load_curves, save_figure

    file = output or (runs[0] if len(runs) == 1 else Path()) / "curves.png"
    save_figure(draw_curves(load_curves(runs), x, DARK if dark else LIGHT), file)
    typer.echo(f"curves: {file}")
