"""A run's curves in TensorBoard, and what becomes of a few pictures."""

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
"""How many validation pictures are shown."""

CROP_SIDE = 96
"""The most LR pixels on each side of what is shown of a picture, its centre."""


class TensorBoard:
    """Writes every line of a run's log for TensorBoard, and at every validation some pictures.

    ``tensorboard --logdir RUN`` shows them.  A picture is the centre of one of the first
    validation pictures three times: enlarged bicubically, restored, and as it should be.

    Args:
        trainer: the run, at the step it starts from; what an interrupted run wrote after it is
            hidden.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._writer = SummaryWriter(str(trainer.run / "tensorboard"), purge_step=trainer.step + 1)
        self._crops = _crops(trainer.validation) if trainer.validation is not None else []

    def on_line(self, line: LogLine) -> None:
        """Write a line's loss, rate and, where it was measured, PSNR-Y and the pictures."""
        values = {"loss": line.loss, "rate": line.rate, "psnr_y": line.psnr_y}
        for name, value in values.items():
            if value is not None:
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
    """The centres of the first pictures: LR, enlarged bicubically, and the truth."""
    scale = validation.scale
    crops: list[Crop] = []
    for lr, hr in validation.pairs[:CROPS]:
        height, width = (min(side, CROP_SIDE) for side in lr.shape[:2])
        top, left = (lr.shape[0] - height) // 2, (lr.shape[1] - width) // 2
        small = lr[top : top + height, left : left + width]
        truth = hr[top * scale : (top + height) * scale, left * scale : (left + width) * scale]
        crops.append((small, imresize(small, scale), truth))
    return crops
