"""``scalewise quantize``: a released model in 8-bit integers, for CPUs without bfloat16."""

from __future__ import annotations

from typing import Annotated

import typer


def quantize(
    model: Annotated[str, typer.Argument(help="A released model's folder, or its name.")],
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="PACK",
            help="Packed store of pictures that it will be given (default: its recipe's).",
        ),
    ] = None,
    batches: Annotated[int, typer.Option(min=1, help="How many batches to look at.")] = 32,
) -> None:
    """Add a graph whose inner convolutions compute in 8-bit integers.

    It is two to three times as fast as float32.  Which range of numbers the integers stand for
    is found on batches as training drew them.
    """
    from scalewise.training.release import quantize_release
    from scalewise.weights import find_release
    from scalewise.weights.card import INT8_FILE

    card = quantize_release(find_release(model), data or None, batches)
    typer.echo(f"{model}: {card.name} has {INT8_FILE}")
    typer.echo(f"next: scalewise evaluate {model} DIR... --precision int8 --card")
