"""Training of one experiment: its speed, its length, its pace and its end."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from scalewise.errors import Diverged, Interrupted
from scalewise.experiments.complexity import fastest, noise_step, steady_median
from scalewise.experiments.fitting import (
    FEWEST_STEPS,
    Fitted,
    Terms,
    TrainingSpeed,
    fit,
    fit_compared,
    total_steps,
)
from scalewise.experiments.plan import Planned
from scalewise.experiments.recording import record_gradients, record_validations
from scalewise.experiments.results import (
    COMPLEXITY_FILE,
    PACE_FILE,
    SCORES_FILE,
    Pace,
    load_json,
    save_json,
)
from scalewise.training.build import build_network, prepare
from scalewise.training.checkpoint import BEST, save_checkpoint
from scalewise.training.config import Recipe
from scalewise.training.log import Notify, read_log
from scalewise.training.loop import Trainer
from scalewise.training.machine import (
    describe_environment,
    pick_device,
    pick_dtype,
    process_settings,
)
from scalewise.training.recipe import load_recipe
from scalewise.training.session import RECIPE_FILE, locked, open_run

Train = Callable[[Trainer], None]
"""Train to the end of the budget, or until stopped, and show the progress."""

PATIENCE = 2.5
"""A training that takes so many times its planned time is stopped, and measured as it is."""


def is_trained(run: Path) -> bool:
    """Return whether a run reached the end of its schedule or diverged."""
    lines = read_log(run)
    return bool(lines) and lines[-1].progress >= 1


def train_run(
    planned: Planned,
    run: Path,
    limit: float,
    latest: float,
    train: Train,
    notify: Notify,
    terms: Terms | None = None,
) -> str | None:
    """Train an experiment, or continue it, and keep its pace.

    Args:
        planned: the experiment.
        run: its folder.
        limit: seconds of training and validation.
        latest: seconds after which it is stopped in any case.
        train: trains it and shows the progress.
        notify: called with one line of text per event.
        terms: of its comparison; None if it is not compared.

    Returns:
        The reason if it was left out; None if it was trained.

    Raises:
        Interrupted: it was stopped by the user; the same command continues it.
        ScalewiseError: the run in the folder does not match.
    """
    started = time.monotonic()
    if (run / RECIPE_FILE).is_file():
        recipe = load_recipe(run / RECIPE_FILE)  # as shortened when the run was started
        pace = load_json(Pace, run / PACE_FILE) if (run / PACE_FILE).is_file() else None
        for name in (SCORES_FILE, COMPLEXITY_FILE):  # of the weights so far
            (run / name).unlink(missing_ok=True)
    else:
        fitted = (
            fit_compared(planned, terms) if terms else fit(planned.recipe, limit, measure_speed)
        )
        if reason := too_short(fitted, planned, limit, terms):
            return reason
        recipe, pace = fitted.recipe, Pace(step=fitted.step, planned=fitted.seconds)
    with locked(run):
        trainer = open_run(recipe, run, notify=notify)
        record_validations(trainer)
        record_gradients(trainer)
        late = threading.Event()

        def stop() -> None:
            late.set()
            trainer.stop()

        spent = time.monotonic() - started
        timer = threading.Timer(max(1.0, min(PATIENCE * limit, latest) - spent), stop)
        timer.daemon = True
        timer.start()
        before = time.process_time()
        try:
            train(trainer)
        except Diverged as error:  # also a result: its best weights so far are measured
            notify(str(error))
            return None
        finally:
            timer.cancel()
            if pace is not None:
                taken = pace.processor + time.process_time() - before
                save_json(replace(pace, processor=taken), run / PACE_FILE)
        if late.is_set() and not (run / BEST).is_file():
            _keep_last(trainer)
    if trainer.progress < 1 and not late.is_set():
        raise Interrupted(f"stopped in {run.name}; the same command continues it")
    if trainer.progress < 1:
        notify(
            f"{run.name} is slower than measured: stopped at {trainer.progress:.0%} of its "
            "schedule; the same command continues it"
        )
    return None


def _keep_last(trainer: Trainer) -> None:
    """Validate and keep the weights of a run that was stopped before its first validation."""
    if trainer.validation is not None:
        trainer.validation.psnr_y(trainer.ema.network, trainer.device, trainer.dtype)
    save_checkpoint(trainer.run / BEST, trainer.state_dict())


def too_short(
    fitted: Fitted, planned: Planned, limit: float, terms: Terms | None = None
) -> str | None:
    """Return the reason to leave a run out, if its time is too short for it."""
    steps = total_steps(fitted.recipe, 0)
    if terms is not None and steps < terms.interval:  # a slow one that joined later
        every = f"its comparison is validated every {terms.interval}"
        return f"{limit:.0f} s are {steps} steps, and {every}"
    full = planned.recipe.budget.epochs
    if steps >= min(FEWEST_STEPS, (full or 1) * (planned.recipe.data.epoch or FEWEST_STEPS)):
        return None
    return f"{limit:.0f} s are {steps} steps, and fewer than {FEWEST_STEPS} say nothing"


def measure_speed(recipe: Recipe) -> TrainingSpeed:
    """Time a few training steps and the validation of one image, in a temporary folder."""
    one = replace(recipe, data=replace(recipe.data, valid_images=1))
    with tempfile.TemporaryDirectory() as folder:
        trainer = prepare(one, Path(folder), initialise=False)
        validation = trainer.validation
        assert validation is not None  # every plan has one
        network = trainer.ema.network
        with process_settings(recipe.deterministic):
            return TrainingSpeed(
                step=fastest(lambda: trainer.training_step().item(), warm_up=2, repeats=5),
                validation=steady_median(
                    lambda: validation.psnr_y(network, trainer.device, trainer.dtype), 1, 2
                ),
                images=len(trainer.sampler),
                machine=_machine(trainer),
            )


def _machine(trainer: Trainer) -> str:
    """Return what the speed of a training depends on besides the network, in words."""
    found = describe_environment(trainer.device, trainer.dtype)
    return f"{found.processor}, {found.threads} threads, {found.precision}"


def probe_step(recipe: Recipe) -> float:
    """Return the seconds of a step on one patch of noise, which takes no data."""
    device = pick_device(recipe.device)
    dtype = pick_dtype(recipe.precision, device)
    network = build_network(recipe.model, recipe.seed, initialise=False)
    step = noise_step(network, recipe.optimizer, (1, recipe.data.patch), device, dtype)
    with process_settings(deterministic=False):
        return fastest(step, warm_up=1, repeats=2)
