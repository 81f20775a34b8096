"""Automatic selection: which released models an image goes through.

One rule decides on the page, in Python and on the command line:
:func:`scalewise.tasks.select_task`, by the :class:`~scalewise.imaging.blind_estimation.Estimate`
of the image.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from scalewise.errors import warn
from scalewise.files import PictureReader
from scalewise.imaging.blind_estimation import Estimate
from scalewise.imaging.content import Content
from scalewise.restoring.cascade import CascadeStep, check_restorers
from scalewise.restoring.loading import LoadOptions, load
from scalewise.restoring.look import content_of_opened, estimate_opened
from scalewise.restoring.precision import depends_on_content, for_content
from scalewise.restoring.restorer import Restorer
from scalewise.tasks import DEJPEG, SUPER_RESOLUTION, get_task, select_task
from scalewise.weights import Release, cascade_of, default_model, resolve
from scalewise.weights.card import CARD_FILE, INT8_FILE, Card

AUTO_SCALE = 2
"""Times by which an image is enlarged where neither a size nor a model is given."""


@dataclass(frozen=True)
class SelectedModels:
    """Models for an image.

    Attributes:
        restorers: of different scales; the first is used where no size is given.  None of them
            where there is nothing to restore.
        reason: why these, in a few words; empty where the user named them.
        content: of the image, by which their precision was chosen; None if it did not matter.
        scale: of the result, where no size is given; None for that of the first model.
    """

    restorers: Sequence[CascadeStep]
    reason: str = ""
    content: Content | None = None
    scale: int | None = None


@dataclass(frozen=True)
class AutoSelector:
    """Models that depend on the image.

    Attributes:
        choose: selects the models for an open image, whose rows from the top on can still be read
            afterwards.  It may raise :class:`ScalewiseError` for what cannot be read.
        typical: models that tell what any of these will cost.
    """

    choose: Callable[[PictureReader], SelectedModels]
    typical: Sequence[CascadeStep]


Networks = Sequence[CascadeStep] | AutoSelector
ModelLoader = Callable[[LoadOptions], Networks]
"""A function that loads models, such as :func:`select_for_upscaling`."""
ModelSpec = str | Path | Release | ModelLoader
"""A released model's name, folder, or both resolved; or a function that loads models."""


def load_networks(model: ModelSpec, options: LoadOptions | None = None) -> Networks:
    """Load the models that are asked for.

    Args:
        model: see :data:`ModelSpec`.
        options: how; all defaults if None.
    """
    options = options or LoadOptions()
    return model(options) if callable(model) else load_cascade(model, options)


def check_networks(networks: object) -> None:
    """Check that an argument ``networks`` is loaded networks, or a selector."""
    if not isinstance(networks, AutoSelector):
        check_restorers("networks", networks)


def choose(networks: Networks, reader: PictureReader) -> SelectedModels:
    """Return the models for an open image, in the precision for its content.

    Args:
        networks: the models that are loaded, or their selector.
        reader: the image, of which no row was read yet; all can still be read.

    Raises:
        ScalewiseError: as :attr:`AutoSelector.choose`.
    """
    if isinstance(networks, AutoSelector):
        return networks.choose(reader)
    if not depends_on_content(networks):
        return SelectedModels(networks)
    content = content_of_opened(reader)
    return SelectedModels(for_content(networks, content), content=content)


def typical(networks: Networks) -> Sequence[CascadeStep]:
    """Return models that tell what an image will cost."""
    return networks.typical if isinstance(networks, AutoSelector) else networks


def load_cascade(model: str | Path | Release, options: LoadOptions | None = None) -> list[Restorer]:
    """Load a released model, and the models that its card names for larger or other sizes.

    What a model for photographs has made is clean, so that models for clean images enlarge it
    further.  Graphs are compiled when they are first used, so that those cost little.

    Args:
        model, options: as for :func:`~scalewise.restoring.loading.load`.

    Returns:
        The model first.
    """
    options = options or LoadOptions()
    release = model if isinstance(model, Release) else resolve(model)
    following = [resolve(name) for name in cascade_of(release.card)]
    return [
        load(release, options),
        *(load(each, options_for(each.card, options)) for each in following),
    ]


def automatic_options(card: Card, options: LoadOptions) -> LoadOptions:
    """Return the options for a model that an image selects, which may have no graph in int8."""
    if options.precision == "int8" and INT8_FILE not in card.sha256:
        warn(
            f"precision=int8: {card.name} has no graph in 8-bit integers; auto chooses for it",
            arguments=["precision"],
        )
        options = replace(options, precision="auto")
    return options_for(card, options)


def options_for(card: Card, options: LoadOptions) -> LoadOptions:
    """Return the options at full strength for models that only enlarge."""
    return options if get_task(card.task).is_degraded else replace(options, strength=1.0)


def cached_cascade(model: str | Path | Release, options: LoadOptions) -> list[Restorer]:
    """Load as :func:`load_cascade`, and keep the models while their files are the same."""
    release = model if isinstance(model, Release) else resolve(model)
    folder = release.folder.resolve()
    card = (folder if folder.is_file() else folder / CARD_FILE).stat()
    # A child of this process loads its own: threads that a network runs in stay in the parent.
    state = card.st_mtime_ns, card.st_size, os.getpid()
    return _cached_cascade(folder, options, state)


@lru_cache(maxsize=4)
def _cached_cascade(
    folder: Path, options: LoadOptions, _state: tuple[int, int, int]
) -> list[Restorer]:
    return load_cascade(folder, options)


def forget_models() -> None:
    """Drop the models that are kept for the next call."""
    _cached_cascade.cache_clear()


def select_model(estimate: Estimate, *, enlarge: bool) -> str | None:
    """Return the released model that an image calls for; None where nothing has to be done.

    Where the image is to be enlarged, the model may be one that keeps the size: then the first of
    its cascade, of which the others enlarge.

    Args:
        estimate: noise, JPEG quality and content of the image.
        enlarge: whether the result is to be larger than the image.
    """
    task = select_task(estimate, enlarge=enlarge)
    return None if task is None else default_model(task.name)


def select_for_upscaling(options: LoadOptions | None = None) -> AutoSelector:
    """Select models that enlarge: noisy or compressed photographs, graphics, or clean images.

    Images with more noise or artifacts than photographs have are restored at their own size first.
    The strength is for what restores alone.
    """
    return _selector(True, default_model(SUPER_RESOLUTION.name), options or LoadOptions())


def select_for_restoring(options: LoadOptions | None = None) -> AutoSelector:
    """Select models that remove noise, JPEG artifacts or both; the size stays."""
    return _selector(False, default_model(DEJPEG.name), options or LoadOptions())


def _selector(enlarge: bool, typical: str, options: LoadOptions) -> AutoSelector:
    @cache
    def cascade(model: str) -> list[Restorer]:
        release = resolve(model)
        return load_cascade(release, automatic_options(release.card, options))

    def choose(reader: PictureReader) -> SelectedModels:
        estimate = estimate_opened(reader)
        model = select_model(estimate, enlarge=enlarge)
        networks = () if model is None else for_content(cascade(model), estimate.content)
        scale = AUTO_SCALE if enlarge else None
        return SelectedModels(networks, str(estimate), estimate.content, scale)

    return AutoSelector(choose, cascade(typical))
