"""``scalewise compare``: one picture halved, restored, and held against the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalewise import DEFAULT_MODEL


def compare(
    picture: Annotated[Path, typer.Argument(help="A picture; it is the truth.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder for the results.")
    ] = Path("comparison"),
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", "-m", help=f"A released model; may be given again. [{DEFAULT_MODEL}]"
        ),
    ] = None,
    errors: Annotated[
        bool, typer.Option("--errors", help="Draw maps of where each departs from the truth.")
    ] = False,
) -> None:
    """Reduce a picture, restore it, and show and score the result beside bicubic and truth."""
    from scalewise.errors import ScalewiseError
    from scalewise.evaluating.compare import compare
    from scalewise.files import Picture, write
    from scalewise.imaging.protocols import FIELD
    from scalewise.restoring.restorer import load

    restorers = [load(name) for name in model or [DEFAULT_MODEL]]
    if len({restorer.scale for restorer in restorers}) > 1:
        raise ScalewiseError("the models enlarge by different scales; compare them one by one")
    comparison = compare(picture, restorers, FIELD)
    output.mkdir(parents=True, exist_ok=True)
    write(output / f"{picture.stem}_low.png", Picture(comparison.lr))
    write(output / f"{picture.stem}_sheet.png", Picture(comparison.sheet(errors)))
    height, width = comparison.truth.shape[:2]
    typer.echo(f"{picture}: {width}x{height}, reduced by {restorers[0].scale} and restored")
    for each in comparison.contenders:
        path = output / f"{picture.stem}_{each.name}.png"
        write(path, Picture(each.image))
        typer.echo(
            f"  {each.name:12} PSNR-Y {each.scores.psnr_y:.2f} dB  SSIM {each.scores.ssim:.4f}  "
            f"{each.seconds:.2f} s  {path}"
        )
    typer.echo(f"side by side: {output / f'{picture.stem}_sheet.png'}")
    typer.echo(FIELD.description)
