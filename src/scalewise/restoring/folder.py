"""A run over many pictures, each of which goes its way whatever becomes of the others.

While a picture is in the networks, the next one is read and the one before is encoded.  Nothing
is noted down about a run: a result that exists is done, for it stands whole under its name or not
at all.  So a run that was killed goes on when it is started again.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock, Thread

from scalewise.errors import DiskFullError, NothingToRestore, ScalewiseError
from scalewise.restoring.jobs import Job
from scalewise.restoring.pictures import Begun, Restored, Wishes, begin, cost_of, outcome, run
from scalewise.restoring.selection import Networks

_log = logging.getLogger(__name__)

Tell = Callable[[float, float, str], None]
"""Told how much is done, of how much, both in pixels, and at which picture the run is."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job: restored, failed, needless, or none of these where the result was
    there already.

    Attributes:
        job: from where to where.
        restored: what was made.
        problem: why nothing could be made, in a line.
        needless: why nothing had to be made, in a line.
    """

    job: Job
    restored: Restored | None = None
    problem: str = ""
    needless: str = ""

    @property
    def skipped(self) -> bool:
        """Whether the result was there already."""
        return self.restored is None and not self.problem and not self.needless


def restore_files(
    jobs: Sequence[Job],
    networks: Networks,
    wishes: Wishes | None = None,
    tell: Tell | None = None,
) -> Generator[Outcome]:
    """Restore many pictures.

    Args:
        jobs: from where to where.
        networks: of different scales, of which the first is used where no size is wished; or a
            choice that depends on the picture.
        wishes: what is wished of the results; without ``overwrite``, those that exist are
            skipped.
        tell: told how far the run is.

    Yields:
        What became of each job: first of those that are done already, then as they finish.

    Raises:
        DiskFullError: nothing more can be written; what was written stays.
    """
    wishes = wishes or Wishes()
    wanted: list[Job] = []
    for job in jobs:
        if is_done(job, wishes):
            yield Outcome(job)
        else:
            wanted.append(job)
    workload = Workload(wanted, lambda job: cost_of(job, networks, wishes))
    try:
        yield from _Pipeline(networks, wishes, workload, tell).outcomes(wanted)
    finally:
        workload.close()


def is_done(job: Job, wishes: Wishes) -> bool:
    """Whether a job's result is there, and shall not be replaced."""
    return not job.problem and not wishes.overwrite and os.path.lexists(job.target)


def without_result(job: Job, error: Exception) -> Outcome:
    """What became of a job that ended so."""
    if isinstance(error, NothingToRestore):
        return Outcome(job, needless=str(error))
    return Outcome(job, problem=problem_of(job, error))


def problem_of(job: Job, error: Exception) -> str:
    """What went wrong with a picture, in one line."""
    if isinstance(error, ScalewiseError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or job.source}: {error.strerror or error}"
    if isinstance(error, MemoryError):
        return f"{job.source}: not enough memory"
    _log.debug("%s", job.source, exc_info=error)  # one line for users, the rest for a report
    return f"{job.source}: {type(error).__name__}: {error} (a fault of scalewise; please report it)"


class Workload:
    """How much there is to do, found out by a thread beside the work.

    Until it has looked at all pictures, each of the others counts as much as those known do in
    the mean.

    Args:
        jobs: all of them.
        cost: what a job costs, by its picture's header.
    """

    def __init__(self, jobs: Sequence[Job], cost: Callable[[Job], int]) -> None:
        self._jobs = jobs
        self._cost = cost
        self._known: dict[Job, int] = {}
        self._sum = 0
        self._lock = Lock()
        self._stopped = False
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()
        self.done = 0.0
        """What is done of it."""

    @property
    def total(self) -> float:
        """What there is to do, in all."""
        with self._lock:
            unknown = len(self._jobs) - len(self._known)
            return self._sum + unknown * self._sum / max(len(self._known), 1)

    def of(self, job: Job) -> int:
        """What a job costs; one whose picture cannot be read costs nothing."""
        with self._lock:
            if job in self._known:
                return self._known[job]
        try:
            cost = self._cost(job)
        except (ScalewiseError, OSError):
            cost = 0  # which is said when its turn comes
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
    def __init__(
        self,
        networks: Networks,
        wishes: Wishes,
        workload: Workload,
        tell: Tell | None,
    ) -> None:
        self.networks = networks
        self.wishes = wishes
        self.workload = workload
        self.tell = tell

    def outcomes(self, jobs: Sequence[Job]) -> Generator[Outcome]:
        with ThreadPoolExecutor(1) as opening, ThreadPoolExecutor(1) as encoding:
            begun: Future[Begun] | None = None
            encoded: Future[Outcome] | None = None
            try:
                for index, job in enumerate(jobs):
                    current = begun or opening.submit(begin, job, self.networks, self.wishes)
                    begun = None
                    if index + 1 < len(jobs):
                        begun = opening.submit(begin, jobs[index + 1], self.networks, self.wishes)
                    finish = self._through_the_networks(job, current)
                    if encoded is not None:
                        yield encoded.result()
                    encoded = encoding.submit(finish)
                if encoded is not None:
                    yield encoded.result()
            finally:
                if begun is not None and begun.exception() is None:
                    begun.result().close()

    def _through_the_networks(self, job: Job, opened: Future[Begun]) -> Callable[[], Outcome]:
        """What is left to do for a picture, after the networks."""
        start = time.perf_counter()
        try:
            begun = opened.result()
            writer = run(begun, self.wishes, self._progress(job))
        except DiskFullError:
            raise
        except Exception as error:
            failed = without_result(job, error)
            return lambda: failed
        finally:
            self.workload.done += self.workload.of(job)
            self._say(0, job)
        seconds = time.perf_counter() - start

        def finish() -> Outcome:
            try:
                writer.finish()
            except DiskFullError:
                raise
            except Exception as error:
                return without_result(job, error)
            return Outcome(job, outcome(begun, writer, seconds))

        return finish

    def _progress(self, job: Job) -> Callable[[int, int], None]:
        cost = self.workload.of(job)
        return lambda done, total: self._say(cost * done / max(total, 1), job)

    def _say(self, beyond: float, job: Job) -> None:
        if self.tell is not None:
            self.tell(self.workload.done + beyond, self.workload.total, job.source.name)
