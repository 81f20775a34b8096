"""Previews: a part of an upload, restored as the whole will be."""

from __future__ import annotations

import time
from functools import partial
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from scalewise.files.raster import Raster, encode_png, to_display
from scalewise.imaging.content import Content
from scalewise.models.tile_overlap import tile_overlap
from scalewise.restoring.cascade import plan_image
from scalewise.restoring.crop import Box, restore_crop, window_side
from scalewise.restoring.loading import LoadOptions
from scalewise.restoring.restorer import Restorer
from scalewise.restoring.selection import load_cascade, options_for
from scalewise.restoring.sizes import Target
from scalewise.web.interactive import Check
from scalewise.web.speed import Speeds
from scalewise.weights import clean_sibling, resolve

MAX_PREVIEW = 160
"""Input pixels of a preview along a side."""

_SAMPLE = 96
"""Input pixels of the preview by which a model is measured, along a side."""


class Previewer:
    """Loaded networks for previews, apart from those of the job that runs.

    Args:
        speeds: told how fast the networks are.
    """

    def __init__(self, speeds: Speeds) -> None:
        self._speeds = speeds
        self._networks: dict[str, list[Restorer]] = {}
        self._locks: dict[str, Lock] = {}
        self._lock = Lock()

    def preview(
        self,
        raster: Raster,
        model: str,
        target: Target,
        strength: float,
        box: Box,
        check: Check,
        *,
        content: Content,
    ) -> bytes:
        """Restore a part of an image, and encode it as browsers show it.

        Args:
            raster: the image.
            model: a released model's name or folder.
            target: the size of the whole result, which is given.
            strength: part of the change that is kept.
            box: the part, in pixels of the image.
            check: called now and then; it may raise to stop.
            content: of the whole image, which decides on the precision.

        Raises:
            ScalewiseError: the image cannot be read, or a size out of reach.
        """
        restorers = [each.for_content(content) for each in self._load(model, strength)]
        size = raster.width, raster.height
        plan = plan_image(raster, restorers, target)
        check()
        pixels = restore_crop(
            partial(raster.read, check=check),
            size,
            restorers,
            plan,
            box,
            separate=raster.separate,
            check=check,
        )
        return encode_png(to_display(pixels, raster.metadata))

    def prepare(self, model: str) -> None:
        """Load a model, and compile its graph for previews of photographs.

        Args:
            model: its name or folder.
        """
        restorer = self._for_photographs(model)
        restorer.restore(_sample(restorer))  # which compiles

    def measure(self, model: str) -> None:
        """Measure the speed of a model that is prepared, for photographs.

        Args:
            model: its name or folder.
        """
        restorer = self._for_photographs(model)
        sample = _sample(restorer)
        start = time.perf_counter()
        restorer.restore(sample)
        seconds = time.perf_counter() - start
        name = resolve(model).card.name
        self._speeds.add_sample(name, sample.shape[0] * sample.shape[1], seconds)

    def _for_photographs(self, model: str) -> Restorer:
        return self._cascade(model)[0].for_content("photograph")

    def _load(self, model: str, strength: float) -> list[Restorer]:
        first, *others = self._cascade(model)
        card = resolve(model).card
        strength = options_for(card, LoadOptions(strength=strength)).strength
        if strength == 1:
            return [first, *others]
        sibling = clean_sibling(card)
        blend_with = None if sibling is None else self._cascade(sibling)[0]
        return [first.with_strength(strength, blend_with), *others]

    def _cascade(self, model: str) -> list[Restorer]:
        """Return loaded networks; no model waits until another is loaded."""
        with self._lock:
            lock = self._locks.setdefault(model, Lock())
        with lock:
            if model not in self._networks:
                self._networks[model] = load_cascade(model)
            return self._networks[model]


def _sample(restorer: Restorer) -> NDArray[np.uint8]:
    """Return noise of the size that a network is given for a preview, (H, W, 3)."""
    side = window_side(_SAMPLE, tile_overlap(restorer.multiple), restorer.multiple)
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
