"""One picture from file to file, strip by strip.

In three steps, so that a run over many can do each in a thread of its own: :func:`begin` opens
it and goes on reading ahead, :func:`run` sends its rows through the networks, and the writer
that comes from there encodes them when it is told to finish.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scalewise.errors import ScalewiseError
from scalewise.files import (
    MAX_PIXELS,
    PictureReader,
    PictureWriter,
    check_target,
    open_picture,
)
from scalewise.restoring.enlarging import chain, enlarged, plan_for
from scalewise.restoring.jobs import Job
from scalewise.restoring.prefetch import Prefetcher
from scalewise.restoring.restorer import Progress
from scalewise.restoring.rows import rows_of
from scalewise.restoring.selection import Networks, SelectedModels, choose, typical
from scalewise.restoring.sizes import Plan, Target, network_pixels


@dataclass(frozen=True)
class Wishes:
    """What is wished of the results.

    Attributes:
        target: the size.
        format: as :class:`scalewise.files.PictureWriter` takes it; None goes by the extension.
        quality, lossless, strip, overwrite: likewise.
        max_pixels: of an input; larger ones are refused.  None for no limit.
    """

    target: Target = field(default_factory=Target)
    format: str | None = None
    quality: int | None = None
    lossless: bool = False
    strip: bool = False
    overwrite: bool = False
    max_pixels: int | None = MAX_PIXELS

    @property
    def writing(self) -> dict[str, Any]:
        """What decides whether a result can be written."""
        return {
            "format": self.format,
            "quality": self.quality,
            "lossless": self.lossless,
            "overwrite": self.overwrite,
        }


@dataclass(frozen=True)
class Restored:
    """A picture that was restored.

    Attributes:
        target: the file.
        width, height: its size.
        seconds: it took from its first row to the last, the encoding not counted.
        model: what it went through, by name, or that it was none.
        reason: why through that, where it was not asked for.
        warnings: what a user should know, a line each.
    """

    target: Path
    width: int
    height: int
    seconds: float
    model: str = "no network"
    reason: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Begun:
    """An open picture, whose rows are on their way."""

    job: Job
    reader: PictureReader
    chosen: SelectedModels
    plan: Plan
    ahead: Prefetcher

    def close(self) -> None:
        """Read no further."""
        self.ahead.close()
        self.reader.close()


def restore_file(
    job: Job,
    networks: Networks,
    wishes: Wishes | None = None,
    progress: Progress | None = None,
) -> Restored:
    """Restore a picture from file to file; memory stays that of some strips.

    Args:
        job: from where to where; missing folders are made.
        networks: of different scales, of which the first is used where no size is wished; or a
            choice that depends on the picture.
        wishes: what is wished of the result.
        progress: told how many pixels the networks have done, and how many they are to do.

    Raises:
        NothingToRestore: the choice finds no fault in the picture.
        ScalewiseError: a picture that cannot be read, an output that cannot be written or exists
            already, no memory for it, or a size out of reach.
    """
    wishes = wishes or Wishes()
    begun = begin(job, networks, wishes)
    start = time.perf_counter()
    writer = run(begun, wishes, progress)
    seconds = time.perf_counter() - start
    writer.finish()
    return outcome(begun, writer, seconds)


def begin(job: Job, networks: Networks, wishes: Wishes) -> Begun:
    """Open a picture, find out what can go wrong with its result, and begin to read it.

    Raises:
        NothingToRestore, ScalewiseError: as :func:`restore_file`.
    """
    if job.problem:
        raise ScalewiseError(job.problem)
    reader = open_picture(job.source, max_pixels=wishes.max_pixels)
    try:
        chosen = choose(networks, job.source)
        plan = plan_for(reader, chosen.restorers, wishes.target)
        check_target(job.target, plan.width, plan.height, **wishes.writing)
    except BaseException:
        reader.close()
        raise
    return Begun(job, reader, chosen, plan, Prefetcher(rows_of(reader)))


def run(begun: Begun, wishes: Wishes, progress: Progress | None = None) -> PictureWriter:
    """Send a picture through the networks; the writer has all rows, and is to be finished.

    Raises:
        ScalewiseError: as :func:`restore_file`.
    """
    reader, plan, target = begun.reader, begun.plan, begun.job.target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        writer = PictureWriter(
            target,
            plan.width,
            plan.height,
            reader.channels,
            reader.dtype,
            reader.metadata,
            strip=wishes.strip,
            **wishes.writing,
        )
        try:
            restorers = begun.chosen.restorers
            for block in enlarged(begun.ahead.rows, restorers, plan, progress).blocks:
                writer.write_rows(block)
        except BaseException:
            writer.close()
            raise
    finally:
        begun.close()
    return writer


def outcome(begun: Begun, writer: PictureWriter, seconds: float) -> Restored:
    """What to say of a picture whose writer has finished."""
    warnings = (*begun.reader.warnings, *writer.warnings)
    plan, chosen = begun.plan, begun.chosen
    names = dict.fromkeys(restorer.name for restorer in chain(chosen.restorers, plan))
    return Restored(
        begun.job.target,
        plan.width,
        plan.height,
        seconds,
        ", ".join(names) or "no network",
        chosen.reason,
        warnings,
    )


def cost_of(job: Job, networks: Networks, wishes: Wishes) -> int:
    """Pixels that the networks are given for a picture, by its header.

    Raises:
        ScalewiseError: it cannot be read.
    """
    with open_picture(job.source, max_pixels=wishes.max_pixels) as reader:
        plan = plan_for(reader, typical(networks), wishes.target)
        # Where no network is needed, reading and writing is all that there is.
        pixels = sum(network_pixels(reader.height, reader.width, plan.scales))
        return pixels or reader.height * reader.width // 50 + 1
