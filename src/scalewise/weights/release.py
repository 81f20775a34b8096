"""Released networks: loading them and writing releases, with PyTorch."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from scalewise.arguments import AnyPath, check_flag, naming_argument, path_of, require_new, shown
from scalewise.atomic import temporary_path
from scalewise.errors import ScalewiseError, requiring
from scalewise.models import RestorationNetwork, list_architectures, registry
from scalewise.models.checkpoints import (
    check_settings,
    load_checkpoint,
    load_weights,
    read_safetensors,
)
from scalewise.models.export import export_onnx, share_weights
from scalewise.models.quantize import Image, export_int8
from scalewise.weights.card import (
    CARD_FILE,
    GRAPH_FILE,
    INT8_FILE,
    WEIGHTS_FILE,
    Card,
    Training,
    checked_file,
    read_card,
    sha256,
)
from scalewise.weights.card_page import PAGE_FILE, write_card
from scalewise.weights.model_files import names_file
from scalewise.weights.resolve import (
    Release,
    find_release,
    is_release,
    list_cards,
    release_of,
    resolve,
)

_FILES = (CARD_FILE, PAGE_FILE, WEIGHTS_FILE, GRAPH_FILE, INT8_FILE)
"""The files that a release may have."""


def create_model(name: str | Path, pretrained: bool = False, **settings: Any) -> RestorationNetwork:
    """Return a network with released or random weights; see ``scalewise.create_model``."""
    given: Any = name
    if not isinstance(given, str | os.PathLike):
        raise ScalewiseError(
            f"name must be that of a model or an architecture, not {shown(given)}",
            arguments=["name"],
        )
    check_flag("pretrained", pretrained)
    with naming_argument("name", "model"):
        return _create(name, pretrained, settings)


def _create(name: str | Path, pretrained: bool, settings: dict[str, Any]) -> RestorationNetwork:
    if not pretrained:
        if is_release(name) and name not in list_architectures():
            raise ScalewiseError(
                f"{name}: a released model; load its weights with pretrained=True",
                arguments=["name", "pretrained"],
            )
        return registry.create_model(str(name), **settings)
    if name in list_architectures():
        names = [card.name for card in list_cards() if card.architecture == name]
        mend = f"choose one of {', '.join(names)}" if names else "no released model has it"
        raise ScalewiseError(
            f"{name}: an architecture, which has no weights of its own; {mend}",
            arguments=["name", "pretrained"],
        )
    if settings:
        raise ScalewiseError(
            f"{name}: a released model has settings of its own; leave out {', '.join(settings)}",
            arguments=[*settings],
        )
    return _network_of(resolve(name)).eval()


def load_network(model: str | Path, **settings: Any) -> RestorationNetwork:
    """Load a network with its weights, in evaluation mode, from any known kind of file.

    Args:
        model: a released model (see :func:`~scalewise.weights.resolve`) or its file of weights; a
            training run's folder (its best checkpoint, else its last) or checkpoint; or a
            checkpoint of the systems this project reproduces.
        settings: settings that such a checkpoint does not hold; see
            :func:`~scalewise.models.load_checkpoint`.

    Raises:
        ScalewiseError: there is no such file, or it is damaged; or a released model is loaded
            without the package safetensors, which only released models need.
    """
    path = Path(model)
    release = resolve(model) if is_release(model) else release_of(path)
    if release is not None:
        try:
            check_settings(settings, release.card.settings)
        except ScalewiseError as error:
            raise ScalewiseError(f"{model}: {error}") from None
        return _network_of(release).eval()
    found = [path / name for name in ("best.pt", "last.pt") if (path / name).is_file()]
    path = found[0] if found else path
    if not path.is_file():
        find_release(model)  # raises an error that lists the known names
    try:
        return load_checkpoint(path, **settings)
    except ScalewiseError as error:
        if not names_file(path):
            find_release(path)  # raises an error that lists the kinds of files
        if path.suffix.lower() != ".safetensors":
            raise
        hint = f"a released model's weights need its {CARD_FILE} beside them"
        raise ScalewiseError(f"{error}; {hint}") from None


def _network_of(release: Release) -> RestorationNetwork:
    folder, card = release
    with requiring("safetensors", "reading a released model", "name a training run's checkpoint"):
        import_module("safetensors")
    network = registry.create_model(card.architecture, **card.settings)
    load_weights(network, read_safetensors(checked_file(folder, card, WEIGHTS_FILE)))
    return network


def to_bytes(network: RestorationNetwork) -> bytes:
    """Return the content of a network's released weights file; its checksum identifies them."""
    with requiring("safetensors", "writing a released model"):
        from safetensors.torch import save
    return save({key: tensor.contiguous() for key, tensor in network.state_dict().items()})


