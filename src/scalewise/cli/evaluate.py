"""``scalewise evaluate``: scores of a model under a stated protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scalewise.cli.help import DATA, OUTPUT
from scalewise.cli.messages import print_warning
from scalewise.cli.model_names import require_model
from scalewise.cli.options import (
    EnsembleOption,
    PrecisionOption,
    SetOption,
    TileOption,
    parse_settings,
)
from scalewise.cli.outputs import check_output_file
from scalewise.cli.progress_bar import progress_bar
from scalewise.cli.protocol_options import (
    GreyOption,
    ProtocolOption,
    QualityOption,
    SigmaOption,
    SubsamplingOption,
    TaskOption,
    baselines,
    check_scale,
    chosen_protocol,
    task_of,
)
from scalewise.cli.usage_errors import UsageError
from scalewise.errors import ScalewiseError

if TYPE_CHECKING:
    from scalewise.data.layouts import Dataset
    from scalewise.evaluating.evaluate import Evaluation, ImageScore, Restore
    from scalewise.imaging.protocols import Protocol
    from scalewise.restoring.classical import ClassicalMethod
    from scalewise.restoring.restorer import Restorer


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A released model's name or folder; an .onnx; a run's folder or a checkpoint "
            "(needs torch); a baseline: bicubic, noisy or jpeg; or nlm or wavelet, which denoise "
            "without a network, at the known sigma.",
        ),
    ],
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR",
            help="Datasets; with --download also Set5, Set14, BSD100, Urban100 or DIV2K by name.",
        ),
    ],
    task: TaskOption = None,
    sigma: SigmaOption = None,
    quality: QualityOption = None,
    subsampling: SubsamplingOption = None,
    grey: GreyOption = False,
    protocol: ProtocolOption = None,
    scale: Annotated[
        int | None,
        typer.Option(
            min=2, max=4, metavar="N", help="Enlarge by 2-4, for bicubic only (default: 2)."
        ),
    ] = None,
    split: Annotated[
        Literal["train", "valid"],
        typer.Option(
            metavar="SPLIT", help="Read this part of DIV2K, train or valid.", rich_help_panel=DATA
        ),
    ] = "valid",
    settings: SetOption = None,
    tile: TileOption = None,
    precision: PrecisionOption = "f32",
    ensemble: EnsembleOption = False,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the scores of each image to this file.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    download: Annotated[
        bool,
        typer.Option(
            "--download", help="Download missing datasets, and keep them.", rich_help_panel=DATA
        ),
    ] = False,
    card: Annotated[
        bool,
        typer.Option(
            "--card",
            help="Write the scores of the model and of the baseline on the model's card.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
) -> None:
    """Score a model on datasets: PSNR, SSIM and seconds.

    The protocol is printed under the table. Scores under different protocols cannot be compared.

    Examples:
        # Score a released model on two test sets
        scalewise evaluate scn_x2 Set5 Set14 --download

        # Score the best weights of a run, with the scores of each image
        scalewise evaluate runs/mine photos/ --csv scores.csv

        # Score a denoiser at a standard deviation of 50, in colour
        scalewise evaluate denoise Kodak24/ --sigma 50
    """
    from scalewise.data.layouts import find_dataset
    from scalewise.evaluating.evaluate import baseline, restoration, write_csv
    from scalewise.tasks import SUPER_RESOLUTION, get_task

    if csv is not None:
        check_output_file(csv, "--csv")
    task = task or task_of(model)
    measure = chosen_protocol(task, sigma, quality, subsampling, grey, protocol)
    plain = get_task(task).baseline
    known = parse_settings(settings)
    classical = _load_classical(model, task, sigma)
    restorer = None
    if classical is None and model not in baselines():
        restorer = _load(model, precision, tile, ensemble, known)
    else:
        _check_without_network(model, precision, tile, ensemble, known)
    own_scale = restorer.scale if restorer else scale if model == SUPER_RESOLUTION.baseline else 1
    if scale not in (None, own_scale):
        raise UsageError(f"--scale {scale} is for bicubic; {model} is for x{own_scale} only")
    if restorer is None and card:
        raise UsageError(f"{model} has no card; give a released model with --card")
    if restorer is None and classical is None and model != plain:
        raise ScalewiseError(f"{model} is not the baseline of {task}; that is {plain}")
    factor = restorer.scale if restorer else scale or measure.only_scale or 2
    check_scale(restorer.name if restorer else model, factor, task, measure)
    if download:
        folders = [folder if folder.is_dir() else _fetch(folder) for folder in folders]
    datasets = [find_dataset(folder, split) for folder in folders]
    for remark in (remark for dataset in datasets for remark in dataset.remarks()):
        print_warning(remark)
    evaluations: list[Evaluation] = []
    if model == plain or card:
        evaluations += _measure(plain, baseline(factor), factor, datasets, measure, "f64")
    if classical is not None:
        evaluations += _measure(model, classical, factor, datasets, measure, "f32")
    if restorer is not None:
        restore = restoration(restorer)
        name = f"{restorer.name}{'+' * ensemble}"
        evaluations += _measure(name, restore, factor, datasets, measure, precision)
    _print_table(evaluations)
    if csv is not None:
        write_csv(evaluations, csv)
        typer.echo(f"scores of each image: {csv}")
    if card:
        _write_on_card(model, evaluations)


def _fetch(folder: Path) -> Path:
    from scalewise.data.benchmarks import fetch_benchmark

    with progress_bar(f"fetching {folder}", percent=True) as update:
        fetched = fetch_benchmark(str(folder), update)
    typer.echo(f"{folder}: {fetched}")
    return fetched


def _load(
    model: str,
    precision: Literal["f32", "bf16", "int8"],
    tile: int | None,
    ensemble: bool,
    settings: dict[str, Any],
) -> Restorer:
    from scalewise.restoring.loading import LoadOptions, load, load_trained
    from scalewise.weights import is_release
    from scalewise.weights.model_files import is_model_file

    options = LoadOptions(precision=precision, tile=tile or "auto", ensemble=ensemble)
    require_model(model, trained=True)
    if is_model_file(model) and not settings:
        return load(model, options)
    if Path(model).exists() and not is_release(model):
        return load_trained(model, options, settings)
    if settings:
        raise UsageError(f"{model}: its card states its settings; leave out --set")
    return load(model, options)


def _check_without_network(
    model: str, precision: str, tile: int | None, ensemble: bool, settings: dict[str, Any]
) -> None:
    """Refuse settings for what has no network, and warn of options that only networks have."""
    from scalewise.restoring.classical import without_network

    if settings:
        raise UsageError(f"{model} has no settings; leave out --set")
    given = ["--tile"] * (tile is not None) + ["--ensemble"] * ensemble
    given += ["--precision"] * (precision != "f32")
    if given:
        print_warning(without_network(model, given))


def _load_classical(model: str, task: str, sigma: float | None) -> Restore | None:
    """Return denoising without a network, if the model is a method of it."""
    from scalewise.evaluating.evaluate import classical_restoration
    from scalewise.restoring.classical import CLASSICAL, check_method
    from scalewise.tasks import DENOISE

    method: ClassicalMethod | None = next((each for each in CLASSICAL if each == model), None)
    if method is None:
        return None
    if task != DENOISE.name:
        raise UsageError(f"{method} only removes noise; leave out --task {task}")
    try:
        check_method(method)
    except ScalewiseError as error:  # it is not an option here
        raise ScalewiseError(str(error).removeprefix("method ")) from None
    return classical_restoration(method, sigma or DENOISE.options["sigma"].default)


def _measure(
    name: str,
    restore: Restore,
    scale: int,
    datasets: list[Dataset],
    protocol: Protocol,
    precision: str,
) -> list[Evaluation]:
    from scalewise.data.layouts import display_names
    from scalewise.evaluating.evaluate import Evaluation, evaluate

    evaluations: list[Evaluation] = []
    for dataset, title in zip(datasets, display_names(datasets), strict=True):
        images: list[ImageScore] = []
        with progress_bar(f"{name} on {title}", len(dataset.items)) as update:
            for image in evaluate(restore, dataset, scale, protocol):
                images.append(image)
                update(len(images))
        evaluations.append(Evaluation(name, title, protocol, precision, images))
    return evaluations


def _print_table(evaluations: list[Evaluation]) -> None:
    from rich.table import Table

    from scalewise.cli.tables import print_table

    table = Table()
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
    print_table(table, [evaluations[0].protocol.description])
    for dataset, digest in {each.dataset: each.encoded for each in evaluations}.items():
        if digest is not None:
            typer.echo(f"sha256 over the encoded files of {dataset}: {digest}")


def _write_on_card(model: str, evaluations: list[Evaluation]) -> None:
    """Write scores on a released model's card; they replace those of the same measurements."""
    from scalewise.evaluating.evaluate import to_score
    from scalewise.weights import find_release
    from scalewise.weights.card import read_card, with_scores, write_card

    folder = find_release(model)
    scores = [to_score(evaluation) for evaluation in evaluations]
    write_card(with_scores(read_card(folder), scores), folder)
    typer.echo(f"scores written on the card in {folder}")
