"""``scalewise restore``: removal of noise and JPEG artifacts from images."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scalewise.cli.batch import limit_of_pixels, make_engine, restore_all, select
from scalewise.cli.messages import print_warning
from scalewise.cli.options import (
    AutoPrecisionOption,
    ClusterOption,
    DeviceOption,
    EnsembleOption,
    ExcludeOption,
    ForceTilingOption,
    FormatOption,
    ImagesArgument,
    IncludeOption,
    LosslessOption,
    MaxPixelsOption,
    OutputOption,
    OverwriteOption,
    QualityOption,
    ShardOption,
    StrengthOption,
    StripOption,
    SuffixOption,
    TileOption,
)
from scalewise.cli.protocol_options import (
    DOUBLING_TASK_NAMES,
    RESTORING_TASK_NAMES,
    parse_restoring_task,
)
from scalewise.cli.usage_errors import UsageError, refusing_usage
from scalewise.tasks import AUTO, get_task

if TYPE_CHECKING:
    from scalewise.restoring.loading import LoadOptions
    from scalewise.restoring.selection import ModelLoader


def restore(
    inputs: ImagesArgument,
    output: OutputOption = None,
    task: Annotated[
        str,
        typer.Option(
            metavar="TASK",
            callback=parse_restoring_task,
            help=f"Do this task: {RESTORING_TASK_NAMES}. The size is doubled by "
            f"{DOUBLING_TASK_NAMES}; auto chooses by the pixels, and keeps it.",
        ),
    ] = AUTO,
    strength: StrengthOption = 1.0,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Use this model in place of the task's: a name, folder, .onnx or checkpoint.",
        ),
    ] = None,
    method: Annotated[
        Literal["network", "nlm", "wavelet"],
        typer.Option(
            metavar="METHOD",
            help="Remove noise by network, by nlm (non-local means) or by wavelet (shrinkage); the "
            "last two need the extra [classical].",
        ),
    ] = "network",
    sigma: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=255,
            metavar="LEVELS",
            help="Assume noise of this standard deviation in levels, 0-255, for nlm and wavelet "
            "(default: estimated for each image).",
        ),
    ] = None,
    format: FormatOption = None,
    quality: QualityOption = None,
    lossless: LosslessOption = False,
    strip: StripOption = False,
    overwrite: OverwriteOption = False,
    max_pixels: MaxPixelsOption = None,
    suffix: SuffixOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    shard: ShardOption = None,
    cluster: ClusterOption = None,
    device: DeviceOption = "auto",
    precision: AutoPrecisionOption = "auto",
    tile: TileOption = None,
    ensemble: EnsembleOption = False,
    force_tiling: ForceTilingOption = False,
) -> None:
    """Remove noise and compression artifacts from images.

    Artifacts are those of JPEG, WebP and AVIF. Images without either are left alone or, with
    --output, copied there as they are; a line says so. Run the same command again to resume:
    existing results are skipped. The existing result of a single image is an error.

    Examples:
        # Restore a photo, as photo_restored.jpg
        scalewise restore photo.jpg

        # Remove half of the noise from each image in a folder
        scalewise restore scans/ -o clean/ --task denoise --strength 0.5

        # Restore an image from standard input, and write WebP
        scalewise restore - --format webp < scan.png > clean.webp
    """
    from scalewise.restoring.file_pipeline import OutputOptions
    from scalewise.restoring.loading import LoadOptions
    from scalewise.restoring.selection import select_for_restoring
    from scalewise.weights import default_model

    if model is not None and task != AUTO:
        raise UsageError("give --task or --model: a model has one task")
    automatic: ModelLoader = select_for_restoring
    options = LoadOptions(
        device=device,
        precision=precision,
        tile=tile or "auto",
        force_tiling=force_tiling,
        ensemble=ensemble,
        strength=strength,
    )
    if method != "network":
        automatic = _classical(method, sigma, task, model, options)
        task = AUTO
    elif sigma is not None:
        raise UsageError("--sigma is for --method nlm or wavelet; a network needs none")
    output_options = OutputOptions(
        format=format,
        quality=quality,
        lossless=lossless,
        strip=strip,
        overwrite=overwrite,
        max_pixels=limit_of_pixels(max_pixels),
    )
    named = model if task == AUTO else default_model(task)
    engine = make_engine(named, automatic, options, cluster)
    card = engine.card
    if card is not None and get_task(card.task).only_enlarges and strength == 1:
        print_warning(f"{card.name} only enlarges: it removes neither noise nor JPEG artifacts")
    if suffix is None:
        suffix = "_restored" if output is None else ""
    selection = select(inputs, include, exclude, shard)
    restore_all("restoring", inputs, output, suffix, engine, output_options, selection)


def _classical(
    method: Literal["nlm", "wavelet"],
    sigma: float | None,
    task: str,
    model: str | None,
    options: LoadOptions,
) -> ModelLoader:
    """Return what loads a classical denoiser in place of models."""
    from scalewise.restoring.classical import (
        check_method,
        load_classical,
        require_denoising,
        warn_of_ignored,
    )

    with refusing_usage():
        require_denoising(method, task, model)
    check_method(method, sigma)
    warn_of_ignored(method, options)
    return partial(load_classical, method, sigma)
