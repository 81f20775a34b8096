"""Batch runs over many files, each of which succeeds or fails by itself.

While an image is in the networks, the next one is read and the one before is encoded.  A run
keeps no list of its own: a result that exists is done, because files are written atomically.  So
a run that was killed continues when it is started again.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock, Thread

from scalewise.arguments import check_progress
from scalewise.errors import DiskFullError, NothingToRestore, OutputExists, ScalewiseError
from scalewise.restoring.file_pipeline import (
    OpenJob,
    OutputOptions,
    RestoredFile,
    cost_of,
    describe_result,
    describe_stranger,
    open_job,
    run_job,
)
from scalewise.restoring.jobs import FileJob, check_jobs
from scalewise.restoring.rows import Progress
from scalewise.restoring.selection import Networks, check_networks

LOOKED_AT = 20
"""Outputs that existed whose headers are read: to read all would delay a run that is resumed."""

_log = logging.getLogger(__name__)

ProgressCallback = Callable[[float, float, str], None]
"""A function of the pixels done, the pixels of all images, and the name of the current image."""


@dataclass(frozen=True, repr=False)
class JobResult:
    """The result of a job: restored, failed, needless, or none of these where the output existed.

    Attributes:
        job: input and output.
        restored: what was made.
        problem: why nothing could be made, in a line.
        needless: why nothing had to be made, in a line.
        difference: how an output that existed differs from the result by its header, such as
            ``320x240, not 640x480``; empty where it does not, or was not looked at.
    """

    job: FileJob
    restored: RestoredFile | None = None
    problem: str = ""
    needless: str = ""
    difference: str = ""

    @property
    def skipped(self) -> bool:
        """True if the output existed already."""
        return self.restored is None and not self.problem and not self.needless

    def __repr__(self) -> str:
        said = self.problem or self.needless or self.difference
        if self.restored is not None:
            made = self.restored
            said = f"{made.width}x{made.height}, {made.model}, {made.seconds:.1f} s"
            said = made.unchanged or said
        state = "failed" if self.problem else "needless" if self.needless else "skipped"
        state = "restored" if self.restored is not None else state
        return f"<JobResult {self.job.source} -> {self.job.target}: {state}{said and f' ({said})'}>"


def restore_files(
    jobs: Sequence[FileJob],
    networks: Networks,
    output: OutputOptions | None = None,
    progress: ProgressCallback | None = None,
) -> Generator[JobResult]:
    """Restore many images.

    Args:
        jobs: inputs and outputs.
        networks: of different scales, of which the first is used where no size is given; or a
            selector that depends on the image.
        output: size and format of the results; without ``overwrite``, those that exist are
            skipped, also where another run makes them meanwhile.
        progress: called as the run goes on.

    Returns:
        The result of each job: first of those that are done already, then as they finish.

    Raises:
        DiskFullError: nothing more can be written; what was written stays.
        ScalewiseError: a wrong argument, before the first image.
    """
    jobs = check_jobs(jobs)
    check_networks(networks)
    check_progress(progress)
    return _restore_all(jobs, networks, output or OutputOptions(), progress)


def _restore_all(
    jobs: Sequence[FileJob],
    networks: Networks,
    output: OutputOptions,
    progress: ProgressCallback | None,
) -> Generator[JobResult]:
    known, pending = split_known(jobs, networks, output)
    yield from known
    workload = Workload(pending, lambda job: cost_of(job, networks, output))
    try:
        yield from _Pipeline(networks, output, workload, progress).results(pending)
    finally:
        workload.close()


def split_known(
    jobs: Sequence[FileJob], networks: Networks, output: OutputOptions
) -> tuple[list[JobResult], list[FileJob]]:
    """Return the results of jobs that there is nothing to be done for, and all other jobs.

    The former have a problem, or their output exists and is not to be replaced.  An image of the
    user's that has no more than a result's name is neither replaced nor taken for one.
    """
    known: list[JobResult] = []
    pending: list[FileJob] = []
    looked_at = 0
    for job in jobs:
        if job.problem:
            known.append(JobResult(job, problem=job.problem))
        elif job.is_found and (difference := describe_stranger(job, networks, output)):
            why = f"{job.target}: is in the place of the result of {job.source}, but {difference}"
            hint = "rename or remove it, or choose another output"
            known.append(JobResult(job, problem=f"{why}; {hint}"))
        elif is_done(job, output):
            difference = ""
            if looked_at < LOOKED_AT:
                difference = describe_stranger(job, networks, output)
                looked_at += 1
            known.append(JobResult(job, difference=difference))
        else:
            pending.append(job)
    return known, pending


def is_done(job: FileJob, output: OutputOptions) -> bool:
    """Return whether a job's output exists, and is not to be replaced."""
    return not output.overwrite and os.path.lexists(job.target)


