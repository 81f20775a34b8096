"""``scalewise release``: a model folder made from a training run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalewise.arguments import counted
from scalewise.cli.model_names import require_model
from scalewise.cli.options import ReplaceOption
from scalewise.cli.outputs import check_output_folder
from scalewise.cli.usage_errors import UsageError


def release(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the training run.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Write the model to this folder.")
    ],
    summary: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Describe in one sentence what the model is good for."),
    ],
    licence: Annotated[
        str, typer.Option(metavar="NAME", help="State this licence of the weights.")
    ] = "Apache-2.0",
    aim: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SET=DB",
            help="State the PSNR-Y that was aimed at on a set, such as Set5=38.05, or under a "
            "task's protocol, such as classic5:jpeg10=29.6; the card gives the difference. Repeat "
            "for several sets.",
        ),
    ] = None,
    average: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL=PART",
            help="Average the weights with those of another model that was trained from the same "
            "weights, such as scn_x2=0.65; its part is from 0 to 1.",
        ),
    ] = None,
    overwrite: ReplaceOption = False,
) -> None:
    """Write a run's best weights as a model, with graph and card.

    The model is named after its folder, which is written whole or not at all.
    Add its scores with 'scalewise evaluate --card'.

    Examples:
        # Release a run
        scalewise release runs/tiny -o tiny_x2 --summary "Doubles the size of scans."

        # State the score that was aimed at
        scalewise release runs/mine -o mine --summary "For scans." --aim Set5=38

        # Measure the model, and write the scores on its card
        scalewise evaluate mine Set5 Set14 --download --card
    """
    from scalewise.training.release import release_run
    from scalewise.weights.resolve import is_packaged

    check_output_folder(output, "--output")
    card = release_run(
        run,
        output,
        summary=summary,
        licence=licence,
        aims=_aims(aim or []),
        average=_average(average),
        overwrite=overwrite,
    )
    typer.echo(
        f"{output}: {card.name}, {counted(card.parameters, 'parameter')}, "
        f"{counted(card.training.steps, 'step')} "
        f"({card.training.progress:.0%} of the schedule)"
    )
    name = str(output)
    if is_packaged(name):
        typer.echo(f"{name} alone is the model that comes with the package; this one is ./{name}")
        name = f"./{name}"
    typer.echo(f"next: scalewise evaluate {name} DIR... --card")


def _average(text: str | None) -> tuple[str, float] | None:
    if text is None:
        return None
    model, _, part = text.rpartition("=")
    try:
        share = float(part)
    except ValueError:
        share = 0.0
    if not model or not 0 < share < 1:
        raise UsageError(f"--average '{text}': write MODEL=PART, such as scn_x2=0.65")
    require_model(model)
    return model, share


def _aims(texts: list[str]) -> dict[str, float]:
    aims: dict[str, float] = {}
    for text in texts:
        aimed, _, decibels = text.partition("=")
        parts = aimed.split(":")
        try:
            aims[aimed] = float(decibels)
        except ValueError:
            parts = []
        if not all(parts) or not parts or len(parts) > 3 or parts[2:] not in ([], ["psnr"]):
            raise UsageError(
                f"--aim '{text}': write SET=DB, such as Set5=38.05; or SET:PROTOCOL=DB, or "
                "SET:PROTOCOL:psnr=DB for PSNR over RGB, such as Kodak24:denoise25:psnr=32.4"
            )
    return aims
