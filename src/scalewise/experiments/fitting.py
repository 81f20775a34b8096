"""Training lengths that fit a time budget: batch and images shrink first, then steps.

Comparisons after equal time are counted in steps: as many as fit into the time at the pace of the
network's fastest steps.  So other work on the machine takes no steps from one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scalewise.experiments.plan import Planned
from scalewise.experiments.results import Group
from scalewise.training.config import BudgetConfig, Recipe

VALIDATING = 0.15
"""Fraction of a training's time that validation may take."""

VALIDATIONS = 6
"""Validations of a network that is compared after equal time, where the time allows."""

ENOUGH_STEPS = 500
"""Steps below which the batch is halved before steps are given up."""

FEWEST_STEPS = 50
"""Steps below which a run is left out."""

FLOORS: dict[Group, float] = {
    "training": 75.0,
    "code": 75.0,
    "ablation": 45.0,
    "comparator": 45.0,
    "cleaning": 45.0,
}
"""Seconds of training below which a run of a group is left out."""

OVERHEAD = 25.0
"""Seconds that a run takes besides its training: its speed, its export, and its first scores."""

CLOSING = 0.1
"""Fraction of the budget for sample images and the last report."""

GROUPS: tuple[Group, ...] = ("training", "code", "ablation", "cleaning", "comparator")
"""Groups from the most to the least important; a small budget leaves out the last ones."""


@dataclass(frozen=True)
class TrainingSpeed:
    """Training speed of a network on this machine.

    Attributes:
        step: seconds of its fastest optimizer steps.
        validation: seconds per validation image.
        images: number of training images.
    """

    step: float
    validation: float
    images: int


Measure = Callable[[Recipe], TrainingSpeed]


@dataclass(frozen=True)
class Fitted:
    """A recipe of a length that fits, and its planned seconds of steps, without validation."""

    recipe: Recipe
    step: float
    seconds: float


def choose(planned: Sequence[Planned], seconds: float) -> list[Planned]:
    """Return the runs that a time is enough for, in their order.

    Each keeps at least its floor and its overhead; the least important are dropped first.
    """
    ranked = sorted(planned, key=lambda each: GROUPS.index(each.experiment.group))
    while ranked and seconds < sum(_least(each) for each in ranked):
        last = ranked.pop().experiment.group
        if last == "cleaning" and len([x for x in ranked if x.experiment.group == last]) % 2:
            ranked.pop()  # half of a comparison says nothing
    return [each for each in planned if each in ranked]


def least_seconds(planned: Sequence[Planned]) -> float:
    """Return the least budget, in seconds, that trains the first of the runs."""
    return _least(planned[0]) / (1 - CLOSING)


def limits(planned: Sequence[Planned], seconds: float) -> list[float]:
    """Divide a time among runs: the floor for each, and the rest by their shares."""
    rest = max(0.0, seconds - sum(_least(each) for each in planned))
    shares = sum(each.share for each in planned)
    return [FLOORS[each.experiment.group] + rest * each.share / shares for each in planned]


def _least(planned: Planned) -> float:
    return FLOORS[planned.experiment.group] + OVERHEAD


def fit(recipe: Recipe, seconds: float, measure: Measure, batch: int | None = None) -> Fitted:
    """Shorten a recipe to about this many seconds; leave it as it is if it takes fewer.

    The number of epochs stays.  The batch is halved while fewer than :data:`ENOUGH_STEPS` would
    fit, and then an epoch has fewer steps.  Compared networks take the steps that fit.

    Args:
        recipe: at full length; its budget is in epochs, or a placeholder in time.
        seconds: for steps and validations together.
        measure: measures the speed of a recipe.
        batch: of the networks that it is compared with; then the batch is not chosen here.
    """
    if batch is not None:
        recipe = _with_batch(recipe, batch, None)
    speed = measure(recipe)
    full = full_steps(recipe, speed.images)
    enough = min(ENOUGH_STEPS, full or ENOUGH_STEPS)
    training = (1 - VALIDATING) * seconds
    if batch is None:
        smaller = recipe.data.batch
        affordable = training / speed.step
        while smaller > 1 and affordable < enough:
            smaller //= 2
            affordable *= 2
        if smaller < recipe.data.batch:
            recipe = _with_batch(recipe, smaller, full)
            speed = measure(recipe)
    affordable = math.floor(training / speed.step)
    if recipe.budget.epochs is None:
        return _fit_steps(recipe, max(1, affordable), seconds, speed)
    return _fit_epochs(recipe, affordable, seconds, speed)


def _with_batch(recipe: Recipe, batch: int, full: int | None) -> Recipe:
    """Return a recipe with another batch, and epochs of as many steps as before."""
    epoch = recipe.data.epoch
    if full is not None and recipe.budget.epochs:
        epoch = full // recipe.budget.epochs
    return replace(recipe, data=replace(recipe.data, batch=batch, epoch=epoch))


def _fit_epochs(recipe: Recipe, affordable: int, seconds: float, speed: TrainingSpeed) -> Fitted:
    epochs = recipe.budget.epochs or 1
    epoch = min(max(1, affordable // epochs), _full_epoch(recipe, speed.images))
    validations = max(1, min(epochs, _validations(recipe, seconds, speed)))
    every = math.ceil(epochs / validations)
    recipe = replace(
        recipe,
        data=replace(recipe.data, epoch=epoch),
        validate_every=f"{every} epoch{'s' if every > 1 else ''}",
    )
    return Fitted(recipe, speed.step, epochs * epoch * speed.step)


def _fit_steps(recipe: Recipe, steps: int, seconds: float, speed: TrainingSpeed) -> Fitted:
    validations = max(1, min(VALIDATIONS, _validations(recipe, seconds, speed)))
    recipe = replace(
        recipe,
        budget=BudgetConfig(steps=steps),
        validate_every=f"{math.ceil(steps / validations)} steps",
    )
    return Fitted(recipe, speed.step, steps * speed.step)


def _validations(recipe: Recipe, seconds: float, speed: TrainingSpeed) -> int:
    """Return how often the validation images, the same for all runs, can be restored."""
    once = (recipe.data.valid_images or 1) * speed.validation
    return math.floor(VALIDATING * seconds / once)


def total_steps(recipe: Recipe, images: int) -> int:
    """Return the steps of a fitted recipe."""
    return recipe.budget.steps or full_steps(recipe, images) or 0


def full_steps(recipe: Recipe, images: int) -> int | None:
    """Return the steps of a recipe at full length; None if its budget is not in epochs."""
    epochs = recipe.budget.epochs
    return epochs * _full_epoch(recipe, images) if epochs else None


def _full_epoch(recipe: Recipe, images: int) -> int:
    return recipe.data.epoch or math.ceil(images / recipe.data.batch)
