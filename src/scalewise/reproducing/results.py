"""What a reproduction found, as it lies in its folder: all that the report prints.

The folder holds, for every network trained, a run's folder (recipe, log, checkpoints,
environment) with ``scores.json`` and ``complexity.json`` beside them; ``bicubic`` and
``unrestored`` with their ``scores.json``; ``samples`` with a sheet and the scores of each sample
picture; ``attention.json`` and ``attention.npz``; and ``plan.json``, which says what all of it is.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from scalewise.atomic import write_atomic
from scalewise.errors import ScalewiseError
from scalewise.training.config import Recipe
from scalewise.training.log import LogLine
from scalewise.training.machine import ENVIRONMENT_FILE, Environment
from scalewise.training.session import read_run
from scalewise.weights.card import Score

PLAN_FILE = "plan.json"
SCORES_FILE = "scores.json"
COMPLEXITY_FILE = "complexity.json"
ATTENTION_FILE = "attention.json"
ATTENTION_MAPS = "attention.npz"
SAMPLES = "samples"
SAMPLES_FILE = "samples.json"
BICUBIC = "bicubic"
UNRESTORED = "unrestored"

Group = Literal["training", "ablation", "comparator", "cleaning"]
Form = Literal["document", "modern"]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One training of the plan.

    Attributes:
        name: of its folder, such as ``original_l1``.
        title: for people, such as ``Original, L1``.
        group: one of the document's four trainings, or of an ablation, or a comparator, or of the
            ablation of what cleans.
        full_steps: optimizer steps at full length; None where there is no such thing.
    """

    name: str
    title: str
    group: Group
    full_steps: int | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is run.

    Attributes:
        form: the recipes' form.
        budget: as given, such as ``3h``; of everything, measuring and all.
        train: what was learned from, for people: the folder's name, and how many pictures.
        valid: name of the set that checkpoints were chosen on.
        experiments: in the order of the report.
    """

    form: Form
    budget: str
    train: str
    valid: str
    experiments: list[Experiment]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Scores of one method.

    Attributes:
        weights: sha256 of the weights that were measured; empty where there are none.
        scores: one for every set and protocol; the set ``lenna`` is that single picture.
    """

    weights: str
    scores: list[Score]


@dataclass(frozen=True, kw_only=True)
class Complexity:
    """What a network costs.

    Attributes:
        parameters: trained numbers.
        multiply_adds: of one output megapixel.
        seconds: per output megapixel: a picture of 512x512 to 1024x1024, median of several.
        megabytes: the process's peak memory over what it had before, for that picture.
        step_seconds: of a training step of 16 patches of 48x48, the median of several.
        runtime: what inference ran on, such as ``OpenVINO 2026.4 f32``.
        precision: what the training step computed in, such as ``bfloat16``.
        threads: how many both used.
    """

    parameters: int
    multiply_adds: int
    seconds: float
    megabytes: float
    step_seconds: float
    runtime: str
    precision: str
    threads: int


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A picture halved and restored by every method.

    Attributes:
        name: the picture's.
        sheet: file name of the sheet in the folder of samples: low resolution, bicubic, the
            networks and the truth, whole and zoomed in, with error maps.
        scores: of each method on this picture alone, both protocols.
        single: whether it is the document's single-picture test (its figures 11 and 12).
    """

    name: str
    sheet: str
    scores: list[Score]
    single: bool = False


@dataclass(frozen=True, kw_only=True)
class Attention:
    """What scale attention learned, on one picture; the maps themselves are in an ``.npz``.

    Attributes:
        run: whose network.
        picture: the picture's name.
        means: for every block and each of its two convolutions, the mean of alpha over the
            picture for each level; (blocks, 2, levels).  The array ``alpha`` of the ``.npz``
            is (blocks, 2, levels, h, w), and ``picture`` the input, (h, w, 3) uint8.
    """

    run: str
    picture: str
    means: list[list[list[float]]]


@dataclass(frozen=True)
class Trained:
    """One experiment with all that came of it."""

    experiment: Experiment
    folder: Path
    recipe: Recipe
    lines: list[LogLine]
    environment: Environment
    measured: Measured
    complexity: Complexity

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.experiment.name

    @property
    def steps(self) -> int:
        """Optimizer steps taken."""
        return self.lines[-1].step

    @property
    def seconds(self) -> float:
        """Seconds of training, validation included."""
        return self.lines[-1].seconds or 0.0

    @property
    def progress(self) -> float:
        """The part of the run's own schedule that was done, in [0, 1]."""
        return self.lines[-1].progress


@dataclass(frozen=True)
class Results:
    """Everything that a report is made of.

    Attributes:
        folder: of the reproduction.
        plan: what is run.
        trained: what is trained and measured.
        bicubic: scores of bicubic enlargement.
        samples: pictures to show.
        attention: what was learned of it; None before it is looked at.
        unrestored: scores of noisy pictures and of JPEGs as they are; None before they are
            measured.
    """

    folder: Path
    plan: Plan
    trained: list[Trained]
    bicubic: Measured
    samples: list[Sample]
    attention: Attention | None
    unrestored: Measured | None = None

    def find(self, name: str) -> Trained | None:
        """An experiment's results, if it is trained."""
        return next((each for each in self.trained if each.name == name), None)

    def group(self, group: Group) -> list[Trained]:
        """The results of one group of experiments."""
        return [each for each in self.trained if each.experiment.group == group]


T = TypeVar("T")


def save_json(value: object, path: Path) -> None:
    """Write one of the classes above, or a list of them, whole or not at all."""
    plain = [asdict(each) for each in value] if isinstance(value, list) else asdict(value)  # pyright: ignore
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, (json.dumps(plain, indent=2) + "\n").encode())


def load_json(kind: type[T], path: Path) -> T:
    """Read what :func:`save_json` wrote.

    Raises:
        ScalewiseError: missing, or something else.
    """
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except OSError as error:
        raise ScalewiseError(f"{path}: missing; run scalewise reproduce again") from error
    except ValidationError as error:
        raise ScalewiseError(f"{path}: damaged; delete it and run again") from error


def load_results(folder: Path) -> Results:
    """Read all that a reproduction's folder holds so far.

    Experiments that are not trained and measured yet are left out.

    Raises:
        ScalewiseError: not such a folder, or a damaged file in it.
    """
    plan = load_json(Plan, folder / PLAN_FILE)
    trained = [
        _load_trained(experiment, folder / experiment.name)
        for experiment in plan.experiments
        if (folder / experiment.name / COMPLEXITY_FILE).is_file()
        and (folder / experiment.name / SCORES_FILE).is_file()
    ]
    samples = folder / SAMPLES / SAMPLES_FILE
    attention = folder / ATTENTION_FILE
    unrestored = folder / UNRESTORED / SCORES_FILE
    return Results(
        folder,
        plan,
        trained,
        load_json(Measured, folder / BICUBIC / SCORES_FILE),
        load_json(list[Sample], samples) if samples.is_file() else [],
        load_json(Attention, attention) if attention.is_file() else None,
        load_json(Measured, unrestored) if unrestored.is_file() else None,
    )


def _load_trained(experiment: Experiment, folder: Path) -> Trained:
    run = read_run(folder)
    return Trained(
        experiment,
        folder,
        run.recipe,
        run.lines,
        load_json(Environment, folder / ENVIRONMENT_FILE),
        load_json(Measured, folder / SCORES_FILE),
        load_json(Complexity, folder / COMPLEXITY_FILE),
    )
