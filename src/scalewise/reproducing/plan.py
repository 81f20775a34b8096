"""What is trained, and how a budget of time is shared out over it.

The document has four trainings: both networks, first with L1 at a fixed rate, then with
L1 + 0.5 SmoothL1 and cosine annealing.  Around them stand an ablation of what its comparison
argues from (sum or attention, with or without instance normalisation; and our global residual),
the related networks, and an ablation of what cleans ahead of a network (the document's future
directions), each trained for the same time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from scalewise.reproducing.results import Experiment, Form
from scalewise.training.config import (
    DERIVED,
    BudgetConfig,
    LossConfig,
    Recipe,
    ScheduleConfig,
)
from scalewise.training.recipe import change_setting, load_recipe, parse_recipe, read_settings
from scalewise.training.session import RECIPE_FILE

Settings = dict[str, Any]

MEASURING = 600.0
"""Seconds of the budget kept for measuring, unless that is more than half of it."""

VALIDATING = 0.15
"""Part of a training's time that validation may take."""

VALIDATIONS = 6
"""How often a network that is trained for equal time is validated, where that is affordable."""

FEW_IMAGES = 4
"""Pictures that such a network is validated on: few, so that it can be done often."""

WARM_UP = 0.02
"""Part of an ablation's training over which its rate rises."""

# What the four trainings get of the budget.  A step of Adaptive takes twice as long.
TRAININGS: dict[str, tuple[str, float]] = {
    "original_l1": ("Original, L1 at a fixed rate", 0.09),
    "original_mixed": ("Original, L1 + 0.5 SmoothL1, cosine annealing", 0.18),
    "adaptive_l1": ("Adaptive, L1 at a fixed rate", 0.0825),
    "adaptive_mixed": ("Adaptive, L1 + 0.5 SmoothL1, cosine annealing", 0.2475),
}
STARTS = {"original_mixed": "original_l1", "adaptive_mixed": "adaptive_l1"}
"""The trainings that go on from another one's weights."""

FIRST = "original_l1"

PLAIN_START: Settings = {"global_residual": False}
RESIDUAL: Settings = {"global_residual": True}
ADAPTIVE = "adaptive"

