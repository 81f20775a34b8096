"""Releases of training runs, in floating point and in 8-bit integers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import torch

from scalewise.arguments import AnyPath, check_flag, check_number, path_of
from scalewise.data.store import Store
from scalewise.errors import ScalewiseError, warn
from scalewise.models import RestorationNetwork
from scalewise.models.checkpoints import load_checkpoint
from scalewise.models.quantize import Image
from scalewise.training.batches import HostBatches
from scalewise.training.build import make_sampler, packed_paths
from scalewise.training.checkpoint import BEST, read_checkpoint
from scalewise.training.origin import ancestry_of, own_steps
from scalewise.training.recipe import parse_recipe
from scalewise.weights.card import (
    INT8_FILE,
    Averaged,
    Card,
    Training,
    read_card,
)
from scalewise.weights.release import (
    add_int8,
    check_new_release,
    load_network,
    to_bytes,
    write_release,
)


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
        ScalewiseError: the summary is empty, the run has no finished validation, its training
            data are missing, the folder has a model already, or the model to average with has
            another shape.
    """
    run = path_of(run, "run")
    folder = path_of(folder, "folder")
    check_new_release(folder, overwrite=overwrite)
    if not summary.strip():
        raise ScalewiseError(
            "summary is empty; say in one sentence what the model is good for",
            arguments=["summary"],
        )
    path = run / BEST
    if not path.is_file():
        raise ScalewiseError(f"{run}: no {BEST} in it; train until the first validation")
    checkpoint = read_checkpoint(path)
    recipe: dict[str, Any] = checkpoint["recipe"]
    _require_data(recipe["data"]["train"], run)
    stores = _open_stores(recipe["data"]["train"], run)
    licences: dict[str, int] = {}
    for store in stores:
        for name, count in store.licences.items():
            licences[name] = licences.get(name, 0) + count
    network = load_checkpoint(path)
    averaged = None if average is None else _average(network, *average)
    start, teachers = ancestry_of(checkpoint, run)
    training = Training(
        recipe=_publishable(recipe),
        steps=own_steps(checkpoint),
        seconds=round(checkpoint["seconds"], 1),
        progress=round(checkpoint["progress"], 4),
        pictures=sum(len(store) for store in stores),
        licences=licences,
        start=start,
        validated=checkpoint["best"] if math.isfinite(checkpoint["best"]) else None,
        validated_start=checkpoint.get("start"),
        teachers=teachers,
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
    other = load_network(model)
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


def _open_stores(train: Sequence[str], run: Path) -> list[Store]:
    """Open a run's training data; refuse stores that were packed from other folders since."""
    stores: list[Store] = []
    for source, path in zip(train, packed_paths(train, run), strict=True):
        store = Store(path)
        if Path(source).is_dir() and store.source and not _may_be(Path(source), store.source):
            raise ScalewiseError(
                f"{path}: packed from {store.source}, but the best weights are of a training on "
                f"{source}, whose licences belong on the card; train until a later validation is "
                "the best"
            )
        stores.append(store)
    return stores


def _may_be(source: Path, packed: str) -> bool:
    """Return whether a run's folder of images is the one that was packed, or a copy elsewhere."""
    if str(source.resolve()) == packed:
        return True
    named = [part for part in source.parts if part != ".."]
    return not source.is_absolute() and Path(packed).parts[-len(named) :] == (*named,)


def quantize_release(
    folder: AnyPath,
    data: Sequence[str] | None = None,
    batches: int = 32,
    *,
    exact: Sequence[str] = (),
    overwrite: bool = False,
) -> Card:
    """Add a graph in 8-bit integers to a released model, calibrated on training batches.

    Args:
        folder: the model's folder.
        data: packed stores; None for those of its recipe.
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
    return add_int8(folder, _batches(card, data, batches), exact)


def _batches(card: Card, given: Sequence[str] | None, count: int) -> Iterator[Image]:
    """Yield LR batches of a model's training, cropped to the sizes that its graph accepts."""
    data = parse_recipe(card.training.recipe, card.name).data
    for path in map(Path, given or data.train):
        if given is None and not path.exists():
            raise ScalewiseError(
                f"{path}: {card.name} was trained on this store, which is not there; give another "
                "by data=",
                arguments=["data"],
            )
        if path.is_dir():
            raise ScalewiseError(
                f"{path}: a folder of images; make a packed store of it with scalewise data pack, "
                "and give that by data=",
                arguments=["data"],
            )
    stores = [Store(path) for path in given or data.train]
    draw = HostBatches(make_sampler(stores, card.scale, data), torch.device("cpu"))
    side = data.patch // card.multiple * card.multiple
    for step in range(count):
        small = draw(step)[0]
        yield small[..., :side, :side].clamp(0, 1).contiguous().numpy()


def _publishable(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe whose paths start in the working folder, as far as they lie in it.

    A card is for everybody, who need not know where on this machine its files lie.  The paths of
    data elsewhere stay, with a warning, since quantization reads them.
    """
    model, data = {**recipe["model"]}, {**recipe["data"]}
    model["init"] = _from_here(model["init"])
    if model["init"] is not None and Path(model["init"]).is_absolute():
        model["init"] = Path(model["init"]).name
    data["train"], data["valid"] = _from_here(data["train"]), _from_here(data["valid"])
    valid = [data["valid"]] if isinstance(data["valid"], str) else data["valid"] or []
    elsewhere = [path for path in (*data["train"], *valid) if Path(path).is_absolute()]
    if elsewhere:
        warn(
            f"the card says where on this machine its data lie: {', '.join(elsewhere)}; train with "
            "paths within the working folder, which may be links, if nobody is to know"
        )
    return {**recipe, "model": model, "data": data}


def _from_here(given: Any) -> Any:
    """Return an absolute path in the working folder from there on; likewise those of a list."""
    if isinstance(given, list):
        return [_from_here(each) for each in cast(list[Any], given)]
    if given is None or not Path(given).is_relative_to(here := Path.cwd()):
        return given
    return str(Path(given).relative_to(here))
