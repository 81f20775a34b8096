"""A run's curves in TensorBoard."""

from __future__ import annotations

from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from scalewise.training.loop import LogLine


class TensorBoard:
    """Writes every line of a run's log for TensorBoard.

    Args:
        folder: where; shown by ``tensorboard --logdir FOLDER``.
        step: the step that the run starts or resumes from; what an interrupted run wrote after
            it is hidden.
    """

    def __init__(self, folder: Path, step: int = 0) -> None:
        self._writer = SummaryWriter(str(folder), purge_step=step + 1)

    def on_line(self, line: LogLine) -> None:
        """Write a line's loss, rate and, where it was measured, PSNR-Y."""
        values = {"loss": line.loss, "rate": line.rate, "psnr_y": line.psnr_y}
        for name, value in values.items():
            if value is not None:
                self._writer.add_scalar(name, value, line.step)  # pyright: ignore[reportUnknownMemberType]
        self._writer.flush()
