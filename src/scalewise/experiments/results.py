"""Results of a reproduction, as saved in its folder: everything that the report shows.

The folder holds:

- one run folder per trained network: recipe, log, checkpoints and environment, with
  ``scores.json``, ``complexity.json``, ``pace.json``, ``artifacts.json``, ``fidelity.json``,
  ``validation.csv``, ``gradients.csv`` and, if it diverged, ``diverged.json``;
- ``bicubic`` and ``unrestored``, each with ``scores.json``;
- ``samples``: a sheet per sample image, and the scores of all;
- ``alternatives``: scores of denoising methods, a file per noise level, one image of all, and
  ``enlarged.json``, the same ahead of a network that enlarges;
- ``attention.json`` and ``attention.npz``;
- ``plan.json``, which names all experiments, ``terms.json``, what comparisons agreed on, and
  ``speeds.json``, how long scoring takes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from scalewise.arguments import AnyPath, path_of
from scalewise.atomic import write_atomic
from scalewise.errors import ScalewiseError
from scalewise.experiments.artifacts import Artifacts
from scalewise.experiments.attention import ATTENTION_FILE, Attention
from scalewise.experiments.denoising_results import Enlarged, NoiseLevel
from scalewise.experiments.experiment_logs import (
    DIVERGED_FILE,
    Divergence,
    GradientLine,
    ValidationLine,
    read_gradients,
    read_validations,
)
from scalewise.experiments.fidelity import Fidelity
from scalewise.training.config import Recipe
from scalewise.training.log import LogLine
from scalewise.training.machine import ENVIRONMENT_FILE, Environment
from scalewise.training.runs import read_run
from scalewise.training.validation_protocol import protocol_of
from scalewise.weights.card import Score

PLAN_FILE = "plan.json"
SCORES_FILE = "scores.json"
COMPLEXITY_FILE = "complexity.json"
PACE_FILE = "pace.json"
TERMS_FILE = "terms.json"
ARTIFACTS_FILE = "artifacts.json"
FIDELITY_FILE = "fidelity.json"
SAMPLES = "samples"
SAMPLES_FILE = "samples.json"
BICUBIC = "bicubic"
UNRESTORED = "unrestored"
ALTERNATIVES = "alternatives"
STRIP_FILE = "strip.json"
ENLARGED_FILE = "enlarged.json"

DIGEST = 12  # digits of a checksum in the report

Group = Literal["training", "code", "ablation", "loss", "comparator", "cleaning"]
Form = Literal["document", "modern"]

COMPARING: tuple[Group, ...] = ("ablation", "loss")
"""Groups that compare the document's networks, losses and rates, by sample images, too."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One experiment of the plan.

    Attributes:
        name: of its folder, such as ``original_l1``.
        title: for people, such as ``Original, L1``.
        group: the document's trainings, networks of its program, or one of the comparisons.
        full_steps: optimizer steps at full length; None for a budget of time.
        seed: of its weights and patches.
    """

    name: str
    title: str
    group: Group
    full_steps: int | None = None
    seed: int = 0

    @property
    def network(self) -> str:
        """The name that all seeds of a network share."""
        return self.name.removesuffix(f"_seed{self.seed}")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Plan of a reproduction.

    Attributes:
        form: of the recipes.
        budget: as given, such as ``3h``; for everything, measuring included.
        train: training data, for people: the folder's name and the number of images.
        valid: name of the validation set.
        experiments: in the order of the report.
        left_out: experiments that the budget was too short for, and why.
        failed: experiments that could not be trained or measured otherwise, and why.
        unmeasured: what else it was too short for.
        epoch_images: images of an epoch in the document's form; None for all of them.
        held_out: whether the validation images are training images that were held out.
        valid_images: number of validation images, the same for all runs.
        teacher: of the training data, with its licence; empty without.
    """

    form: Form
    budget: str
    train: str
    valid: str
    experiments: list[Experiment]
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    unmeasured: list[str] = field(default_factory=list[str])
    epoch_images: int | None = None
    held_out: bool = False
    valid_images: int | None = None
    teacher: str = ""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Time of a training, of one that is compared with others in particular.

    Attributes:
        step: seconds of its fastest steps, measured before it began.
        planned: seconds of all its steps at that pace; validations are not counted.
        processor: seconds of the processor that it took, those of all threads together.
    """

    step: float
    planned: float
    processor: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Scores of one method.

    Attributes:
        weights: sha256 of the measured weights; empty if there are none.
        scores: one per set and protocol; the set ``lenna`` is that single image.
    """

    weights: str
    scores: list[Score]


