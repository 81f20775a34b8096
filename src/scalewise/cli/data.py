"""``scalewise data``: datasets checked, and packed into one file for training."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scalewise.arguments import counted, require_new
from scalewise.cli.help import COMPUTE, DATA, TEACHER, HelpCommand, HelpGroup
from scalewise.cli.messages import one_line, print_warning
from scalewise.cli.options import ReplaceOption
from scalewise.cli.outputs import check_output_file
from scalewise.cli.progress_bar import progress_bar
from scalewise.cli.usage_errors import UsageError
from scalewise.errors import ScalewiseError

if TYPE_CHECKING:
    from scalewise.data.check import Report
    from scalewise.data.layouts import Dataset
    from scalewise.data.packing import Teacher

PROBLEMS_SHOWN = 10
"""The number of problems listed of each kind, without ``--all``."""

app = typer.Typer(
    cls=HelpGroup,
    no_args_is_help=True,
    help="""Check datasets, and pack them for training.

Examples:
    # Check a folder of images
    scalewise data check photos/

    # Pack it for training
    scalewise data pack photos/ -o data/photos.pack

    # Train on the packed file
    scalewise train recipes/tiny.yaml 'data.train=[data/photos.pack]'
""",
)

Split = Annotated[
    Literal["train", "valid"],
    typer.Option(
        metavar="SPLIT",
        help="Read this part of DIV2K, train or valid.",
        rich_help_panel=DATA,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Read images in this many threads, 1 or more (default: all cores).",
        rich_help_panel=COMPUTE,
    ),
]
Hr = Annotated[
    Path | None,
    typer.Option(
        "--hr",
        metavar="DIR",
        help="Read high-resolution (HR) images from this folder, in place of a dataset.",
        rich_help_panel=DATA,
    ),
]
Lr = Annotated[
    list[Path] | None,
    typer.Option(
        "--lr",
        metavar="DIR",
        help="Read low-resolution (LR) images of --hr from this folder; repeat for each scale.",
        rich_help_panel=DATA,
    ),
]


@app.command(cls=HelpCommand)
def check(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder of the dataset.")
    ] = None,
    hr: Hr = None,
    lr: Lr = None,
    split: Split = "train",
    fast: Annotated[
        bool, typer.Option("--fast", help="Read headers only; this finds no truncated file.")
    ] = False,
    min_side: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="PIXELS",
            help="Report HR images whose shorter side has fewer pixels than this.",
        ),
    ] = 96,
    show_all: Annotated[
        bool, typer.Option("--all", help=f"List every problem, not {PROBLEMS_SHOWN} of each kind.")
    ] = False,
    workers: Workers = None,
) -> None:
    """List what a dataset contains, and what is wrong with it.

    The exit status is 1 if there are problems.

    Examples:
        # Check a folder of images
        scalewise data check photos/

        # Check the validation part of DIV2K, headers only
        scalewise data check DIV2K/ --split valid --fast

        # Check two folders of image pairs
        scalewise data check --hr sharp/ --lr small/
    """
    from scalewise.data.check import check_dataset

    if folder is not None and hr is not None:
        raise UsageError("give one dataset: a folder, or --hr and --lr")
    (dataset,) = find_datasets([] if folder is None else [folder], split, hr, lr)
    with progress_bar("reading") as update:
        report = check_dataset(
            dataset, min_side=min_side, fast=fast, workers=workers, progress=update
        )
    for line in _describe(report):
        typer.echo(line)
    if fast:
        typer.echo("  note      headers only: truncated files are not found")
    typer.echo()
    for line in _list_problems(report, None if show_all else PROBLEMS_SHOWN):
        typer.echo(line)
    raise typer.Exit(1 if report.problems else 0)


@app.command(cls=HelpCommand)
def pack(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PACK", help="Write this file, a .pack.")
    ],
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="DIR", help="Folders of datasets.")
    ] = None,
    hr: Hr = None,
    lr: Lr = None,
    scale: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            max=8,
            metavar="N",
            help="Store LR images at this scale, 1-8; repeat for several (default: 2).",
        ),
    ] = None,
    split: Split = "train",
    squash: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="PIXELS",
            help="Resize LR images to squares of this side, and HR images to twice that side.",
        ),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|MODEL",
            help="Store a stronger model's images too: from a folder, with the names of the HR "
            "images; or made by a released model.",
            rich_help_panel=TEACHER,
        ),
    ] = None,
    teacher_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name the teacher so on cards (default: the released model's name).",
            rich_help_panel=TEACHER,
        ),
    ] = None,
    teacher_licence: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="State this licence of the teacher's images (default: the released model's).",
            rich_help_panel=TEACHER,
        ),
    ] = None,
    workers: Workers = None,
    overwrite: ReplaceOption = False,
) -> None:
    """Decode datasets once, into one file to train on.

    The file contains the images and their LR versions at each scale. For a
    dataset without LR images they are made by bicubic interpolation.

    Examples:
        # Pack a folder of images, with LR images of half their size
        scalewise data pack photos/ -o data/photos.pack

        # Pack two datasets for scales 2 and 4
        scalewise data pack DIV2K/ photos/ -o data/all.pack --scale 2 --scale 4

        # Add a released model's images, for a small model to learn from
        scalewise data pack photos/ -o data/taught.pack --teacher scn_x2
    """
    from scalewise.data.check import find_shuffled
    from scalewise.data.packing import pack

    check_output_file(output, "--output", (".pack",))
    datasets = find_datasets(folders or [], split, hr, lr)
    require_new(output, overwrite=overwrite)
    scales = sorted(set(scale or [2]))
    source = None
    if teacher is not None:
        source = _teacher(teacher, teacher_name, teacher_licence, scales, datasets)
    elif teacher_name or teacher_licence:
        raise UsageError("--teacher-name and --teacher-licence describe --teacher; add it")
    for warning in (line for dataset in datasets for line in find_shuffled(dataset, scales)):
        print_warning(warning)
    with progress_bar("packing") as update:
        summary = pack(
            *(datasets, output, scales, workers, update, squash, source), overwrite=overwrite
        )
    for remark in (remark for dataset in datasets for remark in dataset.remarks()):
        print_warning(remark)
    for reason in summary.skipped:
        typer.echo(f"skipped: {reason}", err=True)
    squashed = f", squashed to {squash}x{squash}" if squash else ""
    typer.echo(
        f"{output}: {counted(summary.images, 'image')}, {summary.megapixels:.1f} megapixels, "
        f"LR at {', '.join(f'x{s}' for s in scales)}{squashed}, {summary.bytes / 1e9:.2f} GB"
    )
    if any(item.lr for dataset in datasets for item in dataset.items):
        typer.echo(
            "  LR images of the datasets were taken as they are; 'scalewise data check' tells of "
            "those that show something else than their HR images, or show it shifted"
        )
    if source is not None:
        typer.echo(f"  teacher: {source.info.name} ({source.info.licence})")


def find_datasets(
    folders: list[Path], split: str, hr: Path | None, lr: list[Path] | None
) -> list[Dataset]:
    """Return the datasets of folders, and the one that --hr and --lr give."""
    from scalewise.data.layouts import find_dataset, pair_folders

    if hr is None and lr:
        raise UsageError("--lr needs --hr; add --hr DIR")
    if hr is None and not folders:
        raise UsageError("give a dataset's folder, or --hr DIR and --lr DIR")
    datasets = [find_dataset(folder, split) for folder in folders]
    return datasets if hr is None else [*datasets, pair_folders(hr, lr or [])]


def _teacher(
    given: str, name: str | None, licence: str | None, scales: list[int], datasets: list[Dataset]
) -> Teacher:
    """Return the teacher that --teacher names: a folder of images, or a released model."""
    from scalewise.data.store import TeacherInfo
    from scalewise.data.teacher import TeacherFolder, TeacherModel
    from scalewise.weights import is_release, resolve

    if len(scales) != 1:
        raise UsageError("--teacher works with one scale; give one --scale")
    (scale,) = scales
    if not is_release(given):
        if not Path(given).is_dir():
            raise ScalewiseError(f"--teacher {given}: is neither a folder nor a released model")
        if not (name and licence):
            raise UsageError(
                "--teacher DIR: state whose images these are, with --teacher-name and "
                "--teacher-licence"
            )
        return TeacherFolder(Path(given), TeacherInfo(name, licence, scale), datasets)
    from scalewise.restoring.loading import LoadOptions, load

    card = resolve(given).card
    if card.scale != scale:
        raise ScalewiseError(f"--teacher {given}: has scale {card.scale}, not {scale}")
    info = TeacherInfo(name or card.name, licence or card.licence, scale)
    return TeacherModel(load(given, LoadOptions(precision="f32")).restore, info)


def _describe(report: Report) -> Iterator[str]:
    dataset = report.dataset
    yield f"{dataset.root}"
    yield f"  layout    {dataset.layout}"
    yield f"  images    {len(dataset.items)}, {report.megapixels:.1f} megapixels"
    lr = ", ".join(f"{number} at x{scale}" for scale, number in report.scales.items())
    yield f"  LR        {lr or 'none; made from HR when packing'}"
    for licence, number in report.licences.items():
        yield f"  licence   {licence or 'not stated'}: {counted(number, 'image')}"
    for note in report.notes:
        yield f"  note      {note}"


def _list_problems(report: Report, limit: int | None) -> Iterator[str]:
    if not report.problems:
        yield "no problems found"
        return
    yield f"{counted(len(report.problems), 'problem')}:"
    for kind, group in groupby(report.problems, key=lambda problem: problem.kind):
        problems = list(group)
        yield f"{kind} ({len(problems)}): {problems[0].hint}"
        for problem in problems[:limit]:
            path, root = problem.path, report.dataset.root
            shown = path.relative_to(root) if path.is_relative_to(root) else path
            yield f"  {one_line(f'{shown}: {problem.message}')}"
        if hidden := len(problems[limit:]) if limit else 0:
            yield f"  and {hidden} more; --all lists them"
