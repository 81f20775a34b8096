"""``scalewise restore``: take out of pictures what is wrong with them."""

from __future__ import annotations

from typing import Annotated

import typer

from scalewise.cli.batch import Engine, limit_of_pixels, restore_all, select
from scalewise.cli.options import (
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
from scalewise.cli.protocol_options import RESTORING_TASK_NAMES, parse_restoring_task
from scalewise.errors import ScalewiseError
from scalewise.tasks import AUTO


def restore(
    inputs: PicturesArgument,
    output: OutputOption = None,
    task: Annotated[
        str,
        typer.Option(
            metavar=RESTORING_TASK_NAMES,
            callback=parse_restoring_task,
            help="What to remove; photo removes noise and artifacts and doubles the size. auto "
            "looks at the pixels.",
        ),
    ] = AUTO,
    strength: StrengthOption = 1.0,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="A model of your own, in place of the task's."),
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
    allow_local: AllowLocalOption = False,
) -> None:
    """Take noise and JPEG's artifacts out of pictures.

    Pictures without either are left alone, and said to be. A run over many that was stopped goes
    on when the same command is given again: results that exist are skipped.
    """
    from scalewise.restoring.pictures import Wishes
    from scalewise.restoring.restorer import DEFAULT_TILE
    from scalewise.restoring.selection import ModelSpec, select_for_restoring
    from scalewise.weights import default_model

    if model is not None and task != AUTO:
        raise ScalewiseError("give --task or --model: a model has one task")
    which: ModelSpec = model or (select_for_restoring if task == AUTO else default_model(task))
    wishes = Wishes(
        format=format,
        quality=quality,
        lossless=lossless,
        strip=strip,
        overwrite=overwrite,
        max_pixels=limit_of_pixels(max_pixels),
    )
    if suffix is None:
        suffix = "_restored" if output is None else ""
    selection = select(include, exclude, shard)
    options = {
        "device": device,
        "precision": precision,
        "tile": tile or DEFAULT_TILE,
        "allow_local": allow_local,
        "ensemble": ensemble,
        "strength": strength,
    }
    engine = Engine(which, options, cluster)
    restore_all("restoring", inputs, output, suffix, engine, wishes, selection)
