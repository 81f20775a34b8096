"""``scalewise upscale``: enlarge pictures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalewise.cli.console import Update, print_error, progress_bar
from scalewise.cli.options import DEFAULT_MODEL, ModelOption, PrecisionOption, TileOption

if TYPE_CHECKING:
    from scalewise.restoring.batch import Job
    from scalewise.restoring.restorer import Restorer


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
    tile: TileOption = None,
    precision: PrecisionOption = "f32",
    quality: Annotated[
        int | None, typer.Option(min=1, max=100, help="Of JPEG, WebP and AVIF.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that exist.")
    ] = False,
) -> None:
    """Enlarge pictures with a released model."""
    from scalewise.errors import ScalewiseError
    from scalewise.restoring.batch import plan_jobs
    from scalewise.restoring.restorer import DEFAULT_TILE, load

    restorer = load(model, precision=precision, tile=tile or DEFAULT_TILE)
    jobs = plan_jobs(inputs, output, f"_x{restorer.scale}")
    failures = 0
    with progress_bar("upscaling", percent=True) as update:
        for job in jobs:
            try:
                line = _upscale_one(restorer, job, quality, overwrite, update)
            except ScalewiseError as error:
                if len(jobs) == 1:
                    raise
                failures += 1
                print_error(str(error))
            else:
                typer.echo(line)
    if failures:
        print_error(f"{failures} of {len(jobs)} pictures failed")
        raise typer.Exit(1)


def _upscale_one(
    restorer: Restorer, job: Job, quality: int | None, overwrite: bool, update: Update
) -> str:
    """Restore one file; the line that says so."""
    from scalewise.errors import ScalewiseError
    from scalewise.files import read, write

    if job.target.exists() and not overwrite:  # found out before the work, not after it
        raise ScalewiseError(f"{job.target}: exists already; add --overwrite to replace it")
    picture = read(job.source)
    start = time.perf_counter()
    restored = restorer.upscale(
        picture, lambda done, total: update(done, total, detail=job.source.name)
    )
    seconds = time.perf_counter() - start
    job.target.parent.mkdir(parents=True, exist_ok=True)
    write(job.target, restored, quality, overwrite)
    height, width = restored.pixels.shape[:2]
    return f"{job.target}: {width}x{height}, {restorer.name}, {seconds:.1f} s"
