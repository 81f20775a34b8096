"""TensorBoard logs of a run: its curves and a few validation images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from scalewise.imaging.resize import imresize
from scalewise.training.log import LogLine
from scalewise.training.loop import Trainer
from scalewise.training.validation import ValidationSet, restore_uint8

Crop = tuple[NDArray[Any], NDArray[Any], NDArray[np.uint8]]

CROPS = 4
"""Number of validation images that are shown."""

CROP_SIDE = 96
"""The largest side of a shown crop, the image's centre, in LR pixels."""


class TensorBoard:
    """Listener that writes log lines for TensorBoard, and some images at every validation.

    ``tensorboard --logdir RUN`` shows them.  Each image shows the centre of one of the first
    validation images three times: bicubic enlargement, restoration and ground truth.

    Args:
        trainer: the run, at the step it starts from; later entries of an interrupted run are
            hidden.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._writer = SummaryWriter(str(trainer.run / "tensorboard"), purge_step=trainer.step + 1)
        self._crops = _crops(trainer.validation) if trainer.validation is not None else []

    def on_line(self, line: LogLine) -> None:
        """Write a line's loss and rate and, if it was measured, PSNR-Y with the images."""
        for name, value in line.values.items():
            self._writer.add_scalar(name, value, line.step)  # pyright: ignore[reportUnknownMemberType]
        if line.psnr_y is not None:
            self._show_crops(line.step)
        self._writer.flush()

    def _show_crops(self, step: int) -> None:
        trainer = self._trainer
        for index, (lr, bicubic, truth) in enumerate(self._crops):
            restored = restore_uint8(trainer.ema.network, lr, trainer.device, trainer.dtype)
            seen = np.rint(bicubic).clip(0, 255).astype(np.uint8)  # noise alone is not rounded
            picture = np.concatenate([seen, restored, truth], axis=1)
            self._writer.add_image(  # pyright: ignore[reportUnknownMemberType]
                f"crops/{index}", picture, step, dataformats="HWC"
            )


def _crops(validation: ValidationSet) -> list[Crop]:
    """Return the centres of the first images: LR, bicubic enlargement and ground truth."""
    scale = validation.scale
    crops: list[Crop] = []
    for lr, hr in validation.pairs[:CROPS]:
        height, width = (min(side, CROP_SIDE) for side in lr.shape[:2])
        top, left = (lr.shape[0] - height) // 2, (lr.shape[1] - width) // 2
        small = lr[top : top + height, left : left + width]
        truth = hr[top * scale : (top + height) * scale, left * scale : (left + width) * scale]
        crops.append((small, imresize(small, scale), truth))
    return crops
