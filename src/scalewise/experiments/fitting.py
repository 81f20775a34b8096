"""Training lengths that fit a time budget: batch and images shrink first, then steps.

Comparisons after equal time are counted in steps: as many as fit into the time at the pace of the
network's fastest steps.  So other work on the machine takes no steps from one of them.  The terms
of a comparison, the same for all of its runs, are agreed before the first of them.
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

VALIDATIONS = (4, 2, 1)
"""Validations of the slowest network of a comparison; the most that the fastest has time for."""

ROUNDS = 2
"""Times that each network of a comparison is timed, one network after the other.

Other work may slow down all the steps of one network, and none of the next one's.
"""

ENOUGH_STEPS = 500
"""Steps below which the batch is halved before steps are given up."""

FEWEST_STEPS = 50
"""Steps below which a run is left out."""

FLOORS: dict[Group, float] = {
    "training": 75.0,
    "code": 75.0,
    "ablation": 45.0,
    "loss": 45.0,
    "comparator": 45.0,
    "cleaning": 45.0,
}
"""Seconds of training below which a run of a group is left out."""

OVERHEAD = 25.0
"""Least seconds that a run takes besides its training: its speed, and its first scores."""

CLOSING = 0.1
"""Fraction of the budget for sample images and the last report."""

GROUPS: tuple[Group, ...] = ("training", "code", "ablation", "loss", "cleaning", "comparator")
"""Groups from the most to the least important; a small budget leaves out the last ones.

Further seeds are less important than any first one.
"""


@dataclass(frozen=True)
class TrainingSpeed:
    """Training speed of a network on this machine.

    Attributes:
        step: seconds of its fastest optimizer steps.
        validation: seconds per validation image.
        images: number of training images.
        machine: processor, threads and precision, in words.
        precision: number format of the computation, such as ``float32``.
    """

    step: float
    validation: float
    images: int
    machine: str = ""
    precision: str = ""


Measure = Callable[[Recipe], TrainingSpeed]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Terms that all runs of a comparison share, and the steps of each network.

    Attributes:
        seconds: of a run, with its validations.
        batch: patches per step.
        interval: steps between validations; all networks take a multiple of it, the slowest too.
        speeds: seconds of the fastest steps of each network, by the name of its run.
        steps: of each network.
        machine: the machine of all these seconds; empty in earlier terms.
        precision: the number format that the comparison began in; likewise.
    """

    seconds: float
    batch: int
    interval: int
    speeds: dict[str, float]
    steps: dict[str, int]
    machine: str = ""
    precision: str = ""

    def applied_to(self, recipe: Recipe) -> Recipe:
        """Return a recipe with the batch of the comparison, and the float32 that it began in.

        One that began in bfloat16 may continue on a machine without it.
        """
        recipe = _with_batch(recipe, self.batch, None)
        precision = self.precision or self.machine.rpartition(", ")[2]  # as in earlier terms
        return replace(recipe, precision="f32") if precision == "float32" else recipe


@dataclass(frozen=True)
class Fitted:
    """A recipe of a length that fits, and its planned seconds of steps, without validation."""

    recipe: Recipe
    step: float
    seconds: float


def choose(planned: Sequence[Planned], seconds: float, overhead: float = OVERHEAD) -> list[Planned]:
    """Return the runs that a time is enough for, in their order.

    Each keeps at least its floor and its overhead, the seconds that a run takes besides its
    training; the least important are dropped first.
    """

    def rank(each: Planned) -> tuple[int, int]:
        return each.experiment.seed, GROUPS.index(each.experiment.group)

    ranked = sorted(planned, key=rank)
    while ranked and seconds < sum(_least(each, overhead) for each in ranked):
        last = ranked.pop()
        others = [x for x in ranked if x.experiment.group == last.experiment.group]
        if last.experiment.group == "cleaning" and _is_half(others):
            ranked.pop()  # half of a comparison says nothing
    return [each for each in planned if each in ranked]


def _is_half(planned: Sequence[Planned]) -> bool:
    """Return whether a task has a single run of those that clean."""
    tasks = [each.recipe.data.task for each in planned]
    return any(tasks.count(task) == 1 for task in tasks)


def least_seconds(planned: Sequence[Planned]) -> float:
    """Return the least budget, in seconds, that trains the first of the runs."""
    return _least(planned[0]) / (1 - CLOSING)


def limits(planned: Sequence[Planned], seconds: float, overhead: float = OVERHEAD) -> list[float]:
    """Divide a time among runs: floor and overhead for each, and the rest by their shares."""
    rest = max(0.0, seconds - sum(_least(each, overhead) for each in planned))
    shares = sum(each.share for each in planned)
    return [FLOORS[each.experiment.group] + rest * each.share / shares for each in planned]


def _least(planned: Planned, overhead: float = OVERHEAD) -> float:
    return FLOORS[planned.experiment.group] + overhead


