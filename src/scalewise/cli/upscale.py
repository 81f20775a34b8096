"""``scalewise upscale``: enlarge pictures."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalewise.cli.console import print_error, print_warning, progress_bar
from scalewise.cli.options import (
    DEFAULT_MODEL,
    AllowLocalOption,
    AutoPrecisionOption,
    DeviceOption,
    ModelOption,
    TileOption,
)
from scalewise.errors import ScalewiseError

if TYPE_CHECKING:
    from scalewise.restoring.folder import Outcome

_SIZE, _FILES, _FOLDERS = "Size", "Files", "Folders"


def upscale(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="IN...", help="Pictures, and folders of pictures.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A file for one picture, else a folder; beside each picture by default.",
        ),
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    scale: Annotated[
        float | None,
        typer.Option(help="Times the size, such as 3 or 1.5.", rich_help_panel=_SIZE),
    ] = None,
    width: Annotated[int | None, typer.Option(help="In pixels.", rich_help_panel=_SIZE)] = None,
    height: Annotated[int | None, typer.Option(help="In pixels.", rich_help_panel=_SIZE)] = None,
    fit: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="As large as goes into, such as 3840x2160.", rich_help_panel=_SIZE
        ),
    ] = None,
    max_megapixels: Annotated[
        float | None,
        typer.Option(help="Reduce larger results to that.", rich_help_panel=_SIZE),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="png, tiff, jpeg, webp or avif; by the extension by default.",
            rich_help_panel=_FILES,
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Of JPEG, WebP and AVIF.", rich_help_panel=_FILES),
    ] = None,
    lossless: Annotated[
        bool,
        typer.Option("--lossless", help="Of WebP and AVIF, too.", rich_help_panel=_FILES),
    ] = False,
    strip: Annotated[
        bool,
        typer.Option("--strip", help="Leave out Exif, XMP and resolution.", rich_help_panel=_FILES),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace outputs that exist.", rich_help_panel=_FILES),
    ] = False,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Refuse larger inputs (default: 500 million; 0: no limit).",
            rich_help_panel=_FILES,
        ),
    ] = None,
    suffix: Annotated[
        str | None,
        typer.Option(
            help="Before the extension of a result (default: the size, such as _x2, beside the "
            "picture; nothing in a folder).",
            rich_help_panel=_FOLDERS,
        ),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(
            help="Only what matches, such as '*.jpg' or '2024/*'; may be repeated.",
            rich_help_panel=_FOLDERS,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="Not what matches; may be repeated.", rich_help_panel=_FOLDERS),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", help="Only the i-th of n parts, one a machine.", rich_help_panel=_FOLDERS
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="On the machines of a Ray cluster: auto, HOST:PORT, or local for one made of "
            "this machine.",
            rich_help_panel=_FOLDERS,
        ),
    ] = None,
    device: DeviceOption = "auto",
    precision: AutoPrecisionOption = "auto",
    tile: TileOption = None,
    allow_local: AllowLocalOption = False,
) -> None:
    """Enlarge pictures with a released model.

    A run over many that was stopped goes on when the same command is given again: results that
    exist are skipped.
    """
    from scalewise.files import MAX_PIXELS
    from scalewise.restoring.cluster import restore_on_cluster
    from scalewise.restoring.enlarging import load_series
    from scalewise.restoring.folder import restore_files
    from scalewise.restoring.jobs import Selection, parse_shard, plan_jobs
    from scalewise.restoring.pictures import Wishes
    from scalewise.restoring.restorer import DEFAULT_TILE
    from scalewise.restoring.sizes import Target
    from scalewise.weights import find_release
    from scalewise.weights.card import read_card

    start = time.perf_counter()
    wishes = Wishes(
        Target(scale, width, height, _frame(fit), max_megapixels),
        format=format,
        quality=quality,
        lossless=lossless,
        strip=strip,
        overwrite=overwrite,
        max_pixels=MAX_PIXELS if max_pixels is None else max_pixels or None,
    )
    selection = Selection(tuple(include or ()), tuple(exclude or ()), parse_shard(shard or "1/1"))
    card = read_card(find_release(model))
    if suffix is None:
        suffix = f"_{wishes.target.label(card.scale)}" if output is None else ""
    jobs = plan_jobs(inputs, output, suffix, format=format, selection=selection)
    if card.tiling == "whole" and (tile or allow_local):
        print_warning(
            f"{card.name} is made to see pictures whole: "
            + ("cut into tiles, it gives others" if allow_local else "--tile is ignored")
        )
    alone = len(inputs) == 1 and not inputs[0].is_dir()
    options: dict[str, Any] = {
        "device": device,
        "precision": precision,
        "tile": tile or DEFAULT_TILE,
        "allow_local": allow_local,
    }
    with progress_bar("upscaling", percent=True) as update:

        def tell(done: float, total: float, name: str) -> None:
            update(done, total, detail=name)

        if cluster is None:
            outcomes = restore_files(jobs, load_series(model, **options), wishes, tell)
        else:
            outcomes = restore_on_cluster(
                jobs, cluster, model, wishes, tell, print_warning, **options
            )
        with closing(outcomes):
            counts = _report(outcomes, card.name, alone)
    if not alone:
        typer.echo(_summary(counts, time.perf_counter() - start))
    if counts["failed"]:
        raise typer.Exit(1)


def _report(outcomes: Iterable[Outcome], model: str, alone: bool) -> Counter[str]:
    """Say what became of every picture; how often what."""
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        done = outcome.restored
        if done is not None:
            counts["restored"] += 1
            for warning in done.warnings:
                print_warning(warning)
            typer.echo(f"{done.target}: {done.width}x{done.height}, {model}, {done.seconds:.1f} s")
        elif outcome.skipped and not alone:
            counts["skipped"] += 1
        else:
            counts["failed"] += 1
            there = f"{outcome.job.target}: exists already; add --overwrite to replace it"
            print_error(outcome.problem or there)
    return counts


def _summary(counts: Counter[str], seconds: float) -> str:
    parts = [f"{counts['restored']} restored"]
    if counts["skipped"]:
        parts.append(f"{counts['skipped']} there already (--overwrite makes them anew)")
    if counts["failed"]:
        parts.append(f"{counts['failed']} failed")
    return f"{', '.join(parts)}, in {timedelta(seconds=round(seconds))}"


def _frame(text: str | None) -> tuple[int, int] | None:
    """Width and height of ``WxH``."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)[xX](\d+)", text)
    if match is None:
        raise ScalewiseError(f"fit '{text}': write WxH, such as 3840x2160")
    return int(match[1]), int(match[2])