@dataclass(frozen=True, kw_only=True)
class Complexity:
    """Computational cost of a network.

    Attributes:
        parameters: number of trained values.
        multiply_adds: per output megapixel.
        seconds: per output megapixel: fastest of an image from 512x512 to 1024x1024; None, as
            the others, before it is timed.
        megabytes: growth of the process's peak memory for that image.
        step_seconds, precision: of a training step of 16 patches of 48x48, the median.
        runtime: of inference, such as ``OpenVINO 2026.4 f32``; empty before it is timed.
        threads, processor: of both; no processor in earlier results.
    """

    parameters: int
    multiply_adds: int
    seconds: float | None = None
    megabytes: float | None = None
    step_seconds: float | None = None
    runtime: str = ""
    precision: str = ""
    threads: int = 0
    processor: str = ""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An image halved and restored by every method.

    Attributes:
        name: of the image.
        sheet: file name of its sheet, of all methods with error maps, in the folder of samples.
        scores: of each method on it alone, under both protocols.
        single: whether it is the document's single-image test (its figures 11 and 12).
        artifacts: overshoot and ringing of each method.
    """

    name: str
    sheet: str
    scores: list[Score]
    single: bool = False
    artifacts: dict[str, Artifacts] = field(default_factory=dict[str, Artifacts])


class Validation(NamedTuple):
    """Conditions of a run's validation scores; ``images`` is None for all of the set."""

    images: int | None
    protocol: str
    version: str


@dataclass(frozen=True)
class Trained:
    """One experiment with all of its results.

    Attributes:
        validations: loss and scores of every validation.
        gradients: norms of the gradient, of every line of the log.
        artifacts: overshoot and ringing on each sample image; empty if they are not measured.
        fidelity: of detail, and parts of the loss, on the same images.
        diverged: how its training ended, if it diverged.
    """

    experiment: Experiment
    folder: Path
    recipe: Recipe
    lines: list[LogLine]
    environment: Environment
    measured: Measured
    complexity: Complexity
    pace: Pace | None = None
    validations: list[ValidationLine] = field(default_factory=list["ValidationLine"])
    gradients: list[GradientLine] = field(default_factory=list["GradientLine"])
    artifacts: dict[str, Artifacts] = field(default_factory=dict[str, Artifacts])
    fidelity: dict[str, Fidelity] = field(default_factory=dict[str, Fidelity])
    diverged: Divergence | None = None

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.experiment.name

    @property
    def title(self) -> str:
        """The experiment's title."""
        return self.experiment.title

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
        """Completed fraction of the run's own schedule, in [0, 1]."""
        return self.lines[-1].progress

    @property
    def is_finished(self) -> bool:
        """True if it reached the end of its own schedule, without diverging."""
        return self.progress >= 1 and self.diverged is None

    @property
    def weights(self) -> str:
        """First digits of the checksum of its weights."""
        return self.measured.weights[:DIGEST]

    @property
    def validation(self) -> Validation:
        """Conditions of its validation scores."""
        protocol = protocol_of(self.recipe.data).name
        return Validation(self.recipe.data.valid_images, protocol, self.environment.scalewise)


