"""Training of one experiment: its speed, its length, its pace and its end."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from scalewise.arguments import counted
from scalewise.errors import Diverged, Interrupted, ScalewiseError
from scalewise.experiments.closing import discard_measurements
from scalewise.experiments.complexity import fastest, noise_step, steady_median
from scalewise.experiments.experiment_logs import DIVERGED_FILE, Divergence
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
from scalewise.experiments.results import PACE_FILE, SCORES_FILE, Pace, load_json, save_json
from scalewise.training.build import build_network, prepare
from scalewise.training.checkpoint import BEST, LAST, has_checkpoint, save_checkpoint
from scalewise.training.config import Recipe
from scalewise.training.log import LOG_FILE, LogLine, Notify, RunLog, read_log
from scalewise.training.loop import Trainer
from scalewise.training.machine import (
    describe_environment,
    pick_device,
    pick_dtype,
    process_settings,
)
from scalewise.training.recipe import load_recipe
from scalewise.training.runs import RECIPE_FILE
from scalewise.training.session import locked, open_run

Train = Callable[[Trainer], None]
"""Train to the end of the budget, or until stopped, and show the progress."""

PATIENCE = 2.5
"""A training that takes so many times its planned time is stopped, and measured as it is."""


@dataclass(frozen=True)
class LeftOut:
    """Experiment that was left out.

    Attributes:
        reason: why, for people.
        for_time: whether a larger budget is enough to train it.
    """

    reason: str
    for_time: bool = True


def is_trained(run: Path) -> bool:
    """Return whether a run reached the end of its schedule or diverged."""
    lines = read_log(run)
    return (run / DIVERGED_FILE).is_file() or (bool(lines) and lines[-1].progress >= 1)


def incomplete(run: Path) -> str | None:
    """Return where a run stopped or how it diverged; None if it is finished or was not started."""
    if (run / DIVERGED_FILE).is_file():
        return load_json(Divergence, run / DIVERGED_FILE).reason
    lines = read_log(run)
    if not lines or lines[-1].progress >= 1:
        return None
    return f"stopped at {lines[-1].progress:.0%} of its schedule"


def train_run(
    planned: Planned,
    run: Path,
    limit: float,
    latest: float,
    train: Train,
    notify: Notify,
    terms: Terms | None = None,
) -> LeftOut | None:
    """Train an experiment, or continue it, and keep its pace.

    What was measured from its weights is removed before they change.

    Args:
        planned: the experiment.
        run: its folder.
        limit: seconds of training and validation.
        latest: seconds after which it is stopped in any case.
        train: trains it and shows the progress.
        notify: called with one line of text per event.
        terms: of its comparison; None if it is not compared.

    Returns:
        Why it was left out; None if it was trained.

    Raises:
        Interrupted: it was stopped by the user; the same command continues it.
        ScalewiseError: another process trains it, or a file cannot be written.
    """
    started = time.monotonic()
    if reason := _missing_weights(planned, run):
        return LeftOut(reason, for_time=False)
    if (run / RECIPE_FILE).is_file():
        recipe = _as_started(run, planned.recipe)
        pace = load_json(Pace, run / PACE_FILE) if (run / PACE_FILE).is_file() else None
    else:
        fitted = (
            fit_compared(planned, terms) if terms else fit(planned.recipe, limit, measure_speed)
        )
        if left_out := too_short(fitted, planned, limit, terms):
            return left_out
        recipe, pace = fitted.recipe, Pace(step=fitted.step, planned=fitted.seconds)
    with locked(run):
        try:
            trainer = open_run(recipe, run, accept_changes=True, notify=notify)
        except ScalewiseError as error:
            return LeftOut(str(error), for_time=False)
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
        discard_measurements(run)
        try:
            train(trainer)
        except Diverged as error:  # also a result: its best weights so far are measured
            notify(str(error))
            reason, _, _ = str(error).partition(";")
            save_json(Divergence(step=trainer.step, reason=reason), run / DIVERGED_FILE)
            return None
        finally:
            timer.cancel()
            if pace is not None:
                taken = pace.processor + time.process_time() - before
                save_json(replace(pace, processor=taken), run / PACE_FILE)
        if late.is_set() and trainer.step > 0 and not (run / BEST).is_file():
            _keep_last(trainer)
    if trainer.progress < 1 and not late.is_set():
        raise Interrupted(f"stopped in {run.name}; the same command continues it")
    if trainer.progress < 1:
        notify(
            f"{run.name} is slower than measured: stopped at {trainer.progress:.0%} of its "
            "schedule; the same command continues it"
        )
    return None


def _missing_weights(planned: Planned, run: Path) -> str | None:
    """Return which weights a run lacks to start, or to continue after it was measured."""
    if has_checkpoint(run):
        return None
    if (run / SCORES_FILE).is_file():
        return f"it was measured before its end, and {run / LAST} to continue from is missing"
    start = planned.recipe.model.init
    if start is not None and not (Path(start) / BEST).is_file():
        return f"it starts from {Path(start) / BEST}, which is missing"
    return None


def _as_started(run: Path, planned: Recipe) -> Recipe:
    """Return a run's recipe, as shortened when it was started, with today's places of its data."""
    recipe = load_recipe(run / RECIPE_FILE)
    return replace(
        recipe,
        data=replace(recipe.data, train=planned.data.train, valid=planned.data.valid),
        model=replace(recipe.model, init=planned.model.init),
    )


def _keep_last(trainer: Trainer) -> None:
    """Validate, log and keep the weights of a run that was stopped before its first validation."""
    state, psnr_y = trainer.state_dict(), None
    if trainer.validation is not None:
        psnr_y = trainer.validation.psnr_y(trainer.ema.network, trainer.device, trainer.dtype)
    if losses := state["losses"]:
        RunLog(trainer.run / LOG_FILE).append(
            LogLine(
                step=trainer.step,
                seconds=trainer.seconds,
                progress=trainer.progress,
                rate=trainer.rate,
                loss=statistics.mean(losses),
                psnr_y=psnr_y,
            )
        )
    save_checkpoint(trainer.run / BEST, state)


def too_short(
    fitted: Fitted, planned: Planned, limit: float, terms: Terms | None = None
) -> LeftOut | None:
    """Return why a run is left out, if its time is too short for it."""
    steps = total_steps(fitted.recipe, 0)
    if terms is not None and steps < terms.interval:  # a slow one that joined later
        every = f"its comparison is validated every {terms.interval}"
        return LeftOut(
            f"{limit:.0f} s are enough for {counted(steps, 'step')}, and {every}", for_time=False
        )
    full = planned.recipe.budget.epochs
    if steps >= min(FEWEST_STEPS, (full or 1) * (planned.recipe.data.epoch or FEWEST_STEPS)):
        return None
    enough = f"{limit:.0f} s are enough for {counted(steps, 'step')}"
    return LeftOut(f"{enough}, and fewer than {FEWEST_STEPS} say nothing")


def measure_speed(recipe: Recipe) -> TrainingSpeed:
    """Time a few training steps and the validation of one image, in a temporary folder."""
    one = replace(recipe, data=replace(recipe.data, valid_images=1))
    with tempfile.TemporaryDirectory() as folder:
        trainer = prepare(one, Path(folder), initialise=False)
        validation = trainer.validation
        assert validation is not None  # every plan has one
        network = trainer.ema.network
        with process_settings(recipe.deterministic):
            found = describe_environment(trainer.device, trainer.dtype)
            threads = counted(found.threads, "thread")
            return TrainingSpeed(
                step=fastest(lambda: trainer.training_step().item(), warm_up=2, repeats=5),
                validation=steady_median(
                    lambda: validation.psnr_y(network, trainer.device, trainer.dtype), 1, 2
                ),
                images=len(trainer.sampler),
                machine=f"{found.processor}, {threads}, {found.precision}",
                precision=found.precision,
            )


def probe_step(recipe: Recipe) -> float:
    """Return the seconds of a step on one patch of noise, which takes no data."""
    device = pick_device(recipe.device)
    dtype = pick_dtype(recipe.precision, device)
    network = build_network(recipe.model, recipe.seed, initialise=False)
    step = noise_step(network, recipe.optimizer, (1, recipe.data.patch), device, dtype)
    with process_settings(deterministic=False):
        return fastest(step, warm_up=1, repeats=2)
