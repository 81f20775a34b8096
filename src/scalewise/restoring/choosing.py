"""Which networks a picture goes through: those that are asked for, or those that it calls for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.errors import NothingToRestore, ScalewiseError
from scalewise.files.jpeg_tables import luma_table
from scalewise.imaging.estimating import estimate_jpeg_quality
from scalewise.restoring.diagnosis import Diagnosis, diagnose, sigma_of
from scalewise.restoring.enlarging import load_series
from scalewise.restoring.restorer import Restorer
from scalewise.weights import clean_model

PHOTO = "photo_x2"
MODELS = {"denoise": "denoise", "dejpeg": "dejpeg", "photo": PHOTO}
"""The released model of each task."""


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


def load_task(task: str, **options: Any) -> list[Restorer]:
    """Load the released model of a task, and what goes with it; see :func:`load_series`.

    Raises:
        ScalewiseError: no such task, and what :func:`load_series` raises.
    """
    if task not in MODELS:
        raise ScalewiseError(f"unknown task '{task}'; choose auto, {', '.join(MODELS)}")
    return load_series(MODELS[task], **options)


def diagnosed_task(image: NDArray[Any] | str | Path) -> str | None:
    """The task that an image or a picture's file calls for; None for none.

    Raises:
        ScalewiseError: a file that cannot be read.
    """
    if isinstance(image, str | Path):
        return diagnose(image, max_pixels=None).task
    return Diagnosis(sigma_of(np.atleast_3d(image))).task


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
        return load_task(task, **options)

    def choose(path: Path) -> Chosen:
        found = diagnose(path, max_pixels=None)
        if found.task is None:
            raise NothingToRestore(f"{path}: nothing to restore ({found})")
        return Chosen(series(found.task), str(found))

    return Choice(choose, series("dejpeg"))
