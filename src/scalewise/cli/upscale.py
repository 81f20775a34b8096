"""``scalewise upscale``: enlarge pictures."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from scalewise.cli.batch import Engine, limit_of_pixels, restore_all, select
from scalewise.cli.options import (
    SIZE,
    AllowLocalOption,
    AutoPrecisionOption,
    ClusterOption,
    DeviceOption,
    EnsembleOption,
    ExcludeOption,
    FormatOption,
    IncludeOption,
    LosslessOption,
    MaxPixelsOption,
    OutputOption,
    OverwriteOption,
    PicturesArgument,
    QualityOption,
    ShardOption,
    StrengthOption,
    StripOption,
    SuffixOption,
    TileOption,
)
from scalewise.errors import ScalewiseError


def upscale(
    inputs: PicturesArgument,
    output: OutputOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="A released model's name or folder (default: photo_x2 for JPEGs, scn_x2 for all "
            "else).",
        ),
    ] = None,
    scale: Annotated[
        float | None, typer.Option(help="Times the size, such as 3 or 1.5.", rich_help_panel=SIZE)
    ] = None,
    width: Annotated[int | None, typer.Option(help="In pixels.", rich_help_panel=SIZE)] = None,
    height: Annotated[int | None, typer.Option(help="In pixels.", rich_help_panel=SIZE)] = None,
    fit: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="As large as goes into, such as 3840x2160.", rich_help_panel=SIZE
        ),
    ] = None,
    max_megapixels: Annotated[
        float | None,
        typer.Option(help="Reduce larger results to that.", rich_help_panel=SIZE),
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
    allow_local: AllowLocalOption = False,
) -> None:
    """Enlarge pictures; JPEGs lose their faults on the way.

    Everything else is enlarged as it is.

    A run over many that was stopped goes on when the same command is given again: results that
    exist are skipped.
    """
    from scalewise.restoring.pictures import Wishes
    from scalewise.restoring.restorer import DEFAULT_TILE
    from scalewise.restoring.selection import select_for_upscaling
    from scalewise.restoring.sizes import Target
    from scalewise.weights import find_release
    from scalewise.weights.card import read_card

    wishes = Wishes(
        Target(scale, width, height, _frame(fit), max_megapixels),
        format=format,
        quality=quality,
        lossless=lossless,
        strip=strip,
        overwrite=overwrite,
        max_pixels=limit_of_pixels(max_pixels),
    )
    if suffix is None:
        native = read_card(find_release(model)).scale if model else 2
        suffix = f"_{wishes.target.label(native)}" if output is None else ""
    selection = select(include, exclude, shard)
    options = {
        "device": device,
        "precision": precision,
        "tile": tile or DEFAULT_TILE,
        "allow_local": allow_local,
        "ensemble": ensemble,
        "strength": strength,
    }
    restore_all(
        "upscaling",
        inputs,
        output,
        suffix,
        Engine(model or select_for_upscaling, options, cluster),
        wishes,
        selection,
    )


def _frame(text: str | None) -> tuple[int, int] | None:
    """Width and height of ``WxH``."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)[xX](\d+)", text)
    if match is None:
        raise ScalewiseError(f"fit '{text}': write WxH, such as 3840x2160")
    return int(match[1]), int(match[2])
