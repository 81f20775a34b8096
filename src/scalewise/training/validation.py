"""Validation during training: PSNR-Y of whole images, computed on the device.

It is the PSNR-Y of :meth:`scalewise.imaging.protocols.Protocol.score`.  SSIM is left out: on a GPU
it takes longer than the restoration itself, and it is not needed during training.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalewise.data.store import Store
from scalewise.imaging.colour import LumaWeights
from scalewise.imaging.protocols import Protocol
from scalewise.models import RestorationNetwork
from scalewise.training.distributed import World
from scalewise.training.machine import autocast
from scalewise.training.validation_protocol import PROTOCOL

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class ValidationSet:
    """Pairs of validation images in memory.

    Attributes:
        pairs: LR (h, w, 3) and HR (scale h, scale w, 3), from the protocol's ``prepare``: uint8,
            except for noisy LR.
        scale: HR over LR size.
        protocol: protocol of their preparation and scores.
    """

    pairs: list[tuple[NDArray[Any], Pixels]]
    scale: int
    protocol: Protocol = PROTOCOL

    def psnr_y(
        self,
        network: RestorationNetwork,
        device: torch.device,
        dtype: torch.dtype,
        world: World | None = None,
    ) -> float:
        """Return the mean PSNR-Y in dB over the images, restored whole by the network.

        The processes of a ``world`` share the images.
        """
        world = world or World()
        mine = range(world.rank, len(self.pairs), world.size)
        with constant_algorithms():
            measured = [self._psnr_y(network, *self.pairs[n], device, dtype) for n in mine]
        scores = [0.0] * len(self.pairs)
        for n, score in zip(mine, torch.stack(measured).cpu() if measured else (), strict=True):
            scores[n] = float(score)
        return float(np.mean(world.sum(*scores)))

    def trained_on(self, stores: Sequence[Store]) -> int:
        """Return how many of the images are in stores of training images, too.

        The protocol may have cut their last rows and columns.
        """
        shapes: dict[tuple[int, int], dict[bytes, list[int]]] = {}
        for number, (_, hr) in enumerate(self.pairs):  # a row tells almost all images apart
            rows = shapes.setdefault((hr.shape[0], hr.shape[1]), {})
            rows.setdefault(_middle_row(hr), []).append(number)
        found: set[int] = set()
        for store in stores:
            for index, entry in enumerate(store.entries):
                for (height, width), rows in shapes.items():
                    beyond = entry.shape[0] - height, entry.shape[1] - width
                    if min(beyond) < 0 or max(beyond) >= self.scale:
                        continue
                    held = store.hr(index)[:height, :width]
                    same = rows.get(_middle_row(held), [])
                    found |= {n for n in same if np.array_equal(held, self.pairs[n][1])}
        return len(found)

    def _psnr_y(
        self,
        network: RestorationNetwork,
        lr: NDArray[Any],
        hr: Pixels,
        device: torch.device,
        dtype: torch.dtype,
    ) -> Tensor:
        weights, border = self.protocol.luma_of(hr), self.protocol.border_at(self.scale)
        truth = torch.tensor(hr, device=device)
        return psnr_y(_restore(network, lr, device, dtype), truth, weights, border)


def _middle_row(image: Pixels) -> bytes:
    return image[len(image) // 2].tobytes()


def psnr_y(restored: Tensor, truth: Tensor, weights: LumaWeights, border: int) -> Tensor:
    """Return the PSNR of two images' luma.

    Args:
        restored: (H, W, 3) uint8.
        truth: the same.
        weights: the luma convention.
        border: pixels left out on each side.

    Returns:
        A scalar in dB, on the images' device; infinite for equal images.
    """
    inside = slice(border, -border or None)
    difference = restored[inside, inside].float() - truth[inside, inside].float()
    red, green, blue = difference.unbind(-1)
    luma = (weights.red * red + weights.green * green + weights.blue * blue) / 255
    return 10 * torch.log10(255**2 / luma.square().mean())


@contextmanager
def constant_algorithms() -> Generator[None, None, None]:
    """Prevent cuDNN from timing its algorithms for every new image size."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def restore_uint8(
    network: RestorationNetwork, image: NDArray[Any], device: torch.device, dtype: torch.dtype
) -> Pixels:
    """Run a network on one whole image (H, W, C) in levels of 255, and round to 8 bits."""
    return _restore(network, image, device, dtype).cpu().numpy()


def _restore(
    network: RestorationNetwork, image: NDArray[Any], device: torch.device, dtype: torch.dtype
) -> Tensor:
    pixels = torch.tensor(image, device=device, dtype=torch.float32)
    batch = pixels.permute(2, 0, 1)[None].contiguous(memory_format=torch.channels_last)
    with torch.no_grad(), autocast(device, dtype):
        restored: Tensor = network(batch / 255)
    rounded = (restored[0].float() * 255).round().clamp(0, 255).byte()
    return rounded.permute(1, 2, 0)
