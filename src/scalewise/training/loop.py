"""Training loop: sample, forward, backward, step; log, validate and save at intervals.

A checkpoint holds all that a run needs to resume.  It holds no state of the data: the patches of
a step depend on the seed and the step alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from scalewise.arguments import AnyPath, path_of
from scalewise.data.sampler import PatchSampler
from scalewise.errors import LostWorker, ScalewiseError
from scalewise.models import RestorationNetwork
from scalewise.training.accumulation import backward_in_parts, check_parts
from scalewise.training.batches import Batch, Inputs, make_batches
from scalewise.training.budget import Budget, Interval, require_steps
from scalewise.training.checkpoint import (
    BEST,
    LAST,
    Branch,
    Checkpoint,
    load_last,
    read_checkpoint,
    save_checkpoint,
    save_generation,
)
from scalewise.training.config import Recipe
from scalewise.training.distributed import World, losing_a_worker_said
from scalewise.training.graph import StepValue, can_capture, compiled, make_step
from scalewise.training.log import LOG_FILE, Listener, LogLine, Notify, RunLog, keep_quiet
from scalewise.training.losses import batch_loss, diverged, divergence
from scalewise.training.machine import autocast, pick_device, pick_dtype, process_settings
from scalewise.training.optimization import Ema, learning_rate, make_optimizer
from scalewise.training.run_state import learned_state, load_learned
from scalewise.training.validation import ValidationSet

LOG_EVERY = 20
"""Steps between lines of the log; the loop waits for a loss only there."""

UNTIMED_STEPS = 2
"""First steps of each start, counted at the time of the next one: compiling takes long."""


class Trainer:
    """One run, from its first step or its last checkpoint to the end of its budget.

    Args:
        network: the network to train, on any device.
        recipe: the run's settings.
        sampler: source of the patches.
        run: the run's folder; gets ``last.pt``, ``previous.pt``, ``best.pt`` and ``log.csv``.
        validation: images that the averaged weights are measured on; without them the last
            weights count as the best.
        further: other sets by name, which are measured too and decide nothing.
        listeners: called with every line of the log, in the process that writes.
        world: the processes that train together.
        notify: called with one line for each problem that a run survives, such as a full disk.

    Raises:
        ScalewiseError: budget or intervals are not valid.
    """

    def __init__(
        self,
        network: RestorationNetwork,
        recipe: Recipe,
        sampler: PatchSampler,
        run: AnyPath,
        validation: ValidationSet | None = None,
        listeners: Sequence[Listener] = (),
        *,
        further: Mapping[str, ValidationSet] | None = None,
        world: World | None = None,
        notify: Notify | None = None,
    ) -> None:
        self.recipe = recipe
        self.sampler = sampler
        self.run = path_of(run, "run")
        self.validation = validation
        self.further = dict(further or {})
        self.listeners = list(listeners)
        self.world = world or World()
        self.notify = notify or keep_quiet
        epoch = recipe.data.epoch or math.ceil(len(sampler) / recipe.data.batch)
        self.budget = Budget.from_config(recipe.budget, epoch)
        self._validate_every = Interval.from_config(recipe.validate_every, epoch, "validate_every")
        self._save_every = Interval.from_config(recipe.checkpoint_every, epoch, "checkpoint_every")
        if recipe.deterministic:
            require_steps(
                budget=self.budget,
                validate_every=self._validate_every,
                checkpoint_every=self._save_every,
            )
        check_parts(recipe.optimizer.accumulate, recipe.data.batch // self.world.size)
        self.device = pick_device(recipe.device, self.world.local_rank)
        self.dtype = pick_dtype(recipe.precision, self.device)
        sides = {side for _, side in recipe.data.progressive or ()} - {sampler.patch}
        self._samplers = {side: sampler.with_patch(side) for side in sides}
        self._samplers[sampler.patch] = sampler
        self.batches = make_batches(sampler, self.device)
        network.to(device=self.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.network = network
        self.ema = Ema(self.network, recipe.optimizer.ema)
        captured = can_capture(self.device, self.world.size, recipe.compile)
        self.optimizer = make_optimizer(self.network, recipe.optimizer, captured)
        self._rate, self._decay = (StepValue(self.device if captured else None) for _ in range(2))
        self.take_step = make_step(self.operations, self.device, captured, self.notify)
        self.step = 0
        self.seconds = 0.0
        self.best = -math.inf
        self.start: float | None = None
        """PSNR-Y in dB before the first step, of a run that starts from trained weights."""
        self.branch: Branch | None = None
        self.gradient_norms: list[Tensor] | None = None
        """Norms of the gradients before they are clipped, one per step; None to keep none."""
        self._norm: Tensor | None = None
        self._forward = compiled(network, recipe.compile, captured)
        self._log = RunLog(self.run / LOG_FILE, not recipe.deterministic, self.further)
        self._further_scores: dict[str, float] = {}
        self._losses: list[Tensor] = []  # since the last line of the log
        self._saved_best = self.best
        self._stop_asked = self._stop_agreed = False

    def __repr__(self) -> str:
        where = f"step {self.step}, {self.progress:.1%} done, on {self.device}"
        return f"Trainer({self.recipe.model.name} in {self.run}: {where})"

    def train(self) -> None:
        """Train to the end of the budget, or until :meth:`stop`.

        Raises:
            Diverged: the loss or the weights diverge; the last checkpoint is older than that.
            ScalewiseError: the result cannot be written.
            LostWorker: another process has ended; the weights so far are saved.
        """
        alone = self._forward
        try:
            with process_settings(self.recipe.deterministic):
                self._train()
        except LostWorker:
            self._save()
            raise
        finally:
            self._forward = alone  # the wrapper around it holds the processes' connections
            self.batches.close()

    def _train(self) -> None:
        begins = self.step == self._first_step
        if begins and self.world.writes:  # may have been killed before its first checkpoint
            self.run.mkdir(parents=True, exist_ok=True)
            self._log.forget_after(-1)
        # Not earlier: the processes wait for each other here, and arrive one after the other.
        self._forward = self.world.wrap(self._forward, self.device)
        if begins and (self.recipe.model.init is not None or self.branch is not None):
            self._measure_start()
        started, taken = 0.0, 0
        saved = validated = self.seconds
        while self.progress < 1 and not self._is_stopping:
            with losing_a_worker_said() if self.world.size > 1 else nullcontext():
                self._losses.append(self.training_step())
            now, taken = time.monotonic(), taken + 1
            if taken <= UNTIMED_STEPS:
                started = now - self.seconds
            elif taken == UNTIMED_STEPS + 1:
                started -= UNTIMED_STEPS * (now - started - self.seconds)
            self._agree(now - started)
            done = self.progress >= 1
            line = done or len(self._losses) >= LOG_EVERY
            validate = done or self._is_due(self._validate_every, validated, line)
            save = done or self._is_due(self._save_every, saved, line)
            if not (line or validate or save):
                continue
            self._settle_losses()
            improved = False
            if line or validate:
                psnr_y = self._validate() if validate else None
                improved = self._keep_best(psnr_y)
                self._write_line(psnr_y)
            if improved or save:
                self._save(improved, must=done)
            validated = self.seconds if validate else validated
            saved = self.seconds if save else saved
        if self.progress < 1:
            self._settle_losses()
            self._save(must=True)

    def _measure_start(self) -> None:
        """Validate the weights that the run starts from; they compete for ``best.pt``."""
        with torch.no_grad():
            self._losses = [self._loss(self.batches(self.step))]
        self._settle_losses()
        self.start = self._validate()
        improved = self._keep_best(self.start)
        self._write_line(self.start)
        self._save(improved)

    def stop(self) -> None:
        """Make :meth:`train` write a checkpoint and return after the current step.

        Several processes return together, when they next exchange numbers.
        """
        self._stop_asked = True

    @property
    def progress(self) -> float:
        """Completed part of the budget, in [0, 1]."""
        return self.budget.progress(self.step - self._first_step, self.seconds)

    @property
    def _first_step(self) -> int:
        return self.branch.step if self.branch else 0

    @property
    def rate(self) -> float:
        """The current learning rate."""
        return learning_rate(self.progress, self.recipe.optimizer.rate, self.recipe.schedule)

    def training_step(self) -> Tensor:
        """Take a step on one batch, and return the loss, on the device."""
        rate = self._rate.set(self.rate)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._decay.set(self.ema.decay_at(self.step))
        self._choose_patch()
        variant = (self.recipe.loss, self._has_teacher, self.sampler.patch)
        loss = self.take_step(self.batches.draw(self.step), variant)
        if self.gradient_norms is not None and self._norm is not None:
            self.gradient_norms.append(self._norm.detach().clone())
        self.step += 1
        return loss

    def _choose_patch(self) -> None:
        """Change to patches of the side that is due, which may go back after a longer budget."""
        data = self.recipe.data
        if data.progressive and (side := data.patch_at(self.progress)) != self.sampler.patch:
            self.sampler = self._samplers[side]
            self.batches.use(self.sampler)

    def operations(self, inputs: Inputs) -> Tensor:
        """Run a step's operations on the device; they do not depend on the step's number."""
        batch = self.batches.assemble(inputs)
        self.optimizer.zero_grad()
        loss = backward_in_parts(self._loss, batch, self.recipe.optimizer.accumulate)
        clip = self.recipe.optimizer.clip
        if clip is not None or self.gradient_norms is not None:
            limit = math.inf if clip is None else clip
            self._norm = nn.utils.clip_grad_norm_(self.network.parameters(), limit)
        self.optimizer.step()
        self.ema.update(self.network, decay=self._decay.value)
        return loss

    @property
    def _has_teacher(self) -> bool:
        return self.sampler.teacher and self.progress < self.recipe.loss.teacher_until

    def _loss(self, batch: Batch) -> Tensor:
        loss, precision = self.recipe.loss, autocast(self.device, self.dtype)
        teacher = loss.teacher if self._has_teacher else 0.0
        return batch_loss(self._forward, batch, loss, teacher, precision)

    def state_dict(self) -> Checkpoint:
        """Return the run's state as tensors and plain values."""
        return {
            "recipe": asdict(self.recipe),
            "step": self.step,
            "seconds": self.seconds,
            "progress": self.progress,
            "best": self.best,
            "start": self.start,
            "branch": None if self.branch is None else asdict(self.branch),
            "losses": [loss.item() for loss in self._losses],
            **learned_state(self.network, self.ema, self.optimizer),
        }

    def resume(self) -> None:
        """Load the run's last checkpoint, or the one before if that cannot be read.

        Raises:
            ScalewiseError: there is no checkpoint, or it is damaged or of another model.
        """
        checkpoint = load_last(self.run, self.notify) if self.world.writes else None
        self.world.wait()
        checkpoint = checkpoint or load_last(self.run)
        self._load(checkpoint, self.run / LAST)
        self._losses = [torch.tensor(loss, device=self.device) for loss in checkpoint["losses"]]
        self.seconds = checkpoint["seconds"]
        self.best = self._saved_best = checkpoint["best"]
        self.start = checkpoint.get("start")
        self.branch = Branch(**branch) if (branch := checkpoint.get("branch")) else None
        if self.world.writes:
            self._log.forget_after(self.step)

    def leave(self, trunk: AnyPath) -> None:
        """Start as a copy of another run's last checkpoint: weights, average and optimizer.

        Steps are counted from its step; clock, budget and best score start again.

        Raises:
            ScalewiseError: there is no checkpoint, or it is damaged or of another model.
        """
        trunk = path_of(trunk, "trunk")
        checkpoint = read_checkpoint(trunk / LAST)
        self._load(checkpoint, trunk / LAST)
        self.branch = Branch.from_trunk(trunk, checkpoint)

    def _load(self, checkpoint: Checkpoint, path: Path) -> None:
        load_learned(checkpoint, path, self.network, self.ema, self.optimizer)
        self.step = checkpoint["step"]

    @property
    def _is_stopping(self) -> bool:
        return self._stop_agreed if self.world.size > 1 else self._stop_asked

    def _is_due(self, interval: Interval, last: float, line: bool) -> bool:
        """Return whether an interval is over: exact for steps, at log lines for seconds."""
        by_steps = interval.steps is not None
        return (line or by_steps) and interval.is_due(self.step, self.seconds - last)

    def _agree(self, seconds: float) -> None:
        """Share the clock of the writing process, and stop together.

        Several processes exchange numbers when a line is logged or something is due by steps.
        These steps are the same for all, and no process waits between them.
        """
        if self.world.size > 1:
            if not self._meets:
                return
            seconds, stops = self.world.sum(seconds * self.world.writes, self._stop_asked)
            self._stop_agreed = stops > 0
        self.seconds = seconds

    @property
    def _meets(self) -> bool:
        """True if the processes exchange numbers after this step."""
        if len(self._losses) >= LOG_EVERY or (self.budget.steps and self.progress >= 1):
            return True
        intervals = (self._validate_every, self._save_every)
        return any(each.steps and self.step % each.steps == 0 for each in intervals)

    def _settle_losses(self) -> None:
        """Average the losses since the last line over all processes, and check for divergence."""
        losses = torch.stack(self._losses) if self._losses else torch.zeros(1)
        losses = self.world.mean(losses)
        if (fault := divergence(losses, self.network, self.recipe.loss)) is not None:
            raise diverged(fault, self.step, self.run / LAST)
        if self._losses:
            self._losses = list(losses)

    def _validate(self) -> float | None:
        if self.validation is None:
            return None
        given = (self.ema.network, self.device, self.dtype, self.world)
        self._further_scores = {name: each.psnr_y(*given) for name, each in self.further.items()}
        return self.validation.psnr_y(*given)

    def _keep_best(self, psnr_y: float | None) -> bool:
        if psnr_y is None or psnr_y <= self.best:
            return False
        self.best = psnr_y
        return True

    def _write_line(self, psnr_y: float | None) -> None:
        loss = torch.stack(self._losses).mean().item()
        self._losses.clear()
        if not self.world.writes:
            return
        further = {} if psnr_y is None else self._further_scores
        line = LogLine(self.step, self.seconds, self.progress, self.rate, loss, psnr_y, further)
        try:
            self._log.append(line)
        except OSError as error:
            self.notify(f"{self._log.path}: cannot be written ({error.strerror}); the lines wait")
        for listener in self.listeners:
            listener.on_line(line)

    def _save(self, improved: bool = False, must: bool = False) -> None:
        """Write checkpoints; on failure the old ones stay, and with ``must`` an error is raised."""
        if not self.world.writes:
            return
        checkpoint = self.state_dict()
        try:
            if improved or self.validation is None:
                save_checkpoint(self.run / BEST, checkpoint)
                self._saved_best = self.best
            save_generation(self.run, checkpoint)
        except OSError as error:
            self.best = self._saved_best
            message = f"{self.run}: the checkpoint cannot be written ({error.strerror})"
            if must:
                raise ScalewiseError(f"{message}; the one before is still there") from error
            self.notify(f"{message}; the one before is kept, and training goes on")