def fit(recipe: Recipe, seconds: float, measure: Measure) -> Fitted:
    """Shorten a recipe to about this many seconds; leave it as it is if it takes fewer.

    The number of epochs stays.  The batch is halved while fewer than :data:`ENOUGH_STEPS` would
    fit, and then an epoch has fewer steps.

    Args:
        recipe: at full length; its budget is in epochs.
        seconds: for steps and validations together.
        measure: measures the speed of a recipe.
    """
    speed = measure(recipe)
    full = full_steps(recipe, speed.images)
    training = (1 - VALIDATING) * seconds
    enough = min(ENOUGH_STEPS, full or ENOUGH_STEPS)
    smaller = _smaller_batch(recipe.data.batch, training / speed.step, enough)
    if smaller < recipe.data.batch:
        recipe = _with_batch(recipe, smaller, full)
        speed = measure(recipe)
    return _fit_epochs(recipe, math.floor(training / speed.step), seconds, speed)


def agree(members: Sequence[Planned], seconds: float, measure: Measure) -> Terms:
    """Agree on the terms of a comparison.

    The batch is halved until the slowest network has :data:`ENOUGH_STEPS`.  Validations are so far
    apart that the slowest network is validated after its last step, and all others after as many.

    Args:
        members: its runs.
        seconds: of each, for steps and validations together.
        measure: measures the speed of a recipe.
    """
    training = (1 - VALIDATING) * seconds
    batch = members[0].recipe.data.batch
    speeds = _speeds(members, batch, measure)
    slowest = max(speed.step for speed in speeds.values())
    smaller = _smaller_batch(batch, training / slowest, ENOUGH_STEPS)
    if smaller < batch:
        batch = smaller
        speeds = _speeds(members, batch, measure)
    for _ in range(1, ROUNDS):
        again = _speeds(members, batch, measure)
        speeds = {name: _faster(speed, again[name]) for name, speed in speeds.items()}
    steps = {name: max(1, math.floor(training / speed.step)) for name, speed in speeds.items()}
    fewest = min(steps.values())
    images = members[0].recipe.data.valid_images or 1

    def has_time(validations: int) -> bool:
        return all(
            steps[name] / fewest * validations * images * speed.validation <= VALIDATING * seconds
            for name, speed in speeds.items()
        )

    validations = next((each for each in VALIDATIONS if has_time(each)), VALIDATIONS[-1])
    interval = max(1, fewest // validations)
    even = interval * validations
    steps = {name: even if each == fewest else each for name, each in steps.items()}
    first = next(iter(speeds.values()))
    return Terms(
        seconds=seconds,
        batch=batch,
        interval=interval,
        speeds={name: speed.step for name, speed in speeds.items()},
        steps=steps,
        machine=first.machine,
        precision=first.precision,
    )


def join(terms: Terms, planned: Planned, others: Sequence[Planned], measure: Measure) -> Terms:
    """Return the terms of a comparison with another network.

    It has the steps of a member that differs in nothing that takes time, such as the same network
    without a teacher.  Otherwise it is timed; on another machine than that of the terms, a member
    is timed again, and tells how long the step would have taken there.

    Args:
        terms: agreed by other networks.
        planned: the run that joins.
        others: planned runs, with those that agreed on the terms among them.
        measure: measures the speed of a recipe.
    """
    name = planned.experiment.network
    if name in terms.steps:
        return terms
    known = [each for each in others if each.experiment.network in terms.steps]
    for each in known:
        if _work(each.recipe) == _work(planned.recipe):
            twin = each.experiment.network
            return _with_network(terms, name, terms.speeds[twin], terms.steps[twin])

    def timed(each: Planned) -> TrainingSpeed:
        return measure(terms.applied_to(each.recipe))

    found = timed(planned)
    speed = found.step
    if known and found.machine != terms.machine:
        speed *= terms.speeds[known[0].experiment.network] / timed(known[0]).step
    steps = max(1, math.floor((1 - VALIDATING) * terms.seconds / speed))
    return _with_network(terms, name, speed, steps)


def _with_network(terms: Terms, name: str, speed: float, steps: int) -> Terms:
    return replace(terms, speeds={**terms.speeds, name: speed}, steps={**terms.steps, name: steps})


def fit_compared(planned: Planned, terms: Terms) -> Fitted:
    """Give a run of a comparison the length that its terms say."""
    name = planned.experiment.network
    recipe = replace(
        terms.applied_to(planned.recipe),
        budget=BudgetConfig(steps=terms.steps[name]),
        validate_every=f"{terms.interval} steps",
    )
    return Fitted(recipe, terms.speeds[name], terms.steps[name] * terms.speeds[name])


def _speeds(members: Sequence[Planned], batch: int, measure: Measure) -> dict[str, TrainingSpeed]:
    """Measure the networks of a comparison, each once."""
    measured: dict[str, TrainingSpeed] = {}
    found: dict[str, TrainingSpeed] = {}
    for each in members:
        work = _work(each.recipe)
        if work not in measured:
            measured[work] = measure(_with_batch(each.recipe, batch, None))
        found[each.experiment.network] = measured[work]
    return found


def _faster(first: TrainingSpeed, second: TrainingSpeed) -> TrainingSpeed:
    """Return a speed with the faster steps and validations of two."""
    step, validation = min(first.step, second.step), min(first.validation, second.validation)
    return replace(first, step=step, validation=validation)


def _work(recipe: Recipe) -> str:
    """Return what the time of a step depends on, among the recipes of a comparison."""
    return f"{recipe.model} {recipe.data.task}"


def _smaller_batch(batch: int, steps: float, enough: int) -> int:
    """Halve a batch while fewer than enough steps would fit."""
    while batch > 1 and steps < enough:
        batch, steps = batch // 2, steps * 2
    return batch


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
