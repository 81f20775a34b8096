"""Batch runs of ``upscale`` and ``restore``: the run, and a report on each image."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from scalewise.cli.messages import one_line, print_error, print_warning, put_own_flags
from scalewise.cli.outputs import check_results_place
from scalewise.cli.pipes import PIPE, Places, places
from scalewise.cli.progress_bar import progress_bar
from scalewise.cli.usage_errors import UsageError, refusing_usage

if TYPE_CHECKING:
    from scalewise.restoring.batch import JobResult
    from scalewise.restoring.file_pipeline import OutputOptions
    from scalewise.restoring.filters import Selection
    from scalewise.restoring.jobs import FileJob
    from scalewise.restoring.loading import LoadOptions
    from scalewise.restoring.selection import ModelLoader
    from scalewise.weights import Release
    from scalewise.weights.card import Card


@dataclass(frozen=True)
class Engine:
    """The models that restore the images, and where they run.

    Attributes:
        model: the name or folder that the user gave; None where the images decide.
        release: the same, resolved on this machine.
        automatic: loads models that depend on the image.
        options: how models are loaded.
        cluster: a Ray cluster's address; None for this machine.
    """

    model: str | None
    release: Release | None
    automatic: ModelLoader
    options: LoadOptions
    cluster: str | None = None

    @property
    def card(self) -> Card | None:
        """Card of the model that the user gave; None where the images decide."""
        return None if self.release is None else self.release.card


def make_engine(
    model: str | None, automatic: ModelLoader, options: LoadOptions, cluster: str | None
) -> Engine:
    """Resolve the model, and warn if it ignores the options on tiles.

    Raises:
        ScalewiseError: no such model.
    """
    from scalewise.weights import resolve

    release = None if model is None else resolve(model)
    if release is not None and release.card.tiling == "whole":
        name = release.card.name
        if options.force_tiling:
            print_warning(f"{name} is made to see images whole: cut into tiles, results differ")
        options.warn_of_ignored_tile(release.card)
    return Engine(model, release, automatic, options, cluster)


def select(
    inputs: Sequence[str],
    include: Sequence[str] | None,
    exclude: Sequence[str] | None,
    shard: str | None,
) -> Selection:
    """Return which images of folders to take, from the command line.

    Raises:
        UsageError: a part that is not there, or a selection from standard input.
    """
    from scalewise.restoring.filters import Selection, parse_shard

    options = {"--include": include, "--exclude": exclude, "--shard": shard}
    given = [flag for flag, value in options.items() if value]
    if given and PIPE in inputs:
        raise UsageError(f"{given[0]} selects images of folders, not standard input; leave it out")
    with refusing_usage():
        selection = Selection(
            tuple(include or ()), tuple(exclude or ()), parse_shard(shard or "1/1")
        )
    if given and not any(Path(each).is_dir() for each in inputs):
        print_warning(
            f"{' and '.join(given)}: ignored, because it selects images of folders, and no input "
            "is a folder"
        )
    return selection


def limit_of_pixels(max_pixels: int | None) -> int | None:
    """Return the limit, from the command line: the default for None, no limit for 0."""
    from scalewise.files import MAX_PIXELS

    return MAX_PIXELS if max_pixels is None else max_pixels or None


def restore_all(
    title: str,
    inputs: Sequence[str],
    output: str | None,
    suffix: str,
    engine: Engine,
    output_options: OutputOptions,
    selection: Selection,
) -> None:
    """Restore the images that a command names, files or pipes, and report on each.

    Raises:
        typer.Exit: with code 1, if one failed.
        ScalewiseError: as :func:`~scalewise.cli.pipes.places` and
            :func:`~scalewise.restoring.jobs.plan_jobs`.
    """
    from scalewise.restoring.jobs import plan_jobs

    form = output_options.format
    if output not in (None, "", PIPE):
        check_results_place(output)
    with places(inputs, output, format=form, cluster=engine.cluster) as files:
        jobs = plan_jobs(
            files.inputs, files.output, suffix, format=form, selection=selection, warn=print_warning
        )
        # Next to the image itself a copy is of no use; elsewhere the results should be complete.
        output_options = replace(output_options, copy_clean=files.output is not None)
        _restore_and_report(title, files, jobs, engine, output_options)


def _restore_and_report(
    title: str,
    files: Places,
    jobs: Sequence[FileJob],
    engine: Engine,
    output_options: OutputOptions,
) -> None:
    """Restore planned images; see :func:`restore_all`."""
    from scalewise.restoring.batch import restore_files
    from scalewise.restoring.selection import load_networks

    start = time.perf_counter()
    alone = len(files.inputs) == 1 and not files.inputs[0].is_dir()
    with progress_bar(title, percent=True) as update:

        def progress(done: float, total: float, name: str) -> None:
            update(done, total, detail=name)

        if engine.cluster is None:
            networks = load_networks(engine.release or engine.automatic, engine.options)
            results = restore_files(jobs, networks, output_options, progress)
        else:
            from scalewise.cluster import restore_on_cluster

            results = restore_on_cluster(
                jobs,
                engine.cluster,
                engine.model or engine.automatic,  # each machine resolves the name
                output_options,
                progress,
                print_warning,
                engine.options,
            )
        try:
            with closing(results):
                counts = _report(results, alone, files, engine)
        except KeyboardInterrupt:
            kept = "finished images are kept; the same command restores the others"
            typer.echo(f"stopped: {'nothing was written' if alone else kept}", err=True)
            raise
    if not alone:
        typer.echo(_summary(counts, time.perf_counter() - start))
    if counts["failed"]:
        raise typer.Exit(1)


def _report(
    results: Iterable[JobResult], alone: bool, files: Places, engine: Engine
) -> Counter[str]:
    """Report on every image; return the number of images in each state.

    What goes to standard output is sent there first.
    """

    def say(line: str) -> None:  # on stderr if the image goes to standard output
        typer.echo(one_line(files.named(line)), err=files.result is not None)

    counts: Counter[str] = Counter()
    said: set[str] = set()
    networks: set[str] = set()
    others: list[JobResult] = []  # which existed, and are not what this command makes
    for result in results:
        done = result.restored
        if done is not None:
            counts["unchanged" if done.unchanged else "restored"] += 1
            networks |= {*done.model.split(", ")}
            for warning in done.warnings:
                if warning not in said:  # such as an option that no image takes
                    print_warning(put_own_flags(files.named(warning)))
            said |= {*done.warnings}
            reason = f" ({done.reason})" if done.reason else ""
            time_taken = "" if done.unchanged else f", {done.seconds:.1f} s"
            what = f"{done.unchanged or done.model}{reason}{time_taken}"
            files.deliver()
            say(f"{done.target}: {done.width}x{done.height}, {what}")
        elif result.needless:
            counts["needless"] += 1
            say(result.needless)
        elif result.skipped and not alone:
            counts["skipped"] += 1
            others += [result] if result.difference else []
        else:
            counts["failed"] += 1
            there = f"{result.job.target}: exists already; add --overwrite to replace it"
            print_error(files.named(result.problem or there))
    if others:
        first = files.named(str(others[0].job.target))
        more = f" and {len(others) - 1} more" if others[1:] else ""
        print_warning(
            f"{first}{more}: kept, but not what this command makes "
            f"({others[0].difference}); add --overwrite to replace them, or choose another output"
        )
    strength = engine.options.strength
    if networks and 0 < strength < 1 and engine.model is None and not any(map(_cleans, networks)):
        print_warning(
            f"--strength {strength:g}: not used, because nothing was found that needs cleaning"
        )
    return counts


def _cleans(network: str) -> bool:
    """Return whether a released network, or a method without one, removes noise or artifacts."""
    from scalewise.restoring.classical import CLASSICAL
    from scalewise.tasks import get_task
    from scalewise.weights import is_release, resolve

    if network in CLASSICAL:
        return True
    return is_release(network) and get_task(resolve(network).card.task).is_degraded


def _summary(counts: Counter[str], seconds: float) -> str:
    parts = [f"{counts['restored']} restored"]
    if counts["unchanged"]:
        parts.append(f"{counts['unchanged']} unchanged")
    if counts["skipped"]:
        parts.append(f"{counts['skipped']} existed already (--overwrite replaces them)")
    if counts["needless"]:
        parts.append(f"{counts['needless']} left, because there is nothing to restore")
    if counts["failed"]:
        parts.append(f"{counts['failed']} failed")
    return f"{', '.join(parts)}, in {timedelta(seconds=round(seconds))}"
