"""File pipeline: one image from file to file, strip by strip.

It has three steps, so that a run over many files can do each in a thread of its own:
:func:`open_job` opens the image and prefetches its rows, :func:`run_job` sends them through the
networks, and the writer that it returns encodes them when it is finished.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict

from scalewise.arguments import check_flag, check_has, check_number, check_progress
from scalewise.errors import NothingToRestore, ScalewiseError
from scalewise.files import (
    MAX_PIXELS,
    PictureReader,
    PictureWriter,
    check_target,
    copy_picture,
    format_of,
    has_format,
    open_picture,
)
from scalewise.files.formats import Format, get_format, ignored_options
from scalewise.files.writing import stays_lossless
from scalewise.restoring.cascade import (
    CascadePlan,
    CascadeStep,
    explain_size,
    explain_strength,
    network_pixels,
    plan_image,
    steps_of,
    upscale_rows,
)
from scalewise.restoring.jobs import FileJob
from scalewise.restoring.precision import explain_precision
from scalewise.restoring.rows import Prefetcher, Progress, rows_of
from scalewise.restoring.selection import Networks, SelectedModels, check_networks, choose, typical
from scalewise.restoring.sizes import Target, require_target


class _Writing(TypedDict):
    format: str | None
    quality: int | None
    lossless: bool
    overwrite: bool


@dataclass(frozen=True)
class OutputOptions:
    """Size and format of the results.

    Attributes:
        target: the size.
        format: as for :class:`scalewise.files.PictureWriter`; None goes by the extension.
        quality, lossless, strip, overwrite: likewise.
        max_pixels: of an input; larger ones are refused.  None for no limit.
        copy_clean: copy an image that needs nothing, or convert it to the result's format; if
            False, raise :class:`NothingToRestore` for it.
    """

    target: Target = field(default_factory=Target)
    format: str | None = None
    quality: int | None = None
    lossless: bool = False
    strip: bool = False
    overwrite: bool = False
    max_pixels: int | None = MAX_PIXELS
    copy_clean: bool = True

    def __post_init__(self) -> None:
        require_target(self.target)
        if self.quality is not None:
            check_number("quality", self.quality, 1, 100, whole=True)
        if self.format is not None:
            get_format(self.format)
        if self.max_pixels is not None:
            check_number("max_pixels", self.max_pixels, 1, sys.maxsize, whole=True)
        for name in ("lossless", "strip", "overwrite", "copy_clean"):
            check_flag(name, getattr(self, name))

    @property
    def writing(self) -> _Writing:
        """The options that decide whether a result can be written."""
        return {
            "format": self.format,
            "quality": self.quality,
            "lossless": self.lossless,
            "overwrite": self.overwrite,
        }


@dataclass(frozen=True)
class RestoredFile:
    """A result, and how it was made.

    Attributes:
        target: the file.
        width, height: its size.
        seconds: from its first row to the last, without encoding.
        model: names of the networks that it went through.
        reason: why these, where they are not those that the user named, and the precision,
            likewise.
        warnings: a line each.
        unchanged: what was done with an image whose pixels stay, such as ``is clean: copied``;
            empty for all others.
    """

    target: Path
    width: int
    height: int
    seconds: float
    model: str = "no network"
    reason: str = ""
    warnings: tuple[str, ...] = ()
    unchanged: str = ""


@dataclass(frozen=True)
class OpenJob:
    """An open image, whose rows are prefetched.

    Attributes:
        unchanged: as for :class:`RestoredFile`.
        copied: whether its file is copied.
    """

    job: FileJob
    reader: PictureReader
    selected: SelectedModels
    plan: CascadePlan
    prefetcher: Prefetcher
    unchanged: str = ""
    copied: bool = False

    def close(self) -> None:
        """Read no further."""
        self.prefetcher.close()
        self.reader.close()


def restore_file(
    job: FileJob,
    networks: Networks,
    output: OutputOptions | None = None,
    progress: Progress | None = None,
) -> RestoredFile:
    """Restore an image from file to file; memory stays that of some strips.

    Args:
        job: input and output; missing folders are made.
        networks: of different scales, of which the first is used where no size is given; or a
            selector that depends on the image.
        output: size and format of the result.
        progress: called with the pixels that the networks have done, and those to do.

    Raises:
        NothingToRestore: the selector finds nothing to restore in the image, and it is not to be
            copied.
        ScalewiseError: an image that cannot be read, an output that cannot be written or exists
            already, no memory for it, or a size out of reach.
    """
    check_has("job", job, "problem", "a FileJob")
    check_networks(networks)
    check_progress(progress)
    output = output or OutputOptions()
    opened = open_job(job, networks, output)
    start = time.perf_counter()
    writer = run_job(opened, output, progress)
    seconds = time.perf_counter() - start
    writer.finish()
    return describe_result(opened, writer, seconds)


def open_job(job: FileJob, networks: Networks, output: OutputOptions) -> OpenJob:
    """Open an image, check that its result can be written, and start to prefetch its rows.

    Raises:
        NothingToRestore, ScalewiseError: as :func:`restore_file`.
    """
    if job.problem:
        raise ScalewiseError(job.problem)
    reader = open_picture(job.source, max_pixels=output.max_pixels)
    try:
        selected = choose(networks, reader)
        target = output.target if selected.scale is None else output.target.or_scale(selected.scale)
        plan = _plan(job, reader, selected.restorers, target)
        if not selected.restorers and not output.copy_clean:
            raise NothingToRestore(f"{job.source}: nothing to restore ({selected.reason})")
        form = check_target(job.target, plan.width, plan.height, **output.writing)
        unchanged, copied = "", False
        if plan.keeps(reader.height, reader.width):
            same = has_format(job.source, form)
            copied = same and not output.strip
            why = _why_unchanged(selected.restorers)
            unchanged = f"{why}: {'copied' if copied else _encoding(form, same, reader, output)}"
    except BaseException:
        reader.close()
        raise
    prefetcher = Prefetcher(rows_of(reader))
    return OpenJob(job, reader, selected, plan, prefetcher, unchanged, copied)


def _why_unchanged(restorers: Sequence[CascadeStep]) -> str:
    if not restorers:
        return "is clean"
    return "has this size already" if restorers[0].scale > 1 else "strength 0 changes nothing"


def _plan(
    job: FileJob, reader: PictureReader, restorers: Sequence[CascadeStep], target: Target
) -> CascadePlan:
    """Return how an image gets to its size; an error names its file."""
    try:
        return plan_image(reader, restorers, target)
    except ScalewiseError as error:
        raise ScalewiseError(f"{job.source}: {error}", arguments=error.arguments) from None


def _encoding(form: Format, same: bool, reader: PictureReader, output: OutputOptions) -> str:
    """Return how an image is written whose pixels stay, but whose file does not."""
    how = "encoded again without metadata" if same else f"converted to {form.name}"
    if form.quality is None:
        return how
    lossless = output.lossless or stays_lossless(form, reader.metadata, output.quality)
    loss = "lossless" if lossless else f"quality {output.quality or form.quality}"
    return f"{how}, {loss}"


@dataclass
class FileCopy:
    """A copy of an image's file, in the place of a writer; its pixels were all readable.

    Attributes:
        source, target: the file, and its copy.
        output: how results are written.
    """

    source: Path
    target: Path
    output: OutputOptions

    @property
    def warnings(self) -> Sequence[str]:
        """The options that a copy does not follow; of several pages, all are copied."""
        form = format_of(self.target, self.output.format)
        options = self.output
        return ignored_options(form, options.quality, lossless=options.lossless, copied=True)

    def finish(self) -> None:
        """Copy the file.

        Raises:
            ScalewiseError: as :func:`~scalewise.files.copy_picture`.
        """
        copy_picture(
            self.source, self.target, overwrite=self.output.overwrite, format=self.output.format
        )


def run_job(
    opened: OpenJob, output: OutputOptions, progress: Progress | None = None
) -> PictureWriter | FileCopy:
    """Send an image through the networks; the writer has all rows, and is to be finished.

    Raises:
        ScalewiseError: as :func:`restore_file`.
    """
    reader, plan, target = opened.reader, opened.plan, opened.job.target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if opened.copied:
            for _ in opened.prefetcher.rows.blocks:  # a damaged file is an error, not a result
                pass
            return FileCopy(opened.job.source, target, output)
        writer = PictureWriter(
            target,
            plan.width,
            plan.height,
            reader.channels,
            reader.dtype,
            reader.metadata,
            strip=output.strip,
            **output.writing,
        )
        try:
            restorers = opened.selected.restorers
            for block in upscale_rows(opened.prefetcher.rows, restorers, plan, progress).blocks:
                writer.write_rows(block)
        except BaseException:
            writer.close()
            raise
    finally:
        opened.close()
    return writer


def describe_result(
    opened: OpenJob, writer: PictureWriter | FileCopy | None = None, seconds: float = 0
) -> RestoredFile:
    """Describe the result of an image.

    Args:
        opened: the image.
        writer: what wrote the result, finished; None if it was made before.
        seconds: that the networks took.
    """
    of_reading = () if opened.copied else opened.reader.warnings
    warnings = (*of_reading, *(() if writer is None else writer.warnings))
    plan, selected = opened.plan, opened.selected
    steps = steps_of(selected.restorers, plan)
    names = dict.fromkeys(restorer.name for restorer in steps)
    is_named = not selected.reason
    size = explain_size(selected.restorers, plan, opened.reader.width) if is_named else ""
    strength = explain_strength(steps)
    precision = explain_precision(steps, opened.reader.dtype, selected.content)
    return RestoredFile(
        opened.job.target,
        plan.width,
        plan.height,
        seconds,
        ", ".join(names) or "no network",
        "; ".join(filter(None, (selected.reason, size, strength, precision))),
        warnings,
        opened.unchanged,
    )


def describe_existing(job: FileJob, networks: Networks, output: OutputOptions) -> RestoredFile:
    """Describe a result that exists already, as if it had just been made; it took no time.

    Raises:
        NothingToRestore, ScalewiseError: as :func:`restore_file`.
    """
    opened = open_job(job, networks, replace(output, overwrite=True))
    opened.close()
    return describe_result(opened)


def cost_of(job: FileJob, networks: Networks, output: OutputOptions) -> int:
    """Return the pixels that the networks are given for an image, by its header.

    Raises:
        ScalewiseError: it cannot be read.
    """
    with _plan_by_header(job, networks, output) as (reader, plan):
        # Where no network is needed, reading and writing is all that there is.
        pixels = sum(network_pixels(reader.height, reader.width, plan.scales))
        return pixels or reader.height * reader.width // 50 + 1


def describe_stranger(job: FileJob, networks: Networks, output: OutputOptions) -> str:
    """Return how the file at a job's target differs from its result, by both headers.

    Where results are to be replaced, those of other sizes are results, too: only another shape
    tells that it is none.

    Returns:
        Such as ``197x163, not 240x180``; nothing if it does not, or the image cannot be read.
    """
    try:
        with _plan_by_header(job, networks, output) as (_, plan):
            width, height = plan.width, plan.height
    except (ScalewiseError, OSError):
        return ""  # which is told when its turn comes
    try:
        with open_picture(job.target, max_pixels=None, header_only=True) as there:
            size = there.width, there.height
    except (ScalewiseError, OSError):
        return "no image that can be read"
    if output.overwrite:  # sizes are rounded to whole pixels
        is_result = abs(size[0] * height - size[1] * width) <= width + height
    else:
        is_result = size == (width, height)
    return "" if is_result else f"{size[0]}x{size[1]}, not {width}x{height}"


@contextmanager
def _plan_by_header(
    job: FileJob, networks: Networks, output: OutputOptions
) -> Generator[tuple[PictureReader, CascadePlan]]:
    with open_picture(job.source, max_pixels=output.max_pixels, header_only=True) as reader:
        yield reader, _plan(job, reader, typical(networks), output.target)
