"""Batches gathered on the device are the sampler's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalewise.data.layouts import find_dataset
from scalewise.data.sampler import PatchSampler
from scalewise.data.store import Store, pack
from scalewise.files import Picture, write
from scalewise.training.batches import DeviceBatches, HostBatches


def test_whole_pictures_are_gathered_as_they_are(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    for number in range(3):
        write(tmp_path / f"{number}.png", Picture(photo[100 * number : 100 * number + 80]))
    pack([find_dataset(tmp_path)], tmp_path / "out.pack", [2], squash=24)
    sampler = PatchSampler([Store(tmp_path / "out.pack")], 2, 24, 2, whole=True)
    host = HostBatches(sampler, torch.device("cpu"))
    device = DeviceBatches(sampler, torch.device("cpu"))
    for step in range(4):
        for ours, theirs in zip(device(step), host(step), strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_gathered_batches_are_the_samplers(
    tmp_path: Path, photo: NDArray[np.uint8], scale: int
) -> None:
    stores: list[Store] = []
    for number, size in enumerate([(130, 170), (201, 90)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder / "a.png", Picture(photo[: size[0], : size[1]]))
        write(folder / "b.png", Picture(photo[200 : 200 + size[1], 100 : 100 + size[0]]))
        scales = [scale] if scale > 1 else []
        pack([find_dataset(folder)], folder / "out.pack", scales, workers=1)
        stores.append(Store(folder / "out.pack"))
    sampler = PatchSampler(stores, scale, 16, 24, seed=3)
    host = HostBatches(sampler, torch.device("cpu"))
    device = DeviceBatches(sampler, torch.device("cpu"))
    assert {place.view for place in sampler.draw(0)} == set(range(8))
    for step in (0, 5):
        for ours, theirs in zip(device(step), host(step), strict=True):
            assert ours.shape == theirs.shape
            assert ours.is_contiguous(memory_format=torch.channels_last)
            assert torch.equal(ours, theirs)
    lr, hr = sampler.sample(5)
    assert torch.equal(host(5)[1] * 255, torch.from_numpy(hr).permute(0, 3, 1, 2).float())
    assert lr.shape[1] * scale == hr.shape[1]
