"""Training batches as tensors: from host memory, prefetched, or gathered on the device.

All give the same patches for the same step.  If the packed stores fit on a GPU, they are uploaded
once, and a step uploads only a few numbers per patch.  Degraded patches (noise, JPEG) always come
from the host, because NumPy makes them.  With a GPU, threads prepare the next batches while it
computes.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from scalewise.data.sampler import PatchSampler, Place

Kind = Literal["lr", "hr", "teacher"]
"""One of the arrays that a batch consists of."""

Inputs = tuple[Tensor, ...]
"""The input of a step: tensors in host memory, page-locked where the device is a GPU."""

Batch = tuple[Tensor, ...]
"""A step's patches on the device: LR, HR and, where the sampler draws them, teacher's and clean LR.

Each is (N, 3, H, W) float32 in [0, 1], channels last.  Noise without JPEG is not clipped, so LR may
exceed that."""

CHUNK = 64 * 2**20
"""Bytes of a store per upload."""

PREFETCHED = 8
"""The most batches that are prepared in advance."""


class Batches:
    """Batches of a run, made in two parts: an upload, and its assembly on the device.

    Both parts depend on the step alone.  A CUDA graph may capture the second part: it launches
    the same kernels at every step and never waits for the host.
    """

    def __init__(self, sampler: PatchSampler, device: torch.device) -> None:
        self._sampler, self._device = sampler, device

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step."""
        inputs = self.draw(step)
        return self.assemble(tuple(each.to(self._device, non_blocking=True) for each in inputs))

    def draw(self, step: int) -> Inputs:
        """Return a step's upload, with the same shapes and types at every step."""
        raise NotImplementedError

    def assemble(self, inputs: Inputs) -> Batch:
        """Return the batch of an upload."""
        raise NotImplementedError

    def use(self, sampler: PatchSampler) -> None:
        """Take patches from another sampler of the same stores from now on."""
        self._sampler = sampler

    def close(self) -> None:
        """Stop background threads; a later :meth:`draw` starts them again."""

    def _page_locked(self, tensor: Tensor) -> Tensor:
        """Page-lock a tensor for a GPU, so that the host need not wait for the upload."""
        return tensor.pin_memory() if self._device.type == "cuda" else tensor


def make_batches(sampler: PatchSampler, device: torch.device) -> Batches:
    """Return the batches that suit a device.

    They are gathered on a GPU if the stores fit and patches are not degraded.  Otherwise they
    are prefetched, except for the CPU, because training needs its cores.
    """
    if device.type == "cuda" and sampler.degradation is None:
        free, _ = torch.cuda.mem_get_info(device)
        if sum(store.bytes.size for store in sampler.stores) < free / 2:
            return DeviceBatches(sampler, device)
    return (
        HostBatches(sampler, device) if device.type == "cpu" else BatchPrefetcher(sampler, device)
    )


class HostBatches(Batches):
    """Batches cut from the mapped stores by the sampler, then moved to the device."""

    def draw(self, step: int) -> Inputs:
        """Return the sampler's patches, (N, H, W, 3)."""
        sampled = self._sampler.sample(step)
        tensors = [torch.from_numpy(patches) for patches in sampled]  # pyright: ignore[reportUnknownMemberType]
        return tuple(map(self._page_locked, tensors))

    def assemble(self, inputs: Inputs) -> Batch:
        """Return the patches as images."""
        return tuple(map(as_images, inputs))


