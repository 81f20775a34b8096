"""Experiments to train, and their shares of the time budget.

The document has four trainings: both networks, first with L1 at a fixed rate, then with
L1 + 0.5 SmoothL1 and cosine annealing.  Three more groups are each trained for equal time:

- an ablation of the document's comparison: sum or attention, with or without instance
  normalisation; and our global residual;
- the related networks;
- an ablation of the cleaning modules ahead of a network, the document's future directions.

In the document's form both networks are also trained as its program has them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal, NamedTuple

from scalewise.experiments.data import SCALE
from scalewise.experiments.results import Experiment, Form
from scalewise.training.config import DERIVED, BudgetConfig, LossConfig, Recipe, ScheduleConfig
from scalewise.training.recipe import change_setting, parse_recipe, read_settings

Settings = dict[str, Any]

RECIPES = files("scalewise.experiments") / "recipes"
"""Package data: one folder per form, one recipe per training of the document."""

FEW_IMAGES, MANY_IMAGES = 4, 8
"""Validation images of all runs of a reproduction, with a budget below an hour and above."""

SHORT_BUDGET = 3600.0
"""Seconds of a budget below which all runs are validated on few images."""

EPOCH_IMAGES = 200
"""Pictures of an epoch in the document's form on a CPU; its own number is 800."""

WARM_UP = 0.02
"""Fraction of an ablation's training over which its learning rate rises."""

# Title and share of the budget.  A step of Adaptive takes twice as long.
TRAININGS: dict[str, tuple[str, float]] = {
    "original_l1": ("Original, L1 at a fixed rate", 0.09),
    "original_mixed": ("Original, L1 + 0.5 SmoothL1, cosine annealing", 0.18),
    "adaptive_l1": ("Adaptive, L1 at a fixed rate", 0.0825),
    "adaptive_mixed": ("Adaptive, L1 + 0.5 SmoothL1, cosine annealing", 0.2475),
}
STARTS = {"original_mixed": "original_l1", "adaptive_mixed": "adaptive_l1"}
"""Second trainings of the modern form, and the first trainings whose weights they start from.

In the document's form they start from scratch, since its program cannot load weights.
"""

CODE: dict[str, tuple[str, str, float, Settings]] = {
    "original_code": (
        "Original as its program has it",
        "original_l1",
        0.05,
        {"shared": True, "align_corners": True},
    ),
    "adaptive_code": (
        "Adaptive as its program has it, without LayerNorm",
        "adaptive_l1",
        0.08,
        {"attention": "means", "align_corners": True},
    ),
}
"""Networks as in the document's program: title, recipe, share of the budget, settings."""

RESIDUAL: Settings = {"global_residual": True}
NO_RESIDUAL: Settings = {"global_residual": False}
ADAPTIVE = "adaptive"

ABLATION: dict[str, tuple[str, str, Settings]] = {
    "sum": ("sum over scales (Original)", "original", RESIDUAL),
    "sum_norm": ("sum, InstanceNorm", ADAPTIVE, {**RESIDUAL, "attention": "none"}),
    "attention": ("attention", ADAPTIVE, {**RESIDUAL, "norm": False}),
    "attention_norm": ("attention, InstanceNorm (Adaptive)", ADAPTIVE, RESIDUAL),
    "sum_no_residual": ("Original without global residual", "original", NO_RESIDUAL),
    "attention_norm_no_residual": ("Adaptive without global residual", ADAPTIVE, NO_RESIDUAL),
}
COMPARATORS: dict[str, tuple[str, str, Settings]] = {
    "dbpn": ("DBPN-SS with global residual", "dbpn", RESIDUAL),
    "dbpn_1m": (
        "DBPN of 1 M parameters with global residual",
        "dbpn",
        {**RESIDUAL, "features": 128, "width": 32, "stages": 5},
    ),
    "dsrn": ("DSRN", "dsrn", {}),
    "dsrn_1m": ("DSRN of 1 M parameters", "dsrn", {"width": 144}),
    "scn": ("SCN", "scn", {}),
    "scn_exact": ("SCN, tile-exact", "scn_exact", {}),
}
Cleaned = Literal["denoise", "dejpeg"]

CLEANER: Settings = {"scale": 1, "shrink": 2}
BOTH_LOSSES = LossConfig(smooth_l1=0.5)
"""The losses that the document trains the artifact module with."""

CLEANING: dict[str, tuple[str, Cleaned, Settings, LossConfig]] = {
    "noise_plain": ("without denoising block", "denoise", {}, LossConfig()),
    "noise_block": ("with denoising block", "denoise", {"denoise": 4}, LossConfig(denoised=10.0)),
    "jpeg_plain": ("without artifact module", "dejpeg", {}, BOTH_LOSSES),
    "jpeg_module": (
        "with artifact module",
        "dejpeg",
        {"artifacts": 4},
        replace(BOTH_LOSSES, artifact_map=0.1),
    ),
}
"""Trained on patches, so in the modern form only: the document gives no recipe for these."""


BASE = "sum"
"""The run that the ablation compares all others with."""

FACTORS = {
    "InstanceNorm": [
        ("sum_norm", "sum", "with the sum"),
        ("attention_norm", "attention", "with attention"),
    ],
    "Attention in place of the sum": [
        ("attention", "sum", "without InstanceNorm"),
        ("attention_norm", "sum_norm", "with InstanceNorm"),
    ],
    "The global residual": [
        ("sum", "sum_no_residual", "in Original"),
        ("attention_norm", "attention_norm_no_residual", "in Adaptive"),
    ],
}
"""Factors of the ablation: runs with and without each, and where."""


