"""Experiments to train, and their shares of the time budget.

The document has four trainings: both networks, first with L1 at a fixed rate, then with
L1 + 0.5 SmoothL1 and cosine annealing.  In the document's form both networks are also trained as
its program has them.  The modern form has four comparisons besides; see comparisons.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path

from scalewise.experiments.comparisons import (
    ABLATION,
    CLEANING,
    COMPARATORS,
    LOSSES,
    Compared,
    Settings,
    seed_name,
    taught_name,
)
from scalewise.experiments.data import SCALE
from scalewise.experiments.results import COMPARING, Experiment, Form, Group
from scalewise.training.config import BudgetConfig, Recipe
from scalewise.training.config_checks import DERIVED
from scalewise.training.recipe import change_setting, parse_recipe, read_settings

RECIPES = files("scalewise.experiments") / "recipes"
"""Package data: one folder per form, one recipe per training of the document."""

FEW_IMAGES, MANY_IMAGES = 4, 8
"""Validation images of all runs of a reproduction, with a budget below an hour and above."""

SHORT_BUDGET = 3600.0
"""Seconds of a budget below which all runs are validated on few images."""

EPOCH_IMAGES = 200
"""Images of an epoch in the document's form on a CPU; its own number is 800."""

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

DOCUMENTS = ("original", "adaptive")
"""Networks that take the settings of the document's recipes."""

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


@dataclass(frozen=True)
class DenoisingTest:
    """Test of denoising with and without a network.

    Attributes:
        dataset: name of the test set, in colour.
        source: where people get it.
        images: number of its images, spread evenly over it.
        sigmas: standard deviations of the noise, in levels of 255.
        shown_sigma: the one that the report shows.
        enlarged_sigma: that of small images which are enlarged.
    """

    dataset: str
    source: str
    images: int
    sigmas: tuple[int, ...]
    shown_sigma: int
    enlarged_sigma: int


DENOISING_TEST = DenoisingTest(
    dataset="Kodak24",
    source="https://r0k.us/graphics/kodak",
    images=8,
    sigmas=(15, 25, 50),
    shown_sigma=50,
    enlarged_sigma=25,
)
"""Eight images take about three minutes of one core, almost all of them in the network."""

SHARES: dict[Group, float] = {"ablation": 0.06, "loss": 0.05, "cleaning": 0.04, "comparator": 0.12}
"""Weight of each network of a comparison when the time is divided, as those above."""


WIDE_PATCH = 96
"""Side of the patches, in input pixels, where networks that normalise are compared.

Trained on patches of 48, InstanceNorm does far worse on whole images, whose statistics it has
never seen.  So small patches would be unfair to Adaptive.
"""


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
    has_teacher: bool = True,
) -> list[Planned]:
    """Return all experiments in the order of their training.

    Args:
        form: of the recipes.
        folder: of the reproduction; second trainings find the first trainings there.
        train: packed store that replaces the training data of the recipes.
        valid: folder that replaces the validation images of the recipes.
        valid_images: number of validation images, the same for all runs.
        epoch_images: images of an epoch in the document's form; None for all of them.
        has_teacher: whether the store has a teacher's images; without them no run learns from one.

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
    if form == "document":
        return planned + _plan_code({each.experiment.name: each.recipe for each in planned})
    compared = _plan_compared(planned[0].recipe, has_teacher)
    return planned + sorted(compared, key=_turn)


def _turn(planned: Planned) -> tuple[int, int]:
    """Return the key that sorts comparisons for training: group by group, all seeds of each.

    So a reproduction that goes on another day has verdicts on the first day.  Related networks,
    which take most of the time and judge no claim of the document, come last.
    """
    return [*SHARES].index(planned.experiment.group), planned.experiment.seed


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


def _plan_compared(base: Recipe, has_teacher: bool) -> list[Planned]:
    """Return the runs of all comparisons, each network's seeds together."""
    related = COMPARATORS
    if has_teacher:
        related = related | {taught_name(x): each.taught for x, each in COMPARATORS.items()}
    groups: dict[Group, dict[str, Compared]] = {
        "ablation": ABLATION,
        "loss": LOSSES,
        "cleaning": CLEANING,
        "comparator": related,
    }
    return [
        Planned(
            Experiment(name=seed_name(name, seed), title=each.title, group=group, seed=seed),
            _compared_recipe(base, each, seed, group),
            SHARES[group],
        )
        for group, networks in groups.items()
        for name, each in networks.items()
        for seed in each.seeds
    ]


def _compared_recipe(base: Recipe, compared: Compared, seed: int, group: Group) -> Recipe:
    """Return a recipe with the base's data and network, but for what is compared.

    Its budget is a placeholder: the reproduction divides its time among the runs.
    """
    inherited = base.model.settings if compared.architecture in DOCUMENTS else {"scale": SCALE}
    model = replace(
        base.model,
        name=compared.architecture,
        settings={**inherited, **compared.settings},
        init=None,
    )
    data = replace(base.data, epoch=None)
    if group in COMPARING:
        data = replace(data, patch=WIDE_PATCH)
    if compared.task != data.task:
        usual = dict.fromkeys(("sigma", "quality", "clean", "grey"), DERIVED)
        data = replace(data, task=compared.task, **usual)
    return replace(
        base,
        model=model,
        data=data,
        loss=compared.loss,
        optimizer=compared.optimizer or base.optimizer,
        schedule=compared.schedule,
        budget=BudgetConfig(time=1.0),
        seed=seed,
    )


def full_recipe(form: Form, name: str) -> Recipe:
    """Return the packaged recipe of one of the document's trainings, at full length."""
    return parse_recipe(_read_settings(form, name), f"{form}/{name}.yaml")
