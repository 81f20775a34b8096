"""Hyperparameter search: many settings for a short time, the better ones for longer.

The method is successive halving (Jamieson and Talwalkar, "Non-stochastic Best Arm Identification
and Hyperparameter Optimization", AISTATS 2016, https://arxiv.org/abs/1502.07943).  Every round
trains from the beginning, so that each score is of a whole schedule of the round's length.

Every trial is an ordinary run in its own folder; a stopped sweep is resumed where it stopped.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scalewise.arguments import AnyPath, path_of
from scalewise.atomic import write_atomic
from scalewise.errors import Diverged, Interrupted, ScalewiseError
from scalewise.imaging.protocols import Protocol
from scalewise.training.budget import seconds
from scalewise.training.config import STRICT, BudgetConfig, Recipe
from scalewise.training.log import Notify, keep_quiet, read_log
from scalewise.training.loop import Trainer
from scalewise.training.recipe import change_setting, check_settings, parse_recipe, read_settings
from scalewise.training.session import locked, open_run
from scalewise.training.validation_protocol import PROTOCOL, protocol_of

Settings = dict[str, Any]

TABLE_FILE = "table.md"


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Settings of a sweep.

    Attributes:
        recipe: the recipe that the trials change, relative to the sweep's file.
        budget: budget of a trial in the first round: seconds, or a text such as ``60s``.
        growth: the best one in ``growth`` trials of a round is tried again for ``growth`` times
            as long, until one is left.
        rounds: the most rounds; by default until one trial is left.
        settings: changes that all trials share, by key (dotted, or shortened).
        trials: changes of each trial.
        grid: values to combine; every trial (or one without changes) gets every combination.
    """

    recipe: str
    budget: float | str
    growth: int = 2
    rounds: int | None = None
    settings: Settings = field(default_factory=Settings)
    trials: list[Settings] = field(default_factory=list[Settings])
    grid: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if self.growth < 2:
            raise ScalewiseError(f"growth must be at least 2, not {self.growth}")
        if len(self.all_trials()) < 2:
            raise ScalewiseError("a sweep needs at least two trials; give trials or a grid")

    def all_trials(self) -> list[Settings]:
        """Return the changes of every trial, including the grid."""
        combined = [
            dict(zip(self.grid, values, strict=True))
            for values in itertools.product(*self.grid.values())
        ]
        return [{**trial, **point} for trial in self.trials or [{}] for point in combined]


@dataclass(frozen=True)
class Outcome:
    """Result of a trial in a round.

    Attributes:
        name: its changes, as text.
        round: number of the round, from 1.
        budget: budget in seconds.
        psnr_y: final PSNR-Y of the averaged weights in dB; None if training diverged.
        steps: number of steps.
        parameters: number of the network's parameters.
        protocol: protocol of the PSNR-Y.
    """

    name: str
    round: int
    budget: float
    psnr_y: float | None
    steps: int
    parameters: int
    protocol: Protocol = PROTOCOL


Train = Callable[[Trainer, str], None]
"""Trains to the end of the budget and shows the progress; called with the trial's name."""


def load_sweep(path: AnyPath) -> tuple[Sweep, list[Recipe]]:
    """Read a sweep's file, and check that every trial is a valid recipe.

    Returns:
        The sweep, and a recipe for each of its trials.

    Raises:
        ScalewiseError: the sweep, its recipe or a trial is missing, not YAML, or has an unknown
            key or a wrong value.
    """
    path = path_of(path, "path")
    sweep = check_settings(Sweep, read_settings(path), str(path))
    recipes: list[Recipe] = []
    for trial in sweep.all_trials():
        settings = read_settings(path.parent / sweep.recipe)
        settings["budget"] = {"time": sweep.budget}
        for key, value in {**sweep.settings, **trial}.items():
            change_setting(settings, key, value)
        recipe = parse_recipe(settings, f"{path}: {describe(trial)}")
        if recipe.data.valid is None:
            raise ScalewiseError(f"{path}: the recipe has no data.valid to compare trials on")
        recipes.append(recipe)
    protocols = {protocol_of(recipe.data).description for recipe in recipes}
    if len(protocols) > 1:
        raise ScalewiseError(
            f"{path}: trials that are validated on images of other faults or shapes cannot be "
            "compared; let data.task, data.sigma, data.quality and data.squash be the same for all"
        )
    return sweep, recipes