def write_release(
    network: RestorationNetwork,
    folder: AnyPath,
    *,
    name: str,
    summary: str,
    licence: str,
    training: Training,
    task: str = "super-resolution",
    aims: dict[str, float] | None = None,
    overwrite: bool = False,
) -> Card:
    """Write a network as a released model, whole or not at all: weights, graph, and a card.

    The card has no scores.  A process that is killed just while it replaces the files of an older
    model leaves no card; the old files and the new ones are then in a hidden folder beside them,
    ``.scalewise-*``, and the next call with ``overwrite`` writes all of them again.

    Args:
        network: the network, in evaluation mode, on the CPU.
        folder: the release's folder; it is created if missing.
        name, summary, licence, training, task, aims: see :class:`Card`.
        overwrite: replace a released model that is there, whose scores and 8-bit graph are lost;
            if False, that is an error.

    Raises:
        ScalewiseError: the folder has such files already.
    """
    folder = path_of(folder, "folder")
    check_new_release(folder, overwrite=overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    is_new = not folder.exists()
    # Beside a new folder, which then appears whole; within another, which may be a mount.
    with temporary_path(folder if is_new else folder / CARD_FILE) as aside:
        aside.mkdir()
        card = _write_files(
            network,
            aside,
            name=name,
            summary=summary,
            licence=licence,
            training=training,
            task=task,
            aims=aims or {},
        )
        if is_new:
            aside.rename(folder)
        else:
            check_new_release(folder, overwrite=overwrite)  # what came meanwhile
            _replace_files(folder, aside)
    return card


def _replace_files(folder: Path, new: Path) -> None:
    """Replace a release's files by those of another folder; after an error the old ones are back.

    The card is the first that goes and the last that comes: no card is ever seen with files that
    are not its own.
    """
    old, placed = new / "old", list[Path]()
    old.mkdir()
    try:
        for file in _FILES:
            if (folder / file).exists():
                (folder / file).replace(old / file)
        for file in reversed(_FILES):
            if (new / file).exists():
                placed.append((new / file).replace(folder / file))
    except BaseException:
        for path in reversed(placed):
            path.unlink()
        for file in reversed(_FILES):
            if (old / file).exists():
                (old / file).replace(folder / file)
        raise


def check_new_release(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder with files that a release would replace.

    Raises:
        ScalewiseError: there is such a file, and ``overwrite`` is False.
    """
    check_flag("overwrite", overwrite)
    for name in _FILES:
        require_new(folder / name, overwrite=overwrite)


def _write_files(
    network: RestorationNetwork,
    folder: Path,
    *,
    name: str,
    summary: str,
    licence: str,
    training: Training,
    task: str,
    aims: dict[str, float],
) -> Card:
    """Write the files of a release into an empty folder."""
    (folder / WEIGHTS_FILE).write_bytes(to_bytes(network))
    export_onnx(network, folder / GRAPH_FILE)
    share_weights(folder / GRAPH_FILE, folder / WEIGHTS_FILE)
    card = Card(
        name=name,
        summary=summary,
        task=task,
        scale=network.scale,
        channels=network.channels,
        architecture=network.architecture,
        settings=network.settings,
        parameters=network.parameter_count,
        multiple=network.multiple,
        tiling=network.tiling,
        licence=licence,
        training=training,
        sha256={file: sha256(folder / file) for file in (WEIGHTS_FILE, GRAPH_FILE)},
        aims=aims,
    )
    write_card(card, folder)
    return card


def add_int8(folder: AnyPath, images: Iterable[Image], exact: Sequence[str] = ()) -> Card:
    """Add a graph in 8-bit integers to a released model; drop the scores of an earlier one.

    At any time, also after the process is killed, the model is whole: with the earlier graph, with
    none, or with the new one.

    Args:
        folder: the model's folder.
        images: calibration images; see :func:`~scalewise.models.quantize.export_int8`.
        exact: names of convolutions that stay in float32.

    Raises:
        ScalewiseError: not a released model, a damaged one, or one without layers to quantize.
    """
    folder = path_of(folder, "folder")
    card = read_card(folder)
    kept = [score for score in card.scores if score.precision != "int8"]
    with temporary_path(folder / INT8_FILE) as aside:
        export_int8(_network_of(Release(folder, card)), aside, images, exact)
        digest = sha256(aside)
        if INT8_FILE in card.sha256:  # no card may list a graph that is not there yet, or no more
            digests = {file: card.sha256[file] for file in card.sha256 if file != INT8_FILE}
            write_card(replace(card, sha256=digests, scores=kept), folder)
        aside.replace(folder / INT8_FILE)
    card = replace(card, sha256={**card.sha256, INT8_FILE: digest}, scores=kept)
    write_card(card, folder)
    return card
