"""``scalewise compare``: an image degraded, restored, and compared with its ground truth."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalewise import DEFAULT_MODEL
from scalewise.arguments import require_new
from scalewise.cli.messages import print_warning
from scalewise.cli.options import ReplaceOption
from scalewise.cli.outputs import check_output_folder
from scalewise.cli.protocol_options import (
    GreyOption,
    QualityOption,
    SensorOption,
    SigmaOption,
    SubsamplingOption,
    TaskOption,
    baselines,
    check_scale,
    chosen_protocol,
    task_of,
)
from scalewise.cli.scoring import (
    ResultsOption,
    TruthOption,
    assumed_scale,
    find_sets,
    print_faults,
    warn_of_scale,
)
from scalewise.cli.usage_errors import UsageError
from scalewise.errors import ScalewiseError

if TYPE_CHECKING:
    from scalewise.data.layouts import Dataset, Item
    from scalewise.data.reading import Pixels
    from scalewise.evaluating.evaluate import Restore
    from scalewise.evaluating.results import Method, Result
    from scalewise.imaging.protocols import Protocol


def compare(
    image: Annotated[
        Path | None,
        typer.Argument(
            metavar="IMAGE",
            help="Ground truth: an image of good quality. Not needed with --truth.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Write the results to this folder (default: comparison; if that is there, "
            "comparison_2, and so on).",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Use this model, a name, folder, .onnx or checkpoint; repeat for several "
            f"(default: {DEFAULT_MODEL}).",
        ),
    ] = None,
    results: ResultsOption = None,
    truth: TruthOption = None,
    scale: Annotated[
        int | None,
        typer.Option(
            min=2, max=8, metavar="N", help="Scale of results, 2-8 (default: the model's, or 2)."
        ),
    ] = None,
    task: TaskOption = None,
    sigma: SigmaOption = None,
    quality: QualityOption = None,
    subsampling: SubsamplingOption = None,
    grey: GreyOption = False,
    sensor: SensorOption = False,
    errors: Annotated[
        bool,
        typer.Option("--errors", help="Add maps of each result's error to the sheet."),
    ] = False,
    overwrite: ReplaceOption = False,
) -> None:
    """Degrade an image, restore it, and score each result.

    The image is reduced in size, or gets noise or JPEG artifacts: whatever the model's task is.
    Bicubic interpolation, or the degraded image itself, is scored for comparison.
    Networks compute in float32.

    With --results, results of other programs are compared, and no model runs unless one is named.
    With --truth, each image of the dataset gets a sheet.

    Examples:
        # Reduce an image to half its size and enlarge it again
        scalewise compare photo.png

        # Compare results of two programs on a dataset, with maps of their errors
        scalewise compare --results bicubic --results span --truth Set5 --errors

        # Add noise with a standard deviation of 50 and remove it
        scalewise compare photo.png -m denoise --sigma 50 -o noise/
    """
    from scalewise.evaluating.evaluate import baseline, restoration
    from scalewise.evaluating.text_layout import wrapped
    from scalewise.restoring.loading import LoadOptions, load
    from scalewise.tasks import SUPER_RESOLUTION, get_task

    _check_given(image, truth, results, scale)
    truth = find_sets(truth or [], "--truth ")
    names = [*dict.fromkeys(model or ([] if results else [DEFAULT_MODEL]))]
    output = output or _free_folder(Path("comparison"), overwrite=overwrite)
    check_output_folder(output, "--output")
    task = task or (task_of(names[0]) if names else SUPER_RESOLUTION.name)
    protocol = chosen_protocol(task, sigma, quality, subsampling, grey, sensor)
    exact = LoadOptions(precision="f32")  # scores are those of evaluate, on every machine
    if given := next((name for name in names if name in baselines()), None):
        raise UsageError(
            f"--model {given}: always compared, as the baseline of its tasks; leave it out"
        )
    restorers = [load(name, exact) for name in names]
    scales = {restorer.scale for restorer in restorers} or {scale or protocol.only_scale or 2}
    if len(scales) > 1:
        raise ScalewiseError("the models have different scales; compare them one by one")
    (factor,) = scales
    if scale not in (None, factor):
        raise UsageError(f"--scale {scale}, and {names[0]} is for x{factor}")
    check_scale(restorers[0].name if restorers else "--results", factor, task, protocol)
    methods: list[tuple[str, Restore]] = []
    if restorers:
        methods = [(get_task(task).baseline, baseline(factor))]
        methods += [(restorer.name, restoration(restorer)) for restorer in restorers]
    datasets = _datasets(image, truth)
    made = ["sheet", *(["low"] if methods and factor > 1 else []), *(name for name, _ in methods)]
    for name in [_name_of(item, each, datasets) for each in datasets for item in each.items]:
        for kind in made:
            require_new(_file_of(output, name, kind), overwrite=overwrite)
    if image is not None:
        _warn_of_loss(image)
    sheets = 0
    for dataset in datasets:
        for item, found in _with_results(dataset, results or [], factor, protocol):
            name = _name_of(item, dataset, datasets)
            _compare(item, name, methods, found, factor, protocol, output, errors)
            sheets += 1
    if not sheets:
        raise ScalewiseError("no image has a result of each method, so there is no sheet")
    typer.echo(wrapped(protocol.description))
    if scale is None and not restorers and protocol.only_scale is None:
        for remark in assumed_scale(results or [], factor):
            typer.echo(remark)


def _check_given(
    image: Path | None, truth: list[Path] | None, results: list[str] | None, scale: int | None
) -> None:
    """Refuse a command line without ground truths, or with several kinds of them."""
    if image is None and not truth:
        raise UsageError("missing argument IMAGE; see 'scalewise compare --help'")
    if image is not None and truth:
        raise UsageError("IMAGE and --truth both give ground truths; leave one out")
    for flag, value in (("--truth", truth), ("--scale", scale)):
        if value and not results:
            raise UsageError(f"{flag} is for --results")


def _free_folder(folder: Path, *, overwrite: bool) -> Path:
    """Return a folder that does not exist yet, by a number; a folder to replace files in as is."""
    number, free = 1, folder
    while os.path.lexists(free) and not overwrite:
        number += 1
        free = folder.with_name(f"{folder.name}_{number}")
    return free


def _name_of(item: Item, dataset: Dataset, datasets: list[Dataset]) -> str:
    """Return how the names of an image's files start."""
    prefix = f"{dataset.name}_" if datasets[1:] else ""
    return prefix + item.name.replace("/", "_")


