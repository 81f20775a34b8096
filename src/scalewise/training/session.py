"""A run: one recipe trained in one folder, started or gone on with, alone or with others.

The folder holds ``recipe.yaml`` (every setting), ``environment.json``, ``log.csv``, ``last.pt``,
``previous.pt`` and ``best.pt``.  The same command starts a run and goes on with it after
whatever stopped it.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from scalewise.data.store import Progress
from scalewise.errors import ScalewiseError
from scalewise.models.registry import with_defaults
from scalewise.training.build import prepare
from scalewise.training.checkpoint import has_checkpoint
from scalewise.training.config import Recipe
from scalewise.training.distributed import World
from scalewise.training.environment import describe_environment, write_environment
from scalewise.training.log import Listener, Notify, keep_quiet
from scalewise.training.loop import Trainer
from scalewise.training.recipe import changed_keys, load_recipe, save_recipe
from scalewise.training.run_dir import LOCK_FILE, RECIPE_FILE

LOCK_PATIENCE = 0.5
"""Seconds to wait for a lock: ``scalewise runs`` holds it for an instant when it looks."""


def open_run(
    recipe: Recipe,
    folder: Path,
    listeners: Sequence[Listener] = (),
    *,
    must_exist: bool = False,
    accept_changes: bool = False,
    trunk: Path | None = None,
    world: World | None = None,
    progress: Progress | None = None,
    notify: Notify | None = None,
) -> Trainer:
    """A trainer at the beginning of a run or, if the folder holds one, where that one stopped.

    Args:
        recipe: the run's settings.
        folder: the run's folder; on several machines, one that all of them see.
        listeners: told of every line of the log.
        must_exist: whether there must be a run to go on with.
        accept_changes: go on although the recipe has changed.  Another budget is no change.
        trunk: another run's folder: begin as a copy of it, and decay the rate over the budget.
            Where this run has a checkpoint already, it is resumed.
        world: the processes that train together.
        progress: called with pictures packed and in all.
        notify: told, in one line each, what happens besides.

    Raises:
        ScalewiseError: a run of another recipe, with what differs; no run that must exist; or
            whatever :func:`~scalewise.training.build.prepare` finds wrong.
    """
    world = world or World()
    notify = notify or keep_quiet
    exists, trained = (folder / RECIPE_FILE).exists(), has_checkpoint(folder)
    if trunk is not None:
        if trunk.resolve() == folder.resolve():
            raise ScalewiseError(f"--from {trunk}: a run cannot leave itself; choose another --run")
        recipe = branched(recipe)
    if must_exist and not exists:
        raise ScalewiseError(f"{folder} holds no run to resume; leave out --resume to start one")
    world.wait()  # lest one process sees what another has just written

    def opened(packed: bool) -> Trainer:
        return prepare(
            recipe,
            folder,
            listeners,
            initialise=not trained and trunk is None,
            reuse_packed=packed,
            world=world,
            progress=progress,
            notify=notify,
        )

    trainer: Trainer | None = None
    if world.writes:
        trainer = opened(packed=exists)
        changes = _changes(folder, trainer.recipe) if exists else []
        if changes and not accept_changes:
            raise ScalewiseError(
                f"{folder} holds a run with other settings ({'; '.join(changes)}); choose another "
                "--run, or add --accept-changes to go on with the new ones"
            )
        for change in changes:
            notify(f"changed: {change}")
    world.wait()
    trainer = trainer or opened(packed=True)
    if trained:
        trainer.resume()
        _require_copy(trainer, trunk)
        notify(f"resuming at step {trainer.step}, {trainer.progress:.1%} done")
    elif trunk is not None:
        trainer.leave(trunk)
        notify(f"a copy of {trunk} at step {trainer.step}; the rate falls over the budget")
    if world.writes:  # not before: what cannot be resumed keeps its recipe
        folder.mkdir(parents=True, exist_ok=True)
        save_recipe(trainer.recipe, folder / RECIPE_FILE)
        write_environment(describe_environment(trainer.device, trainer.dtype), folder)
    return trainer


def check_trunk(trunk: Path, overrides: Sequence[str]) -> None:
    """Refuse settings that contradict a copy of another run.

    Args:
        trunk: the other run's folder.
        overrides: settings of the command line, ``key=value``.

    Raises:
        ScalewiseError: other weights to start from.
    """
    if any(each.partition("=")[0] in ("init", "model.init") for each in overrides):
        raise ScalewiseError(
            f"--from {trunk} and init= name two sets of weights to start from; leave one out"
        )


def _require_copy(trainer: Trainer, trunk: Path | None) -> None:
    """Refuse to resume something else than a copy of the run that ``--from`` names."""
    branch = trainer.branch
    if trunk is None or (branch is not None and branch.is_copy_of(trunk)):
        return
    made = "was not made by --from"
    if branch is not None:
        made = f"is a copy of {branch.trunk} at step {branch.step}"
    raise ScalewiseError(
        f"{trainer.run} holds a run that {made}, not of {trunk} as it is now; choose another "
        "--run, or leave out --from to go on with it"
    )


def branched(recipe: Recipe) -> Recipe:
    """Return the recipe of a trunk's decayed copy: no warm-up, and wsd's decay all the way."""
    schedule = replace(recipe.schedule, warmup=0.0)
    if schedule.kind in ("wsd", "fixed"):
        schedule = replace(schedule, kind="wsd", decay=1.0)
    return replace(recipe, schedule=schedule, model=replace(recipe.model, init=None))


def _changes(folder: Path, recipe: Recipe) -> list[str]:
    old = load_recipe(folder / RECIPE_FILE)
    # A run may be older than some of its network's settings.
    model = replace(old.model, settings=with_defaults(old.model.name, old.model.settings))
    return changed_keys(replace(old, model=model), recipe, ignored="budget")


@contextmanager
def locked(folder: Path, world: World | None = None) -> Generator[None, None, None]:
    """Keep a second command from training in the same folder; a killed one leaves no lock.

    Raises:
        ScalewiseError: another process is training there.
    """
    if world is not None and not world.writes:
        yield
        return
    try:
        import fcntl
    except ModuleNotFoundError:  # not on Windows
        yield
        return
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("a") as file:
        deadline = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise ScalewiseError(f"{folder}: another process is training there") from error
                time.sleep(0.05)
        try:
            yield
        finally:
            if is_new and [path.name for path in folder.iterdir()] == [LOCK_FILE]:
                shutil.rmtree(folder)  # nothing was begun


@contextmanager
def stopped_by_signals(trainer: Trainer, notify: Notify) -> Generator[list[int], None, None]:
    """Let Ctrl-C and SIGTERM stop a run between two steps; a second one stops it at once.

    Yields:
        The signal that came, once one has.
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
