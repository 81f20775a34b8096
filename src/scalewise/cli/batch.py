"""What the commands that restore pictures have in common: running, and saying what came of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

from scalewise.cli.console import print_error, print_warning, progress_bar
from scalewise.cli.pipes import Places, places

if TYPE_CHECKING:
    from scalewise.restoring.folder import Outcome
    from scalewise.restoring.jobs import Job, Selection
    from scalewise.restoring.pictures import Wishes
    from scalewise.restoring.selection import ModelSpec


@dataclass(frozen=True)
class Engine:
    """What restores the pictures.

    Attributes:
        model: a released model's name or folder, or what loads networks that depend on the
            picture.
        options: of :func:`scalewise.restoring.restorer.load`.
        cluster: a Ray cluster's address; None for this machine.
    """

    model: ModelSpec
    options: dict[str, Any]
    cluster: str | None = None


def select(
    include: Sequence[str] | None, exclude: Sequence[str] | None, shard: str | None
) -> Selection:
    """Which pictures of folders are wanted, from the command line."""
    from scalewise.restoring.jobs import Selection, parse_shard

    return Selection(tuple(include or ()), tuple(exclude or ()), parse_shard(shard or "1/1"))


def limit_of_pixels(max_pixels: int | None) -> int | None:
    """The limit, from the command line: our own where none is given, none where it is 0."""
    from scalewise.files import MAX_PIXELS

    return MAX_PIXELS if max_pixels is None else max_pixels or None


def restore_all(
    title: str,
    inputs: Sequence[str],
    output: str | None,
    suffix: str,
    engine: Engine,
    wishes: Wishes,
    selection: Selection,
) -> None:
    """Restore what a command names, files or pipes, and say what became of each picture.

    Raises:
        typer.Exit: with code 1, if one failed.
        ScalewiseError: as :func:`~scalewise.cli.pipes.places` and
            :func:`~scalewise.restoring.jobs.plan_jobs`.
    """
    from scalewise.restoring.jobs import plan_jobs

    form = wishes.format
    with places(inputs, output, format=form, cluster=engine.cluster) as files:
        jobs = plan_jobs(
            files.inputs, files.output, suffix, format=form, selection=selection, warn=print_warning
        )
        _restore_and_report(title, files, jobs, engine, wishes)


def _restore_and_report(
    title: str, files: Places, jobs: Sequence[Job], engine: Engine, wishes: Wishes
) -> None:
    """Restore planned pictures; see :func:`restore_all`."""
    from scalewise.restoring.folder import restore_files
    from scalewise.restoring.selection import load_networks

    start = time.perf_counter()
    _warn_of_tiles(engine)
    alone = len(files.inputs) == 1 and not files.inputs[0].is_dir()
    with progress_bar(title, percent=True) as update:

        def tell(done: float, total: float, name: str) -> None:
            update(done, total, detail=name)

        if engine.cluster is None:
            networks = load_networks(engine.model, **engine.options)
            outcomes = restore_files(jobs, networks, wishes, tell)
        else:
            from scalewise.restoring.cluster import restore_on_cluster

            outcomes = restore_on_cluster(
                jobs, engine.cluster, engine.model, wishes, tell, print_warning, **engine.options
            )
        with closing(outcomes):
            counts = _report(outcomes, alone, files)
    if not alone:
        typer.echo(_summary(counts, time.perf_counter() - start))
    if counts["failed"]:
        raise typer.Exit(1)
    files.deliver(wishes)


def _warn_of_tiles(engine: Engine) -> None:
    """Say what cutting pictures means for a model that must see them whole."""
    from scalewise.weights import find_release
    from scalewise.weights.card import read_card

    local, tile = engine.options["allow_local"], engine.options["tile"]
    if callable(engine.model) or not (local or isinstance(tile, int)):
        return
    card = read_card(find_release(engine.model))
    if card.tiling == "whole":
        print_warning(
            f"{card.name} is made to see pictures whole: "
            + ("cut into tiles, it gives others" if local else "--tile is ignored")
        )


def _report(outcomes: Iterable[Outcome], alone: bool, files: Places) -> Counter[str]:
    """Say what became of every picture; how often what."""

    def say(line: str) -> None:  # beside the picture, if that goes to standard output
        typer.echo(files.named(line), err=files.result is not None)

    counts: Counter[str] = Counter()
    for outcome in outcomes:
        done = outcome.restored
        if done is not None:
            counts["restored"] += 1
            for warning in done.warnings:
                print_warning(files.named(warning))
            reason = f" ({done.reason})" if done.reason else ""
            say(
                f"{done.target}: {done.width}x{done.height}, {done.model}{reason}, "
                f"{done.seconds:.1f} s"
            )
        elif outcome.needless:
            counts["needless"] += 1
            say(outcome.needless)
        elif outcome.skipped and not alone:
            counts["skipped"] += 1
        else:
            counts["failed"] += 1
            there = f"{outcome.job.target}: exists already; add --overwrite to replace it"
            print_error(files.named(outcome.problem or there))
    return counts


def _summary(counts: Counter[str], seconds: float) -> str:
    parts = [f"{counts['restored']} restored"]
    if counts["skipped"]:
        parts.append(f"{counts['skipped']} there already (--overwrite makes them anew)")
    if counts["needless"]:
        parts.append(f"{counts['needless']} left, for there is nothing to restore")
    if counts["failed"]:
        parts.append(f"{counts['failed']} failed")
    return f"{', '.join(parts)}, in {timedelta(seconds=round(seconds))}"
