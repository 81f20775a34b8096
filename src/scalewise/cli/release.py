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
) -> None:
    """Write a run's best weights as a released model: weights, graph and card.

    The model is named after its folder.  Its scores come from 'scalewise evaluate --card'.
    """
    from scalewise.training.release import release_run

    card = release_run(run, output, summary=summary, licence=licence)
    typer.echo(
        f"{output}: {card.name}, {card.parameters:,} parameters, {card.training.steps:,} steps "
        f"({card.training.progress:.0%} of the schedule)"
    )
    typer.echo(f"next: scalewise evaluate {output} DIR... --card")