class Part(NamedTuple):
    """A cleaning module of the ablation: runs without and with it, and how they are compared."""

    name: str
    task: str
    without: str
    with_it: str
    value: Literal["psnr", "psnr_y"]


PARTS = (
    Part("denoising block", "denoise", "noise_plain", "noise_block", "psnr"),
    Part("artifact module", "dejpeg", "jpeg_plain", "jpeg_module", "psnr_y"),
)


@dataclass(frozen=True)
class DenoisingTest:
    """Test of denoising with and without a network.

    Attributes:
        dataset: name of the test set, in colour.
        source: where people get it.
        images: number of its images, spread evenly over it.
        sigmas: standard deviations of the noise, in levels of 255.
        shown_sigma: the one that the report shows.
    """

    dataset: str
    source: str
    images: int
    sigmas: tuple[int, ...]
    shown_sigma: int


DENOISING_TEST = DenoisingTest(
    dataset="Kodak24",
    source="https://r0k.us/graphics/kodak",
    images=8,
    sigmas=(15, 25, 50),
    shown_sigma=50,
)
"""Eight images take about three minutes of one core, almost all of them in the network."""

SHARE = 0.4 / (len(ABLATION) + len(COMPARATORS) + len(CLEANING))
"""Share of the budget of each network in the three groups."""


@dataclass(frozen=True)
class Planned:
    """One experiment and its recipe.

    Attributes:
        experiment: its name, title and group.
        recipe: at full length for the document's trainings; of any length for the others.
        share: its weight when the remaining time is divided among the remaining experiments.
    """

    experiment: Experiment
    recipe: Recipe
    share: float

    @property
    def is_timed(self) -> bool:
        """Return whether it is compared with others after equal time."""
        return self.recipe.budget.time is not None


def make_plan(
    form: Form,
    folder: Path,
    train: Path,
    valid: Path,
    *,
    valid_images: int = MANY_IMAGES,
    epoch_images: int | None = None,
) -> list[Planned]:
    """Return all experiments in the order of their training.

    Args:
        form: of the recipes.
        folder: of the reproduction; second trainings find the first trainings there.
        train: packed store that replaces the training data of the recipes.
        valid: folder that replaces the validation images of the recipes.
        valid_images: number of validation images, the same for all runs.
        epoch_images: images of an epoch in the document's form; None for all of them.

    Raises:
        ScalewiseError: a recipe is missing or invalid.
    """
    planned: list[Planned] = []
    for name, (title, share) in TRAININGS.items():
        settings = _read_settings(form, name)
        change_setting(settings, "data.train", [str(train)])
        change_setting(settings, "data.valid", str(valid))
        change_setting(settings, "data.valid_images", valid_images)
        if form == "document" and epoch_images is not None:
            steps = math.ceil(epoch_images / settings["data"]["batch"])
            change_setting(settings, "data.epoch", steps)
        if name in STARTS and form == "modern":
            change_setting(settings, "model.init", str(folder / STARTS[name]))
        recipe = parse_recipe(settings, f"{form}/{name}.yaml")
        planned.append(Planned(Experiment(name=name, title=title, group="training"), recipe, share))
    base = planned[0].recipe
    if form == "document":
        planned += _plan_code({each.experiment.name: each.recipe for each in planned})
    for name, (title, architecture, settings) in ABLATION.items():
        recipe = _equal_time(base, architecture, {**base.model.settings, **settings})
        planned.append(Planned(Experiment(name=name, title=title, group="ablation"), recipe, SHARE))
    for name, (title, architecture, settings) in COMPARATORS.items():
        recipe = _equal_time(base, architecture, {"scale": SCALE, **settings})
        experiment = Experiment(name=name, title=title, group="comparator")
        planned.append(Planned(experiment, recipe, SHARE))
    return planned + (_plan_cleaning(base) if form == "modern" else [])


def _read_settings(form: Form, name: str) -> Settings:
    with as_file(RECIPES / form / f"{name}.yaml") as path:
        return read_settings(path)


def _plan_code(recipes: dict[str, Recipe]) -> list[Planned]:
    planned: list[Planned] = []
    for name, (title, of, share, settings) in CODE.items():
        model = replace(recipes[of].model, settings={**recipes[of].model.settings, **settings})
        experiment = Experiment(name=name, title=title, group="code")
        planned.append(Planned(experiment, replace(recipes[of], model=model), share))
    return planned


def _plan_cleaning(base: Recipe) -> list[Planned]:
    planned: list[Planned] = []
    for name, (title, task, settings, loss) in CLEANING.items():
        recipe = _equal_time(base, "scn_exact", {**CLEANER, **settings})
        data = replace(recipe.data, task=task, grey=DERIVED)
        experiment = Experiment(name=name, title=title, group="cleaning")
        planned.append(Planned(experiment, replace(recipe, data=data, loss=loss), SHARE))
    return planned


def _equal_time(base: Recipe, architecture: str, settings: Settings) -> Recipe:
    """Return the recipe of another network for a budget of time, with the base's data."""
    return replace(
        base,
        model=replace(base.model, name=architecture, settings=settings, init=None),
        data=replace(base.data, epoch=None),
        loss=LossConfig(),
        schedule=ScheduleConfig(kind="cosine", warmup=WARM_UP),
        budget=BudgetConfig(time=1.0),
    )


def full_recipe(form: Form, name: str) -> Recipe:
    """Return the packaged recipe of one of the document's trainings, at full length."""
    return parse_recipe(_read_settings(form, name), f"{form}/{name}.yaml")
