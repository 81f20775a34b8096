"""``scalewise evaluate``: scores of a model under a stated protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from scalewise.cli.help import DATA, OUTPUT
from scalewise.cli.messages import print_warning
from scalewise.cli.model_names import require_model
from scalewise.cli.options import (
    EnsembleOption,
    PrecisionOption,
    ReplaceOption,
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
    AgainstOption,
    MetricOption,
    ResultsOption,
    TableFormatOption,
    TableOutputOption,
    TruthOption,
    assumed_scale,
    check_no_model_options,
    check_table_output,
    find_sets,
    parse_metrics,
    print_faults,
    score_folders,
    show_table,
)
from scalewise.cli.usage_errors import UsageError
from scalewise.errors import ScalewiseError

if TYPE_CHECKING:
    from scalewise.data.layouts import Dataset
    from scalewise.evaluating.evaluate import Evaluation, ImageScore, Restore
    from scalewise.imaging.metric_registry import Metric
    from scalewise.imaging.protocols import Protocol
    from scalewise.restoring.classical import ClassicalMethod
    from scalewise.restoring.restorer import Restorer


def evaluate(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A released model's name or folder; an .onnx; a run's folder or a checkpoint "
            "(needs torch); a baseline: bicubic, noisy, jpeg or input; or nlm or wavelet, which "
            "denoise without a network, at the known sigma. Not needed with --results.",
        ),
    ] = None,
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="DIR",
            help="Datasets: folders, or names in the folder that SCALEWISE_DATA is set to; with "
            "--download also Set5, Set14, BSD100, Urban100 and DIV2K.",
        ),
    ] = None,
    results: ResultsOption = None,
    truth: TruthOption = None,
    task: TaskOption = None,
    sigma: SigmaOption = None,
    quality: QualityOption = None,
    subsampling: SubsamplingOption = None,
    grey: GreyOption = False,
    sensor: SensorOption = False,
    protocol: ProtocolOption = None,
    scale: Annotated[
        int | None,
        typer.Option(
            min=2,
            max=8,
            metavar="N",
            help="Scale of results, or of bicubic, 2-8 (default: 2).",
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
    metric: MetricOption = None,
    against: AgainstOption = None,
    format: TableFormatOption = None,
    output: TableOutputOption = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the scores of each image to this file.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: ReplaceOption = False,
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
    """Score models, and results of other programs, on datasets.

    The protocol is printed under the table. Scores under different protocols cannot be compared,
    and methods are compared over the same images only.

    Examples:
        # Score a released model on two test sets
        scalewise evaluate scn_x2 Set5 Set14 --download

        # Score results of two programs, as a table for LaTeX
        scalewise evaluate --results bicubic --results span --truth Set5 -o a.tex

        # Score a denoiser at a standard deviation of 50, in colour
        scalewise evaluate denoise Kodak24/ --sigma 50
    """
    from scalewise.data.layouts import find_dataset
    from scalewise.evaluating.evaluate import write_csv
    from scalewise.evaluating.score_table import additional_metrics, make_table
    from scalewise.tasks import SUPER_RESOLUTION

    if csv is not None:
        check_output_file(csv, "--csv", overwrite=overwrite)
    check_table_output(output, format, overwrite=overwrite)
    places = [*(folders or []), *(truth or [])]
    _check_given(model, places, results)
    metrics = parse_metrics(metric)
    task = task or (task_of(model) if model else SUPER_RESOLUTION.name)
    measure = chosen_protocol(task, sigma, quality, subsampling, grey, sensor, protocol)
    measured = additional_metrics(metrics, measure)
    known = parse_settings(settings)
    if model is None:
        options = {"--tile": tile, "--ensemble": ensemble, "--set": settings, "--card": card}
        check_no_model_options(options | {"--precision": precision != "f32"})
        methods: list[_Method] = []
        factor = scale or measure.only_scale or 2
        check_scale("--results", factor, task, measure)
    else:
        running = _Running(precision, tile, ensemble, known)
        methods, factor = _methods(model, task, sigma, scale, measure, running, card)
    places = find_sets(places, "--truth " if truth else "", download=download)
    datasets = [find_dataset(folder, split) for folder in places]
    for remark in (remark for dataset in datasets for remark in dataset.remarks()):
        print_warning(remark)
    evaluations: list[Evaluation] = []
    for method in methods:
        evaluations += _measure(method, factor, datasets, measure, measured)
    if results:
        names = [method.name for method in methods]
        evaluations += score_folders(results, datasets, factor, measure, measured, names)
    free = scale is None and model is None and measure.only_scale is None
    remarks = assumed_scale(results, factor) if results and free else []
    table = make_table(evaluations, factor, metrics, _totals(datasets), against, remarks)
    show_table(table, format, output, overwrite=overwrite)
    if csv is not None:
        write_csv(evaluations, csv, overwrite=overwrite)
        typer.echo(f"scores of each image: {csv}")
    if card and model is not None:
        _write_on_card(model, evaluations[: len(methods) * len(datasets)])
    scored = {each.model for each in evaluations if each.images}
    if unscored := {each.model for each in evaluations} - scored:
        raise ScalewiseError(f"{', '.join(sorted(unscored))}: no image could be scored")


class _Running(NamedTuple):
    """Settings of a network's run: precision, tiles, self-ensemble, and those of its own."""

    precision: Literal["f32", "bf16", "int8"]
    tile: int | None
    ensemble: bool
    settings: dict[str, Any]


