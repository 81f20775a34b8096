"""The whole reproduction: train what is not yet trained, measure it, write the report.

Every step leaves a file behind and is passed over where that file is there, so that the same
command goes on after whatever stopped it, and another one, with another budget, trains only what
is missing.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from scalewise.data.layouts import Dataset, find_dataset
from scalewise.data.store import Progress, Store, pack
from scalewise.errors import Diverged, ScalewiseError
from scalewise.imaging.protocols import FIELD, PROTOCOLS, Protocol
from scalewise.models import RestorationNetwork
from scalewise.models.adaptive import Adaptive
from scalewise.reproducing.attention import look_at_attention
from scalewise.reproducing.complexity import measure_complexity, steady_median
from scalewise.reproducing.data import CLEANED_BY, Data
from scalewise.reproducing.measure import (
    SCALE,
    cleaned,
    few,
    measure_bicubic,
    measure_run,
    measure_unrestored,
)
from scalewise.reproducing.plan import (
    FIRST,
    Planned,
    Speed,
    fit_to,
    full_recipe,
    full_steps,
    make_plan,
    recipe_of,
    training_time,
)
from scalewise.reproducing.report import write_report
from scalewise.reproducing.results import (
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
from scalewise.reproducing.samples import make_samples
from scalewise.restoring.loading import LoadOptions, load_trained
from scalewise.training.budget import seconds
from scalewise.training.build import prepare
from scalewise.training.checkpoint import BEST
from scalewise.training.config import Recipe
from scalewise.training.log import Notify, duration, read_log
from scalewise.training.loop import Trainer
from scalewise.training.session import RECIPE_FILE, locked, open_run
from scalewise.weights.release import load_network

FINAL = ("original_mixed", "adaptive_mixed")
"""The trainings whose networks are measured on every set, and shown."""

AUTHORS = "scn"
"""The comparator that stands in the document's Table 1, too."""

Train = Callable[[Trainer], None]
"""Trains to the end of the budget, or until stopped, and shows how it goes."""

Packing = Callable[[], AbstractContextManager[Progress]]
"""Opens a progress bar: called with pictures packed and in all."""


@dataclass(frozen=True)
class Request:
    """What is to be reproduced.

    Attributes:
        data: what to learn from, choose on and measure on.
        folder: where everything goes.
        form: of the recipes.
        recipes: the folder with the forms' folders of recipes.
        budget: a duration such as ``3h``, of everything.
        samples: pictures to show.
        single: the picture of the document's single-picture test; None leaves it out.
        also: folder of a reproduction in the other form, for the report to show beside this one.
    """

    data: Data
    folder: Path
    form: Form
    recipes: Path
    budget: str
    samples: Sequence[Path]
    single: Path | None
    also: Path | None = None


class Interrupted(ScalewiseError):
    """The reproduction was stopped before its end."""


def reproduce(
    request: Request, train: Train, notify: Notify, packing: Packing
) -> tuple[Path, Path]:
    """Train, measure and report.

    Args:
        request: what.
        train: how an experiment is trained and shown.
        notify: told, in one line each, how it goes.
        packing: shows how far packing is, while it is at it.

    Returns:
        The report as HTML and as Markdown.

    Raises:
        Interrupted: a training was stopped; the same command goes on.
        ScalewiseError: data, recipes or runs that are missing or do not fit.
    """
    started = time.monotonic()
    budget = seconds(request.budget, "--budget")
    also = _other_form(request)
    request.folder.mkdir(parents=True, exist_ok=True)
    store = _packed(request, notify, packing)
    planned = make_plan(request.form, request.recipes, request.folder, store, request.data.valid)
    spent = time.monotonic() - started
    _train_all(planned, request.folder, training_time(budget) - spent, train, notify)
    _save_plan(request, planned, store)
    _measure_all(planned, request, notify)
    notify(f"writing the report; {duration(time.monotonic() - started)} so far")
    return write_report(load_results(request.folder), also)


def _other_form(request: Request) -> Results | None:
    """The results to show beside these."""
    if request.also is None:
        return None
    results = load_results(request.also)
    if results.plan.form == request.form:
        raise ScalewiseError(
            f"--also: {request.also} is in the {request.form} form as well; "
            "name the folder of one in the other"
        )
    return results


def _packed(request: Request, notify: Notify, packing: Packing) -> Path:
    """The packed store that all experiments learn from; made once."""
    source = request.data.train
    if source.is_file():
        return source
    store = request.folder / "train.pack"
    if not store.is_file():
        notify(f"packing {source}")
        squash = full_recipe(request.recipes, request.form, FIRST).data.squash
        with packing() as progress:
            summary = pack([find_dataset(source)], store, [SCALE], squash=squash, progress=progress)
        for reason in summary.skipped:
            notify(f"skipped: {reason}")
    return store


