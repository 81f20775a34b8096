"""Resolution of a model's name, folder or hub reference to folder and card, and their relations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from scalewise.arguments import naming_argument, nearest_name, shown
from scalewise.errors import ScalewiseError
from scalewise.tasks import SUPER_RESOLUTION, get_task
from scalewise.weights.card import CARD_FILE, WEIGHTS_FILE, Card, read_card, sha256
from scalewise.weights.hub import HUB, download_release
from scalewise.weights.model_files import (
    CHECKPOINT_SUFFIXES,
    GRAPH_SUFFIXES,
    describe,
    is_model_file,
    names_file,
)

RELEASES = Path(__file__).parent
"""The folder of the models that come with the package, one folder each."""


class Release(NamedTuple):
    """A released model: its folder, and what its card says; or the file of another model."""

    folder: Path
    card: Card


def resolve(model: str | Path) -> Release:
    """Return the folder and the card of a released model, or of a model's file.

    Args:
        model: the name of a model that comes with the package; the path of a folder, ``./NAME``
            if it has such a name; or ``hf-hub:owner/name``, with ``@revision`` or without it,
            which is downloaded once.
            Or the path of a graph or checkpoint, whose card says what
            :func:`~scalewise.weights.model_files.describe` finds out.  The file of a released
            model's weights stands for that model.

    Raises:
        ScalewiseError: there is no such model (the error suggests the nearest name), its card is
            damaged, or the file is not a model's.
    """
    if isinstance(model, str | os.PathLike) and is_model_file(model):  # pyright: ignore[reportUnnecessaryIsInstance]
        with naming_argument("model"):
            return release_of(Path(model)) or Release(Path(model), describe(model).card)
    folder = find_release(model)
    with naming_argument("model"):
        return Release(folder, read_card(folder))


def release_of(weights: Path) -> Release | None:
    """Return the released model that a weights file belongs to, or is a copy of."""
    if weights.suffix.lower() != ".safetensors" or not _is_file(weights):
        return None
    if weights.name == WEIGHTS_FILE and is_release(weights.parent):
        return resolve(weights.parent.absolute())
    digest = sha256(weights)
    same = [card.name for card in list_cards() if card.sha256.get(WEIGHTS_FILE) == digest]
    return resolve(same[0]) if same else None


def find_release(model: str | Path) -> Path:
    """Return the folder of a released model, as :func:`resolve` does."""
    if not isinstance(model, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ScalewiseError(
            f"a model is a name or a folder, not {shown(model)}", arguments=["model"]
        )
    if str(model).startswith(HUB):
        with naming_argument("model"):
            return download_release(str(model))
    for folder in _places(model):
        if _is_file(folder / CARD_FILE):
            return folder
    if _is_file(Path(model)) and names_file(model):
        raise ScalewiseError(
            f"{model}: a file, not a released model's name or folder; 'scalewise release' makes "
            "such a folder of a trained network",
            arguments=["model"],
        )
    if _is_file(Path(model)):
        raise ScalewiseError(
            f"{model}: not a model; give the name or folder of a released one, a graph "
            f"({' '.join(GRAPH_SUFFIXES)}), or a checkpoint ({' '.join(CHECKPOINT_SUFFIXES)})",
            arguments=["model"],
        )
    if os.path.isdir(model):  # noqa: PTH112  # a name of any length
        raise ScalewiseError(
            f"{model}: a folder without {CARD_FILE}, so not a released model; 'scalewise release' "
            "makes one of a training run",
            arguments=["model"],
        )
    if names_file(model):
        raise ScalewiseError(f"{model}: no such file", arguments=["model"])
    if _is_path(model):
        raise ScalewiseError(f"{model}: no such file or folder", arguments=["model"])
    names = [card.name for card in list_cards()]
    hint = nearest_name(str(model), names)
    raise ScalewiseError(f"unknown model '{model}'; {hint}", arguments=["model"])


def _places(model: str | Path) -> list[Path]:
    """Return where a model may be: a name without a separator is first that of a packaged one."""
    own = Path(model).absolute()  # a path alone would be a name again without "./"
    return [own] if _is_path(model) else [RELEASES / model, own]


def _is_path(model: str | Path) -> bool:
    """Return whether this has a separator, as ``./mine`` has, which a ``Path`` would drop."""
    return os.path.basename(model) != str(model)  # noqa: PTH119


def _is_file(path: Path) -> bool:
    """Return whether a file is there; no file has a name that is too long for one."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_release(model: str | Path) -> bool:
    """Return whether this names a released model; do not look up hub references."""
    if str(model).startswith(HUB):
        return True
    return any(_is_file(folder / CARD_FILE) for folder in _places(model))


def is_packaged(model: str) -> bool:
    """Return whether this is the name of a model that comes with the package."""
    return not _is_path(model) and _is_file(RELEASES / model / CARD_FILE)


def list_cards() -> list[Card]:
    """Return the cards of all models that come with the package, sorted by name."""
    return [read_card(path.parent) for path in sorted(RELEASES.glob(f"*/{CARD_FILE}"))]


def default_model(task: str, scale: int | None = None) -> str:
    """Return the default released model of a task.

    Args:
        task: a name of :func:`scalewise.tasks.list_tasks`.
        scale: output over input size; by default the smallest one available.

    Raises:
        ScalewiseError: the task is unknown, or there is no model for it.
    """
    wanted = get_task(task)
    if wanted.model is not None and scale in (None, resolve(wanted.model).card.scale):
        return wanted.model
    cards = [card for card in list_cards() if card.default and card.task == wanted.name]
    fitting = [card for card in cards if scale in (None, card.scale)]
    if not fitting:
        size = "" if scale is None else f" at x{scale}"
        raise ScalewiseError(
            f"no released model for {wanted.name}{size}; name one of your own",
            arguments=["task"] if scale is None else ["task", "scale"],
        )
    return min(fitting, key=lambda card: card.scale).name


def clean_sibling(card: Card) -> str | None:
    """Return the model for clean images of the same scale, or None.

    Models that only enlarge, or that keep the size, do not have one.
    """
    task = get_task(card.task)
    if task.keeps_size or not task.is_degraded:
        return None
    return card.clean_sibling or default_model(SUPER_RESOLUTION.name, card.scale)


def cascade_of(card: Card) -> list[str]:
    """Return the models that follow this one, or replace it at other scales.

    Where a card names none, what keeps the size is followed by the models for clean images, and
    what enlarges by its clean sibling alone.
    """
    if card.cascade:
        return card.cascade
    if get_task(card.task).keeps_size:
        enlarging = default_model(SUPER_RESOLUTION.name)
        return [enlarging, *resolve(enlarging).card.cascade]
    try:
        sibling = clean_sibling(card)
    except ScalewiseError:  # no other model has this scale or task
        return []
    return [] if sibling is None else [sibling]
