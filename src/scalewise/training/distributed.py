"""Distributed training: several processes that train one network.

``torchrun`` starts the processes and tells each by environment variables which one it is
(https://docs.pytorch.org/docs/stable/elastic/run.html).  Gradients are averaged by
``DistributedDataParallel``; this module does the rest.  A single process is a world of one,
without any cost.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from scalewise.arguments import counted
from scalewise.errors import LostWorker, ScalewiseError

PATIENCE = timedelta(minutes=30)
"""Timeout for the other processes: one of them may pack images or validate for long."""


@dataclass(frozen=True)
class World:
    """The processes of a run, from the view of one of them.

    Attributes:
        rank: number of this process; 0 writes.
        size: number of processes.
        local_rank: number of this process on its machine, and of its GPU.
        control: the group that exchanges plain numbers on the CPU, without waiting for a device;
            None in a world of one.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    control: Any = None

    @property
    def writes(self) -> bool:
        """Return whether this process writes the run's files."""
        return self.rank == 0

    def wrap(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Return the network with gradients averaged over the world in every backward pass.

        Every process must call it, because they compare their networks.
        """
        if self.size == 1:
            return network
        # Static: some networks have unused parameters, which are the same in every step.
        return DistributedDataParallel(
            network,
            device_ids=[device] if device.type == "cuda" else None,
            broadcast_buffers=False,
            static_graph=True,
        )

    def sum(self, *numbers: float) -> list[float]:
        """Return every number summed over the processes.

        Raises:
            LostWorker: one of the processes has ended.
        """
        if self.size == 1:
            return list(numbers)
        tensor = torch.tensor(numbers, dtype=torch.float64)
        with losing_a_worker_said():
            dist.all_reduce(tensor, group=self.control)  # pyright: ignore[reportUnknownMemberType]
        return [float(number) for number in tensor]

    def mean(self, tensor: Tensor) -> Tensor:
        """Return a tensor (n,) averaged over the processes."""
        if self.size == 1:
            return tensor
        return tensor.new_tensor(self.sum(*map(float, tensor))).div_(self.size)

    def wait(self) -> None:
        """Wait for every process."""
        self.sum(0.0)


@contextmanager
def joined_world(device: str) -> Generator[World, None, None]:
    """Join the processes that ``torchrun`` started; without it, return a world of one.

    Args:
        device: the recipe's device.  With ``cuda``, or ``auto`` and a GPU, every process gets its
            own GPU and gradients are exchanged by NCCL, otherwise by gloo.
    """
    if "RANK" not in os.environ or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield World()
        return
    local_rank = int(os.environ["LOCAL_RANK"])
    on_gpu = device in ("auto", "cuda") and torch.cuda.is_available()
    if on_gpu:
        if local_rank >= torch.cuda.device_count():
            raise ScalewiseError(
                f"torchrun started process {local_rank + 1} on a machine with "
                f"{counted(torch.cuda.device_count(), 'GPU')}; start fewer processes, or set "
                "device=cpu"
            )
        torch.cuda.set_device(local_rank)
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=PATIENCE)
    try:
        control: Any = dist.new_group(backend="gloo", timeout=PATIENCE)  # pyright: ignore[reportUnknownMemberType]
        yield World(dist.get_rank(), dist.get_world_size(), local_rank, control)
    finally:
        # A reference to a group keeps its threads alive.  A thread that needs Python while the
        # interpreter ends aborts the process.
        gc.collect()
        dist.destroy_process_group()


@contextmanager
def losing_a_worker_said() -> Generator[None, None, None]:
    """Turn the errors of a broken connection into :class:`LostWorker`."""
    try:
        yield
    except RuntimeError as error:
        if not _is_about_connections(error):
            raise
        raise LostWorker(
            "another process of the run is gone; the same command resumes from the "
            "last checkpoint, also with another number of processes"
        ) from error


def _is_about_connections(error: RuntimeError) -> bool:
    signs = ("connection", "peer", "nccl", "gloo", "timed out", "socket")
    return any(sign in str(error).lower() for sign in signs)
