"""Batches as tensors: from host memory, or gathered on the device from the whole store.

Both give the same patches for the same step.  On a GPU the second leaves nothing to wait for:
the stores are copied to it once, and a step uploads a few numbers per patch.  Patches that are
degraded (noise, JPEG) come from the host everywhere: that is done in NumPy, a few milliseconds
a step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from scalewise.data.degrading import Floats
from scalewise.data.sampler import Patches, PatchSampler, Place

Kind = Literal["lr", "hr", "teacher"]

Batches = Callable[[int], tuple[Tensor, ...]]
"""A step's LR, HR and, where the sampler draws them, teacher's patches: (N, 3, H, W) float32 in
[0, 1], channels last, on the device.  Noise alone is not clipped, so there LR may go beyond."""


def make_batches(sampler: PatchSampler, device: torch.device) -> Batches:
    """Batches for a device: gathered on it if it is a GPU with room for the stores, and nothing
    befalls the patches."""
    if device.type == "cuda" and sampler.degradation is None:
        free, _ = torch.cuda.mem_get_info(device)
        if sum(store.bytes.size for store in sampler.stores) < free / 2:
            return DeviceBatches(sampler, device)
    return HostBatches(sampler, device)


class HostBatches:
    """Batches cut from the mapped stores by the sampler, then moved to the device."""

    def __init__(self, sampler: PatchSampler, device: torch.device) -> None:
        self._sampler, self._device = sampler, device

    def __call__(self, step: int) -> tuple[Tensor, ...]:
        """The batch of a step."""
        return tuple(self._to_batch(patches) for patches in self._sampler.sample(step))

    def _to_batch(self, patches: Patches | Floats) -> Tensor:
        tensor = torch.from_numpy(patches)  # pyright: ignore[reportUnknownMemberType]
        return as_images(tensor.to(self._device))


class DeviceBatches:
    """Batches gathered on the device, which holds the stores whole; of clean patches only."""

    def __init__(self, sampler: PatchSampler, device: torch.device) -> None:
        self._sampler, self._device = sampler, device
        starts = np.cumsum([0, *(store.bytes.size for store in sampler.stores)])
        self._starts = dict(zip(sampler.stores, starts.tolist(), strict=False))
        self._bytes = torch.empty(int(starts[-1]), dtype=torch.uint8, device=device)
        for store, start in self._starts.items():
            held = torch.from_numpy(np.array(store.bytes))  # pyright: ignore[reportUnknownMemberType]
            self._bytes[start : start + store.bytes.size] = held

    def __call__(self, step: int) -> tuple[Tensor, ...]:
        """The batch of a step."""
        places = self._sampler.draw(step)
        scale = self._sampler.scale
        batch = [self._gather(places, 1, "lr"), self._gather(places, scale, "hr")]
        if self._sampler.teacher:
            batch.append(self._gather(places, scale, "teacher"))
        return tuple(batch)

    def _gather(self, places: list[Place], zoom: int, kind: Kind) -> Tensor:
        """Patches at ``zoom`` times the LR grid, from one kind of the pictures."""
        rows = [
            (
                self._starts[place.store] + offset,
                width,
                place.top * zoom,
                place.left * zoom,
                place.view,
            )
            for place in places
            for width, offset in [self._width_and_offset(place, kind)]
        ]
        numbers = torch.tensor(rows, pin_memory=self._device.type == "cuda")
        numbers = numbers.to(self._device, non_blocking=True)  # nothing waits for the copy
        offset, width, top, left, view = (column[:, None, None] for column in numbers.unbind(1))
        side = self._sampler.patch * zoom
        along = torch.arange(side, device=self._device)
        down, across = along[:, None].expand(side, side), along[None, :].expand(side, side)
        # The views of scalewise.data.sampler.dihedral, as coordinates to read from.
        transposed = (view & 4) > 0
        row = torch.where(transposed, across, down)
        column = torch.where(transposed, down, across)
        row = torch.where((view & 2) > 0, side - 1 - row, row)
        column = torch.where((view & 1) > 0, side - 1 - column, column)
        first = offset + ((top + row) * width + left + column) * 3
        return as_images(self._bytes[first[..., None] + torch.arange(3, device=self._device)])

    def _width_and_offset(self, place: Place, kind: Kind) -> tuple[int, int]:
        entry, scale = place.store.entries[place.picture], self._sampler.scale
        if kind == "teacher" and entry.teacher is not None:
            return entry.teacher[1:]
        if kind == "lr" and scale > 1:
            return entry.lr[scale][1:]
        return entry.shape[1], entry.offset


def as_images(patches: Tensor) -> Tensor:
    """(N, H, W, C) uint8 or float32 in levels of 255 to (N, C, H, W) float32 in [0, 1], channels
    last."""
    return patches.permute(0, 3, 1, 2).float() / 255