class BatchPrefetcher(HostBatches):
    """Batches cut and degraded by threads in advance, while the device computes.

    An exception is raised at the step that it belongs to.  A step out of order, as after a
    resume, drops the prepared batches.

    Args:
        sampler: source of the patches.
        device: device of the batches.
        depth: the most batches that are prepared in advance.
        workers: number of threads; by default all cores but one, at most ``depth``.
    """

    def __init__(
        self,
        sampler: PatchSampler,
        device: torch.device,
        depth: int = PREFETCHED,
        workers: int | None = None,
    ) -> None:
        super().__init__(sampler, device)
        self._depth = depth
        self._workers = workers or max(1, min(depth, (os.cpu_count() or 1) - 1))
        self._pool: ThreadPoolExecutor | None = None
        self._queue: deque[Future[Inputs]] = deque()  # batches of the steps from _next on
        self._next = 0

    def draw(self, step: int) -> Inputs:
        """Return the sampler's patches, (N, H, W, 3)."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, "prefetch", self._enter_device)
        if step != self._next:
            self._drop()
            self._next = step
        while len(self._queue) <= self._depth:
            self._queue.append(self._pool.submit(super().draw, step + len(self._queue)))
        self._next += 1
        return self._queue.popleft().result()

    def use(self, sampler: PatchSampler) -> None:
        """Take patches from another sampler, and drop the prepared batches."""
        self._drop()
        super().use(sampler)

    def close(self) -> None:
        """Stop the threads after their current batches."""
        self._drop()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _drop(self) -> None:
        for future in self._queue:
            future.cancel()
        self._queue.clear()

    def _enter_device(self) -> None:
        if self._device.type == "cuda":  # page-locked memory belongs to a thread's device
            torch.cuda.set_device(self._device)


class DeviceBatches(Batches):
    """Batches of clean patches, gathered on the device, which holds the whole stores."""

    def __init__(self, sampler: PatchSampler, device: torch.device) -> None:
        super().__init__(sampler, device)
        starts = np.cumsum([0, *(store.bytes.size for store in sampler.stores)])
        self._starts = dict(zip(sampler.stores, starts.tolist(), strict=False))
        self._bytes = torch.empty(int(starts[-1]), dtype=torch.uint8, device=device)
        self._upload()
        zooms: dict[Kind, int] = {"lr": 1, "hr": sampler.scale}
        if sampler.teacher:
            zooms["teacher"] = sampler.scale
        self._zooms = zooms

    def draw(self, step: int) -> Inputs:
        """Return the positions of the patches: (arrays, N, 5) int64.

        The five numbers are the image's first byte and its width, the patch's top and left, and
        the view.
        """
        places = self._sampler.draw(step)
        rows = [list(self._rows(places, kind)) for kind in self._zooms]
        return (self._page_locked(torch.tensor(rows)),)

    def assemble(self, inputs: Inputs) -> Batch:
        """Gather the patches."""
        (rows,) = inputs
        return tuple(
            self._gather(rows[index], self._sampler.patch * zoom)
            for index, zoom in enumerate(self._zooms.values())
        )

    def _rows(self, places: list[Place], kind: Kind) -> Iterable[tuple[int, ...]]:
        zoom = self._zooms[kind]
        for place in places:
            width, offset = self._width_and_offset(place, kind)
            first = self._starts[place.store] + offset
            yield first, width, place.top * zoom, place.left * zoom, place.view

    def _width_and_offset(self, place: Place, kind: Kind) -> tuple[int, int]:
        entry, scale = place.store.entries[place.picture], self._sampler.scale
        if kind == "teacher" and entry.teacher is not None:
            return entry.teacher[1:]
        if kind == "lr" and scale > 1:
            return entry.lr[scale][1:]
        return entry.shape[1], entry.offset

    def _gather(self, rows: Tensor, side: int) -> Tensor:
        """Gather patches with a given side, from (N, 5) of :meth:`draw`."""
        offset, width, top, left, view = (column[:, None, None] for column in rows.unbind(1))
        along = torch.arange(side, device=self._device)
        down, across = along[:, None].expand(side, side), along[None, :].expand(side, side)
        # The views of scalewise.data.sampler.dihedral, as source coordinates.
        transposed = (view & 4) > 0
        row = torch.where(transposed, across, down)
        column = torch.where(transposed, down, across)
        row = torch.where((view & 2) > 0, side - 1 - row, row)
        column = torch.where((view & 1) > 0, side - 1 - column, column)
        first = offset + ((top + row) * width + left + column) * 3
        return as_images(self._bytes[first[..., None] + torch.arange(3, device=self._device)])

    def _upload(self) -> None:
        """Copy the stores to the device in chunks, so that host memory holds only one chunk."""
        chunk = self._page_locked(torch.empty(min(CHUNK, len(self._bytes)), dtype=torch.uint8))
        held = chunk.numpy()
        for store, start in self._starts.items():
            for first in range(0, store.bytes.size, CHUNK):
                part = store.bytes[first : first + CHUNK]
                held[: part.size] = part
                target = self._bytes[start + first : start + first + part.size]
                target.copy_(chunk[: part.size])  # waits, so that the chunk can be reused


def as_images(patches: Tensor) -> Tensor:
    """Return (N, H, W, C) in levels of 255 as (N, C, H, W) float32 in [0, 1], channels last."""
    return patches.permute(0, 3, 1, 2).float() / 255
