"""``scalewise data``: check datasets, and pack them for training."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalewise.cli.console import PlainGroup, print_warning, progress_bar
from scalewise.errors import ScalewiseError

if TYPE_CHECKING:
    from scalewise.data.check import Report
    from scalewise.data.layouts import Dataset
    from scalewise.data.store import Teacher

PROBLEMS_SHOWN = 10
"""Of each kind, unless all are asked for."""

app = typer.Typer(
    cls=PlainGroup, help="Check datasets, and pack them for training.", no_args_is_help=True
)

Split = Annotated[str, typer.Option(help="Which half of DIV2K: train or valid.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Threads that read pictures; all cores by default.")
]
Hr = Annotated[
    Path | None,
    typer.Option("--hr", metavar="DIR", help="Folder of HR pictures, in place of a dataset."),
]
Lr = Annotated[
    list[Path] | None,
    typer.Option(
        "--lr", metavar="DIR", help="Folder of LR pictures of --hr; may be given again, by scale."
    ),
]


@app.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="The dataset's folder.")
    ] = None,
    hr: Hr = None,
    lr: Lr = None,
    split: Split = "train",
    fast: Annotated[
        bool, typer.Option("--fast", help="Read headers only; finds no truncated file.")
    ] = False,
    min_side: Annotated[
        int, typer.Option(min=1, help="Pixels that an HR picture needs on its shorter side.")
    ] = 96,
    show_all: Annotated[bool, typer.Option("--all", help="List every problem.")] = False,
    workers: Workers = None,
) -> None:
    """Say what a dataset holds and what is wrong with it.

    The exit code is 1 if anything is wrong.
    """
    from scalewise.data.check import check_dataset

    if folder is not None and hr is not None:
        raise ScalewiseError("check one at a time: a dataset's folder, or --hr and --lr")
    (dataset,) = find_datasets([] if folder is None else [folder], split, hr, lr)
    with progress_bar("reading") as update:
        report = check_dataset(
            dataset, min_side=min_side, fast=fast, workers=workers, progress=update
        )
    for line in _describe(report):
        typer.echo(line)
    if fast:
        typer.echo("  note      headers only: truncated files were not looked for")
    typer.echo()
    for line in _list_problems(report, None if show_all else PROBLEMS_SHOWN):
        typer.echo(line)
    raise typer.Exit(1 if report.problems else 0)


@app.command()
def pack(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="DIR...", help="The datasets' folders.")
    ] = None,
    hr: Hr = None,
    lr: Lr = None,
    scale: Annotated[
        list[int] | None, typer.Option(min=1, max=8, help="LR scale; may be given again. [2]")
    ] = None,
    split: Split = "train",
    squash: Annotated[
        int | None, typer.Option(min=1, help="Squash LR to squares of this side, HR to twice it.")
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|MODEL",
            help="A stronger model's images, named like the pictures; or a released model.",
        ),
    ] = None,
    teacher_name: Annotated[
        str | None, typer.Option(help="Name of the model that made them, for cards. [its own]")
    ] = None,
    teacher_licence: Annotated[
        str | None, typer.Option(help="Licence of the teacher's images. [the model's]")
    ] = None,
    workers: Workers = None,
) -> None:
    """Decode datasets once, into one file to train on.

    It holds the pictures and their LR at the chosen scales.
    """
    from scalewise.data.check import find_shuffled
    from scalewise.data.store import pack

    datasets = find_datasets(folders or [], split, hr, lr)
    scales = sorted(set(scale or [2]))
    source = None
    if teacher is not None:
        source = _teacher(teacher, teacher_name, teacher_licence, scales, datasets)
    elif teacher_name or teacher_licence:
        raise ScalewiseError("--teacher-name and --teacher-licence describe --teacher; add it")
    for warning in (line for dataset in datasets for line in find_shuffled(dataset, scales)):
        print_warning(warning)
    with progress_bar("packing") as update:
        summary = pack(datasets, output, scales, workers, update, squash, source)
    for remark in (remark for dataset in datasets for remark in dataset.remarks()):
        print_warning(remark)
    for reason in summary.skipped:
        typer.echo(f"skipped: {reason}", err=True)
    squashed = f", squashed to {squash}x{squash}" if squash else ""
    typer.echo(
        f"{output}: {_count(summary.images, 'picture')}, {summary.megapixels:.1f} megapixels, "
        f"LR at {', '.join(f'x{s}' for s in scales)}{squashed}, {summary.bytes / 1e9:.2f} GB"
    )
    if source is not None:
        typer.echo(f"  teacher: {source.info.name} ({source.info.licence})")


def find_datasets(
    folders: list[Path], split: str, hr: Path | None, lr: list[Path] | None
) -> list[Dataset]:
    """Return the datasets of folders, and the one that --hr and --lr give."""
    from scalewise.data.layouts import find_dataset, pair_folders

    if hr is None and lr:
        raise ScalewiseError("--lr gives the LR of --hr; add --hr DIR")
    if hr is None and not folders:
        raise ScalewiseError("name a dataset's folder, or give --hr DIR and --lr DIR")
    datasets = [find_dataset(folder, split) for folder in folders]
    return datasets if hr is None else [*datasets, pair_folders(hr, lr or [])]


def _teacher(
    given: str, name: str | None, licence: str | None, scales: list[int], datasets: list[Dataset]
) -> Teacher:
    """Return the teacher that --teacher names: a folder of images, or a released model."""
    from scalewise.data.store import TeacherInfo
    from scalewise.data.teacher import TeacherFolder, TeacherModel
    from scalewise.weights import find_release, is_release
    from scalewise.weights.card import read_card

    if len(scales) != 1:
        raise ScalewiseError("--teacher is for one scale; give one --scale")
    (scale,) = scales
    if not is_release(given):
        if not Path(given).is_dir():
            raise ScalewiseError(f"--teacher {given}: neither a folder nor a released model")
        if not (name and licence):
            raise ScalewiseError(
                "--teacher DIR: say whose images they are, by --teacher-name and --teacher-licence"
            )
        return TeacherFolder(Path(given), TeacherInfo(name, licence, scale), datasets)
    from scalewise.restoring.loading import load

    card = read_card(find_release(given))
    if card.scale != scale:
        raise ScalewiseError(f"--teacher {given}: enlarges by {card.scale}, not by {scale}")
    info = TeacherInfo(name or card.name, licence or card.licence, scale)
    return TeacherModel(load(given).restore, info)


def _describe(report: Report) -> Iterator[str]:
    dataset = report.dataset
    yield f"{dataset.root}"
    yield f"  layout    {dataset.layout}"
    yield f"  pictures  {len(dataset.items)}, {report.megapixels:.1f} megapixels"
    lr = ", ".join(f"{number} at x{scale}" for scale, number in report.scales.items())
    yield f"  LR        {lr or 'none; made from HR when packing'}"
    for licence, number in report.licences.items():
        yield f"  licence   {licence or 'not stated'}: {_count(number, 'picture')}"
    for note in report.notes:
        yield f"  note      {note}"


def _list_problems(report: Report, limit: int | None) -> Iterator[str]:
    if not report.problems:
        yield "no problems found"
        return
    yield f"{_count(len(report.problems), 'problem')}:"
    for kind, group in groupby(report.problems, key=lambda problem: problem.kind):
        problems = list(group)
        yield f"{kind} ({len(problems)}): {problems[0].hint}"
        for problem in problems[:limit]:
            path, root = problem.path, report.dataset.root
            shown = path.relative_to(root) if path.is_relative_to(root) else path
            yield f"  {shown}: {problem.message}"
        if hidden := len(problems[limit:]) if limit else 0:
            yield f"  and {hidden} more; --all lists them"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
