"""Recording of an experiment: loss and PSNR of validations, and norms of the gradient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scalewise.experiments.experiment_logs import (
    GradientLine,
    ValidationLine,
    append_gradients,
    append_validation,
)
from scalewise.imaging.metrics import psnr
from scalewise.models import RestorationNetwork
from scalewise.training.distributed import World
from scalewise.training.log import LogLine
from scalewise.training.loop import Trainer
from scalewise.training.losses import restoration_loss
from scalewise.training.validation import (
    ValidationSet,
    constant_algorithms,
    psnr_y,
    restore_uint8,
)


@dataclass(frozen=True)
class RecordedValidation(ValidationSet):
    """A run's validation set that writes a line for each validation.

    Attributes:
        trainer: the run.
    """

    trainer: Trainer = field(kw_only=True, repr=False)

    def psnr_y(
        self,
        network: RestorationNetwork,
        device: torch.device,
        dtype: torch.dtype,
        world: World | None = None,
    ) -> float:
        """Return the mean PSNR-Y in dB, as the validation set does; write a line for it."""
        with constant_algorithms():
            found = [
                self._score(restore_uint8(network, lr, device, dtype), hr) for lr, hr in self.pairs
            ]
        loss, in_rgb, in_y = np.mean(found, axis=0).tolist()
        append_validation(self.trainer.run, ValidationLine(self.trainer.step, loss, in_rgb, in_y))
        return in_y

    def _score(self, restored: NDArray[Any], truth: NDArray[Any]) -> tuple[float, float, float]:
        """Return loss, PSNR and PSNR-Y of one image."""
        loss = self.trainer.recipe.loss
        weights, border = self.protocol.luma_of(truth), self.protocol.border_at(self.scale)
        inside = slice(border, -border or None)
        first, second = torch.tensor(restored), torch.tensor(truth)
        images = [image.permute(2, 0, 1)[None].float() / 255 for image in (first, second)]
        return (
            float(restoration_loss(images[0], images[1], loss)),
            psnr(restored[inside, inside], truth[inside, inside]),
            float(psnr_y(first, second, weights, border)),
        )


@dataclass(frozen=True)
class GradientRecorder:
    """Listener that writes the norms of the gradient since the line before.

    Attributes:
        trainer: the run.
    """

    trainer: Trainer = field(repr=False)

    def on_line(self, line: LogLine) -> None:
        """Write a line into the run's folder."""
        norms = self.trainer.gradient_norms
        if not norms:
            return
        found = torch.stack(norms).double().cpu()
        norms.clear()
        append_gradients(
            self.trainer.run,
            GradientLine(
                line.step,
                found.mean().item(),
                found.std(correction=0).item(),
                found.max().item(),
            ),
        )


def record_gradients(trainer: Trainer) -> None:
    """Make a run write the norms of its gradients into its folder."""
    trainer.gradient_norms = []
    trainer.listeners.append(GradientRecorder(trainer))


def record_validations(trainer: Trainer) -> None:
    """Make a run write loss, PSNR and PSNR-Y of every validation into its folder."""
    if (plain := trainer.validation) is not None:
        trainer.validation = RecordedValidation(
            plain.pairs, plain.scale, plain.protocol, trainer=trainer
        )
