"""Training sessions: start and resume runs.

The same command starts a run and resumes it after an interruption; see
:mod:`scalewise.training.runs` for what its folder holds.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scalewise.arguments import AnyPath, path_of
from scalewise.data.packing import Progress
from scalewise.errors import ScalewiseError, warn
from scalewise.locks import try_lock
from scalewise.training.config import Recipe
from scalewise.training.log import LOG_FILE, Listener, Notify, keep_quiet
from scalewise.training.recipe import changed_keys, load_recipe, save_recipe
from scalewise.training.runs import LOCK_FILE, RECIPE_FILE

if TYPE_CHECKING:
    from scalewise.training.distributed import World
    from scalewise.training.loop import Trainer

LOCK_PATIENCE = 0.5
"""Seconds to wait for a lock: ``scalewise runs`` holds it for a moment to check it."""


def open_run(
    recipe: Recipe,
    run: AnyPath,
    listeners: Sequence[Listener] = (),
    *,
    resume: bool = False,
    accept_changes: bool = False,
    trunk: AnyPath | None = None,
    world: World | None = None,
    progress: Progress | None = None,
    notify: Notify | None = None,
) -> Trainer:
    """Return a trainer at the start of a run, or where the run in the folder stopped.

    Args:
        recipe: the run's settings.
        run: the run's folder; on several machines, one that all of them see.
        listeners: called with every line of the log.
        resume: require a run to resume.
        accept_changes: resume although the recipe has changed.  The budget may always change.
        trunk: another run's folder: start as a copy of it, and decay the rate over the budget.
            If this run already has a checkpoint, it is resumed.
        world: the processes that train together.
        progress: called with the number of packed images and the total.
        notify: called with one line for each other event.

    Raises:
        ScalewiseError: the folder holds a run of another recipe (the error lists the
            differences), there is no run to resume, or
            :func:`~scalewise.training.build.prepare` fails.
    """
    from scalewise.training.build import prepare
    from scalewise.training.checkpoint import has_checkpoint
    from scalewise.training.distributed import World
    from scalewise.training.machine import describe_environment, write_environment
    from scalewise.training.origin import keep_origin

    world = world or World()
    notify = notify or keep_quiet
    run, trunk = path_of(run, "run"), None if trunk is None else path_of(trunk, "trunk")
    exists, trained = (run / RECIPE_FILE).exists(), has_checkpoint(run)
    if trunk is not None:
        if trunk.resolve() == run.resolve():
            raise ScalewiseError(
                f"trunk={trunk}: a run cannot be a copy of itself; choose another run=",
                arguments=["trunk", "run"],
            )
        recipe = branched(recipe)
    if not trained and world.writes:
        _require_free(run, exists)
    if resume and not exists:
        raise ScalewiseError(
            f"{run} holds no run to resume; leave out resume=True to start one",
            arguments=["resume"],
        )
    world.wait()  # so that no process sees files that another has just written

    def opened(packed: bool) -> Trainer:
        return prepare(
            recipe,
            run,
            listeners,
            initialise=not trained and trunk is None,
            reuse_packed=packed,
            world=world,
            progress=progress,
            notify=notify,
        )

    trainer: Trainer | None = None
    if world.writes:
        changes = _changes(run, recipe) if exists else []
        if changes and not accept_changes:
            raise ScalewiseError(
                f"{run} holds a run with other settings ({'; '.join(changes)}); choose another "
                "run=, or add accept_changes=True to resume it with the new ones",
                arguments=["run", "accept_changes"],
            )
        for change in changes:
            notify(f"changed: {change}")
        trainer = opened(packed=exists)
    world.wait()
    trainer = trainer or opened(packed=True)
    if trained:
        trainer.resume()
        _require_copy(trainer, trunk)
        notify(f"resuming at step {trainer.step}, {trainer.progress:.1%} done")
    elif trunk is not None:
        trainer.leave(trunk)
        notify(f"a copy of {trunk} at step {trainer.step}; the rate falls over the budget")
    if world.writes and not (trained and trainer.progress >= 1):
        # Not earlier: a run that cannot be resumed, or is finished, keeps its recipe.
        run.mkdir(parents=True, exist_ok=True)
        save_recipe(trainer.recipe, run / RECIPE_FILE)
        if not trained:
            keep_origin(run, recipe.model.init, trunk)
        write_environment(describe_environment(trainer.device, trainer.dtype), run)
    return trainer


def _require_free(run: Path, exists: bool) -> None:
    """Refuse a new run in a folder with files that it would replace.

    A run that was stopped before its first checkpoint may have them, of step 0.

    Args:
        run: the folder, without a checkpoint to resume from.
        exists: whether it holds a recipe.
    """
    from scalewise.training.checkpoint import BEST, read_checkpoint

    best = run / BEST
    if exists and (not best.is_file() or read_checkpoint(best)["step"] == 0):
        return
    taken = [name for name in (LOG_FILE, BEST) if (run / name).is_file()]
    if taken:
        raise ScalewiseError(
            f"{run} has {' and '.join(taken)}, but no checkpoint to resume from: a new run would "
            "replace what is there; choose another run=, or move them away",
            arguments=["run"],
        )


def check_trunk(trunk: Path, overrides: Sequence[str]) -> None:
    """Refuse settings that contradict a start as a copy of another run.

    Args:
        trunk: the other run's folder.
        overrides: settings of the command line, ``key=value``.

    Raises:
        ScalewiseError: they name other weights to start from.
    """
    if any(each.partition("=")[0] in ("init", "model.init") for each in overrides):
        raise ScalewiseError(
            f"trunk={trunk} and init= name two sets of weights to start from; leave one out",
            arguments=["trunk"],
        )


def _require_copy(trainer: Trainer, trunk: Path | None) -> None:
    """Refuse to resume a run that is not a copy of the given trunk."""
    branch = trainer.branch
    if trunk is None or (branch is not None and branch.is_copy_of(trunk)):
        return
    if branch is None:
        found = f"that is not a copy of {trunk}"
    else:
        copied = f"{branch.trunk} at step {branch.step}"
        found = f"that is a copy of {copied}, not of {trunk} as it is now"
    raise ScalewiseError(
        f"{trainer.run} holds a run {found}; choose another run=, or leave out trunk= to resume it",
        arguments=["run", "trunk"],
    )


def branched(recipe: Recipe) -> Recipe:
    """Return the recipe of a trunk's decayed copy: no warm-up, and wsd's decay from the start."""
    schedule = replace(recipe.schedule, warmup=0.0)
    if schedule.kind in ("wsd", "fixed"):
        schedule = replace(schedule, kind="wsd", decay=1.0)
    return replace(recipe, schedule=schedule, model=replace(recipe.model, init=None))


def _changes(run: Path, recipe: Recipe) -> list[str]:
    """Return the settings that differ from those of the run in a folder, a line each."""
    from scalewise.models.registry import with_defaults

    def filled(recipe: Recipe) -> Recipe:  # a run may be older than some settings of its network
        model = recipe.model
        return replace(
            recipe, model=replace(model, settings=with_defaults(model.name, model.settings))
        )

    return changed_keys(filled(load_recipe(run / RECIPE_FILE)), filled(recipe), ignored="budget")


@contextmanager
def locked(run: AnyPath, world: World | None = None) -> Generator[None, None, None]:
    """Prevent a second command from training in the same folder.

    A killed command does not leave a lock.  Where locks are not supported, a warning says so.

    Raises:
        ScalewiseError: another process is training there.
    """
    run = path_of(run, "run")
    if world is not None and not world.writes:
        yield
        return
    is_new = not run.exists()
    run.mkdir(parents=True, exist_ok=True)
    with (run / LOCK_FILE).open("a") as file:
        deadline = time.monotonic() + LOCK_PATIENCE
        while (lock := try_lock(file)) == "taken":
            if time.monotonic() > deadline:
                raise ScalewiseError(f"{run}: another process is training there")
            time.sleep(0.05)
        if lock == "unsupported":
            warn(f"{run}: locks are not supported there; start no second training in it")
        try:
            yield
        finally:
            if is_new and [path.name for path in run.iterdir()] == [LOCK_FILE]:
                # No run was started.  Windows keeps files that are open.
                shutil.rmtree(run, ignore_errors=True)


@contextmanager
def stopped_by_signals(trainer: Trainer, notify: Notify) -> Generator[list[int], None, None]:
    """Let Ctrl-C and SIGTERM stop a run between two steps; a second one stops it at once.

    Yields:
        A list that gets the signal when it arrives.
    """
    came: list[int] = []

    def stop(number: int, _: object) -> None:
        came.append(number)
        trainer.stop()
        for each, handler in before.items():
            signal.signal(each, handler)
        notify("stopping after this step, with a checkpoint; again stops at once, without")

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
