"""``scalewise release``: a training run as a model folder that others can use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def release(
    run: Annotated[Path, typer.Argument(help="The training run's folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model's folder.")],
    summary: Annotated[str, typer.Option(help="One sentence that says what it is for.")],
    licence: Annotated[str, typer.Option(help="Of the weights.")] = "Apache-2.0",
    aim: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SET=DB",
            help="PSNR-Y that it was to reach on a set, such as Set5=38.05; the card says by how "
            "much it is missed.",
        ),
    ] = None,
) -> None:
    """Write a run's best weights as a model with graph and card.

    The model is named after its folder.  Its scores come from 'scalewise evaluate --card'.
    """
    from scalewise.training.release import release_run

    card = release_run(run, output, summary=summary, licence=licence, aims=_aims(aim or []))
    typer.echo(
        f"{output}: {card.name}, {card.parameters:,} parameters, {card.training.steps:,} steps "
        f"({card.training.progress:.0%} of the schedule)"
    )
    typer.echo(f"next: scalewise evaluate {output} DIR... --card")


def _aims(texts: list[str]) -> dict[str, float]:
    from scalewise.errors import ScalewiseError

    aims: dict[str, float] = {}
    for text in texts:
        dataset, _, decibels = text.partition("=")
        try:
            aims[dataset] = float(decibels)
        except ValueError:
            raise ScalewiseError(f"--aim '{text}': write SET=DB, such as Set5=38.05") from None
    return aims
