"""Releases of training runs, in floating point and in 8-bit integers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from scalewise.arguments import AnyPath, check_flag, check_number, path_of
from scalewise.data.store import Store
from scalewise.errors import ScalewiseError
from scalewise.models import RestorationNetwork
from scalewise.models.checkpoints import load_checkpoint as load_network
from scalewise.models.quantize import Image
from scalewise.training.batches import HostBatches
from scalewise.training.build import make_sampler, packed_paths
from scalewise.training.checkpoint import BEST, load_checkpoint
from scalewise.training.recipe import parse_recipe
from scalewise.training.session import is_run
from scalewise.weights import is_release, resolve
from scalewise.weights.card import (
    INT8_FILE,
    WEIGHTS_FILE,
    Averaged,
    Card,
    Start,
    Teacher,
    Training,
    read_card,
    sha256,
)
from scalewise.weights.release import add_int8, check_new_release, to_bytes, write_release
from scalewise.weights.release import load_network as load_model


def release_run(
    run: AnyPath,
    folder: AnyPath,
    *,
    summary: str,
    licence: str,
    aims: dict[str, float] | None = None,
    average: tuple[str | Path, float] | None = None,
    overwrite: bool = False,
) -> Card:
    """Write a run's best weights as a released model, named after its folder.

    Args:
        run: the run's folder, with ``best.pt``.
        folder: the model's folder.
        summary: one sentence for the card.
        licence: licence of the weights.
        aims: see :class:`~scalewise.weights.card.Card`.
        average: a model of the same shape, and its part in (0, 1): the weights are averaged with
            its.  That helps where both were trained from the same weights (Wortsman et al.,
            "Model soups", ICML 2022).
        overwrite: replace a released model that is there, whose scores and 8-bit graph are lost;
            if False, that is an error.

    Raises:
        ScalewiseError: the run has no finished validation, its training data are missing, the
            folder has a model already, or the model to average with has another shape.
    """
    run = path_of(run, "run")
    folder = path_of(folder, "folder")
    check_new_release(folder, overwrite=overwrite)
    path = run / BEST
    if not path.is_file():
        raise ScalewiseError(f"{run}: no {BEST} in it; train until the first validation")
    checkpoint = load_checkpoint(path)
    recipe: dict[str, Any] = checkpoint["recipe"]
    _require_data(recipe["data"]["train"], run)
    stores = [Store(store) for store in packed_paths(recipe["data"]["train"], run)]
    licences: dict[str, int] = {}
    for store in stores:
        for name, count in store.licences.items():
            licences[name] = licences.get(name, 0) + count
    network = load_network(path)
    averaged = None if average is None else _average(network, *average)
    training = Training(
        recipe=_publishable(recipe),
        steps=_own_steps(checkpoint),
        seconds=round(checkpoint["seconds"], 1),
        progress=round(checkpoint["progress"], 4),
        pictures=sum(len(store) for store in stores),
        licences=licences,
        start=_start_of(checkpoint),
        validated=checkpoint["best"] if math.isfinite(checkpoint["best"]) else None,
        validated_start=checkpoint.get("start"),
        teachers=_teachers_of(checkpoint, run),
        averaged=averaged,
    )
    name = folder.resolve().name
    return write_release(
        network,
        folder,
        name=name,
        summary=summary,
        licence=licence,
        training=training,
        task=recipe["data"].get("task", "super-resolution"),
        aims=aims,
        overwrite=overwrite,
    )


def _average(network: RestorationNetwork, model: str | Path, share: float) -> Averaged:
    """Average a network's weights with those of a model, in float64; return what it was."""
    check_number("share", share, 0, 1)
    other = load_model(model)
    mine, theirs = network.state_dict(), other.state_dict()
    shapes, others = ({key: w.shape for key, w in each.items()} for each in (mine, theirs))
    if (network.architecture, shapes) != (other.architecture, others):
        raise ScalewiseError(
            f"{model}: {other.architecture} ({other.settings}) cannot be averaged with "
            f"{network.architecture} ({network.settings})",
            arguments=["average"],
        )
    digest = hashlib.sha256(to_bytes(other)).hexdigest()
    network.load_state_dict(
        {
            key: torch.lerp(weight.double(), theirs[key].double(), share).to(weight.dtype)
            for key, weight in mine.items()
        }
    )
    return Averaged(model=Path(model).name, sha256=digest, share=share)


def _require_data(train: Sequence[str], run: Path) -> None:
    """Refuse a run whose training data are not there: their licences belong on the card."""
    for source in map(Path, train):
        if not source.exists():
            where, mend = "", "put it back"
            if not source.is_absolute():
                where = f" in {Path.cwd()}"
                mend = "start this in the folder where the run was trained"
            raise ScalewiseError(f"{run}: data.train: there is no {source}{where}; {mend}")


