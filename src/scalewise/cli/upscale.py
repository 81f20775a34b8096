"""``scalewise upscale``: enlargement of images."""

from __future__ import annotations

from typing import Annotated

import typer

from scalewise.cli.batch import limit_of_pixels, make_engine, restore_all, select
from scalewise.cli.help import SIZE
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
    parse_frame,
)
from scalewise.cli.usage_errors import refusing_usage


def upscale(
    inputs: ImagesArgument,
    output: OutputOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Use this model: a name, folder, .onnx or checkpoint (default: scn_x2; "
            "graphics_x2 or graphics_jpeg_x2 for text and graphics; photo_x2 for noise and JPEG "
            "artifacts; where these are strong, what restore takes, then scn_x2). For other sizes "
            "than its own, those that its card names may be used, too.",
        ),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Enlarge by this factor, such as 3 or 1.5 (default: the model's own, 2 without "
            "--model).",
            rich_help_panel=SIZE,
        ),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Resize to this width in pixels; larger images are reduced.",
            rich_help_panel=SIZE,
        ),
    ] = None,
    height: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Resize to this height in pixels; larger images are reduced.",
            rich_help_panel=SIZE,
        ),
    ] = None,
    fit: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Fit into this frame, such as 3840x2160.", rich_help_panel=SIZE
        ),
    ] = None,
    max_megapixels: Annotated[
        float | None,
        typer.Option(
            metavar="MP", help="Reduce larger results to this size.", rich_help_panel=SIZE
        ),
    ] = None,
    strength: StrengthOption = 1.0,
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
    """Enlarge images, and remove noise and compression artifacts.

    To resume a run over many images, give the same command again: existing results are skipped.
    The existing result of a single image is an error.

    Examples:
        # Enlarge a photo to twice its size, as photo_x2.jpg
        scalewise upscale photo.jpg

        # Enlarge a folder of images to a width of 3840 pixels, as WebP
        scalewise upscale photos/ -o large/ --width 3840 --format webp

        # Enlarge an image from standard input
        curl -s https://example.org/photo.jpg | scalewise upscale - > large.jpg
    """
    from scalewise.restoring.file_pipeline import OutputOptions
    from scalewise.restoring.loading import LoadOptions
    from scalewise.restoring.selection import AUTO_SCALE, select_for_upscaling
    from scalewise.restoring.sizes import Target

    with refusing_usage():
        target = Target(scale, width, height, parse_frame(fit, "--fit"), max_megapixels)
    output_options = OutputOptions(
        target,
        format=format,
        quality=quality,
        lossless=lossless,
        strip=strip,
        overwrite=overwrite,
        max_pixels=limit_of_pixels(max_pixels),
    )
    options = LoadOptions(
        device=device,
        precision=precision,
        tile=tile or "auto",
        force_tiling=force_tiling,
        ensemble=ensemble,
        strength=strength,
    )
    engine = make_engine(model, select_for_upscaling, options, cluster)
    card = engine.card
    if card is not None and card.scale == 1 and not output_options.target.given:
        print_warning(f"{card.name} keeps the size; to enlarge its results too, add --scale")
    if suffix is None:
        native = AUTO_SCALE if card is None else card.scale
        suffix = f"_{output_options.target.label(native)}" if output is None else ""
    selection = select(inputs, include, exclude, shard)
    restore_all("upscaling", inputs, output, suffix, engine, output_options, selection)
