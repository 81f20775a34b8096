"""``scalewise reproduce``: experiments of the document, and a report on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scalewise.cli.help import DATA
from scalewise.cli.outputs import check_output_folder
from scalewise.cli.progress_bar import progress_bar
from scalewise.cli.train import say, train_and_show
from scalewise.cli.usage_errors import UsageError, refusing_usage
from scalewise.errors import ScalewiseError

if TYPE_CHECKING:
    from scalewise.training.loop import Trainer


def reproduce(
    data: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Use this data: DIV2K, or a folder that contains train and eval/SET.",
            rich_help_panel=DATA,
        ),
    ],
    budget: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="Spend about this time in all, such as 20m or 3h; what does not fit is left out.",
        ),
    ] = "3h",
    recipes: Annotated[
        Literal["modern", "document"],
        typer.Option(
            metavar="modern|document",
            help="Train by these recipes: modern, on patches as usual today; or document, on whole "
            "images resized to squares.",
        ),
    ] = "modern",
    epoch_images: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Take this many images per epoch of the document recipes, 800 at full length "
            "(default: 200 on a CPU, all elsewhere).",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write to this folder (default: runs/RECIPES)."),
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Train on this folder or packed store, in place of --data.",
            rich_help_panel=DATA,
        ),
    ] = None,
    valid: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Choose checkpoints on this set, in place of the one in --data.",
            rich_help_panel=DATA,
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(
            metavar="IMAGE",
            help="Run the single-image test on this image (default: lenna, from Set14).",
            rich_help_panel=DATA,
        ),
    ] = None,
    sample: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="IMAGE",
            help="Show this image in the report; repeat for several (default: the examples).",
            rich_help_panel=DATA,
        ),
    ] = None,
    also: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Compare with the reproduction by the other recipes, in this folder.",
        ),
    ] = None,
    no_training: Annotated[
        bool,
        typer.Option(
            "--no-training",
            help="Train nothing more: measure what is trained, and write the report.",
        ),
    ] = False,
) -> None:
    """Repeat the experiments of the document, and write a report.

    They train the Original and the Adaptive SCN, and compare them.

    Run the same command again to resume, or with a larger budget to train what is missing. The
    report is report.html (one file that works offline) and report.md in the output folder.

    Examples:
        # Spend three hours on patches of DIV2K
        scalewise reproduce --data data/

        # Take a first look in twenty minutes
        scalewise reproduce --data data/ --budget 20m --folder runs/first

        # Follow the document to the letter, and compare with the modern recipes
        scalewise reproduce --data data/ --recipes document --also runs/modern
    """
    from scalewise.experiments import Request, find_data, reproduce
    from scalewise.training.budget import seconds
    from scalewise.training.session import stopped_by_signals

    with refusing_usage():
        seconds(budget, "--budget")
    check_output_folder(folder or Path("runs") / recipes, "--folder")
    if epoch_images is not None and recipes != "document":
        raise UsageError("--epoch-images is for --recipes document only")
    found = find_data(data, train, valid)
    single = image or found.single
    samples = sample or _sample_images() or [each for each in [single] if each]
    for path in [*samples, *([single] if single else [])]:
        if not path.is_file():
            raise ScalewiseError(f"no such image: {path}")
    samples = [each for each in samples if single is None or not each.samefile(single)] or samples
    request = Request(
        data=found,
        folder=folder or Path("runs") / recipes,
        form=recipes,
        budget=budget,
        samples=samples or [next(iter(found.sets.values())).items[0].hr],
        single=single,
        also=also,
        epoch_images=epoch_images,
        trains=not no_training,
    )

    def train_one(trainer: Trainer) -> None:
        with stopped_by_signals(trainer, say):
            train_and_show(trainer)

    page, text = reproduce(request, train_one, say, lambda: progress_bar("packing"))
    typer.echo(f"report: {page} and {text}")


def _sample_images() -> list[Path]:
    """Return the example photographs of the repository; none outside of it."""
    here = Path("examples")
    folder = (here if here.is_dir() else Path(__file__).parents[3] / "examples") / "pictures"
    return sorted([*folder.glob("valid/*.png"), *folder.glob("train/*.png")])
