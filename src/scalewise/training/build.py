"""Construction of a trainer from a recipe: open its data, build its network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalewise.arguments import AnyPath, path_of
from scalewise.data.packing import Progress, is_packed_from, pack
from scalewise.data.reading import read_own_lr, read_rgb
from scalewise.data.sampler import PatchSampler
from scalewise.data.store import Store
from scalewise.errors import ScalewiseError, requiring
from scalewise.models import RestorationNetwork, create_model, load_weights, read_weights
from scalewise.tasks import Task, get_task, list_tasks
from scalewise.training.config import DataConfig, ModelConfig, Recipe
from scalewise.training.distributed import World
from scalewise.training.log import Listener, Notify
from scalewise.training.loop import Trainer
from scalewise.training.losses import require_asked_for
from scalewise.training.validation import ValidationSet
from scalewise.training.validation_protocol import protocol_of

Pixels = NDArray[np.uint8]


def prepare(
    recipe: Recipe,
    run: AnyPath,
    listeners: Sequence[Listener] = (),
    *,
    initialise: bool = True,
    reuse_packed: bool = False,
    world: World | None = None,
    progress: Progress | None = None,
    notify: Notify | None = None,
) -> Trainer:
    """Open a recipe's data and build its network.

    If all data are packed stores, this needs only PyTorch and NumPy.

    Args:
        recipe: the run's settings; the trainer's has the network's defaults filled in.
        run: the run's folder; folders of images are packed into it.
        listeners: called with every line of the log.
        initialise: load ``model.init``; false if :meth:`Trainer.resume` loads a checkpoint.
        reuse_packed: use stores that were packed into the run's folder before, if they were packed
            from the same folders in the same way.
        world: the processes that train together; the one that writes packs for all.
        progress: called with the number of packed images and the total.
        notify: called with one line for each unused image and each problem that a run survives.

    Raises:
        ScalewiseError: data are missing, unusable or too small, a model or setting is unknown,
            the task has another scale, initial weights do not fit, or network or task lack what
            the loss needs.
    """
    run = path_of(run, "run")
    world = world or World()
    network = build_network(recipe.model, recipe.seed, initialise)
    scale, data = network.scale, recipe.data
    _require_scale(get_task(data.task), scale)
    require_asked_for(network, recipe.loss, data)
    stores: list[Store] = []
    for source, path in zip(data.train, packed_paths(data.train, run), strict=True):
        if Path(source).is_dir() and recipe.loss.teacher > 0:
            raise ScalewiseError(
                f"data.train: {source} is a folder, which has no teacher's images; pack it by "
                "'scalewise data pack' with teacher=, or set loss.teacher=0",
                arguments=["teacher"],
            )
        if Path(source).is_dir() and world.writes:
            _pack_folder(
                *(Path(source), path, scale, data.squash, progress, notify), reuse=reuse_packed
            )
        store = Store(path)
        _require_squashed(store, data.squash)
        stores.append(store)
    sampler = make_sampler(
        *(stores, scale, data, recipe.seed, world),
        teacher=recipe.loss.teacher > 0,
        clean_lr=recipe.loss.asks_of_cleaning and scale > 1,
    )
    validation, further = open_validation(data, scale), open_further_validation(data, scale)
    if notify:
        for each in filter(None, [validation, *further.values()]):
            if common := each.trained_on(stores):
                notify(
                    f"data.valid: {common} of {len(each.pairs)} images are trained on, too; their "
                    "scores do not tell how others are restored"
                )
    recipe = replace(recipe, model=replace(recipe.model, settings=network.settings))
    return Trainer(
        *(network, recipe, sampler, run, validation, listeners),
        further=further,
        world=world,
        notify=notify,
    )


def make_sampler(
    stores: Sequence[Store],
    scale: int,
    data: DataConfig,
    seed: int = 0,
    world: World | None = None,
    *,
    teacher: bool = False,
    clean_lr: bool = False,
) -> PatchSampler:
    """Return the sampler that draws a recipe's batches.

    Raises:
        ScalewiseError: no image is large enough, the batch cannot be divided by the number of
            processes, or the stores lack the recipe's teacher.
    """
    world = world or World()
    return PatchSampler(
        stores,
        scale,
        data.patch_at(0.0),
        data.batch,
        seed,
        world.rank,
        world.size,
        augment=data.augment,
        whole=data.squash is not None,
        degradation=data.degradation,
        teacher=teacher,
        clean_lr=clean_lr,
        candidates=data.candidates,
        weights=data.weights,
    )


def build_network(config: ModelConfig, seed: int, initialise: bool = True) -> RestorationNetwork:
    """Return a recipe's network, with random weights of the seed or loaded ones.

    Args:
        config: settings of the network.
        seed: seed of the random weights.
        initialise: whether to load ``init``.

    Raises:
        ScalewiseError: a model or setting is unknown, or weights do not fit.
    """
    # Random weights are drawn on the CPU.
    with torch.random.fork_rng(devices=[]):  # pyright: ignore[reportUnknownMemberType]
        torch.default_generator.manual_seed(seed)
        network = create_model(config.name, **config.settings)
    if network.channels != 3:
        raise ScalewiseError("model.settings.channels: training is on RGB images; leave it at 3")
    if config.init is not None and initialise:
        from scalewise.weights.release import load_network

        try:
            is_file = Path(config.init).is_file()  # whose network need not be known: it is here
            weights = (
                read_weights(config.init) if is_file else load_network(config.init).state_dict()
            )
            load_weights(network, _fitting(weights, network) if config.init_partial else weights)
        except ScalewiseError as error:
            reason = str(error).removeprefix(f"{config.init}: ")
            raise ScalewiseError(f"model.init: {config.init}: {reason}") from error
    return network


def _fitting(weights: dict[str, Tensor], network: RestorationNetwork) -> dict[str, Tensor]:
    """Return a network's weights, with those of another where name and shape are the same.

    Raises:
        ScalewiseError: there are no such weights.
    """
    own = network.state_dict()
    taken = {
        name: weight
        for name, weight in weights.items()
        if name in own and weight.shape == own[name].shape
    }
    if not taken:
        raise ScalewiseError("no weight of it has a place in this network")
    return {**own, **taken}


def packed_paths(train: Sequence[str], run: Path) -> list[Path]:
    """Return the paths of a run's packed stores; those of folders lie in the run's folder.

    Raises:
        ScalewiseError: a path of ``data.train`` is neither a file nor a folder.
    """
    paths: list[Path] = []
    for index, source in enumerate(train):
        _require_existing("data.train", Path(source), "'data.train=[PATH]'")
        paths.append(run / f"train-{index}.pack" if Path(source).is_dir() else Path(source))
    return paths


def open_validation(data: DataConfig, scale: int) -> ValidationSet | None:
    """Return a recipe's validation images, those of the first set, or None.

    Raises:
        ScalewiseError: they are missing, unreadable, of another scale, squashed although the
            recipe does not squash, or too small to measure.
    """
    return _open_set(data.valid_sets[0], data, scale) if data.valid_sets else None


def open_further_validation(data: DataConfig, scale: int) -> dict[str, ValidationSet]:
    """Return a recipe's other validation sets by name; errors as for :func:`open_validation`."""
    sets = list(zip(data.valid_names, data.valid_sets, strict=True))[1:]
    return {name: _open_set(path, data, scale) for name, path in sets}


