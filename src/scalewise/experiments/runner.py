"""Reproduction runner: train all experiments, measure them, write the report.

Every step writes a file, and is skipped if that file exists.  So the same command continues after
an interruption, and a command with another budget trains only the missing experiments.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from scalewise.data.layouts import Dataset, find_dataset
from scalewise.data.store import Progress, Store, pack
from scalewise.errors import Diverged, Interrupted, ScalewiseError
from scalewise.experiments.alternatives import measure_alternatives
from scalewise.experiments.complexity import measure_complexity, steady_median
from scalewise.experiments.data import CLEANED_BY, SCALE, Data, cleaning_sets, small_sets
from scalewise.experiments.measurement import (
    make_samples,
    measure_attention,
    measure_bicubic,
    measure_run,
    measure_unrestored,
)
from scalewise.experiments.plan import (
    DENOISING_TEST,
    Planned,
    TrainingSpeed,
    fit_to,
    full_recipe,
    full_steps,
    make_plan,
    training_time,
)
from scalewise.experiments.report import write_report
from scalewise.experiments.results import (
    ATTENTION_FILE,
    BICUBIC,
    COMPLEXITY_FILE,
    PLAN_FILE,
    SAMPLES,
    SAMPLES_FILE,
    SCORES_FILE,
    UNRESTORED,
    Complexity,
    Form,
    Plan,
    Results,
    load_json,
    load_results,
    save_json,
)
from scalewise.imaging.protocols import FIELD, PROTOCOLS, Protocol
from scalewise.models.adaptive import Adaptive
from scalewise.restoring.loading import LoadOptions, load_trained
from scalewise.training.budget import seconds
from scalewise.training.build import prepare
from scalewise.training.checkpoint import BEST
from scalewise.training.config import Recipe
from scalewise.training.log import Notify, read_log
from scalewise.training.loop import Trainer
from scalewise.training.progress import duration
from scalewise.training.recipe import load_recipe
from scalewise.training.session import RECIPE_FILE, locked, open_run
from scalewise.weights.release import load_network

FINAL_RUNS = ("original_mixed", "adaptive_mixed")
"""Trainings whose networks are measured on every set and restore the sample images."""

SCN_OF_AUTHORS = "scn"
"""The comparator that is also in the document's Table 1."""

Train = Callable[[Trainer], None]
"""Train to the end of the budget, or until stopped, and show the progress."""

Packing = Callable[[], AbstractContextManager[Progress]]
"""Open a progress bar for packing; it is called with images done and in total."""


@dataclass(frozen=True)
class Request:
    """Settings of a reproduction.

    Attributes:
        data: training, validation and test data.
        folder: output folder.
        form: of the recipes.
        budget: a duration such as ``3h``, for everything.
        samples: sample images for the report.
        single: image of the document's single-picture test; None leaves it out.
        also: folder of a reproduction in the other form, for comparison in the report.
    """

    data: Data
    folder: Path
    form: Form
    budget: str
    samples: Sequence[Path]
    single: Path | None
    also: Path | None = None


def reproduce(
    request: Request, train: Train, notify: Notify, packing: Packing
) -> tuple[Path, Path]:
    """Train all experiments, measure them, and write the report.

    Args:
        request: settings of the reproduction.
        train: trains one experiment and shows its progress.
        notify: called with one line of text per step.
        packing: opens a progress bar while the training images are packed.

    Returns:
        The files of the report in HTML and in Markdown.

    Raises:
        Interrupted: a training was stopped; the same command continues it.
        ScalewiseError: data, recipes or runs are missing or do not match.
    """
    started = time.monotonic()
    try:
        budget = seconds(request.budget, "budget")
    except ScalewiseError as error:
        raise ScalewiseError(error, arguments=["budget"]) from None
    also = _other_form(request)
    request.folder.mkdir(parents=True, exist_ok=True)
    store = _packed_store(request, notify, packing)
    planned = make_plan(request.form, request.folder, store, request.data.valid)
    spent = time.monotonic() - started
    _train_all(planned, request.folder, training_time(budget) - spent, train, notify)
    _save_plan(request, planned, store)
    _measure_all(planned, request, notify)
    notify(f"writing the report; {duration(time.monotonic() - started)} so far")
    return write_report(load_results(request.folder), also)


def _other_form(request: Request) -> Results | None:
    """Return the results of the other form, for comparison."""
    if request.also is None:
        return None
    results = load_results(request.also)
    if results.plan.form == request.form:
        raise ScalewiseError(
            f"also={request.also} is in the {request.form} form, too; "
            "give the folder of a reproduction in the other form",
            arguments=["also"],
        )
    return results


def _packed_store(request: Request, notify: Notify, packing: Packing) -> Path:
    """Return the packed store of training images; pack it on the first run."""
    source = request.data.train
    if source.is_file():
        return source
    store = request.folder / "train.pack"
    if not store.is_file():
        notify(f"packing {source}")
        squash = full_recipe(request.form, FINAL_RUNS[0]).data.squash
        with packing() as progress:
            summary = pack([find_dataset(source)], store, [SCALE], squash=squash, progress=progress)
        for reason in summary.skipped:
            notify(f"skipped: {reason}")
    return store