class _Method(NamedTuple):
    """A method that runs here: its name, how it restores, its precision, its weights' SHA-256."""

    name: str
    restore: Restore
    precision: str
    weights: str | None = None


def _check_given(model: str | None, places: list[Path], results: list[str] | None) -> None:
    """Refuse a command line without anything to score, or without ground truths."""
    if model is None and not results:
        raise UsageError("missing argument MODEL; see 'scalewise evaluate --help'")
    if not places:
        missing = "option --truth SET" if results else "argument DIR"
        raise UsageError(f"missing {missing}; see 'scalewise evaluate --help'")


def _totals(datasets: list[Dataset]) -> dict[str, int]:
    from scalewise.data.layouts import display_names

    titles = display_names(datasets)
    return {title: len(each.items) for title, each in zip(titles, datasets, strict=True)}


def _methods(
    model: str,
    task: str,
    sigma: float | None,
    scale: int | None,
    measure: Protocol,
    running: _Running,
    card: bool,
) -> tuple[list[_Method], int]:
    """Return the methods that a model's name stands for, and their scale."""
    from scalewise.evaluating.evaluate import baseline, restoration
    from scalewise.tasks import SUPER_RESOLUTION, get_task
    from scalewise.weights import find_release, is_release
    from scalewise.weights.resolve import is_packaged

    plain = get_task(task).baseline
    classical = _load_classical(model, task, sigma)
    restorer = None
    if classical is None and model not in baselines():
        restorer = _load(model, running)
    else:
        _check_without_network(model, running)
    own_scale = restorer.scale if restorer else scale if model == SUPER_RESOLUTION.baseline else 1
    if scale not in (None, own_scale):
        raise UsageError(f"--scale {scale} is for bicubic; {model} is for x{own_scale} only")
    if card and not is_release(model):
        raise UsageError(f"{model} has no card; give a released model with --card")
    if card and is_packaged(model):
        folder = find_release(model)
        raise UsageError(
            f"--card: {model} comes with the package; name its folder ({folder}) for that"
        )
    if restorer is None and classical is None and model != plain:
        raise ScalewiseError(f"{model} is not the baseline of {task}; that is {plain}")
    factor = restorer.scale if restorer else scale or measure.only_scale or 2
    check_scale(restorer.name if restorer else model, factor, task, measure)
    methods: list[_Method] = []
    if model == plain or card:
        methods.append(_Method(plain, baseline(factor), "f64"))
    if classical is not None:
        methods.append(_Method(model, classical, "f32"))
    if restorer is not None:
        name = f"{restorer.name}{'+' * running.ensemble}"
        methods.append(_Method(name, restoration(restorer), running.precision, _weights_of(model)))
    return methods, factor


def _weights_of(model: str) -> str | None:
    """Return the SHA-256 of a model's weights; None of a training run, which goes on."""
    from scalewise.evaluating.evaluate import sha256_of
    from scalewise.weights import is_release, resolve
    from scalewise.weights.card import WEIGHTS_FILE

    if is_release(model):
        return resolve(model).card.sha256.get(WEIGHTS_FILE)
    return sha256_of(Path(model)) if Path(model).is_file() else None


def _load(model: str, running: _Running) -> Restorer:
    from scalewise.restoring.loading import LoadOptions, load, load_trained
    from scalewise.weights import is_release
    from scalewise.weights.model_files import is_model_file

    precision, tile, ensemble, settings = running
    options = LoadOptions(precision=precision, tile=tile or "auto", ensemble=ensemble)
    require_model(model)
    if is_model_file(model) and not settings:
        return load(model, options)
    if Path(model).exists() and not is_release(model):
        return load_trained(model, options, settings)
    if settings:
        raise UsageError(f"{model}: its card states its settings; leave out --set")
    return load(model, options)


def _check_without_network(model: str, running: _Running) -> None:
    """Refuse settings for what has no network, and warn of options that only networks have."""
    from scalewise.restoring.classical import without_network

    precision, tile, ensemble, settings = running
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
    method: _Method,
    scale: int,
    datasets: list[Dataset],
    protocol: Protocol,
    metrics: list[Metric],
) -> list[Evaluation]:
    from scalewise.data.layouts import display_names
    from scalewise.evaluating.evaluate import Evaluation, evaluate

    name, restore, precision, weights = method
    evaluations: list[Evaluation] = []
    for dataset, title in zip(datasets, display_names(datasets), strict=True):
        images: list[ImageScore] = []
        small: list[str] = []
        with progress_bar(f"{name} on {title}", len(dataset.items)) as update:
            for image in evaluate(
                restore, dataset, scale, protocol, metrics=metrics, leave_out=small.append
            ):
                images.append(image)
                update(len(images))
        if small and not images and len(datasets) == 1:
            raise ScalewiseError(small[0])
        print_faults([f"{line}; left out" for line in small], f"{name} on {title}")
        evaluations.append(Evaluation(name, title, protocol, precision, images, weights))
    return evaluations


def _write_on_card(model: str, evaluations: list[Evaluation]) -> None:
    """Write scores on a released model's card; they replace those of the same measurements."""
    from scalewise.evaluating.evaluate import to_score
    from scalewise.weights import find_release
    from scalewise.weights.card import read_card, with_scores
    from scalewise.weights.card_page import write_card

    folder = find_release(model)
    scores = [to_score(evaluation) for evaluation in evaluations if evaluation.images]
    write_card(with_scores(read_card(folder), scores), folder)
    typer.echo(f"scores written on the card in {folder}")