def run_sweep(
    path: AnyPath, folder: AnyPath, train: Train, notify: Notify = keep_quiet
) -> list[Outcome]:
    """Run the remaining trials of a sweep, and write its table.

    Args:
        path: the sweep's file.
        folder: gets a run's folder for every trial and round, and ``table.md``.
        train: function that trains a trial and shows its progress.
        notify: called with one line per round, with its best trial.

    Returns:
        Every trial of every round, the best of a round first.

    Raises:
        ScalewiseError: :func:`load_sweep` or :func:`open_run` fails.
        Interrupted: a trial was stopped.
    """
    path = path_of(path, "path")
    folder = path_of(folder, "folder")
    sweep, recipes = load_sweep(path)
    names = [describe(trial) for trial in sweep.all_trials()]
    candidates = dict(zip(names, recipes, strict=True))
    if len(candidates) < len(names):
        raise ScalewiseError(f"{path}: two trials are the same")
    budget = seconds(sweep.budget, "budget")
    outcomes: list[Outcome] = []
    number = 0
    while len(candidates) > 1 and number != sweep.rounds:
        number += 1
        done = [
            _try(name, recipe, number, budget, folder, train) for name, recipe in candidates.items()
        ]
        done.sort(key=lambda outcome: outcome.psnr_y or 0.0, reverse=True)
        outcomes += done
        write_atomic(folder / TABLE_FILE, (markdown(outcomes) + "\n").encode())
        notify(f"round {number}: best {done[0].name}, {_score(done[0])}")
        kept = done[: len(done) // sweep.growth]
        candidates = {outcome.name: candidates[outcome.name] for outcome in kept}
        budget *= sweep.growth
    return outcomes


def _try(
    name: str, recipe: Recipe, number: int, budget: float, folder: Path, train: Train
) -> Outcome:
    run = folder / f"round-{number}" / slug(name)
    with locked(run):
        trainer = open_run(replace(recipe, budget=BudgetConfig(time=budget)), run)
        psnr_y: float | None = None
        try:
            train(trainer, f"round {number}: {name}")
        except Diverged:  # the worst result of a trial, but the others continue
            pass
        else:
            if trainer.progress < 1:
                raise Interrupted(f"stopped at {name}; the same command resumes")
            psnr_y = read_log(run)[-1].psnr_y
    parameters, protocol = trainer.network.parameter_count, protocol_of(recipe.data)
    return Outcome(name, number, budget, psnr_y, trainer.step, parameters, protocol)


def markdown(outcomes: list[Outcome]) -> str:
    """Return a table of trials, sorted by rounds and score, with a column for every round."""
    rounds = sorted({outcome.round for outcome in outcomes})
    budgets = {outcome.round: outcome.budget for outcome in outcomes}
    by_name: dict[str, dict[int, Outcome]] = {}
    for outcome in outcomes:
        by_name.setdefault(outcome.name, {})[outcome.round] = outcome

    def rank(tried: dict[int, Outcome]) -> tuple[int, float]:
        return max(tried), tried[max(tried)].psnr_y or 0.0

    ordered = sorted(by_name.items(), key=lambda item: rank(item[1]), reverse=True)
    lines = [
        "| trial | parameters | "
        + " | ".join(f"{budgets[n]:.0f} s" for n in rounds)
        + " | steps |",
        "|---|---:|" + "---:|" * (len(rounds) + 1),
    ]
    for name, tried in ordered:
        last = tried[max(tried)]
        scores = [_score(tried[number]) if number in tried else "" for number in rounds]
        lines.append(f"| {name} | {last.parameters:,} | {' | '.join(scores)} | {last.steps:,} |")
    lines += [
        "",
        f"PSNR-Y in dB after a whole schedule of that length; {outcomes[0].protocol.description}",
    ]
    return "\n".join(lines)


def _score(outcome: Outcome) -> str:
    return "diverged" if outcome.psnr_y is None else f"{outcome.psnr_y:.2f}"


def describe(trial: Settings) -> str:
    """Return a trial's changes as text.

    >>> describe({"data.batch": 8, "optimizer.rate": 0.001})
    'batch=8 rate=0.001'
    """
    parts = (f"{key.split('.')[-1]}={_value(value)}" for key, value in trial.items())
    return " ".join(parts) or "as the recipe"


def slug(name: str) -> str:
    """Return a folder name for a trial's name.

    >>> slug("batch=8 rate=0.001")
    'batch=8_rate=0.001'
    """
    return "".join(char if char.isalnum() or char in "=.-" else "_" for char in name)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
