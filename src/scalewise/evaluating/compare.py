"""Comparison of restorations of one degraded image: baseline, networks and ground truth."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.data.layouts.names import normalised
from scalewise.data.reading import read_rgb
from scalewise.errors import TooSmall
from scalewise.evaluating.evaluate import Restore
from scalewise.evaluating.sheet import Crop, Panel, draw_sheet, drawable, most_telling_crop
from scalewise.imaging.protocols import Protocol, Scores

Pixels = NDArray[np.uint8]

CROP = 64
"""Side of the zoomed crop, in pixels of the ground truth."""


@dataclass(frozen=True)
class Contender:
    """The result of one method: pixels, scores and seconds; nan if it was there already."""

    name: str
    image: Pixels
    scores: Scores
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """A ground truth, its degraded image (lr), and all results; the baseline first.

    Without a method that was run, lr is None: what the results were made from is not known.
    """

    lr: Pixels | None
    truth: Pixels
    contenders: list[Contender]

    def sheet(self, errors: bool = False, crop: Crop | None = None) -> Pixels:
        """Draw all images side by side, whole and zoomed in.

        Args:
            errors: add a map of the errors of each result.
            crop: what to zoom in on; by default where the baseline's error is largest.
        """
        crop = crop or most_telling_crop(self.contenders[0].image, self.truth, CROP)
        panels: list[Panel] = []
        if self.lr is not None and self.lr.shape != self.truth.shape:
            panels.append(Panel(self.lr, ("low resolution", _size(self.lr), "")))
        for number, each in enumerate(self.contenders, 1):
            panels.append(Panel(each.image, _label(each, number)))
        panels.append(Panel(self.truth, ("ground truth", _size(self.truth), "")))
        return draw_sheet(panels, crop, errors)


def compare(
    picture: Path,
    methods: Sequence[tuple[str, Restore]],
    scale: int,
    protocol: Protocol,
    *,
    lr: Pixels | None = None,
    results: Sequence[tuple[str, Pixels]] = (),
) -> Comparison:
    """Degrade an image, restore it, and score the results.

    Args:
        picture: an image file; it is the ground truth.
        methods: names and restorations of one scale; the baseline first.
        scale: output over input size.
        protocol: how the image is degraded, and how results are scored.
        lr: the image reduced by the scale; by default it is made.
        results: names and pixels of other methods' results, as large as the ground truth.

    Raises:
        ScalewiseError: the image is unreadable or too small, or a result has another size.
    """
    hr = read_rgb(picture)
    with _naming(picture):
        truth = protocol.truth(hr, scale)
        name = normalised(picture.stem)  # as a dataset calls it, so that the noise is the same
        degraded = protocol.prepare(hr, lr, scale, name)[0] if methods else None
        contenders: list[Contender] = []
        if degraded is not None:
            for method, restore in methods:
                start = time.perf_counter()
                image = _as_bytes(restore(degraded))
                seconds = time.perf_counter() - start
                scores = protocol.score(image, truth, scale)
                contenders.append(Contender(method, image, scores, seconds))
        for method, image in results:
            scores = protocol.score(image, truth, scale)
            contenders.append(Contender(method, image, scores, math.nan))
        return Comparison(None if degraded is None else _as_bytes(degraded), truth, contenders)


@contextmanager
def _naming(picture: Path) -> Generator[None]:
    """Name an image in the error that it is too small."""
    try:
        yield
    except TooSmall as error:
        raise TooSmall(f"{picture}: {error}") from None


def _as_bytes(image: NDArray[Any]) -> Pixels:
    return np.rint(image).clip(0, 255).astype(np.uint8)


def _label(contender: Contender, number: int) -> tuple[str, ...]:
    """Return what is written below a result; a number tells names apart that have no letters."""
    scores, name = contender.scores, drawable(contender.name)
    if "?" in name.replace("?", "", contender.name.count("?")):
        name = f"{number}: {name}"
    return name, f"PSNR-Y {scores.psnr_y:.2f} dB", f"SSIM {scores.ssim:.4f}"


def _size(image: Pixels) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
