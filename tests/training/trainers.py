"""Helpers for tests of the loop: runs that are killed, resumed and read."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from scalewise.training.build import prepare
from scalewise.training.config import (
    Recipe,
)
from scalewise.training.log import LogLine
from scalewise.training.loop import Trainer
from scalewise.training.validation import ValidationSet


class At:
    """A listener that calls a function at the first log line that reaches a step."""

    def __init__(self, step: int, action: Callable[[], None]) -> None:
        self.step, self.action = step, action
        self.done = False

    def on_line(self, line: LogLine) -> None:
        if line.step >= self.step and not self.done:
            self.done = True
            self.action()


class Scripted(ValidationSet):
    """A validation set that returns given scores."""

    _scores: Iterator[float]

    def __init__(self, scores: list[float]) -> None:
        super().__init__([], 2)
        object.__setattr__(self, "_scores", iter(scores))

    def psnr_y(self, *_: object) -> float:
        return next(self._scores)


def resumed_trainer(
    recipe: Recipe, run: Path, notify: Callable[[str], None] | None = None
) -> Trainer:
    trainer = prepare(recipe, run, initialise=False, reuse_packed=True, notify=notify)
    trainer.resume()
    return trainer


def stop_at(trainer: Trainer, step: int) -> None:
    """Make a trainer stop itself during the step after ``step``."""
    training_step = trainer.training_step

    def step_and_stop() -> torch.Tensor:
        if trainer.step == step:
            trainer.stop()
        return training_step()

    trainer.training_step = step_and_stop


def kill() -> None:
    raise KeyboardInterrupt


def read_log(run: Path) -> list[dict[str, str]]:
    with (run / "log.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def without_seconds(run: Path) -> list[dict[str, str]]:
    return [{key: row[key] for key in row if key != "seconds"} for row in read_log(run)]


def assert_same_state(one: Any, other: Any) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one.keys() - {"seconds"}:
            assert_same_state(one[key], other[key])
    elif isinstance(one, list | tuple):
        for ours, theirs in zip(one, other, strict=True):
            assert_same_state(ours, theirs)
    else:
        assert one == other
