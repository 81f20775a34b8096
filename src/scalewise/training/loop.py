"""The training loop: sample, forward, backward, step; log, validate and save now and then.

Everything a run needs to go on after a kill is in one checkpoint.  Nothing of the data is in
it: the patches of a step depend on the seed and the step alone.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from scalewise.data.sampler import PatchSampler
from scalewise.errors import ScalewiseError
from scalewise.models import RestorationNetwork
from scalewise.training.batches import make_batches
from scalewise.training.budget import Budget
from scalewise.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from scalewise.training.config import OptimizerConfig, Recipe
from scalewise.training.ema import Ema
from scalewise.training.losses import restoration_loss
from scalewise.training.machine import autocast, keep_freed_memory, pick_device, pick_dtype
from scalewise.training.muon import Muon
from scalewise.training.schedules import learning_rate
from scalewise.training.validation import ValidationSet

LOG_EVERY = 20
"""Steps from one line of the log to the next; only there does the loop wait for a loss."""


@dataclass(frozen=True)
class LogLine:
    """One line of the log.

    Attributes:
        step: optimizer steps done.
        seconds: of the run so far, pauses between kill and resume left out.
        progress: done part of the budget, in [0, 1].
        rate: learning rate.
        loss: mean over the steps since the line before.
        psnr_y: dB of the averaged weights on the validation set, where just measured.
    """

    step: int
    seconds: float
    progress: float
    rate: float
    loss: float
    psnr_y: float | None


class Listener(Protocol):
    """Who is told how a run goes: a progress bar, TensorBoard."""

    def on_line(self, line: LogLine) -> None:
        """A line was logged."""
        ...


class Trainer:
    """One run, from its first step or its last checkpoint to the end of its budget.

    Args:
        network: the network to train, on any device.
        recipe: the run's settings.
        sampler: where patches come from.
        run: the run's folder; gets ``last.pt``, ``best.pt`` and ``log.csv``.
        validation: what the averaged weights are measured on; without it the last weights
            count as the best.
        listeners: told of every line of the log.

    Raises:
        ScalewiseError: the recipe's budget makes no sense.
    """

    def __init__(
        self,
        network: RestorationNetwork,
        recipe: Recipe,
        sampler: PatchSampler,
        run: Path,
        validation: ValidationSet | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        keep_freed_memory()
        self.recipe = recipe
        self.sampler = sampler
        self.run = run
        self.validation = validation
        self.listeners = list(listeners)
        epoch = recipe.data.epoch or math.ceil(len(sampler) / recipe.data.batch)
        self.budget = Budget.from_config(recipe.budget, epoch)
        self.device = pick_device(recipe.device)
        self.dtype = pick_dtype(recipe.precision, self.device)
        self.batches = make_batches(sampler, self.device)
        network.to(device=self.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.network = network
        self.ema = Ema(self.network, recipe.optimizer.ema)
        self.optimizer = make_optimizer(self.network, recipe.optimizer)
        self.step = 0
        self.seconds = 0.0
        self.best = -math.inf
        self._losses: list[Tensor] = []  # since the last line of the log
        self._stopping = False

    def train(self) -> None:
        """Train to the end of the budget, or until :meth:`stop`.

        Raises:
            ScalewiseError: the loss or the weights stopped being finite; the last checkpoint
                is from before that.
        """
        self.run.mkdir(parents=True, exist_ok=True)
        started = time.monotonic() - self.seconds
        saved = validated = self.seconds
        while self.progress < 1 and not self._stopping:
            self._losses.append(self.training_step())
            self.seconds = time.monotonic() - started
            done = self.progress >= 1
            if len(self._losses) < LOG_EVERY and not done:
                continue
            loss = self._mean_of_finite_losses()
            self._losses.clear()
            due = self.seconds - validated >= self.recipe.validate_every
            psnr_y = self._validate() if due or done else None
            improved = self._keep_best(psnr_y)
            if due:
                validated = self.seconds
            self._log(loss, psnr_y)
            if improved or done or self.seconds - saved >= self.recipe.checkpoint_every:
                self._save(improved)
                saved = self.seconds
        if self.progress < 1:
            self._mean_of_finite_losses()
            self._save()

    def stop(self) -> None:
        """Make :meth:`train` return after the step it is at, with a checkpoint written."""
        self._stopping = True

    @property
    def progress(self) -> float:
        """Done part of the budget, in [0, 1]."""
        return self.budget.progress(self.step, self.seconds)

    @property
    def rate(self) -> float:
        """The learning rate now."""
        return learning_rate(self.progress, self.recipe.optimizer.rate, self.recipe.schedule)

    def training_step(self) -> Tensor:
        """Learn from one batch; the loss, on the device."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        lr, hr = self.batches(self.step)
        with autocast(self.device, self.dtype):
            restored: Tensor = self.network(lr)
        weights = self.recipe.loss
        loss = restoration_loss(restored.float(), hr, weights.l1, weights.smooth_l1)
        self.optimizer.zero_grad()
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        if self.recipe.optimizer.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.optimizer.clip)
        self.optimizer.step()
        self.ema.update(self.network, self.step)
        self.step += 1
        return loss.detach()

    def state_dict(self) -> Checkpoint:
        """The run as tensors and plain values."""
        return {
            "recipe": dataclasses.asdict(self.recipe),
            "step": self.step,
            "seconds": self.seconds,
            "progress": self.progress,
            "best": self.best,
            "losses": [loss.item() for loss in self._losses],
            "network": self.network.state_dict(),
            "ema": self.ema.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def resume(self) -> None:
        """Go back to the run's last checkpoint.

        Raises:
            ScalewiseError: there is none, or it is damaged or of another model.
        """
        path = self.run / "last.pt"
        checkpoint = load_checkpoint(path)
        try:
            self.network.load_state_dict(checkpoint["network"])
            self.ema.network.load_state_dict(checkpoint["ema"])
            self.optimizer.load_state_dict(checkpoint["optimizer"])
            losses = [torch.tensor(loss, device=self.device) for loss in checkpoint["losses"]]
        except (KeyError, RuntimeError, ValueError) as error:
            raise ScalewiseError(f"{path}: is a checkpoint of another model") from error
        self.step = checkpoint["step"]
        self.seconds = checkpoint["seconds"]
        self.best = checkpoint["best"]
        self._losses = losses
        forget_lines_after(self.run / "log.csv", self.step)

    def _mean_of_finite_losses(self) -> float:
        losses = torch.stack(self._losses) if self._losses else torch.zeros(1)
        sums = [parameter.detach().sum() for parameter in self.network.parameters()]
        if not (losses.isfinite().all() and torch.stack(sums).isfinite().all()):
            last = self.run / "last.pt"
            kept = f"{last} is from before that" if last.exists() else "no checkpoint was written"
            raise ScalewiseError(
                f"the loss stopped being finite by step {self.step}; {kept}; "
                "lower optimizer.rate or set optimizer.clip"
            )
        return losses.mean().item()

    def _validate(self) -> float | None:
        if self.validation is None:
            return None
        return self.validation.psnr_y(self.ema.network, self.device, self.dtype)

    def _keep_best(self, psnr_y: float | None) -> bool:
        if psnr_y is None or psnr_y <= self.best:
            return False
        self.best = psnr_y
        return True

    def _log(self, loss: float, psnr_y: float | None) -> None:
        line = LogLine(self.step, self.seconds, self.progress, self.rate, loss, psnr_y)
        append_line(self.run / "log.csv", line)
        for listener in self.listeners:
            listener.on_line(line)

    def _save(self, improved: bool = False) -> None:
        checkpoint = self.state_dict()
        if improved or self.validation is None:
            save_checkpoint(self.run / "best.pt", checkpoint)
        save_checkpoint(self.run / "last.pt", checkpoint)


def make_optimizer(network: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """The optimizer that a recipe asks for."""
    if config.kind == "muon":
        return Muon(network.parameters(), config.rate, config.betas)
    return torch.optim.Adam(network.parameters(), config.rate, config.betas, fused=True)


def append_line(path: Path, line: LogLine) -> None:
    """Append a line to a log, under a header if it is the first."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(field.name for field in dataclasses.fields(LogLine))
        writer.writerow("" if value is None else value for value in dataclasses.astuple(line))


def forget_lines_after(path: Path, step: int) -> None:
    """Drop the lines that an interrupted run logged after its last checkpoint."""
    if not path.exists():
        return
    header, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if line.endswith("\n") and int(line.split(",")[0]) <= step]
    partial = path.with_name(path.name + ".partial")
    partial.write_text(header + "".join(kept), encoding="utf-8")
    partial.replace(path)
