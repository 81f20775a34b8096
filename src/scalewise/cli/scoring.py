"""Options of score tables, and results of other programs as their rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scalewise.cli.help import DATA, OUTPUT
from scalewise.cli.messages import print_warning
from scalewise.cli.outputs import check_output_file
from scalewise.cli.progress_bar import progress_bar
from scalewise.cli.usage_errors import UsageError
from scalewise.errors import ScalewiseError

if TYPE_CHECKING:
    from scalewise.data.layouts import Dataset
    from scalewise.evaluating.evaluate import Evaluation
    from scalewise.evaluating.results import Method
    from scalewise.evaluating.score_table import ScoreTable
    from scalewise.imaging.metric_registry import Metric
    from scalewise.imaging.protocols import Protocol

TableFormatName = Literal["text", "markdown", "latex", "csv", "json"]

_ENDINGS = (".txt", ".md", ".tex", ".csv", ".json")
_MOST_LINES = 10  # on what is wrong with one method's results on one set

ResultsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--results",
        metavar="DIR",
        help="Score the images in this folder, made by any program, as a method of the folder's "
        "name; NAME=DIR names it. For several sets it has a folder for each. Repeat for several "
        "methods.",
        rich_help_panel=DATA,
    ),
]
TruthOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--truth",
        metavar="SET",
        help="Compare results with this dataset's ground truths; repeat for several.",
        rich_help_panel=DATA,
    ),
]
MetricOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="Show this metric; repeat for several: psnr, psnr_y, ssim, ssim_rgb, psnr_b, ms_ssim, "
        "gmsd, vif_p, or one of another package (default: PSNR, PSNR-Y and SSIM).",
        rich_help_panel=OUTPUT,
    ),
]
AgainstOption = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="METHOD",
        help="Test every other method of the table against this one: a paired permutation test "
        "over images.",
        rich_help_panel=OUTPUT,
    ),
]
TableFormatOption = Annotated[
    TableFormatName | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="Print or write the table as text, markdown, latex, csv or json (default: by the "
        "extension of --output, else text).",
        rich_help_panel=OUTPUT,
    ),
]
TableOutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the table to this file: .txt, .md, .tex, .csv or .json.",
        rich_help_panel=OUTPUT,
    ),
]


def parse_metrics(names: list[str] | None) -> list[Metric]:
    """Return metrics by their names, each once.

    Raises:
        UsageError: an unknown one.
    """
    from scalewise.cli.usage_errors import refusing_usage
    from scalewise.imaging.metric_registry import get_metric

    with refusing_usage():
        return [*{(metric := get_metric(name)).name: metric for name in names or []}.values()]


def check_table_output(
    output: Path | None, form: TableFormatName | None, *, overwrite: bool
) -> None:
    """Refuse a file for a table that cannot be written, is there, or whose form is not known."""
    if output is None:
        return
    from scalewise.evaluating.table_formats import SUFFIXES

    check_output_file(output, "--output", () if form else _ENDINGS, overwrite=overwrite)
    by_name = SUFFIXES.get(output.suffix.lower())
    if form is not None and by_name not in (None, form):
        raise UsageError(
            f"--format {form}, and --output {output} is {by_name} by its extension; leave out "
            "--format, or give another extension"
        )


def find_sets(places: Sequence[Path], flag: str, *, download: bool = False) -> list[Path]:
    """Return the folders of sets, given as folders or by name.

    Args:
        places: as they were given.
        flag: how, such as ``--truth ``.
        download: whether to download sets that are not here.

    Raises:
        UsageError: a set that is given twice.
        ScalewiseError: a set that is not here, and cannot be downloaded.
    """
    from scalewise.data.benchmarks import find_local, own_folder

    folders: dict[Path, Path] = {}
    for place in places:
        folder = place if place.exists() else find_local(str(place))
        if folder is None and download:
            folder = _fetch(place)
        if folder is None:
            own = own_folder()
            mend = f"nor a set of that name in {own}" if own else _WHERE_SETS_ARE
            raise ScalewiseError(f"no such folder: {place}; {mend}")
        if folder.resolve() in folders:
            raise UsageError(f"{flag}{place}: given twice; give each set once")
        folders[folder.resolve()] = folder
        if folder != place:
            typer.echo(f"{place}: {folder}", err=True)
    return list(folders.values())


_WHERE_SETS_ARE = (
    "to give a set by its name, set SCALEWISE_DATA to the folder that contains it, or download it "
    "with 'scalewise evaluate --download'"
)


def _fetch(name: Path) -> Path:
    from scalewise.data.benchmarks import fetch_benchmark

    with progress_bar(f"fetching {name}", percent=True) as update:
        return fetch_benchmark(str(name), update)


def show_table(
    table: ScoreTable, form: TableFormatName | None, output: Path | None, *, overwrite: bool
) -> None:
    """Print a table in its form, or print it as text and write it to a file.

    Raises:
        ScalewiseError: without ``overwrite``, a file has appeared there.
    """
    from scalewise.atomic import write_atomic
    from scalewise.evaluating.table_formats import SUFFIXES, render

    if output is None:
        typer.echo(render(table, form or "text"), nl=False)
        return
    typer.echo(render(table, "text"), nl=False)  # first, so that no error loses it
    output.parent.mkdir(parents=True, exist_ok=True)
    text = render(table, form or SUFFIXES[output.suffix.lower()])
    content = text.encode(errors="backslashreplace")  # as names are printed
    write_atomic(output, content, overwrite=overwrite)
    typer.echo(f"table: {output}")


def score_folders(
    results: list[str],
    datasets: list[Dataset],
    scale: int,
    protocol: Protocol,
    metrics: list[Metric],
    taken: list[str],
) -> list[Evaluation]:
    """Score folders of results on datasets; a line on stderr says what is wrong with each image.

    Args:
        results, datasets, scale, protocol, metrics: as :func:`score_results` takes them.
        taken: names of other methods in the same table.

    Returns:
        An evaluation for each method and set; without images where a method has none of the set.
    """
    from scalewise.data.layouts import display_names
    from scalewise.evaluating.evaluate import Evaluation, ImageScore
    from scalewise.evaluating.results import match_results, methods_of, score_results

    titles = display_names(datasets)
    evaluations: list[Evaluation] = []
    for method in methods_of(results, taken):
        warn_of_scale(method, scale)
        found = match_results(method, datasets, titles, scale)
        for dataset, title, matches in zip(datasets, titles, found, strict=True):
            images: list[ImageScore] = []
            lines: list[str] = []
            if matches is not None:
                with progress_bar(f"{method.name} on {title}", len(dataset.items)) as update:
                    for each in score_results(
                        method, matches, dataset, title, scale, protocol, metrics
                    ):
                        if isinstance(each, str):
                            lines.append(each.removeprefix("note: "))
                        else:
                            images.append(each)
                        update(len(images))
            print_faults(lines, f"{method.name} on {title}")
            evaluations.append(Evaluation(method.name, title, protocol, "", images))
    return evaluations


def print_faults(lines: Sequence[str], where: str) -> None:
    """Print warnings on images of one method on one set, and how many more there are."""
    for line in lines[:_MOST_LINES]:
        print_warning(line)
    if lines[_MOST_LINES:]:
        print_warning(f"{where}: {len(lines) - _MOST_LINES} more")


def warn_of_scale(method: Method, scale: int) -> None:
    """Print a warning where a method's name says another scale than results are scored at."""
    from scalewise.evaluating.results import scales_of_name

    said = scales_of_name(method) - {scale}
    if said:
        print_warning(f"{method.name}: its name says x{min(said)}; scored at x{scale} (--scale)")


def assumed_scale(results: Sequence[str], scale: int) -> list[str]:
    """Return a remark if no name says the scale of results, which was not given either."""
    from scalewise.evaluating.results import methods_of, stated_scales

    if any(stated_scales(method) for method in methods_of(results)):
        return []
    return [f"scale {scale} assumed, as no name states one; --scale gives another"]


def check_no_model_options(given: dict[str, Any]) -> None:
    """Refuse options of models where no model is scored.

    Args:
        given: flag -> its value; those that are None, False or empty were not given.
    """
    flags = [flag for flag, value in given.items() if value]
    if flags:
        raise UsageError(f"{', '.join(flags)}: for a model; name it as MODEL")
