"""``scalewise evaluate``: scores under a stated protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scalewise.cli.console import progress_bar
from scalewise.cli.options import PrecisionOption, TileOption

if TYPE_CHECKING:
    from scalewise.data.layouts import Dataset
    from scalewise.evaluating.evaluate import Evaluation, ImageScore, Restore
    from scalewise.imaging.degradations import Subsampling
    from scalewise.imaging.protocols import Protocol
    from scalewise.restoring.restorer import Restorer
    from scalewise.weights.card import Task

BASELINES: dict[str, Task] = {
    "bicubic": "super-resolution",
    "noisy": "denoise",
    "jpeg": "dejpeg",
}
"""What may be evaluated without a network, and the task that it is the baseline of."""

_OPTIONS: dict[Task, set[str]] = {
    "super-resolution": {"protocol"},
    "denoise": {"sigma", "grey"},
    "dejpeg": {"quality", "subsampling", "grey"},
    "photo": set(),
}
"""The options that say how a task is measured."""


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help="A released model's name or folder; a run's folder or a checkpoint (needs torch); "
            "or what networks are compared with: 'bicubic', 'noisy' or 'jpeg'."
        ),
    ],
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Datasets.")],
    task: Annotated[
        Literal["super-resolution", "denoise", "dejpeg", "photo"] | None,
        typer.Option(help="What is done to the pictures first (default: what the model is for)."),
    ] = None,
    sigma: Annotated[
        float | None,
        typer.Option(min=0.1, max=255, help="Of denoise: how strong the noise is (default: 25)."),
    ] = None,
    quality: Annotated[
        int | None, typer.Option(min=1, max=100, help="Of dejpeg: the JPEG's (default: 10).")
    ] = None,
    subsampling: Annotated[
        Literal["4:2:0", "4:4:4"] | None,
        typer.Option(help="Of dejpeg: the chroma's (default: 4:2:0)."),
    ] = None,
    grey: Annotated[
        bool, typer.Option("--grey", help="Of denoise and dejpeg: make the pictures grey first.")
    ] = False,
    protocol: Annotated[
        Literal["field", "squash256"] | None,
        typer.Option(help="Of super-resolution: how to measure (default: field)."),
    ] = None,
    scale: Annotated[
        int | None, typer.Option(min=2, max=4, help="For bicubic only (default: 2).")
    ] = None,
    split: Annotated[str, typer.Option(help="Which half of DIV2K: train or valid.")] = "valid",
    tile: TileOption = None,
    precision: PrecisionOption = "f32",
    csv: Annotated[
        Path | None, typer.Option(help="Write every picture's scores to this file.")
    ] = None,
    card: Annotated[
        bool,
        typer.Option("--card", help="Write the scores, and the baseline's, on the model's card."),
    ] = False,
) -> None:
    """Score a model on datasets, picture by picture and in the mean."""
    from scalewise.data.layouts import find_dataset
    from scalewise.errors import ScalewiseError
    from scalewise.evaluating.evaluate import bicubic, restoration, unchanged, write_csv

    task = task or _task_of(model)
    measure = _protocol(task, sigma, quality, subsampling, grey, protocol)
    baseline = _baseline_of(task)
    restorer = None if model in BASELINES else _load(model, precision, tile)
    if restorer is None and card:
        raise ScalewiseError(f"{model} has no card; give a released model with --card")
    if restorer is None and model != baseline:
        raise ScalewiseError(f"{model} is no baseline of {task}; that is {baseline}")
    factor = restorer.scale if restorer else scale or measure.only_scale or 2
    _check_scale(restorer.name if restorer else model, factor, task, measure)
    datasets = [find_dataset(folder, split) for folder in folders]
    evaluations: list[Evaluation] = []
    if restorer is None or card:
        restore = bicubic(factor) if baseline == "bicubic" else unchanged
        evaluations += _measure(baseline, restore, factor, datasets, measure, "f64")
    if restorer is not None:
        restore = restoration(restorer)
        evaluations += _measure(restorer.name, restore, factor, datasets, measure, precision)
    _print_table(evaluations)
    if csv is not None:
        write_csv(evaluations, csv)
        typer.echo(f"every picture's scores: {csv}")
    if card:
        _write_on_card(model, evaluations)


def _task_of(model: str) -> Task:
    """What a model, or a baseline, is for."""
    from scalewise.weights import find_release, is_release
    from scalewise.weights.card import read_card

    if model in BASELINES:
        return BASELINES[model]
    return read_card(find_release(model)).task if is_release(model) else "super-resolution"


def _protocol(
    task: Task,
    sigma: float | None,
    quality: int | None,
    subsampling: Subsampling | None,
    grey: bool,
    protocol: str | None,
) -> Protocol:
    """The protocol that a task and the options given with it name."""
    from scalewise.errors import ScalewiseError
    from scalewise.evaluating.tasks import PHOTO, deblocking, denoising
    from scalewise.imaging.protocols import PROTOCOLS

    given = {
        "sigma": sigma,
        "quality": quality,
        "subsampling": subsampling,
        "grey": grey,
        "protocol": protocol,
    }
    for option, value in given.items():
        if value and option not in _OPTIONS[task]:
            right = " and ".join(name for name, known in _OPTIONS.items() if option in known)
            raise ScalewiseError(f"--{option} is for {right}, not for {task}")
    if grey and subsampling:
        raise ScalewiseError("--subsampling is for colour; with --grey there is no chroma")
    if task == "denoise":
        return denoising(sigma or 25, grey=grey)
    if task == "dejpeg":
        return deblocking(quality or 10, subsampling or "4:2:0", grey=grey)
    return PHOTO if task == "photo" else PROTOCOLS[protocol or "field"]


def _baseline_of(task: Task) -> str:
    """What the networks of a task are compared with; photos grow, too."""
    return next((name for name, of in BASELINES.items() if of == task), "bicubic")


def _check_scale(name: str, scale: int, task: Task, protocol: Protocol) -> None:
    from scalewise.errors import ScalewiseError

    if task == "super-resolution" and scale == 1:
        raise ScalewiseError(f"{name} enlarges nothing; say what it is for with --task")
    if protocol.only_scale not in (None, scale):
        raise ScalewiseError(
            f"{name} is for x{scale}, and protocol {protocol.name} for x{protocol.only_scale} only"
        )


def _load(model: str, precision: Literal["f32", "bf16"], tile: int | None) -> Restorer:
    from scalewise.restoring.restorer import DEFAULT_TILE, load, load_trained
    from scalewise.weights import is_release

    is_checkpoint = Path(model).exists() and not is_release(model)
    return (load_trained if is_checkpoint else load)(
        model, precision=precision, tile=tile or DEFAULT_TILE
    )


def _measure(
    name: str,
    restore: Restore,
    scale: int,
    datasets: list[Dataset],
    protocol: Protocol,
    precision: str,
) -> list[Evaluation]:
    from scalewise.evaluating.evaluate import Evaluation, evaluate

    evaluations: list[Evaluation] = []
    for dataset in datasets:
        images: list[ImageScore] = []
        folder = dataset.root.resolve().name
        with progress_bar(f"{name} on {folder}", len(dataset.items)) as update:
            for image in evaluate(restore, dataset, scale, protocol):
                images.append(image)
                update(len(images))
        evaluations.append(Evaluation(name, folder, protocol, precision, images))
    return evaluations


def _print_table(evaluations: list[Evaluation]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(caption=evaluations[0].protocol.description, caption_justify="left")
    table.add_column("model", overflow="fold")
    table.add_column("dataset", overflow="fold")
    table.add_column("precision")
    blocks = evaluations[0].protocol.blocks
    for heading in ("images", "PSNR", "PSNR-Y", "SSIM", *["PSNR-B"] * blocks, "s/megapixel"):
        table.add_column(heading, justify="right")
    for each in evaluations:
        table.add_row(
            each.model,
            each.dataset,
            each.precision,
            str(len(each.images)),
            f"{each.psnr:.2f}",
            f"{each.psnr_y:.2f}",
            f"{each.ssim:.4f}",
            *([] if each.psnr_b is None else [f"{each.psnr_b:.2f}"]),
            f"{each.seconds_per_megapixel:.2f}",
        )
    Console().print(table)
    for dataset, digest in {each.dataset: each.encoded for each in evaluations}.items():
        if digest is not None:
            typer.echo(f"the encoded files of {dataset}, sha256 over theirs: {digest}")


def _write_on_card(model: str, evaluations: list[Evaluation]) -> None:
    """Replace the scores that a released model's card has for the same measurements."""
    from scalewise.evaluating.evaluate import to_score
    from scalewise.weights import find_release
    from scalewise.weights.card import read_card, with_scores, write_card

    folder = find_release(model)
    scores = [to_score(evaluation) for evaluation in evaluations]
    write_card(with_scores(read_card(folder), scores), folder)
    typer.echo(f"scores written on the card in {folder}")