ABLATION: dict[str, tuple[str, str, Settings]] = {
    "sum": ("sum over scales (Original)", "original", RESIDUAL),
    "sum_norm": ("sum, InstanceNorm", ADAPTIVE, {**RESIDUAL, "attention": "none"}),
    "attention": ("attention", ADAPTIVE, {**RESIDUAL, "norm": False}),
    "attention_norm": ("attention, InstanceNorm (Adaptive)", ADAPTIVE, RESIDUAL),
    "sum_no_residual": ("Original without global residual", "original", PLAIN_START),
    "attention_norm_no_residual": ("Adaptive without global residual", ADAPTIVE, PLAIN_START),
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
"""What the document trains the artifact module with."""

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
"""On patches, so in the modern form alone: the document leaves these to the future, and gives no
recipe."""

SHARE = 0.4 / (len(ABLATION) + len(COMPARATORS) + len(CLEANING))
"""What each of these gets of the budget."""


@dataclass(frozen=True)
class Planned:
    """One experiment and how to train it.

    Attributes:
        experiment: what it is called.
        recipe: at full length for the document's trainings; for the others of any length.
        share: of the budget, over the sum of the shares of all that are still to be trained.
    """

    experiment: Experiment
    recipe: Recipe
    share: float

    @property
    def is_timed(self) -> bool:
        """Whether it is compared with others after equal time."""
        return self.recipe.budget.time is not None


@dataclass(frozen=True)
class Speed:
    """How fast a network trains here.

    Attributes:
        step: seconds of one.
        validation: seconds for one picture.
        pictures: that are learned from.
    """

    step: float
    validation: float
    pictures: int


def make_plan(form: Form, recipes: Path, folder: Path, train: Path, valid: Path) -> list[Planned]:
    """All experiments, in the order in which they are trained.

    Args:
        form: of the recipes.
        recipes: the folder with a folder of recipes for every form.
        folder: of the reproduction; runs that go on from another find it there.
        train, valid: packed store and folder that take the place of the recipes' own.

    Raises:
        ScalewiseError: a recipe that is missing or wrong.
    """
    changes: Settings = {"data.train": [str(train)], "data.valid": str(valid)}
    planned: list[Planned] = []
    for name, (title, share) in TRAININGS.items():
        path = recipes / form / f"{name}.yaml"
        settings = read_settings(path)
        for key, value in changes.items():
            change_setting(settings, key, value)
        if name in STARTS:
            change_setting(settings, "model.init", str(folder / STARTS[name]))
        recipe = parse_recipe(settings, str(path))
        experiment = Experiment(name=name, title=title, group="training")
        planned.append(Planned(experiment, recipe, share))
    base = planned[0].recipe
    for name, (title, architecture, settings) in ABLATION.items():
        experiment = Experiment(name=name, title=title, group="ablation")
        recipe = _short(base, architecture, {**base.model.settings, **settings})
        planned.append(Planned(experiment, recipe, SHARE))
    for name, (title, architecture, settings) in COMPARATORS.items():
        experiment = Experiment(name=name, title=title, group="comparator")
        recipe = _short(base, architecture, {"scale": 2, **settings})
        planned.append(Planned(experiment, recipe, SHARE))
    if form == "modern":
        planned += _plan_cleaning(base)
    return planned


def _plan_cleaning(base: Recipe) -> list[Planned]:
    planned: list[Planned] = []
    for name, (title, task, settings, loss) in CLEANING.items():
        recipe = _short(base, "scn_exact", {**CLEANER, **settings})
        data = replace(recipe.data, task=task, grey=DERIVED)
        experiment = Experiment(name=name, title=title, group="cleaning")
        planned.append(Planned(experiment, replace(recipe, data=data, loss=loss), SHARE))
    return planned


def _short(base: Recipe, architecture: str, settings: Settings) -> Recipe:
    """A whole schedule for another network, on the base's data, with its optimizer."""
    return replace(
        base,
        model=replace(base.model, name=architecture, settings=settings, init=None),
        data=replace(base.data, valid_images=FEW_IMAGES),
        loss=LossConfig(),
        schedule=ScheduleConfig(kind="cosine", warmup=WARM_UP),
        budget=BudgetConfig(time=1.0),
    )


def training_time(budget: float) -> float:
    """The seconds of a budget that go into training.

    >>> training_time(1200.0), training_time(3 * 3600.0)
    (600.0, 10200.0)
    """
    return max(budget / 2, budget - MEASURING)


def fit_to(recipe: Recipe, seconds: float, speed: Speed) -> Recipe:
    """A recipe made so short that it takes about so many seconds, or left as it is.

    Epochs stay as many, of fewer steps each.  With a budget of time, as long is trained
    whatever the network's speed; see :func:`_fit_time`.
    """
    epochs = recipe.budget.epochs
    if epochs is None:
        return _fit_time(recipe, seconds, speed)
    images = _images(recipe, VALIDATING * seconds / (epochs * speed.validation))
    left = seconds / epochs - images * speed.validation
    steps = max(1, math.floor(left / speed.step))
    epoch = min(steps, _full_epoch(recipe, speed.pictures))
    return replace(recipe, data=replace(recipe.data, epoch=epoch, valid_images=images))


def _fit_time(recipe: Recipe, seconds: float, speed: Speed) -> Recipe:
    """A budget of time that leaves the same part of the seconds to every network's steps.

    A run's clock goes on while it validates on the way, so that time is added to the budget.
    The last validation comes after the budget's end.
    """
    affordable = VALIDATING * seconds / speed.validation
    images = _images(recipe, affordable)
    validations = max(1, min(VALIDATIONS, math.floor(affordable / images)))
    training = (1 - VALIDATING) * seconds
    on_the_way = (validations - 1) * images * speed.validation
    # Half an interval is left to the end, lest a machine a little faster validate once more.
    every = max(1, round(training / speed.step / (validations - 0.5)))
    return replace(
        recipe,
        data=replace(recipe.data, valid_images=images),
        budget=BudgetConfig(time=max(1.0, round(training + on_the_way, 1))),
        validate_every=f"{every} steps",
    )


def _images(recipe: Recipe, affordable: float) -> int:
    wished = recipe.data.valid_images or 8
    return max(1, min(wished, math.floor(affordable)))


def full_recipe(recipes: Path, form: Form, name: str) -> Recipe:
    """One of the document's trainings at full length, as its file has it."""
    return load_recipe(recipes / form / f"{name}.yaml")


def full_steps(recipe: Recipe, pictures: int) -> int | None:
    """Steps of a recipe at full length; None if it has none."""
    if recipe.budget.epochs is None:
        return None
    return recipe.budget.epochs * _full_epoch(recipe, pictures)


def _full_epoch(recipe: Recipe, pictures: int) -> int:
    return recipe.data.epoch or math.ceil(pictures / recipe.data.batch)


def recipe_of(run: Path) -> Recipe:
    """The recipe of a run that has been started."""
    return load_recipe(run / RECIPE_FILE)
