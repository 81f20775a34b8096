"""Scheduler of a cluster run: which workers there are, and which image is retried when."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scalewise.restoring.jobs import FileJob

MAX_TRIES = 3
"""The number of workers that may be lost over an image, or on a machine while they start."""
JOBS_PER_WORKER = 2
"""Images that a worker has at a time."""


@dataclass(frozen=True)
class WorkerSpec:
    """Share of a machine that a worker gets.

    Attributes:
        node: the machine's id in Ray.
        machine: its name for users.
        cpus, gpus: how many.
        index: number of the worker on its machine.
    """

    node: str
    machine: str
    cpus: float
    gpus: int = 0
    index: int = 0


def plan_workers(nodes: Iterable[Mapping[str, Any]], device: str) -> list[WorkerSpec]:
    """Return the workers that a cluster has room for.

    One for every machine, with all CPUs that it offers; on machines with GPUs, if those may be
    used, one for each, with its part of the CPUs.  Machines that offer none have no worker.

    Args:
        nodes: as ``ray.nodes`` returns them.
        device: as for :class:`~scalewise.restoring.loading.LoadOptions`.
    """
    specs: list[WorkerSpec] = []
    for node in nodes:
        offered: Mapping[str, float] = node["Resources"]
        cpus = offered.get("CPU", 0)
        gpus = int(offered.get("GPU", 0)) if device in ("auto", "cuda") else 0
        if not node["Alive"] or not cpus or (device == "cuda" and not gpus):
            continue
        each = cpus if gpus < 2 else max(cpus // gpus, min(1, cpus / gpus))
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        specs += [
            WorkerSpec(node["NodeID"], name, each, min(gpus, 1), index)
            for index in range(gpus or 1)
        ]
    return specs


class RetryQueue:
    """The order of images, and the retry of those over which a worker was lost.

    A worker that is lost has several images, of which one at most is the cause.  So those are
    retried alone, each on a worker that has no other.

    Args:
        jobs: in the order in which they are tried.
    """

    def __init__(self, jobs: Iterable[FileJob]) -> None:
        self._waiting = deque(jobs)
        self._lost: Counter[FileJob] = Counter()
        self._retried: set[FileJob] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, current: Collection[FileJob]) -> FileJob | None:
        """Return the next image for a worker; None if the worker should wait.

        Args:
            current: the images that the worker has.
        """
        if not self._waiting or len(current) >= JOBS_PER_WORKER:
            return None
        if current and any(self._lost[job] for job in (self._waiting[0], *current)):
            return None
        return self._waiting.popleft()

    def put_back(self, job: FileJob) -> None:
        """Give an image that was not tried to another worker."""
        self._waiting.appendleft(job)

    def lose(self, job: FileJob, *, count: bool = True) -> bool:
        """Note that a worker was lost over an image; return whether the image is retried.

        Args:
            job: the image.
            count: count the loss among the image's tries; not if the machine is the cause.
        """
        self._retried.add(job)
        self._lost[job] += count
        if self._lost[job] < MAX_TRIES:
            self._waiting.appendleft(job)
            return True
        return False

    def is_retry(self, job: FileJob) -> bool:
        """Return whether a worker was lost that had the image."""
        return job in self._retried
