"""Weights that a run started from, as they were at its start.

A released model may be replaced, and a run trained further, while a run that started from them is
under way.  So what a card says of them is written into the run's folder at its start.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from scalewise.atomic import write_atomic
from scalewise.data.store import Store
from scalewise.errors import ScalewiseError
from scalewise.models.checkpoints import load_checkpoint
from scalewise.training.build import packed_paths
from scalewise.training.checkpoint import BEST, LAST, Checkpoint, read_checkpoint
from scalewise.training.runs import is_run
from scalewise.weights import is_release, resolve
from scalewise.weights.card import WEIGHTS_FILE, Start, Teacher, sha256
from scalewise.weights.release import release_of, to_bytes

ORIGIN_FILE = "origin.json"
"""File with the origin of a run's weights, in the run's folder."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The weights of ``model.init``.

    Attributes:
        start: their name, checksum, steps and time.
        teachers: the stronger models that they learned from.
    """

    start: Start
    teachers: list[Teacher] = field(default_factory=list[Teacher])


def keep_origin(run: Path, init: str | None, trunk: Path | None = None) -> None:
    """Write the origin of a run that begins into its folder.

    Args:
        run: the run's folder.
        init: ``model.init`` of its recipe.
        trunk: the run that it is a copy of, whose origin is its own.
    """
    (run / ORIGIN_FILE).unlink(missing_ok=True)
    if trunk is not None:
        if (trunk / ORIGIN_FILE).is_file():
            shutil.copyfile(trunk / ORIGIN_FILE, run / ORIGIN_FILE)
    elif init is not None and find_spec("safetensors"):  # whose bytes the checksum is of
        text = json.dumps(dataclasses.asdict(_find(init)), indent=2) + "\n"
        write_atomic(run / ORIGIN_FILE, text.encode())


def ancestry_of(checkpoint: Checkpoint, run: Path) -> tuple[Start | None, list[Teacher]]:
    """Return what a run started from, and the teachers of all that led to its weights, each once.

    It started from its trunk, or from the weights of ``model.init``, or from scratch.  Steps and
    seconds are those of the start's last training and of all before it.

    Args:
        checkpoint: the run's checkpoint.
        run: the run's folder.

    Raises:
        ScalewiseError: the run was begun by an earlier version, and its first weights are gone;
            or its record of them is damaged.
    """
    origin, branch = _origin_of(checkpoint, run), checkpoint.get("branch")
    start = None if origin is None else origin.start
    if branch is not None:
        name = Path(branch["trunk"]).resolve().name
        start = _after(start, name, branch["sha256"], branch["step"], branch["seconds"])
    teachers = _own_teachers(checkpoint["recipe"], run)
    while branch is not None and branch.get("recipe"):
        teachers += _own_teachers(branch["recipe"], Path(branch["trunk"]))
        branch = branch.get("branch")
    teachers += [] if origin is None else origin.teachers
    once = {(each.name, each.licence): each for each in reversed(teachers)}
    return start, list(once.values())[::-1]


def _after(before: Start | None, model: str, digest: str, steps: int, seconds: float) -> Start:
    """Return weights that a training made, with what was trained before it."""
    return Start(
        model=model,
        sha256=digest,
        steps=steps + ((before and before.steps) or 0),
        seconds=round(seconds + ((before and before.seconds) or 0.0), 1),
    )


def own_steps(checkpoint: Checkpoint) -> int:
    """Return a run's own steps, without those of its trunk."""
    branch = checkpoint.get("branch")
    return checkpoint["step"] - (branch["step"] if branch else 0)


def _origin_of(checkpoint: Checkpoint, run: Path) -> Origin | None:
    """Return a run's origin as it was kept; for a run of an earlier version, as it is today."""
    path = run / ORIGIN_FILE
    if not path.is_file():
        init = _first_weights(checkpoint)
        return None if init is None else _find(init)
    try:
        return TypeAdapter(Origin).validate_json(path.read_bytes())
    except ValueError as error:
        raise ScalewiseError(
            f"{path}: is damaged; without it the card names the weights of today"
        ) from error


def _first_weights(checkpoint: Checkpoint) -> str | None:
    """Return ``model.init`` of a run, or of the first of its trunks."""
    branch = checkpoint.get("branch")
    if branch is None:
        return checkpoint["recipe"]["model"]["init"]
    return branch["init"] if branch.get("branch") is None else _first_weights(branch)


def _find(init: str) -> Origin:
    """Return the weights that a recipe names, as they are now."""
    release = resolve(init) if is_release(init) else release_of(Path(init))
    if release is None:
        return _find_checkpoint(Path(init))
    card = release.card
    training, digest = card.training, card.sha256[WEIGHTS_FILE]
    start = _after(training.start, card.name, digest, training.steps, training.seconds)
    return Origin(start=start, teachers=training.teachers)


def _find_checkpoint(path: Path) -> Origin:
    """Return the weights in a run's folder, a run's checkpoint, or another checkpoint."""
    run = path.parent
    if path.is_dir():
        run, path = path, path / (BEST if (path / BEST).is_file() else LAST)
    if not path.is_file():
        raise ScalewiseError(
            f"{path}: the run started from these weights (model.init); the card needs their "
            "checksum, so put the file back"
        )
    if not is_run(run):
        return Origin(start=Start(model=path.name, sha256=sha256(path)))
    checkpoint = read_checkpoint(path)
    before, teachers = ancestry_of(checkpoint, run)
    digest = hashlib.sha256(to_bytes(load_checkpoint(path))).hexdigest()
    name, steps = run.resolve().name, own_steps(checkpoint)
    return Origin(
        start=_after(before, name, digest, steps, checkpoint["seconds"]), teachers=teachers
    )


def _own_teachers(recipe: dict[str, Any], run: Path) -> list[Teacher]:
    """Return the teachers in a run's stores, each once."""
    loss = recipe["loss"]
    share, until = loss.get("teacher", 0.0), loss.get("teacher_until", 1.0)
    if not share:
        return []
    made: set[tuple[str, str]] = set()
    for path in packed_paths(recipe["data"]["train"], run):
        info = Store(path).teacher_info if path.exists() else None
        unknown = (f"unknown, for {path.name} is gone", "unknown")
        made.add((info.name, info.licence) if info else unknown)
    return [
        Teacher(name=name, licence=licence, share=share, until=until)
        for name, licence in sorted(made)
    ]
