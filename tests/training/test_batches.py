"""Batches gathered on the device are the sampler's own."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalewise.data.degrading import PatchDegradation
from scalewise.data.layouts import find_dataset
from scalewise.data.packing import pack
from scalewise.data.sampler import PatchSampler
from scalewise.data.store import Store, TeacherInfo
from scalewise.data.teacher import TeacherModel
from scalewise.files import Picture, write
from scalewise.imaging.resize import imresize
from scalewise.tasks import PHOTO
from scalewise.training import batches
from scalewise.training.batches import (
    BatchPrefetcher,
    DeviceBatches,
    HostBatches,
    Inputs,
    make_batches,
)


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


CPU = torch.device("cpu")


@pytest.fixture
def noisy(tmp_path: Path, photo: NDArray[np.uint8]) -> PatchSampler:
    """Patches with noise and JPEG."""
    write(tmp_path / "a.png", Picture(photo[:120, :150]))
    pack([find_dataset(tmp_path)], tmp_path / "out.pack", [2])
    return PatchSampler(
        [Store(tmp_path / "out.pack")], 2, 16, 3, degradation=PatchDegradation.of(PHOTO)
    )


def same(one: Inputs, other: Inputs) -> bool:
    return all(torch.equal(ours, theirs) for ours, theirs in zip(one, other, strict=True))


def test_stores_are_uploaded_in_chunks(
    noisy: PatchSampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "CHUNK", 1000)
    sampler = PatchSampler(noisy.stores, 2, 16, 3)
    assert same(DeviceBatches(sampler, CPU)(7), HostBatches(sampler, CPU)(7))


def test_a_step_uploads_one_small_tensor(noisy: PatchSampler) -> None:
    (rows,) = DeviceBatches(PatchSampler(noisy.stores, 2, 16, 3), CPU).draw(0)
    assert (rows.shape, rows.dtype) == ((2, 3, 5), torch.int64)


def test_prefetched_batches_are_the_same_in_any_order(noisy: PatchSampler) -> None:
    host, ahead = HostBatches(noisy, CPU), BatchPrefetcher(noisy, CPU, depth=3, workers=2)
    for step in (0, 1, 2, 3, 4, 100, 101, 4, 5):
        assert same(ahead(step), host(step))
    ahead.close()
    assert same(ahead(6), host(6))  # it starts again
    ahead.close()


def test_prefetching_is_bounded_and_stops(noisy: PatchSampler) -> None:
    drawn: set[int] = set()
    sample = noisy.sample

    def count(step: int) -> object:
        drawn.add(step)
        return sample(step)

    noisy.sample = count  # pyright: ignore[reportAttributeAccessIssue]
    ahead = BatchPrefetcher(noisy, CPU, depth=3, workers=2)
    for step in range(5):
        ahead.draw(step)
    ahead.close()
    assert {0, 1, 2, 3, 4} <= drawn <= set(range(9))
    assert not [each for each in threading.enumerate() if each.name.startswith("prefetch")]


def test_an_exception_comes_with_its_step(noisy: PatchSampler) -> None:
    sample = noisy.sample

    def fail(step: int) -> object:
        if step == 2:
            raise OSError("the disk is gone")
        return sample(step)

    noisy.sample = fail  # pyright: ignore[reportAttributeAccessIssue]
    ahead = BatchPrefetcher(noisy, CPU, depth=3)
    for step in (0, 1):
        ahead.draw(step)
    with pytest.raises(OSError, match="the disk is gone"):
        ahead.draw(2)
    ahead.draw(3)
    ahead.close()


def test_a_cpu_prepares_its_own_batches(noisy: PatchSampler) -> None:
    assert type(make_batches(noisy, CPU)) is HostBatches
    assert type(make_batches(noisy, torch.device("mps"))) is BatchPrefetcher


def test_a_teachers_patches_come_third(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    write(tmp_path / "a.png", Picture(photo[:121, :151]))
    teacher = TeacherModel(lambda lr: 255 - imresize(lr, 2), TeacherInfo("negative", "CC0", 2))
    pack([find_dataset(tmp_path)], tmp_path / "out.pack", [2], teacher=teacher)
    sampler = PatchSampler([Store(tmp_path / "out.pack")], 2, 16, 3, teacher=True)
    host, device = HostBatches(sampler, CPU), DeviceBatches(sampler, CPU)
    assert device.draw(0)[0].shape == (3, 3, 5)
    for step in range(4):
        batch = device(step)
        assert same(batch, host(step))
        assert [patches.shape[-1] for patches in batch] == [16, 32, 32]
        assert not torch.equal(batch[1], batch[2])