def quantize_release(
    folder: AnyPath,
    train: Sequence[str] | None = None,
    batches: int = 32,
    *,
    exact: Sequence[str] = (),
    overwrite: bool = False,
) -> Card:
    """Add a graph in 8-bit integers to a released model, calibrated on training batches.

    Args:
        folder: the model's folder.
        train: packed stores; None for those of its recipe.
        batches: number of calibration batches.
        exact: names of convolutions that stay in float32, such as ``blocks.0.body.0``.
        overwrite: replace such a graph that is there, and drop its scores; if False, that is an
            error.

    Raises:
        ScalewiseError: it is not a released model, its training data are missing, it has no such
            convolutions, or it has such a graph already.
    """
    folder = path_of(folder, "folder")
    check_flag("overwrite", overwrite)
    card = read_card(folder)
    if INT8_FILE in card.sha256 and not overwrite:
        raise ScalewiseError(
            f"{folder / INT8_FILE}: exists already; replace it, and drop its scores, by "
            "overwrite=True",
            arguments=["overwrite"],
        )
    return add_int8(folder, _batches(card, train, batches), exact)


def _batches(card: Card, train: Sequence[str] | None, count: int) -> Iterator[Image]:
    """Yield LR batches of a model's training, cropped to the sizes that its graph accepts."""
    data = parse_recipe(card.training.recipe, card.name).data
    for path in map(Path, train or data.train):
        if path.is_dir():
            raise ScalewiseError(
                f"{path}: a folder of images; make a packed store of it with scalewise data pack, "
                "and name that",
                arguments=["train"],
            )
    stores = [Store(path) for path in train or data.train]
    draw = HostBatches(make_sampler(stores, card.scale, data), torch.device("cpu"))
    side = data.patch // card.multiple * card.multiple
    for step in range(count):
        small = draw(step)[0]
        yield small[..., :side, :side].clamp(0, 1).contiguous().numpy()


def _teachers_of(checkpoint: dict[str, Any], run: Path) -> list[Teacher]:
    """Return the teachers of a run and of the weights that it started from, each once.

    Args:
        checkpoint: the run's checkpoint; for a trunk, its recipe and its own branch.
        run: the run's folder.
    """
    recipe: dict[str, Any] = checkpoint["recipe"]
    found = _own_teachers(recipe, run)
    branch, init = checkpoint.get("branch"), recipe["model"]["init"]
    if branch is not None and branch.get("recipe"):
        found += _teachers_of(branch, Path(branch["trunk"]))
    elif init is not None and is_release(init):
        found += resolve(init).card.training.teachers
    elif init is not None:
        start, file = _run_and_checkpoint(Path(init))
        found += _teachers_of(load_checkpoint(file), start) if is_run(start) else []
    return list({(each.name, each.licence): each for each in reversed(found)}.values())[::-1]


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


def _publishable(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe that does not tell where on this machine its first weights lay.

    The paths of its data stay as they are: quantization reads them.
    """
    model = {**recipe["model"], "init": _shortened(recipe["model"]["init"])}
    return {**recipe, "model": model}


def _shortened(path: str | None) -> str | None:
    """Return an absolute path from the working folder on; its name alone if it lies elsewhere."""
    if path is None or not Path(path).is_absolute():
        return path
    found, here = Path(path), Path.cwd()
    return str(found.relative_to(here)) if found.is_relative_to(here) else found.name


def _own_steps(checkpoint: dict[str, Any]) -> int:
    """Return a run's own steps, without those of its trunk."""
    branch = checkpoint.get("branch")
    return checkpoint["step"] - (branch["step"] if branch else 0)


def _start_of(checkpoint: dict[str, Any]) -> Start | None:
    """Return the start of a run: its trunk, or the weights of ``model.init``."""
    branch = checkpoint.get("branch")
    if branch is None:
        return _start(checkpoint["recipe"]["model"]["init"])
    before = _start(branch["init"])
    return Start(
        model=Path(branch["trunk"]).resolve().name,
        sha256=branch["sha256"],
        steps=branch["step"] + ((before and before.steps) or 0),
        seconds=round(branch["seconds"] + ((before and before.seconds) or 0.0), 1),
    )


def _start(init: str | None) -> Start | None:
    """Return the weights of ``model.init``, in the form of the card.

    Steps and seconds are those of their last training and of all before it.
    """
    if init is None:
        return None
    if not is_release(init):
        return _start_from_file(Path(init))
    card = resolve(init).card
    before = card.training.start
    return Start(
        model=card.name,
        sha256=card.sha256[WEIGHTS_FILE],
        steps=card.training.steps + ((before and before.steps) or 0),
        seconds=card.training.seconds + ((before and before.seconds) or 0.0),
    )


def _run_and_checkpoint(path: Path) -> tuple[Path, Path]:
    """Return the folder of a run and the file of its weights, of which one is given."""
    return (path, path / BEST) if path.is_dir() else (path.parent, path)


def _start_from_file(path: Path) -> Start:
    """Return the start from a run's folder, a run's checkpoint, or another checkpoint."""
    run, path = _run_and_checkpoint(path)
    if not path.is_file():
        raise ScalewiseError(
            f"{path}: the run started from these weights (model.init); the card needs their "
            "checksum, so put the file back"
        )
    if not is_run(run):
        return Start(model=path.name, sha256=sha256(path))
    checkpoint = load_checkpoint(path)
    before = _start_of(checkpoint)
    return Start(
        model=run.resolve().name,
        sha256=hashlib.sha256(to_bytes(load_network(path))).hexdigest(),
        steps=_own_steps(checkpoint) + ((before and before.steps) or 0),
        seconds=round(checkpoint["seconds"] + ((before and before.seconds) or 0.0), 1),
    )
