"""Training: recipes, runs, the loop, checkpoints and releases.

Modules are imported when they are used: reading recipes and logs does not need PyTorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalewise.lazy import lazy_names

if TYPE_CHECKING:
    from scalewise.training.build import prepare
    from scalewise.training.config import (
        BudgetConfig,
        DataConfig,
        LossConfig,
        ModelConfig,
        OptimizerConfig,
        Recipe,
        ScheduleConfig,
    )
    from scalewise.training.curves import draw_curves, load_curves
    from scalewise.training.log import Listener, LogLine, read_log
    from scalewise.training.loop import Trainer
    from scalewise.training.progress import DryRun, PlainLines, dry_run
    from scalewise.training.recipe import load_recipe, save_recipe
    from scalewise.training.release import quantize_release, release_run
    from scalewise.training.runs import Run, find_runs, read_run
    from scalewise.training.session import locked, open_run
    from scalewise.training.sweep import run_sweep

__all__ = [
    "BudgetConfig",
    "DataConfig",
    "DryRun",
    "Listener",
    "LogLine",
    "LossConfig",
    "ModelConfig",
    "OptimizerConfig",
    "PlainLines",
    "Recipe",
    "Run",
    "ScheduleConfig",
    "Trainer",
    "draw_curves",
    "dry_run",
    "find_runs",
    "load_curves",
    "load_recipe",
    "locked",
    "open_run",
    "prepare",
    "quantize_release",
    "read_log",
    "read_run",
    "release_run",
    "run_sweep",
    "save_recipe",
]

__getattr__ = lazy_names(
    __name__,
    {
        "build": ("prepare",),
        "config": (
            "BudgetConfig",
            "DataConfig",
            "LossConfig",
            "ModelConfig",
            "OptimizerConfig",
            "Recipe",
            "ScheduleConfig",
        ),
        "curves": ("draw_curves", "load_curves"),
        "log": ("Listener", "LogLine", "read_log"),
        "loop": ("Trainer",),
        "progress": ("DryRun", "PlainLines", "dry_run"),
        "recipe": ("load_recipe", "save_recipe"),
        "release": ("quantize_release", "release_run"),
        "runs": ("Run", "find_runs", "read_run"),
        "session": ("locked", "open_run"),
        "sweep": ("run_sweep",),
    },
)
