"""How the work is shared on a cluster: what workers there are, and which picture is tried when."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scalewise.restoring.jobs import Job

TRIES = 3
"""How many workers may be lost over a picture, or on a machine while they start."""
AT_ONCE = 2
"""Pictures that a worker has at a time."""


@dataclass(frozen=True)
class Share:
    """What a worker gets of a machine.

    Attributes:
        node: what Ray calls the machine.
        machine: what people call it.
        cpus, gpus: how many.
        index: which of the machine's workers.
    """

    node: str
    machine: str
    cpus: float
    gpus: int = 0
    index: int = 0


def shares_of(nodes: Iterable[Mapping[str, Any]], device: str) -> list[Share]:
    """The workers that a cluster has room for.

    One for every machine, with all CPUs that it offers; on machines with GPUs, if those may be
    used, one for each, with its part of the CPUs.  Machines that offer none have no worker.

    Args:
        nodes: as ``ray.nodes`` tells.
        device: as for :func:`~scalewise.restoring.restorer.load`.
    """
    shares: list[Share] = []
    for node in nodes:
        offered: Mapping[str, float] = node["Resources"]
        cpus = offered.get("CPU", 0)
        gpus = int(offered.get("GPU", 0)) if device in ("auto", "cuda") else 0
        if not node["Alive"] or not cpus or (device == "cuda" and not gpus):
            continue
        each = cpus if gpus < 2 else max(cpus // gpus, min(1, cpus / gpus))
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        shares += [
            Share(node["NodeID"], name, each, min(gpus, 1), index) for index in range(gpus or 1)
        ]
    return shares


class Queue:
    """Which picture is tried next, and whether one is tried again.

    A worker that is lost takes several pictures with it, of which one at most is to blame: so
    those are tried again alone, each on a worker that has no other.

    Args:
        jobs: in the order in which they are tried.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._waiting = deque(jobs)
        self._lost: Counter[Job] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, beside: Collection[Job]) -> Job | None:
        """The next picture for a worker that is at others; None if it should wait.

        Args:
            beside: what the worker is at.
        """
        if not self._waiting or len(beside) >= AT_ONCE:
            return None
        if beside and any(self._lost[job] for job in (self._waiting[0], *beside)):
            return None
        return self._waiting.popleft()

    def put_back(self, job: Job) -> None:
        """Try a picture again; this time it was not its own fault."""
        self._waiting.appendleft(job)

    def lose(self, job: Job) -> bool:
        """A worker was lost over a picture; whether it is tried again."""
        self._lost[job] += 1
        if self._lost[job] < TRIES:
            self.put_back(job)
            return True
        return False
