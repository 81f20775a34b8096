"""TensorBoard logs of a run: its curves and a few validation images."""

from __future__ import annotations

from torch.utils.tensorboard import SummaryWriter

from scalewise.training.crops import centre_crops
from scalewise.training.log import LogLine
from scalewise.training.loop import Trainer
from scalewise.training.validation import restore_uint8

CROPS = 4
"""Number of validation images that are shown."""


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
        valid = trainer.validation
        self._crops = [] if valid is None else centre_crops(valid, CROPS)
        self._writer = SummaryWriter(str(trainer.run / "tensorboard"), purge_step=trainer.step + 1)

    def on_line(self, line: LogLine) -> None:
        """Write a line's loss and rate and, if it was measured, PSNR-Y with the images."""
        for name, value in line.values.items():
            self._writer.add_scalar(name, value, line.step)  # pyright: ignore[reportUnknownMemberType]
        if line.psnr_y is not None:
            self._show_crops(line.step)
        self._writer.flush()

    def close(self) -> None:
        """Close the log, whose writer is a thread."""
        self._writer.close()

    def _show_crops(self, step: int) -> None:
        trainer = self._trainer
        for index, crop in enumerate(self._crops):
            restored = restore_uint8(trainer.ema.network, crop.lr, trainer.device, trainer.dtype)
            self._writer.add_image(  # pyright: ignore[reportUnknownMemberType]
                f"crops/{index}", crop.beside(restored), step, dataformats="HWC"
            )