def _file_of(output: Path, name: str, kind: str) -> Path:
    """Return the file of an image's sheet, of the degraded image, or of a method's result."""
    return output / f"{name}_{kind}.png"


def _datasets(image: Path | None, truth: list[Path] | None) -> list[Dataset]:
    from scalewise.data.layouts import Dataset, Item, find_dataset

    if image is None:
        return [find_dataset(folder) for folder in truth or []]
    return [Dataset(image.parent, "image", (Item(image.stem, image, {}),), {})]


def _warn_of_loss(image: Path) -> None:
    """Say what of an image is not compared: frames, alpha, and more than 8 bits."""
    import numpy as np

    from scalewise.files import open_picture, read

    with open_picture(image) as reader:
        lost = [*reader.warnings]
        alpha = read(image).alpha if reader.channels in (2, 4) else None
        if alpha is not None and alpha.min() < np.iinfo(alpha.dtype).max:  # a GIF always has alpha
            lost.append(f"{image}: its alpha is left out")
        if reader.dtype != "uint8":
            lost.append(f"{image}: is compared in 8 bits")
    for line in lost:
        print_warning(line)


def _with_results(
    dataset: Dataset, results: list[str], scale: int, protocol: Protocol
) -> Iterator[tuple[Item, list[tuple[str, Pixels]]]]:
    """Yield the images that all methods have a result of; warnings name the others, and faults.

    A method that has files of other names alone is left out.
    """
    from scalewise.evaluating.results import (
        fault_lines,
        match_results,
        methods_of,
        note_faults,
        read_results,
    )

    columns: list[Iterator[tuple[Item, Result | str]]] = []
    methods: list[Method] = []
    for method in methods_of(results):
        warn_of_scale(method, scale)
        (matches,) = match_results(method, [dataset], [dataset.name], scale)
        if matches is None:
            raise ScalewiseError(f"{method.folder}: no results of {dataset.name}")
        if not matches.files:
            print_warning(f"{method.name}: no file is called like an image of {dataset.name}")
            continue
        methods.append(method)
        columns.append(read_results(matches, dataset, scale, protocol))
    if results and not methods:
        return
    faulty: list[dict[str, list[str]]] = [{} for _ in methods]
    for item, *row in zip(dataset.items, *columns, strict=True):
        found: list[tuple[str, Pixels]] = []
        for method, faults, (_, result) in zip(methods, faulty, row, strict=True):
            if isinstance(result, str):
                print_warning(f"{method.name}: {item.name}: {result}; no sheet of it")
            else:
                note_faults(faults, result)
                found.append((method.name, result.pixels))
        if len(found) == len(methods):
            yield item, found
    for method, faults in zip(methods, faulty, strict=True):
        where = f"{method.name} on {dataset.name}"
        print_faults([f"{where}: {line}" for line in fault_lines(faults)], where)


def _compare(
    item: Item,
    name: str,
    methods: list[tuple[str, Restore]],
    results: list[tuple[str, Pixels]],
    scale: int,
    protocol: Protocol,
    output: Path,
    errors: bool,
) -> None:
    """Compare one image: write what was made and the sheet, and print the scores."""
    from scalewise.data.reading import read_own_lr, read_rgb
    from scalewise.evaluating.compare import compare
    from scalewise.files import Picture, write

    lr = read_own_lr(item, read_rgb(item.hr), scale) if item.lr or item.missing else None
    comparison = compare(item.hr, methods, scale, protocol, lr=lr, results=results)
    output.mkdir(parents=True, exist_ok=True)
    if scale > 1 and comparison.lr is not None:
        write(_file_of(output, name, "low"), Picture(comparison.lr))
    sheet = _file_of(output, name, "sheet")
    write(sheet, Picture(comparison.sheet(errors)))
    height, width = comparison.truth.shape[:2]
    done = f"reduced by {scale} and restored" if scale > 1 else "restored"
    typer.echo(f"{item.hr}: {width}x{height}{f', {done}' if methods else ''}")
    for each in comparison.contenders:
        made = ""
        if not math.isnan(each.seconds):
            path = _file_of(output, name, each.name)
            write(path, Picture(each.image))
            made = f"  {each.seconds:.2f} s  {path}"
        typer.echo(
            f"  {each.name:12} PSNR {each.scores.psnr:.2f} dB  PSNR-Y {each.scores.psnr_y:.2f} dB  "
            f"SSIM {each.scores.ssim:.4f}{made}"
        )
    typer.echo(f"side by side: {sheet}")