def _train_all(
    planned: list[Planned], folder: Path, time_left: float, train: Train, notify: Notify
) -> None:
    waiting = [each for each in planned if not is_trained(folder / each.experiment.name)]
    shares = sum(each.share for each in waiting)
    equal: float | None = None
    for number, each in enumerate(waiting, start=1):
        started = time.monotonic()
        limit = max(time_left, 0.0) * each.share / shares
        if each.is_timed:  # all of these alike, whatever those before left over
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
        recipe = recipe_of(run)  # as it was shortened when it was started
    else:
        started = time.monotonic()
        speed = _speed(planned.recipe)
        spent = 0.0 if planned.is_timed else time.monotonic() - started
        recipe = fit_to(planned.recipe, limit - spent, speed)
    with locked(run):
        trainer = open_run(recipe, run, notify=notify)
        try:
            train(trainer)
        except Diverged as error:  # a result like another: its best weights so far are measured
            notify(str(error))
            return
    if trainer.progress < 1:
        raise Interrupted(f"stopped in {run.name}; the same command goes on")


def _speed(recipe: Recipe) -> Speed:
    """Train a few steps, and validate on one picture, in a folder that is thrown away."""
    one = replace(recipe, data=replace(recipe.data, valid_images=1))
    with tempfile.TemporaryDirectory() as folder:
        trainer = prepare(one, Path(folder), initialise=False)
        validation = trainer.validation
        assert validation is not None  # every plan has one
        network = trainer.ema.network
        with trainer.process_settings():
            return Speed(
                step=steady_median(lambda: trainer.training_step().item(), warm_up=2, repeats=5),
                validation=steady_median(
                    lambda: validation.psnr_y(network, trainer.device, trainer.dtype), 1, 2
                ),
                pictures=len(trainer.sampler),
            )


def is_trained(run: Path) -> bool:
    """Whether a run has come to its end, a bad one too."""
    lines = read_log(run)
    return bool(lines) and lines[-1].progress >= 1


def _save_plan(request: Request, planned: list[Planned], store: Path) -> None:
    pictures = len(Store(store))
    experiments = [
        replace(each.experiment, full_steps=full_steps(each.recipe, pictures)) for each in planned
    ]
    plan = Plan(
        form=request.form,
        budget=request.budget,
        train=f"{request.data.train.resolve().name} ({pictures:,} pictures)",
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
    for each in planned:
        name = each.experiment.name
        run = folder / name
        if not (run / BEST).is_file():
            notify(f"{name} left no weights to measure")
            continue
        if not (run / SCORES_FILE).is_file():
            notify(f"measuring {name}")
            save_json(measure_run(run, *_by_what(each, sets)), run / SCORES_FILE)
        if not (run / COMPLEXITY_FILE).is_file():
            notify(f"what {name} costs")
            save_json(_complexity(load_network(run), folder), run / COMPLEXITY_FILE)
    _show(request, notify)


def _by_what(
    planned: Planned, sets: dict[str, Dataset]
) -> tuple[dict[str, Dataset], list[Protocol]]:
    """The sets and the protocols that an experiment is measured on and by."""
    experiment, task = planned.experiment, planned.recipe.data.task
    if experiment.group == "cleaning":
        return cleaned(sets, task), [CLEANED_BY[task][0]]
    in_table_one = experiment.group == "training" or experiment.name == AUTHORS
    chosen = sets if experiment.name in FINAL else few(sets)
    return chosen, [*PROTOCOLS.values()] if in_table_one else [FIELD]


def _complexity(network: RestorationNetwork, folder: Path) -> Complexity:
    """Measure what a network costs, or take it from an experiment with the very same network."""
    for path in sorted(folder.glob(f"*/{COMPLEXITY_FILE}")):
        model = recipe_of(path.parent).model
        if (model.name, model.settings) == (network.architecture, network.settings):
            return load_json(Complexity, path)
    return measure_complexity(network)


def _show(request: Request, notify: Notify) -> None:
    """Sample pictures by the final networks, and what the attention looks at."""
    folder = request.folder
    if not (folder / SAMPLES / SAMPLES_FILE).is_file():
        notify("sample pictures")
        restorers = [load_trained(folder / name, LoadOptions(tile=None)) for name in FINAL]
        make_samples(request.samples, request.single, restorers, folder)
    if not (folder / ATTENTION_FILE).is_file():
        name = FINAL[1]
        network = load_network(folder / name)
        assert isinstance(network, Adaptive)
        look_at_attention(network, request.samples[0], name, folder)
