"""Timing of scalewise's own training loop, set up as by its recipes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from stopwatch import Stopwatch, Timing, measure, watched

from scalewise.training.build import prepare
from scalewise.training.config import (
    BudgetConfig,
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    Recipe,
)
from scalewise.training.loop import Trainer
from scalewise.training.machine import process_settings

SCALE = 2

NETWORKS: dict[str, dict[str, Any]] = {
    "scn_exact": {"width": 32, "blocks": 8, "levels": 3},
    "original": {"width": 64, "blocks": 8, "levels": 3, "global_residual": True},
    "adaptive": {"width": 64, "blocks": 8, "levels": 3, "global_residual": True},
    "scn": {"width": 32, "blocks": 16, "levels": 4},
}
"""The settings that each network is measured with."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a measurement.

    Attributes:
        store: the packed store that patches come from.
        network: one of :data:`NETWORKS`.
        seconds: time to measure for, after the warm-up.
        threads: of PyTorch; its own choice by default.
        patch: side of an LR patch in pixels.
        batch: patches per step.
        optimizer: as in a recipe.
        precision: as in a recipe.
        device: as in a recipe.
        compile: as in a recipe.
    """

    store: Path
    network: str
    seconds: float
    threads: int | None = None
    patch: int = 48
    batch: int = 16
    optimizer: Literal["adam", "muon"] = "muon"
    precision: Literal["auto", "f32", "bf16"] = "auto"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    compile: bool = False

    @property
    def model(self) -> ModelConfig:
        """The network, as in a recipe."""
        return ModelConfig(name=self.network, settings={"scale": SCALE, **NETWORKS[self.network]})

    @property
    def recipe(self) -> Recipe:
        """The run that is timed; ``recipes/scn_x2.yaml`` but for the batch and the network."""
        return Recipe(
            model=self.model,
            data=DataConfig(train=[str(self.store)], patch=self.patch, batch=self.batch),
            budget=BudgetConfig(steps=1_000_000),
            optimizer=OptimizerConfig(kind=self.optimizer, betas=(0.9, 0.99), clip=0.5),
            precision=self.precision,
            device=self.device,
            compile=self.compile,
        )


def time_our_loop(settings: Settings, adjust: Callable[[Trainer], None] | None = None) -> Timing:
    """Time the steps of :class:`scalewise.training.loop.Trainer`.

    Args:
        settings: what to measure.
        adjust: changes the trainer before its first step.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    with tempfile.TemporaryDirectory() as run:
        trainer = prepare(settings.recipe, Path(run))
        if adjust:
            adjust(trainer)
        watch = Stopwatch(trainer.device)
        with process_settings(settings.recipe.deterministic), watched(trainer, watch):
            return measure(trainer.training_step, watch, settings.seconds)