def _train_all(
    planned: list[Planned], folder: Path, time_left: float, train: Train, notify: Notify
) -> None:
    waiting = [each for each in planned if not _is_trained(folder / each.experiment.name)]
    shares = sum(each.share for each in waiting)
    equal: float | None = None
    for number, each in enumerate(waiting, start=1):
        started = time.monotonic()
        limit = max(time_left, 0.0) * each.share / shares
        if each.is_timed:  # the same for all of these, whatever earlier trainings left over
            equal = limit = limit if equal is None else equal
        notify(
            f"[{number}/{len(waiting)}] {each.experiment.title}: about {duration(limit)}; "
            f"all trainings end in about {duration(max(time_left, 0.0))}"
        )
        _train_one(each, folder / each.experiment.name, limit, train, notify)
        time_left -= time.monotonic() - started
        shares -= each.share


def _train_one(planned: Planned, run: Path, limit: float, train: Train, notify: Notify) -> None:
    if (run / RECIPE_FILE).is_file():
        recipe = load_recipe(run / RECIPE_FILE)  # as shortened when the run was started
    else:
        started = time.monotonic()
        speed = _measure_speed(planned.recipe)
        spent = 0.0 if planned.is_timed else time.monotonic() - started
        recipe = fit_to(planned.recipe, limit - spent, speed)
    with locked(run):
        trainer = open_run(recipe, run, notify=notify)
        try:
            train(trainer)
        except Diverged as error:  # also a result: its best weights so far are measured
            notify(str(error))
            return
    if trainer.progress < 1:
        raise Interrupted(f"stopped in {run.name}; the same command continues it")


def _measure_speed(recipe: Recipe) -> TrainingSpeed:
    """Time a few training steps and the validation of one image, in a temporary folder."""
    one = replace(recipe, data=replace(recipe.data, valid_images=1))
    with tempfile.TemporaryDirectory() as folder:
        trainer = prepare(one, Path(folder), initialise=False)
        validation = trainer.validation
        assert validation is not None  # every plan has one
        network = trainer.ema.network
        with trainer.process_settings():
            return TrainingSpeed(
                step=steady_median(lambda: trainer.training_step().item(), warm_up=2, repeats=5),
                validation=steady_median(
                    lambda: validation.psnr_y(network, trainer.device, trainer.dtype), 1, 2
                ),
                images=len(trainer.sampler),
            )


def _is_trained(run: Path) -> bool:
    """Return whether a run reached the end of its schedule or diverged."""
    lines = read_log(run)
    return bool(lines) and lines[-1].progress >= 1


def _save_plan(request: Request, planned: list[Planned], store: Path) -> None:
    images = len(Store(store))
    experiments = [
        replace(each.experiment, full_steps=full_steps(each.recipe, images)) for each in planned
    ]
    plan = Plan(
        form=request.form,
        budget=request.budget,
        train=f"{request.data.train.resolve().name} ({images:,} pictures)",
        valid=request.data.valid.resolve().name,
        experiments=experiments,
    )
    save_json(plan, request.folder / PLAN_FILE)


def _measure_all(planned: list[Planned], request: Request, notify: Notify) -> None:
    folder, sets = request.folder, request.data.sets
    if not (folder / BICUBIC / SCORES_FILE).is_file():
        notify("measuring bicubic")
        save_json(measure_bicubic(sets), folder / BICUBIC / SCORES_FILE)
    cleans = any(each.experiment.group == "cleaning" for each in planned)
    if cleans and not (folder / UNRESTORED / SCORES_FILE).is_file():
        save_json(measure_unrestored(sets), folder / UNRESTORED / SCORES_FILE)
    costs: dict[str, Complexity] = {}  # of each network that is measured already
    for each in planned:
        name = each.experiment.name
        run = folder / name
        if not (run / BEST).is_file():
            notify(f"{name} has no weights to measure")
            continue
        if not (run / SCORES_FILE).is_file():
            notify(f"measuring {name}")
            save_json(measure_run(run, *_sets_and_protocols(each, sets)), run / SCORES_FILE)
        model = load_recipe(run / RECIPE_FILE).model
        network = json.dumps([model.name, model.settings], sort_keys=True)
        if not (run / COMPLEXITY_FILE).is_file():
            notify(f"measuring the cost of {name}")
            cost = costs.get(network) or measure_complexity(load_network(run))
            save_json(cost, run / COMPLEXITY_FILE)
        costs[network] = load_json(Complexity, run / COMPLEXITY_FILE)
    measure_alternatives(DENOISING_TEST, sets, request.samples[0], folder, notify)
    _make_images(request, notify)


def _sets_and_protocols(
    planned: Planned, sets: dict[str, Dataset]
) -> tuple[dict[str, Dataset], list[Protocol]]:
    """Return the test sets and the protocols of an experiment."""
    experiment, task = planned.experiment, planned.recipe.data.task
    if experiment.group == "cleaning":
        return cleaning_sets(sets, task), [CLEANED_BY[task][0]]
    in_table_one = experiment.group == "training" or experiment.name == SCN_OF_AUTHORS
    chosen = sets if experiment.name in FINAL_RUNS else small_sets(sets)
    return chosen, [*PROTOCOLS.values()] if in_table_one else [FIELD]


def _make_images(request: Request, notify: Notify) -> None:
    """Make the sample images of the final networks, and the maps of scale attention."""
    folder = request.folder
    if not (folder / SAMPLES / SAMPLES_FILE).is_file():
        notify("restoring sample images")
        restorers = [load_trained(folder / name, LoadOptions(tile=None)) for name in FINAL_RUNS]
        make_samples(request.samples, request.single, restorers, folder)
    if not (folder / ATTENTION_FILE).is_file():
        name = FINAL_RUNS[1]
        network = load_network(folder / name)
        assert isinstance(network, Adaptive)
        measure_attention(network, request.samples[0], name, folder)
