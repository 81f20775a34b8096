"""``scalewise reproduce``: the document's experiments, and a report of them."""

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
        typer.Option(metavar="DIR", help="DIV2K, or a folder with train and eval/SET in it."),
    ],
    budget: Annotated[
        str, typer.Option(metavar="TIME", help="Of everything, about: 20m, 3h.")
    ] = "3h",
    recipes: Annotated[
        Literal["modern", "document"],
        typer.Option(help="Patches as one trains today, or whole squashed pictures."),
    ] = "modern",
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For all that is made. [runs/RECIPES]")
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Learn from this folder or packed store instead."),
    ] = None,
    valid: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Choose checkpoints on this set instead.")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="For the single-picture test. [lenna, from Set14]"),
    ] = None,
    sample: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A picture to show; may be given more than once."),
    ] = None,
    also: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Show this reproduction, in the other form, beside it."),
    ] = None,
) -> None:
    """Train Original and Adaptive, compare them, write a report.

    Everything is done as the document does it.

    The same command goes on where it was stopped; with a larger budget it trains what is
    missing.  The report is FOLDER/report.html (one file, works offline) and FOLDER/report.md.
    """
    from scalewise.reproducing.data import find_data
    from scalewise.reproducing.run import Request, reproduce
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
        recipes=_beside_the_code("recipes"),
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
    """The photographs that come with the repository, where this runs in it."""
    folder = _beside_the_code("examples") / "pictures"
    return sorted([*folder.glob("valid/*.png"), *folder.glob("train/*.png")])


def _beside_the_code(name: str) -> Path:
    """A folder of the repository: of the one that is worked in, or else of this code's."""
    here = Path(name)
    return here if here.is_dir() else Path(__file__).parents[3] / name