def failed_result(job: FileJob, error: Exception) -> JobResult:
    """Return the result of a job that raised an error."""
    if isinstance(error, NothingToRestore):
        return JobResult(job, needless=str(error))
    if isinstance(error, OutputExists):  # made by another run since this one began
        return JobResult(job)
    return JobResult(job, problem=describe_error(job, error))


def describe_error(job: FileJob, error: Exception) -> str:
    """Return what went wrong with an image, in one line."""
    if isinstance(error, ScalewiseError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or job.source}: {error.strerror or error}"
    if isinstance(error, MemoryError):
        return f"{job.source}: not enough memory"
    _log.debug("%s", job.source, exc_info=error)  # one line for users, the rest for a report
    return f"{job.source}: {type(error).__name__}: {error} (a fault of scalewise; please report it)"


class Workload:
    """The cost of all jobs, found out by a thread during the run.

    Until it has looked at all images, each of the others counts as much as the mean of those
    known.

    Args:
        jobs: all of them.
        cost: returns the cost of a job, by its image's header.
    """

    def __init__(self, jobs: Sequence[FileJob], cost: Callable[[FileJob], int]) -> None:
        self._jobs = jobs
        self._cost = cost
        self._known: dict[FileJob, int] = {}
        self._sum = 0
        self._lock = Lock()
        self._stopped = False
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()
        self.done = 0.0
        """The cost of the jobs that are done."""

    @property
    def total(self) -> float:
        """The cost of all jobs."""
        with self._lock:
            unknown = len(self._jobs) - len(self._known)
            return self._sum + unknown * self._sum / max(len(self._known), 1)

    def of(self, job: FileJob) -> int:
        """Return the cost of a job; one whose image cannot be read costs nothing."""
        with self._lock:
            if job in self._known:
                return self._known[job]
        try:
            cost = self._cost(job)
        except Exception:
            cost = 0  # the error, whatever it is, is reported when its turn comes
        with self._lock:
            if job not in self._known:
                self._known[job] = cost
                self._sum += cost
        return cost

    def close(self) -> None:
        """Look no further."""
        self._stopped = True
        self._thread.join()

    def _look(self) -> None:
        for job in self._jobs:
            if self._stopped:
                return
            self.of(job)


class _Pipeline:
    """Three images at a time: one is opened, one is in the networks, one is encoded."""

    def __init__(
        self,
        networks: Networks,
        output: OutputOptions,
        workload: Workload,
        progress: ProgressCallback | None,
    ) -> None:
        self.networks = networks
        self.output = output
        self.workload = workload
        self.progress = progress

    def results(self, jobs: Sequence[FileJob]) -> Generator[JobResult]:
        with ThreadPoolExecutor(1) as opening, ThreadPoolExecutor(1) as encoding:
            following: Future[OpenJob] | None = None
            encoded: Future[JobResult] | None = None
            try:
                for index, job in enumerate(jobs):
                    current = following or opening.submit(open_job, job, self.networks, self.output)
                    following = None
                    if index + 1 < len(jobs):
                        following = opening.submit(
                            open_job, jobs[index + 1], self.networks, self.output
                        )
                    finish = self._run(job, current)
                    if encoded is not None:
                        yield encoded.result()
                    encoded = encoding.submit(finish)
                if encoded is not None:
                    yield encoded.result()
            finally:
                if following is not None and following.exception() is None:
                    following.result().close()

    def _run(self, job: FileJob, opening: Future[OpenJob]) -> Callable[[], JobResult]:
        """Send an image through the networks; return what is left to do for it."""
        start = time.perf_counter()
        try:
            opened = opening.result()
            writer = run_job(opened, self.output, self._progress_of(job))
        except DiskFullError:
            raise
        except Exception as error:
            failed = failed_result(job, error)
            return lambda: failed
        finally:
            self.workload.done += self.workload.of(job)
            self._report(0, job)
        seconds = time.perf_counter() - start

        def finish() -> JobResult:
            try:
                writer.finish()
            except DiskFullError:
                raise
            except Exception as error:
                return failed_result(job, error)
            return JobResult(job, describe_result(opened, writer, seconds))

        return finish

    def _progress_of(self, job: FileJob) -> Progress:
        cost = self.workload.of(job)
        return lambda done, total: self._report(cost * done / max(total, 1), job)

    def _report(self, beyond: float, job: FileJob) -> None:
        if self.progress is not None:
            self.progress(self.workload.done + beyond, self.workload.total, job.source.name)
