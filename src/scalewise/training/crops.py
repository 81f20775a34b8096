"""Crops of validation images: bicubic, restored and true, as PNG files in a run's folder."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalewise.atomic import write_atomic
from scalewise.imaging.resize import imresize
from scalewise.training.log import LogLine, Notify
from scalewise.training.validation import ValidationSet, restore_uint8

if TYPE_CHECKING:
    from scalewise.training.loop import Trainer

FOLDER = "crops"
"""Folder of the PNG files in a run's folder."""

CROP_SIDE = 96
"""Largest side of a crop, an image's centre, in LR pixels."""

GROWTH = 1.2
"""Steps of a crop in relation to those of the one before: a long run keeps a few dozen of each."""

Pixels = NDArray[np.uint8]


class Crop(NamedTuple):
    """The centre of a validation image: LR, its bicubic enlargement, and the ground truth."""

    lr: NDArray[Any]
    bicubic: Pixels
    truth: Pixels

    def beside(self, restored: Pixels) -> Pixels:
        """Return bicubic enlargement, restoration and ground truth in one image, left to right."""
        return np.concatenate([self.bicubic, restored, self.truth], axis=1)


def centre_crops(validation: ValidationSet, number: int) -> list[Crop]:
    """Return the centres of the first validation images."""
    scale = validation.scale
    crops: list[Crop] = []
    for lr, hr in validation.pairs[:number]:
        height, width = (min(side, CROP_SIDE) for side in lr.shape[:2])
        top, left = (lr.shape[0] - height) // 2, (lr.shape[1] - width) // 2
        small = lr[top : top + height, left : left + width]
        truth = hr[top * scale : (top + height) * scale, left * scale : (left + width) * scale]
        # Noise alone is not rounded.
        bicubic = np.rint(imresize(small, scale)).clip(0, 255).astype(np.uint8)
        crops.append(Crop(small, bicubic, truth))
    return crops


class CropWriter:
    """Listener that saves crops at validations, in growing intervals and at the end.

    Args:
        trainer: the run, at the step it starts from.
        number: number of validation images.
        notify: called with one line if a file cannot be written.
        saved: called with a file's path and its step after it is written.
    """

    def __init__(
        self,
        trainer: Trainer,
        number: int,
        notify: Notify,
        saved: Callable[[Path, int], None] | None = None,
    ) -> None:
        self._trainer, self._notify, self._saved = trainer, notify, saved
        valid = trainer.validation
        self._crops = [] if valid is None else centre_crops(valid, number)
        self._last = max(
            (step for step in map(_step_of, self.folder.glob("*.png")) if step <= trainer.step),
            default=-1,
        )

    @property
    def folder(self) -> Path:
        """The folder of the PNG files."""
        return self._trainer.run / FOLDER

    def on_line(self, line: LogLine) -> None:
        """Save the crops of a validation, if they are due."""
        if line.psnr_y is None or (line.step < self._last * GROWTH and line.progress < 1):
            return
        trainer = self._trainer
        for index, crop in enumerate(self._crops):
            restored = restore_uint8(trainer.ema.network, crop.lr, trainer.device, trainer.dtype)
            path = self.folder / f"{index}_{line.step:08}.png"
            try:
                self.folder.mkdir(exist_ok=True)
                write_atomic(path, png_bytes(crop.beside(restored)))
            except OSError as error:
                self._notify(f"{path}: cannot be written ({error.strerror}); training goes on")
                return
            if self._saved is not None:
                self._saved(path, line.step)
        self._last = line.step


def _step_of(path: Path) -> int:
    """Return the step in a file's name, or -1."""
    step = path.stem.rpartition("_")[2]
    return int(step) if step.isdecimal() else -1


def png_bytes(image: Pixels) -> bytes:
    """Return an image (H, W, 3) as a PNG file, without another package.

    Source: PNG, third edition (W3C, 2025): chunks in 5.3, header in 11.2.1, filters in 9.
    """
    height, width, _ = image.shape
    # Filter 1 (Sub): each byte less that of the pixel to its left.
    rows = image.copy()
    rows[:, 1:] -= image[:, :-1]
    filtered = np.concatenate([np.ones((height, 1), np.uint8), rows.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    # scalewise.files has one, too, but needs pyvips.
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", checksum)
