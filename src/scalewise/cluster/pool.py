"""Worker pool: a run over many files on the machines of a Ray cluster.

Paths are sent, pixels are not: images and results are on storage that all machines see under the
same paths, relative ones from the same folder.  Every machine has one worker, because a network
uses all cores that it is given.  The worker loads the networks once, and has two images at a
time, so that one is read or encoded while the other is in the networks.

Workers may be lost: their images are retried, and as on one machine a result that exists is done.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from scalewise.cluster.scheduler import (
    JOBS_PER_WORKER,
    MAX_TRIES,
    RetryQueue,
    WorkerSpec,
    plan_workers,
)
from scalewise.cluster.worker import MissingPath, Worker, is_visible, this_version
from scalewise.errors import DiskFullError, ScalewiseError
from scalewise.restoring.batch import (
    JobResult,
    ProgressCallback,
    Workload,
    describe_error,
    split_known,
)
from scalewise.restoring.file_pipeline import OutputOptions, cost_of
from scalewise.restoring.jobs import FileJob
from scalewise.restoring.loading import LoadOptions
from scalewise.restoring.selection import ModelSpec, load_networks

_POLL_SECONDS = 2.0
"""Time after which machines that have joined are given workers."""
_CONNECT_SECONDS = 10.0
"""Time in which a cluster must answer."""
_STOP_SECONDS = 10.0
"""Time in which workers may stop what they do, when a run is stopped."""

Warn = Callable[[str], None]
"""A function of a warning, in a line; the run continues."""


def restore_on_cluster(
    jobs: Sequence[FileJob],
    address: str,
    model: ModelSpec,
    output: OutputOptions | None = None,
    progress: ProgressCallback | None = None,
    warn: Warn | None = None,
    options: LoadOptions | None = None,
) -> Generator[JobResult]:
    """Restore many images on a Ray cluster, as :func:`restore_files` does on one machine.

    Args:
        jobs: inputs and outputs.
        address: of the cluster, as ``ray.init`` takes it: ``auto``, ``HOST:PORT``, or ``local``
            for one of this machine alone, made for the run.
        model: a released model's name, or its folder, which all machines see; or a selector
            that loads networks there, a function of a module.
        output, progress: as for :func:`restore_files`.
        warn: called when a worker is lost or cannot work.
        options: how every worker loads the model.

    Yields:
        The result of each job: first of those that are done already, then as they finish.

    Raises:
        ScalewiseError: no such model, no cluster there, or no worker is left.
        DiskFullError: nothing more can be written; what was written stays.
        ModuleNotFoundError: Ray is not installed.
    """
    output = output or OutputOptions()
    options = options or LoadOptions()
    # They are only asked for sizes and costs.
    networks = load_networks(model, LoadOptions(device="cpu", precision="f32"))
    known, pending = split_known(jobs, networks, output)
    yield from known
    if not pending:
        return
    with _connect(address) as ray:
        workload = Workload(pending, lambda job: cost_of(job, networks, output))
        try:
            pool = _WorkerPool(
                ray, address, _Orders(model, output, options), workload, progress, warn
            )
            yield from pool.results(pending)
        finally:
            workload.close()


@dataclass(frozen=True)
class _Orders:
    """Settings that all workers share."""

    model: ModelSpec
    output: OutputOptions
    options: LoadOptions


@dataclass(eq=False)
class _WorkerState:
    """A worker as the pool knows it."""

    spec: WorkerSpec
    actor: Any
    is_ready: bool = False
    jobs: list[FileJob] = field(default_factory=list[FileJob])


class _WorkerPool:
    """The workers of a run, and their images."""

    def __init__(
        self,
        ray: Any,
        address: str,
        orders: _Orders,
        workload: Workload,
        progress: ProgressCallback | None,
        warn: Warn | None,
    ) -> None:
        self._ray = ray
        self._address = address
        self._orders = orders
        self._workload = workload
        self._progress = progress
        self._warn = warn
        self._workers: dict[WorkerSpec, _WorkerState] = {}
        self._failures: Counter[WorkerSpec] = Counter()
        self._pending: dict[Any, tuple[_WorkerState, FileJob | None]] = {}
        """Calls that Ray has not answered: of which worker, for which job; None for its start."""
        self._polled = float("-inf")
        self._trouble = "no machine in it offers what is asked for"

    def results(self, jobs: Sequence[FileJob]) -> Generator[JobResult]:
        queue = RetryQueue(jobs)
        try:
            while queue or self._is_busy():
                self._start_missing()
                for result in chain(self._dispatch(queue), self._collect(queue)):
                    self._workload.done += self._workload.of(result.job)
                    self._report(result.job.source.name)
                    yield result
        finally:
            self._shutdown()

    def _start_missing(self) -> None:
        """Start workers on the machines that have none."""
        if self._workers and time.monotonic() < self._polled + _POLL_SECONDS:
            return
        self._polled = time.monotonic()
        for spec in plan_workers(self._ray.nodes(), self._orders.options.device):
            if spec not in self._workers and self._failures[spec] < MAX_TRIES:
                self._start(spec)
        if not self._workers:
            raise ScalewiseError(
                f"no worker on the Ray cluster at {self._address}: {self._trouble}; once that is "
                "mended, the same command continues the run"
            )
        if not any(worker.is_ready for worker in self._workers.values()):
            self._report("waiting for workers")

    def _start(self, spec: WorkerSpec) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor = (
            self._ray.remote(Worker)
            .options(
                num_cpus=spec.cpus,
                num_gpus=spec.gpus,
                max_concurrency=JOBS_PER_WORKER + 1,  # one for the call of stop
                scheduling_strategy=NodeAffinitySchedulingStrategy(spec.node, soft=False),
            )
            .remote()
        )
        worker = self._workers[spec] = _WorkerState(spec, actor)
        options = replace(self._orders.options, threads=max(1, int(spec.cpus)))
        ready = actor.load.remote(this_version(), Path.cwd(), self._orders.model, options)
        self._pending[ready] = worker, None

    def _dispatch(self, queue: RetryQueue) -> Generator[JobResult]:
        """Give the workers images; yield the results of those that cannot be restored."""
        for _ in range(JOBS_PER_WORKER):  # all have their first before one has its second
            for worker in self._workers.values():
                job = queue.take(worker.jobs) if worker.is_ready else None
                if job is None:
                    continue
                if problem := _prepare(job):
                    yield JobResult(job, problem=problem)
                    continue
                retry = queue.is_retry(job)
                call = worker.actor.restore.remote(job, self._orders.output, retry)
                self._pending[call] = worker, job
                worker.jobs.append(job)
                self._report(job.source.name)

    def _collect(self, queue: RetryQueue) -> Generator[JobResult]:
        """Wait for answers of the workers; yield the results of their jobs."""
        from ray.exceptions import RayError, RayTaskError

        if not self._pending:
            return
        answered, _ = self._ray.wait([*self._pending], timeout=_POLL_SECONDS)
        for call in answered:
            worker, job = self._pending.pop(call)
            if job is not None:
                worker.jobs.remove(job)
            try:
                answer = self._ray.get(call)
            except RayTaskError as error:
                answer = _last_line(error)
            except RayError:
                answer = None
            if job is None:
                self._on_ready(worker, answer)
            elif answer is None:
                yield from self._on_lost(worker, job, queue)
            elif isinstance(answer, DiskFullError):
                raise answer
            elif isinstance(answer, MissingPath):
                if problem := _prepare(job):
                    yield JobResult(job, problem=problem)
                    continue
                self._remove(worker, f"it does not see {answer.path}", for_good=True)
                queue.put_back(job)
            elif isinstance(answer, JobResult):
                yield answer
            else:
                yield JobResult(job, problem=f"{job.source}: {answer}")

    def _on_ready(self, worker: _WorkerState, answer: str | None) -> None:
        """Use a worker that has loaded the networks; remove it if it could not."""
        if answer == "":
            worker.is_ready = True
            self._failures[worker.spec] = 0
            return
        self._failures[worker.spec] += 1
        hopeless = bool(answer) or self._failures[worker.spec] == MAX_TRIES
        self._remove(worker, answer or "its worker does not start", for_good=hopeless)

    def _on_lost(
        self, worker: _WorkerState, job: FileJob, queue: RetryQueue
    ) -> Generator[JobResult]:
        """Retry an image whose worker was lost; yield its result if it is given up."""
        self._remove(worker, "its worker was lost")
        removed_for_good = self._failures[worker.spec] == MAX_TRIES  # while it had this image
        if not queue.lose(job, count=not removed_for_good):
            yield JobResult(
                job,
                problem=f"{job.source}: given up, because {MAX_TRIES} workers were lost over it "
                "(too little memory?)",
            )

    def _remove(self, worker: _WorkerState, reason: str, for_good: bool = False) -> None:
        """Remove a worker; the calls that it has not answered will fail, one by one."""
        if self._workers.get(worker.spec) is not worker:
            return
        del self._workers[worker.spec]
        self._polled = float("-inf")
        # Also one that only cannot be reached: no two workers may have the same image.
        self._ray.kill(worker.actor)
        if for_good:
            self._failures[worker.spec] = MAX_TRIES
        self._trouble = f"{worker.spec.machine}: {reason}"
        if self._warn is not None:
            self._warn(f"{self._trouble}; {'continuing without it' if for_good else 'retrying'}")

    def _is_busy(self) -> bool:
        return any(job is not None for _, job in self._pending.values())

    def _report(self, detail: str) -> None:
        if self._progress is not None:
            self._progress(self._workload.done, self._workload.total, detail)

    def _shutdown(self) -> None:
        """End the workers; those that have images may remove half-written files."""
        try:
            busy = [call for call, (_, job) in self._pending.items() if job is not None]
            if busy:
                for worker in self._workers.values():
                    worker.actor.stop.remote()
                self._ray.wait(busy, num_returns=len(busy), timeout=_STOP_SECONDS)
        finally:
            for worker in self._workers.values():
                self._ray.kill(worker.actor)


@contextmanager
def _connect(address: str) -> Generator[Any]:
    """Connect Ray to a cluster, and yield its module.

    Raises:
        ScalewiseError: there is none.
    """
    # Ray reads this when it is imported; else it prints pages for every worker that is lost.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    import ray

    module: Any = ray
    try:
        _check_address(address)
        module.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, RuntimeError, ValueError) as error:
        raise ScalewiseError(f"no Ray cluster at {address}: {_first_line(error)}") from error
    try:
        yield module
    finally:
        module.shutdown()


def _check_address(address: str) -> None:
    """Check that something listens at ``HOST:PORT``; Ray would try for many minutes.

    Raises:
        OSError: nothing does.
    """
    if match := re.fullmatch(r"([^:/]+):(\d+)", address):
        socket.create_connection((match[1], int(match[2])), timeout=_CONNECT_SECONDS).close()


def _prepare(job: FileJob) -> str:
    """Make a result's folder, by which workers know that they see the same storage.

    Returns:
        Why the job cannot be done, if that is so.
    """
    if not is_visible(job.source):
        return f"{job.source}: no such file"
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return describe_error(job, error)
    return ""


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _last_line(error: Exception) -> str:
    return next(reversed(str(error).strip().splitlines()), type(error).__name__)
