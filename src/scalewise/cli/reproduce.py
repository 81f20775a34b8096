"""Command ``scalewise reproduce``: the document's experiments and their report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scalewise.cli.console import progress_bar
from scalewise.cli.train import say, train_and_show

if TYPE_CHECKING:
    from scalewise.training.loop import Trainer


def reproduce(
    data: Annotated[
        Path,
        typer.Option(metavar="DIR", help="DIV2K; or a folder with train/ and eval/SET/."),
    ],
    budget: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="Approximate time for everything: 20m, 3h (default: 3h)."
        ),
    ] = "3h",
    recipes: Annotated[
        Literal["modern", "document"],
        typer.Option(
            help="Form of the recipes: modern trains on patches, document on whole squashed "
            "images (default: modern)."
        ),
    ] = "modern",
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Output folder (default: runs/RECIPES)."),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Train on this folder or packed store instead."),
    ] = None,
    valid: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Validate on this set instead.")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Image of the single-picture test (default: lenna, from Set14)."
        ),
    ] = None,
    sample: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Sample image for the report; can be repeated."),
    ] = None,
    also: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Compare with this reproduction in the other form of the recipes."
        ),
    ] = None,
) -> None:
    """Train and compare the document's networks, and write a report.

    The same command continues after an interruption; with a larger budget it trains the missing
    experiments.  The report is FOLDER/report.html (one file, works offline) and FOLDER/report.md.
    """
    from scalewise.experiments import Request, find_data, reproduce
    from scalewise.training.session import stopped_by_signals

    found = find_data(data, train, valid)
    single = picture or found.single
    samples = sample or _sample_pictures() or [each for each in [single] if each]
    for path in [*samples, *([single] if single else [])]:
        if not path.is_file():
            raise typer.BadParameter(f"no such picture: {path}")
    samples = [each for each in samples if single is None or not each.samefile(single)] or samples
    request = Request(
        data=found,
        folder=folder or Path("runs") / recipes,
        form=recipes,
        budget=budget,
        samples=samples or [next(iter(found.sets.values())).items[0].hr],
        single=single,
        also=also,
    )

    def train_one(trainer: Trainer) -> None:
        with stopped_by_signals(trainer, say):
            train_and_show(trainer)

    page, text = reproduce(request, train_one, say, lambda: progress_bar("packing"))
    typer.echo(f"report: {page} and {text}")


def _sample_pictures() -> list[Path]:
    """Return the photographs of the repository, if this runs in a copy of it."""
    here = Path("examples")
    folder = (here if here.is_dir() else Path(__file__).parents[3] / "examples") / "pictures"
    return sorted([*folder.glob("valid/*.png"), *folder.glob("train/*.png")])