@dataclass(frozen=True)
class Results:
    """Everything that a report is made of.

    Attributes:
        folder: of the reproduction.
        plan: of the reproduction.
        trained: experiments that are trained and measured.
        bicubic: scores of bicubic enlargement.
        samples: sample images.
        attention: mean weights of scale attention; None before they are measured.
        unrestored: scores of the degraded images; None before they are measured.
        alternatives: denoising with and without a network, at the levels measured so far.
        strip: one image denoised by every method; None before it is made.
        enlarged: denoising ahead of a network that enlarges; None before it is measured.
        also: results of a reproduction in the other form, for comparison.
    """

    folder: Path
    plan: Plan
    trained: list[Trained]
    bicubic: Measured
    samples: list[Sample]
    attention: Attention | None
    unrestored: Measured | None = None
    alternatives: Sequence[NoiseLevel] = ()
    strip: Sample | None = None
    enlarged: Enlarged | None = None
    also: Results | None = None

    def find(self, name: str) -> Trained | None:
        """Return an experiment's results, if it is trained."""
        return next((each for each in self.trained if each.name == name), None)

    @property
    def seconds(self) -> float:
        """Seconds of all trainings, validation included."""
        return sum(run.seconds for run in self.trained)

    def group(self, group: Group) -> list[Trained]:
        """Return the results of one group of experiments."""
        return [each for each in self.trained if each.experiment.group == group]


T = TypeVar("T")


def save_json(value: object, path: Path) -> None:
    """Write a dataclass, or a list or dictionary of them, as JSON."""
    plain = TypeAdapter(Any).dump_python(value, mode="json")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, (json.dumps(plain, indent=2) + "\n").encode())


def load_json(kind: type[T], path: Path) -> T:
    """Read what :func:`save_json` wrote.

    Raises:
        ScalewiseError: missing or damaged.
    """
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except OSError as error:
        raise ScalewiseError(f"{path}: missing; run scalewise reproduce again") from error
    except ValidationError as error:
        raise ScalewiseError(f"{path}: damaged; delete it and run again") from error


def load_results(folder: AnyPath) -> Results:
    """Load the results in a reproduction's folder.

    Experiments that are not trained and measured yet are left out.

    Raises:
        ScalewiseError: not the folder of a reproduction, or a file in it is damaged.
    """
    folder = path_of(folder, "folder")
    plan = load_json(Plan, folder / PLAN_FILE)
    trained = [
        _load_experiment(experiment, folder / experiment.name)
        for experiment in plan.experiments
        if (folder / experiment.name / COMPLEXITY_FILE).is_file()
        and (folder / experiment.name / SCORES_FILE).is_file()
    ]
    samples, attention = folder / SAMPLES / SAMPLES_FILE, folder / ATTENTION_FILE
    unrestored = folder / UNRESTORED / SCORES_FILE
    levels = (folder / ALTERNATIVES).glob("sigma*.json")
    strip, enlarged = (folder / ALTERNATIVES / name for name in (STRIP_FILE, ENLARGED_FILE))
    return Results(
        folder,
        plan,
        trained,
        load_json(Measured, folder / BICUBIC / SCORES_FILE),
        load_json(list[Sample], samples) if samples.is_file() else [],
        load_json(Attention, attention) if attention.is_file() else None,
        load_json(Measured, unrestored) if unrestored.is_file() else None,
        sorted((load_json(NoiseLevel, path) for path in levels), key=lambda each: each.sigma),
        load_json(Sample, strip) if strip.is_file() else None,
        load_json(Enlarged, enlarged) if enlarged.is_file() else None,
    )


def _load_experiment(experiment: Experiment, folder: Path) -> Trained:
    run = read_run(folder)
    if not run.lines:
        raise ScalewiseError(f"{folder}: measured, but its log is empty; delete it and run again")
    artifacts, fidelity = folder / ARTIFACTS_FILE, folder / FIDELITY_FILE
    return Trained(
        experiment,
        folder,
        run.recipe,
        run.lines,
        load_json(Environment, folder / ENVIRONMENT_FILE),
        load_json(Measured, folder / SCORES_FILE),
        load_json(Complexity, folder / COMPLEXITY_FILE),
        load_json(Pace, pace) if (pace := folder / PACE_FILE).is_file() else None,
        read_validations(folder),
        read_gradients(folder),
        load_json(dict[str, Artifacts], artifacts) if artifacts.is_file() else {},
        load_json(dict[str, Fidelity], fidelity) if fidelity.is_file() else {},
        load_json(Divergence, end) if (end := folder / DIVERGED_FILE).is_file() else None,
    )
