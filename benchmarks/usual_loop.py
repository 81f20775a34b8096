"""Training loop of most super-resolution code, as a reference for comparison.

Images are PNG files, HR and LR in two folders.  Worker processes decode a whole image for
every patch, crop and flip it; the network computes in float32, in PyTorch's default layout,
and Adam is left at its defaults.  It is written to be fast within that: workers persist and
fetch ahead, memory is pinned for a GPU, epochs are long, and there is neither clipping nor an
average of the weights to keep.  Nothing of scalewise's training or data code is in it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from our_loop import SCALE, Settings
from PIL import Image
from stopwatch import Stopwatch, Timing, measure
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from scalewise.data.store import Store
from scalewise.training.build import build_network
from scalewise.training.machine import pick_device

Pixels = NDArray[np.uint8]

EPOCH = 100_000
"""Patches per epoch: images are repeated, so that workers do not restart every few steps."""


class PairedPictures(Dataset[tuple[Tensor, Tensor]]):
    """Random patches from ``HR/NAME.png`` and ``LR/NAME.png``.

    Args:
        folder: holds the two folders.
        scale: HR over LR size.
        patch: side of an LR patch, in pixels.
    """

    def __init__(self, folder: Path, scale: int, patch: int) -> None:
        self.hr = sorted((folder / "HR").glob("*.png"))
        self.lr = [folder / "LR" / path.name for path in self.hr]
        self.scale, self.patch = scale, patch

    def __len__(self) -> int:
        return EPOCH

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return an LR patch (3, patch, patch) and its HR patch, float32 in [0, 1]."""
        index %= len(self.hr)
        lr, hr = _decode(self.lr[index]), _decode(self.hr[index])
        top = random.randint(0, lr.shape[0] - self.patch)
        left = random.randint(0, lr.shape[1] - self.patch)
        lr = _crop(lr, top, left, self.patch)
        hr = _crop(hr, top * self.scale, left * self.scale, self.patch * self.scale)
        for axis in (0, 1):
            if random.random() < 0.5:
                lr, hr = np.flip(lr, axis), np.flip(hr, axis)
        if random.random() < 0.5:
            lr, hr = lr.swapaxes(0, 1), hr.swapaxes(0, 1)
        return _to_tensor(lr), _to_tensor(hr)


class UsualLoop:
    """A network in training, one :meth:`step` after the other.

    Args:
        network: what to train, on any device.
        pictures: where patches come from.
        batch: patches per step.
        workers: processes that decode; 0 decodes in this one.
        device: where to train.
        rate: Adam's learning rate.
    """

    def __init__(
        self,
        network: nn.Module,
        pictures: PairedPictures,
        batch: int,
        workers: int,
        device: torch.device,
        rate: float = 1e-3,
    ) -> None:
        self.device = device
        self.network = network.to(device).train()
        self.optimizer = torch.optim.Adam(network.parameters(), lr=rate)
        self.watch = Stopwatch(device)
        self.loader = DataLoader(
            pictures,
            batch_size=batch,
            shuffle=True,
            drop_last=True,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=device.type == "cuda",
        )
        self._batches = self._forever()

    def step(self) -> float:
        """Train on one batch, and return the loss."""
        self.watch.enter("data")
        lr, hr = next(self._batches)
        lr, hr = lr.to(self.device, non_blocking=True), hr.to(self.device, non_blocking=True)
        self.watch.enter("forward")
        self.optimizer.zero_grad()
        loss = F.l1_loss(self.network(lr), hr)
        self.watch.enter("backward")
        loss.backward()
        self.watch.enter("optimizer")
        self.optimizer.step()
        return loss.item()

    def _forever(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from self.loader


def time_usual_loop(settings: Settings, folder: Path, workers: int) -> Timing:
    """Time its steps, with the network, batch and patch of the settings.

    Args:
        settings: what to measure; precision, optimizer and compilation are the loop's own.
        folder: written by :func:`write_pictures`.
        workers: processes that decode.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    pictures = PairedPictures(folder, SCALE, settings.patch)
    network = build_network(settings.model, seed=0)
    loop = UsualLoop(network, pictures, settings.batch, workers, pick_device(settings.device))
    # Workers deliver at about the same time, so that every so many steps wait in turn.
    return measure(loop.step, loop.watch, settings.seconds, lap=max(1, workers))


def write_pictures(store: Store, folder: Path, patch: int, limit: int) -> tuple[int, float]:
    """Write a store's images as PNG files, in ``HR`` and ``LR``.

    Args:
        store: where the images are.
        folder: where the two folders are made.
        patch: images smaller than an LR patch of this side are left out.
        limit: at most so many images, spread over the store.

    Returns:
        How many images there are, and their mean size (HR) in megapixels.
    """
    shapes = store.lr_shapes(SCALE)
    usable = [index for index, shape in enumerate(shapes) if min(shape) >= patch]
    chosen = usable[:: max(1, -(-len(usable) // limit))]
    for name in ("HR", "LR"):
        (folder / name).mkdir(parents=True)

    def write(index: int) -> float:
        hr = store.hr(index)
        Image.fromarray(hr).save(folder / "HR" / f"{index:05}.png")
        Image.fromarray(store.lr(index, SCALE)).save(folder / "LR" / f"{index:05}.png")
        return hr.shape[0] * hr.shape[1] / 1e6

    with ThreadPoolExecutor() as pool:
        sizes = list(pool.map(write, chosen))
    return len(sizes), sum(sizes) / len(sizes)


def _decode(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _crop(picture: Pixels, top: int, left: int, side: int) -> Pixels:
    return picture[top : top + side, left : left + side]


def _to_tensor(patch: Pixels) -> Tensor:
    planes = np.ascontiguousarray(patch.transpose(2, 0, 1))
    return torch.from_numpy(planes).float().div_(255)
