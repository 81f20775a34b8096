"""A run over many pictures on the machines of a Ray cluster.

Paths travel, pixels do not: pictures and results lie on storage that all machines see under the
same paths, relative ones from the same folder.  Every machine has one worker, for a network uses
all cores that it is given; it loads the networks once, and has two pictures at a time, so that
one is read or encoded while the other is in the networks.  Workers may be lost: what they were at
is tried again, and as on one machine a result that exists is done.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from scalewise.errors import DiskFullError, ScalewiseError
from scalewise.restoring.folder import Outcome, Tell, Workload, is_done, problem_of
from scalewise.restoring.jobs import Job
from scalewise.restoring.pictures import Wishes, cost_of
from scalewise.restoring.remote import RemoteRestorer, Unseen, is_there, this_version
from scalewise.restoring.selection import ModelSpec, load_networks
from scalewise.restoring.sharing import AT_ONCE, TRIES, Queue, Share, shares_of

_LOOK_AGAIN = 2.0  # seconds after which machines that have come are given workers
_KNOCK = 10.0  # seconds in which a cluster answers
_GRACE = 10.0  # seconds in which workers may put away what they are at, when a run is stopped

Warn = Callable[[str], None]
"""Told what is not as it should be, though the run goes on, in a line."""


def restore_on_cluster(
    jobs: Sequence[Job],
    address: str,
    model: ModelSpec,
    wishes: Wishes | None = None,
    tell: Tell | None = None,
    warn: Warn | None = None,
    **options: Any,
) -> Generator[Outcome]:
    """Restore many pictures on a Ray cluster, as :func:`restore_files` does on one machine.

    Args:
        jobs: from where to where.
        address: of the cluster, as ``ray.init`` takes it: ``auto``, ``HOST:PORT``, or ``local``
            for one of this machine alone, made for the run.
        model: a released model's name, or its folder, which all machines see; or what loads
            networks there, a function of a module.
        wishes, tell: as for :func:`restore_files`.
        warn: told of workers that are lost or cannot work.
        options: as for :func:`~scalewise.restoring.restorer.load`, for every worker.

    Yields:
        What became of each job: first of those that are done already, then as they finish.

    Raises:
        ScalewiseError: no such model, no cluster there, or no worker is left.
        DiskFullError: nothing more can be written; what was written stays.
        ModuleNotFoundError: Ray is not installed.
    """
    wishes = wishes or Wishes()
    wanted: list[Job] = []
    for job in jobs:
        if is_done(job, wishes):
            yield Outcome(job)
        elif job.problem:
            yield Outcome(job, problem=job.problem)
        else:
            wanted.append(job)
    if not wanted:
        return
    networks = load_networks(model, device="cpu", precision="f32")  # which tell the costs
    with _connected(address) as ray:
        workload = Workload(wanted, lambda job: cost_of(job, networks, wishes))
        try:
            crew = _Crew(ray, address, _Orders(model, wishes, options), workload, tell, warn)
            yield from crew.outcomes(wanted)
        finally:
            workload.close()


@dataclass(frozen=True)
class _Orders:
    """What all workers are told."""

    model: ModelSpec
    wishes: Wishes
    options: Mapping[str, Any]


@dataclass(eq=False)
class _Worker:
    """A worker, as it is known here."""

    share: Share
    actor: Any
    is_ready: bool = False
    jobs: list[Job] = field(default_factory=list[Job])


class _Crew:
    """The workers of a run, and what they are at."""

    def __init__(
        self,
        ray: Any,
        address: str,
        orders: _Orders,
        workload: Workload,
        tell: Tell | None,
        warn: Warn | None,
    ) -> None:
        self._ray = ray
        self._address = address
        self._orders = orders
        self._workload = workload
        self._tell = tell
        self._warn = warn
        self._workers: dict[Share, _Worker] = {}
        self._failures: Counter[Share] = Counter()
        self._pending: dict[Any, tuple[_Worker, Job | None]] = {}
        """What Ray has promised: of which worker, and for which job, or that it is ready."""
        self._looked = float("-inf")
        self._trouble = "no machine in it offers what is asked for"

    def outcomes(self, jobs: Sequence[Job]) -> Generator[Outcome]:
        queue = Queue(jobs)
        try:
            while queue or self._is_busy():
                self._hire()
                for outcome in chain(self._hand_out(queue), self._collect(queue)):
                    self._workload.done += self._workload.of(outcome.job)
                    self._say(outcome.job.source.name)
                    yield outcome
        finally:
            self._dismiss()

    def _hire(self) -> None:
        """Start workers on the machines that have none."""
        if self._workers and time.monotonic() < self._looked + _LOOK_AGAIN:
            return
        self._looked = time.monotonic()
        device = self._orders.options.get("device", "auto")
        for share in shares_of(self._ray.nodes(), device):
            if share not in self._workers and self._failures[share] < TRIES:
                self._start(share)
        if not self._workers:
            raise ScalewiseError(
                f"no worker on the Ray cluster at {self._address}: {self._trouble}; once that is "
                "mended, the same command goes on"
            )
        if not any(worker.is_ready for worker in self._workers.values()):
            self._say("waiting for workers")

    def _start(self, share: Share) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor = (
            self._ray.remote(RemoteRestorer)
            .options(
                num_cpus=share.cpus,
                num_gpus=share.gpus,
                max_concurrency=AT_ONCE + 1,  # one to be told to stop by
                scheduling_strategy=NodeAffinitySchedulingStrategy(share.node, soft=False),
            )
            .remote()
        )
        worker = self._workers[share] = _Worker(share, actor)
        options = {**self._orders.options, "threads": max(1, int(share.cpus))}
        ready = actor.load.remote(this_version(), Path.cwd(), self._orders.model, options)
        self._pending[ready] = worker, None

    def _hand_out(self, queue: Queue) -> Generator[Outcome]:
        """Give the workers pictures; those that cannot be worked on are told of here."""
        for _ in range(AT_ONCE):  # all have their first before one has its second
            for worker in self._workers.values():
                job = queue.take(worker.jobs) if worker.is_ready else None
                if job is None:
                    continue
                if problem := _prepare(job):
                    yield Outcome(job, problem=problem)
                    continue
                promise = worker.actor.restore.remote(job, self._orders.wishes)
                self._pending[promise] = worker, job
                worker.jobs.append(job)
                self._say(job.source.name)

    def _collect(self, queue: Queue) -> Generator[Outcome]:
        """Wait for something to happen; what has become of a job by that."""
        from ray.exceptions import RayError, RayTaskError

        if not self._pending:
            return
        happened, _ = self._ray.wait([*self._pending], timeout=_LOOK_AGAIN)
        for promise in happened:
            worker, job = self._pending.pop(promise)
            if job is not None:
                worker.jobs.remove(job)
            try:
                answer = self._ray.get(promise)
            except RayTaskError as error:
                answer = _last_line(error)
            except RayError:
                answer = None
            if job is None:
                self._welcome(worker, answer)
            elif answer is None:
                yield from self._lose(worker, job, queue)
            elif isinstance(answer, DiskFullError):
                raise answer
            elif isinstance(answer, Unseen):
                if problem := _prepare(job):
                    yield Outcome(job, problem=problem)
                    continue
                self._let_go(worker, f"it does not see {answer.path}", for_good=True)
                queue.put_back(job)
            elif isinstance(answer, Outcome):
                yield answer
            else:
                yield Outcome(job, problem=f"{job.source}: {answer}")

    def _welcome(self, worker: _Worker, answer: str | None) -> None:
        """A worker has loaded the networks, or failed to."""
        if answer == "":
            worker.is_ready = True
            self._failures[worker.share] = 0
            return
        self._failures[worker.share] += 1
        hopeless = bool(answer) or self._failures[worker.share] == TRIES
        self._let_go(worker, answer or "its worker does not start", for_good=hopeless)

    def _lose(self, worker: _Worker, job: Job, queue: Queue) -> Generator[Outcome]:
        self._let_go(worker, "its worker was lost")
        if self._failures[worker.share] == TRIES:  # it was let go while at this, too
            queue.put_back(job)
        elif not queue.lose(job):
            yield Outcome(
                job,
                problem=f"{job.source}: given up, for {TRIES} workers were lost over it (too "
                "little memory?)",
            )

    def _let_go(self, worker: _Worker, reason: str, for_good: bool = False) -> None:
        """Do without a worker; what it was at is promised still, and will be heard of."""
        if self._workers.get(worker.share) is not worker:
            return
        del self._workers[worker.share]
        self._looked = float("-inf")
        # Also one that only cannot be reached: no two may be at the same picture.
        self._ray.kill(worker.actor)
        if for_good:
            self._failures[worker.share] = TRIES
        self._trouble = f"{worker.share.machine}: {reason}"
        if self._warn is not None:
            self._warn(f"{self._trouble}; {'going on without' if for_good else 'trying again'}")

    def _is_busy(self) -> bool:
        return any(job is not None for _, job in self._pending.values())

    def _say(self, detail: str) -> None:
        if self._tell is not None:
            self._tell(self._workload.done, self._workload.total, detail)

    def _dismiss(self) -> None:
        """End the workers; those that are at something still may put it away."""
        try:
            busy = [promise for promise, (_, job) in self._pending.items() if job is not None]
            if busy:
                for worker in self._workers.values():
                    worker.actor.stop.remote()
                self._ray.wait(busy, num_returns=len(busy), timeout=_GRACE)
        finally:
            for worker in self._workers.values():
                self._ray.kill(worker.actor)


@contextmanager
def _connected(address: str) -> Generator[Any]:
    """Ray, connected to a cluster.

    Raises:
        ScalewiseError: there is none.
    """
    # Else it prints pages on every worker that is lost; it reads this when it is imported.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    import ray

    module: Any = ray
    try:
        _knock(address)
        module.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, RuntimeError, ValueError) as error:
        raise ScalewiseError(f"no Ray cluster at {address}: {_first_line(error)}") from error
    try:
        yield module
    finally:
        module.shutdown()


def _knock(address: str) -> None:
    """Find out whether anything listens at ``HOST:PORT``; Ray would try for many minutes.

    Raises:
        OSError: nothing does.
    """
    if match := re.fullmatch(r"([^:/]+):(\d+)", address):
        socket.create_connection((match[1], int(match[2])), timeout=_KNOCK).close()


def _prepare(job: Job) -> str:
    """Make a result's folder, by which workers know that they see what is seen here.

    Returns:
        Why the job cannot be done, if that is so.
    """
    if not is_there(job.source):
        return f"{job.source}: no such file"
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return problem_of(job, error)
    return ""


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _last_line(error: Exception) -> str:
    return next(reversed(str(error).strip().splitlines()), type(error).__name__)
