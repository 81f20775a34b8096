"""Automatic selection: which released models an image goes through.

One rule decides on the page, in Python and on the command line:
:func:`scalewise.tasks.select_task`, by the :class:`~scalewise.imaging.blind_estimation.Estimate`
of the image.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from scalewise.errors import NothingToRestore
from scalewise.files import MAX_PIXELS, open_picture
from scalewise.files.jpeg import luma_table
from scalewise.imaging.blind_estimation import BAND, Estimate, estimate_degradation
from scalewise.restoring.restorer import Restorer, load
from scalewise.tasks import DEJPEG, SUPER_RESOLUTION, get_task, select_task
from scalewise.weights import cascade_of, default_model, find_release
from scalewise.weights.card import CARD_FILE, Card, read_card


@dataclass(frozen=True)
class SelectedModels:
    """Models for an image.

    Attributes:
        restorers: of different scales; the first is used where no size is given.
        reason: why these, in a few words; empty where the user named them.
    """

    restorers: Sequence[Restorer]
    reason: str = ""


@dataclass(frozen=True)
class AutoSelector:
    """Models that depend on the image.

    Attributes:
        choose: selects the models for an image's file.  It may raise
            :class:`NothingToRestore`, and :class:`ScalewiseError` for what cannot be read.
        typical: models that tell what any of these will cost.
    """

    choose: Callable[[Path], SelectedModels]
    typical: Sequence[Restorer]


Networks = Sequence[Restorer] | AutoSelector
ModelSpec = str | Path | Callable[..., Networks]
"""A model's name or folder, or a function that loads models with the options of
:func:`~scalewise.restoring.restorer.load`, such as :func:`select_for_upscaling`."""


def load_networks(model: ModelSpec, **options: Any) -> Networks:
    """Load the models that are asked for.

    Args:
        model: see :data:`ModelSpec`.
        options: as for :func:`~scalewise.restoring.restorer.load`.
    """
    return model(**options) if callable(model) else load_cascade(model, **options)


def choose(networks: Networks, path: Path) -> SelectedModels:
    """Return the models for an image's file.

    Raises:
        NothingToRestore, ScalewiseError: as :attr:`AutoSelector.choose`.
    """
    return networks.choose(path) if isinstance(networks, AutoSelector) else SelectedModels(networks)


def typical(networks: Networks) -> Sequence[Restorer]:
    """Return models that tell what an image will cost."""
    return networks.typical if isinstance(networks, AutoSelector) else networks


def load_cascade(model: str | Path, **options: Any) -> list[Restorer]:
    """Load a released model, and the models that its card names for larger or other sizes.

    What a model for photographs has made is clean, so that models for clean images enlarge it
    further.  Graphs are compiled when they are first used, so that those cost little.

    Args:
        model, options: as for :func:`~scalewise.restoring.restorer.load`.

    Returns:
        The model first.
    """
    card = read_card(find_release(model))
    following = [read_card(find_release(name)) for name in cascade_of(card)]
    return [
        load(model, **options),
        *(load(each.name, **_options_for(each, options)) for each in following),
    ]


def _options_for(card: Card, options: dict[str, Any]) -> dict[str, Any]:
    """Leave out the strength for models that only enlarge."""
    if get_task(card.task).is_degraded:
        return options
    return {name: value for name, value in options.items() if name != "strength"}


def cached_cascade(model: str | Path, strength: float = 1.0) -> list[Restorer]:
    """Load as :func:`load_cascade`, and keep the models while their files are the same."""
    folder = find_release(model).resolve()
    card = (folder / CARD_FILE).stat()
    # A child of this process loads its own: threads that a network runs in stay in the parent.
    state = card.st_mtime_ns, card.st_size, os.getpid()
    return _cached_cascade(str(model), folder, strength, state)


@lru_cache(maxsize=4)
def _cached_cascade(
    model: str, _folder: Path, strength: float, _state: tuple[int, int, int]
) -> list[Restorer]:
    return load_cascade(model, **({} if strength == 1 else {"strength": strength}))


def select_model(estimate: Estimate, *, enlarge: bool) -> str | None:
    """Return the released model that an image calls for; None where nothing has to be done.

    Args:
        estimate: noise and JPEG quality of the image.
        enlarge: whether the result is to be larger than the image.
    """
    task = select_task(estimate, enlarge=enlarge)
    return None if task is None else default_model(task.name)


def estimate_file(path: str | Path, *, max_pixels: int | None = MAX_PIXELS) -> Estimate:
    """Estimate noise and JPEG quality of an image's file, by rows in its middle.

    Args:
        path, max_pixels: as for :func:`scalewise.files.open_picture`.

    Raises:
        ScalewiseError: it cannot be read.
    """
    with open_picture(path, max_pixels=max_pixels) as reader:
        rows = min(BAND[0], reader.height)
        start = (reader.height - rows) // 2
        start -= start % 8  # the grid of JPEG
        return estimate_degradation(reader.read_rows(start, start + rows), luma_table(path))


def select_for_upscaling(**options: Any) -> AutoSelector:
    """Select models that enlarge: for photographs with noise or artifacts, or for clean images.

    ``strength`` is for the former alone.
    """
    return _selector(True, default_model(SUPER_RESOLUTION.name), options)


def select_for_restoring(**options: Any) -> AutoSelector:
    """Select models that remove noise or JPEG artifacts, whichever is worse; the size stays."""
    return _selector(False, default_model(DEJPEG.name), options)


def _selector(enlarge: bool, typical: str, options: dict[str, Any]) -> AutoSelector:
    @cache
    def cascade(model: str) -> list[Restorer]:
        return load_cascade(model, **_options_for(read_card(find_release(model)), options))

    def choose(path: Path) -> SelectedModels:
        estimate = estimate_file(path, max_pixels=None)
        model = select_model(estimate, enlarge=enlarge)
        if model is None:
            raise NothingToRestore(f"{path}: nothing to restore ({estimate})")
        return SelectedModels(cascade(model), str(estimate))

    return AutoSelector(choose, cascade(typical))