def _open_set(given: str, data: DataConfig, scale: int) -> ValidationSet:
    path = Path(given)
    _require_existing("data.valid", path, "data.valid=PATH")
    protocol = protocol_of(data)
    pictures = _from_folder(path, scale) if path.is_dir() else _from_store(path, scale, data)
    pairs: list[tuple[NDArray[Any], Pixels]] = []
    for name, hr, lr in islice(pictures, data.valid_images):
        try:
            lr, hr = protocol.prepare(hr, lr, scale, name)
        except ScalewiseError as error:
            raise ScalewiseError(f"data.valid: {name}: {error}") from error
        if min(hr.shape[:2]) < (smallest := protocol.smallest(scale)):
            raise ScalewiseError(f"data.valid: {name}: measuring needs {smallest} px on each side")
        pairs.append((lr, hr))
    return ValidationSet(pairs, scale, protocol)


def _pack_folder(
    folder: Path,
    out: Path,
    scale: int,
    squash: int | None,
    progress: Progress | None,
    notify: Notify | None,
    *,
    reuse: bool,
) -> None:
    scales, source = [scale] if scale > 1 else [], str(folder.resolve())
    if reuse and is_packed_from(out, source, scales, squash):
        return
    with _reading_images("data.train", folder):
        from scalewise.data.layouts import find_dataset

    out.parent.mkdir(parents=True, exist_ok=True)
    dataset = find_dataset(folder)
    summary = pack([dataset], out, scales, progress=progress, squash=squash, source=source)
    for line in [*dataset.remarks(), *(f"skipped: {reason}" for reason in summary.skipped)]:
        if notify:
            notify(line)


def _from_folder(folder: Path, scale: int) -> Iterator[tuple[str, Pixels, Pixels | None]]:
    with _reading_images("data.valid", folder):
        from scalewise.data.layouts import find_dataset

    for item in find_dataset(folder, "valid").items:
        hr = read_rgb(item.hr)
        yield item.name, hr, read_own_lr(item, hr, scale)


def _reading_images(key: str, folder: Path) -> AbstractContextManager[None]:
    """Turn a missing pyvips into an error that names the alternative."""
    stores = "name a packed store, made elsewhere by 'scalewise data pack'"
    return requiring("pyvips", f"{key}: {folder}: reading a folder of images", stores)


def _from_store(path: Path, scale: int, data: DataConfig) -> Iterator[tuple[str, Pixels, Pixels]]:
    store = Store(path)
    if store.squash is not None:  # otherwise the protocol squashes
        _require_squashed(store, data.squash)
    store.lr_shapes(scale)  # raises an error if the store lacks the scale
    for index, entry in enumerate(store.entries):
        yield entry.name, store.hr(index), store.lr(index, scale)


def _require_scale(task: Task, scale: int) -> None:
    if task.keeps_size and scale != 1:
        raise ScalewiseError(
            f"data.task: {task.name} keeps an image's size; set model.settings.scale=1, not {scale}"
        )
    if task.is_degraded and not task.keeps_size and scale == 1:
        others = [name for name in list_tasks() if get_task(name).keeps_size]
        raise ScalewiseError(
            f"data.task: {task.name} enlarges images; set model.settings.scale to 2 or more, "
            f"or choose {' or '.join(others)}"
        )


def _require_squashed(store: Store, squash: int | None) -> None:
    if store.squash == squash:
        return
    held = f"squashed to {store.squash}" if store.squash else "in their own shape"
    if squash is None:
        mend = f"set data.squash={store.squash}, or pack again without squash="
    else:
        mend = f"data.squash is {squash}: pack again with squash={squash}"
    raise ScalewiseError(f"{store.path}: holds images {held}; {mend}", arguments=["squash"])


def _require_existing(key: str, path: Path, setting: str) -> None:
    if not path.exists():
        where = "" if path.is_absolute() else f" in {Path.cwd()}"
        raise ScalewiseError(
            f"{key}: there is no {path}{where}; name a folder of images or a packed store: "
            f"{setting}"
        )
