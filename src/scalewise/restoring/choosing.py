"""Which networks a picture goes through: those that are asked for, or those that it calls for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from scalewise.errors import NothingToRestore, ScalewiseError
from scalewise.files.jpeg import luma_table
from scalewise.imaging.blind_estimation import estimate_jpeg_quality
from scalewise.restoring.diagnosis import diagnose
from scalewise.restoring.restorer import Restorer, load
from scalewise.weights import clean_model, find_release, list_cards
from scalewise.weights.card import CARD_FILE, read_card

PHOTO = "photo_x2"
MODELS = {"denoise": "denoise", "dejpeg": "dejpeg", "photo": PHOTO}
"""The released model of each task."""
_SERIES = re.compile(r"(.+)_x\d+")


@dataclass(frozen=True)
class Chosen:
    """Networks for a picture.

    Attributes:
        restorers: of different scales; the first is used where no size is wished.
        reason: why these, in a few words; nothing where they were asked for.
    """

    restorers: Sequence[Restorer]
    reason: str = ""


@dataclass(frozen=True)
class Choice:
    """Networks that depend on the picture.

    Attributes:
        choose: what a picture's file calls for.  It may raise :class:`NothingToRestore`, and
            :class:`ScalewiseError` for what cannot be read.
        typical: networks that tell what any of these will cost.
    """

    choose: Callable[[Path], Chosen]
    typical: Sequence[Restorer]


Networks = Sequence[Restorer] | Choice
Which = str | Path | Callable[..., Networks]
"""A model's name or folder, or what loads networks with the options of
:func:`~scalewise.restoring.restorer.load`, such as :func:`for_upscaling`."""


def load_networks(which: Which, **options: Any) -> Networks:
    """Load what is asked for.

    Args:
        which: see :data:`Which`.
        options: as for :func:`~scalewise.restoring.restorer.load`.
    """
    return which(**options) if callable(which) else load_series(which, **options)


def choose(networks: Networks, path: Path) -> Chosen:
    """The networks for a picture.

    Raises:
        NothingToRestore, ScalewiseError: as :attr:`Choice.choose`.
    """
    return networks.choose(path) if isinstance(networks, Choice) else Chosen(networks)


def typical(networks: Networks) -> Sequence[Restorer]:
    """Networks that tell what a picture will cost."""
    return networks.typical if isinstance(networks, Choice) else networks


def load_series(model: str | Path, **options: Any) -> list[Restorer]:
    """Load a released model, its siblings of other scales, and what goes on after it.

    Siblings of ``NAME_x2`` are the released ``NAME_x3`` and ``NAME_x4``; a folder has none.  What
    a model for photographs has made is clean, so that models for clean pictures enlarge it
    further.  Graphs are compiled when they are first used, so that those cost little.

    Args:
        model, options: as for :func:`~scalewise.restoring.restorer.load`.

    Returns:
        The model first.
    """
    card = read_card(find_release(model))
    restorer = load(model, **options)
    stem = _SERIES.fullmatch(str(model))
    names = [card.name for card in list_cards() if card.name != model]
    siblings = [name for name in names if stem and name.startswith(stem[1] + "_x")]
    series = [restorer, *(load(name, **options) for name in siblings)]
    if card.task == "photo" and (clean := clean_model(card.scale)) in names:
        plainly = {name: value for name, value in options.items() if name != "strength"}
        series.append(load(clean, **plainly))
    return series


def kept_series(model: str | Path, strength: float = 1.0) -> list[Restorer]:
    """:func:`load_series`, kept for the next call, as long as the model's files are the same."""
    folder = find_release(model).resolve()
    card = (folder / CARD_FILE).stat()
    # A child of this process loads its own: the threads that a network runs in are not its.
    state = card.st_mtime_ns, card.st_size, os.getpid()
    return _kept_series(str(model), folder, strength, state)


@lru_cache(maxsize=4)
def _kept_series(
    model: str, _folder: Path, strength: float, _state: tuple[int, int, int]
) -> list[Restorer]:
    return load_series(model, **({} if strength == 1 else {"strength": strength}))


def model_of_task(task: str) -> str:
    """The released model of a task.

    Raises:
        ScalewiseError: no such task.
    """
    if task not in MODELS:
        raise ScalewiseError(f"unknown task '{task}'; choose auto, {', '.join(MODELS)}")
    return MODELS[task]


def for_upscaling(**options: Any) -> Choice:
    """JPEGs by the network for photographs, everything else by that for clean pictures.

    ``strength`` is for the former alone.
    """
    clean = clean_model(scale=2)
    plainly = {name: value for name, value in options.items() if name != "strength"}

    @cache
    def series(name: str) -> list[Restorer]:
        return load_series(name, **(plainly if name == clean else options))

    def choose(path: Path) -> Chosen:
        table = luma_table(path)
        if table is None:
            return Chosen(series(clean), "not a JPEG")
        return Chosen(series(PHOTO), f"JPEG quality {estimate_jpeg_quality(table)}")

    return Choice(choose, series(clean))


def for_restoring(**options: Any) -> Choice:
    """Noise and JPEG's artifacts taken out, whichever is worse; the size stays."""

    @cache
    def series(task: str) -> list[Restorer]:
        return load_series(MODELS[task], **options)

    def choose(path: Path) -> Chosen:
        found = diagnose(path, max_pixels=None)
        if found.task is None:
            raise NothingToRestore(f"{path}: nothing to restore ({found})")
        return Chosen(series(found.task), str(found))

    return Choice(choose, series("dejpeg"))
