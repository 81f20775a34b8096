"""Networks that need no weights: what they compute is known, and they can fail at will."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scalewise.restoring.rows import FloatImage
from scalewise.restoring.runtime import Precision


@dataclass
class Traits:
    """What a card would tell."""

    scale: int = 2
    channels: int = 3
    multiple: int = 4
    tiling: Literal["exact", "blended", "whole"] = "exact"
    architecture: str = "scn_exact"
    settings: dict[str, Any] = field(default_factory=lambda: {"width": 32, "expansion": 4})


def blur(image: FloatImage) -> FloatImage:
    """The mean over 3x3 pixels, edges repeated, of (..., H, W)."""
    height, width = image.shape[-2:]
    around = np.pad(image, [(0, 0)] * (image.ndim - 2) + [(1, 1), (1, 1)], mode="edge")
    shifted = [around[..., y : y + height, x : x + width] for y in (0, 1, 2) for x in (0, 1, 2)]
    return np.mean(shifted, axis=0, dtype=np.float32)


def repeat(image: FloatImage, scale: int = 2) -> FloatImage:
    return image.repeat(scale, -2).repeat(scale, -1)


@dataclass
class FakeRuntime:
    """Doubles by repetition after a blur, and remembers the shapes that it was given."""

    precision: Precision = "f32"
    device: str = "cpu"
    memory: int = 2**40
    shapes: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    largest: int | None = None
    nan_at: float | None = None

    def free_memory(self) -> int:
        return self.memory

    def __call__(self, image: FloatImage) -> FloatImage:
        self.shapes.append(image.shape)
        if self.largest is not None and image.shape[2] * image.shape[3] > self.largest:
            raise MemoryError("not enough memory")
        result = repeat(blur(image))
        if self.nan_at is not None and (image == self.nan_at).any():
            result[..., 0, 0] = np.nan
        return result


class ArraySource:
    """An array as rows; asks that they are taken in order, each once."""

    def __init__(self, image: NDArray[Any]) -> None:
        self.image = image
        self.height, self.width, self.channels = image.shape
        self.dtype = image.dtype
        self.next = 0

    def read_rows(self, start: int, stop: int) -> NDArray[Any]:
        assert start == self.next
        assert start < stop <= self.height
        self.next = stop
        return self.image[start:stop]


class ListSink:
    """Keeps the rows that it is given."""

    def __init__(self) -> None:
        self.blocks: list[NDArray[Any]] = []

    def write_rows(self, rows: Any) -> None:
        assert rows.flags.c_contiguous or rows.base is not None
        self.blocks.append(rows.copy())

    @property
    def image(self) -> NDArray[Any]:
        return np.concatenate(self.blocks)
