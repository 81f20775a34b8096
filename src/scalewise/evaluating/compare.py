"""Comparison of restorations of one degraded image: baseline, networks and ground truth."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.data.reading import read_rgb
from scalewise.evaluating.evaluate import Restore
from scalewise.evaluating.sheet import Crop, Panel, draw_sheet, most_telling_crop
from scalewise.imaging.protocols import Protocol, Scores

Pixels = NDArray[np.uint8]

CROP = 64
"""Side of the zoomed crop, in pixels of the ground truth."""


@dataclass(frozen=True)
class Contender:
    """The result of one method on the degraded image: pixels, scores and seconds."""

    name: str
    image: Pixels
    scores: Scores
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """A ground truth, its degraded image (lr), and all results from that; the baseline first."""

    lr: Pixels
    truth: Pixels
    contenders: list[Contender]

    def sheet(self, errors: bool = False, crop: Crop | None = None) -> Pixels:
        """Draw all images side by side, whole and zoomed in.

        Args:
            errors: add a map of the errors of each result.
            crop: what to zoom in on; by default where the baseline's error is largest.
        """
        crop = crop or most_telling_crop(self.contenders[0].image, self.truth, CROP)
        is_reduced = self.lr.shape != self.truth.shape
        panels = [Panel(self.lr, ("low resolution", _size(self.lr), ""))] if is_reduced else []
        panels += [Panel(each.image, _label(each)) for each in self.contenders]
        panels.append(Panel(self.truth, ("truth", _size(self.truth), "")))
        return draw_sheet(panels, crop, errors)


def compare(
    picture: Path, methods: Sequence[tuple[str, Restore]], scale: int, protocol: Protocol
) -> Comparison:
    """Degrade an image, restore it, and score the results.

    Args:
        picture: an image file; it is the ground truth.
        methods: names and restorations of one scale; the baseline first.
        scale: output over input size.
        protocol: how the image is degraded, and how results are scored.

    Raises:
        ScalewiseError: the image is unreadable or too small.
    """
    lr, truth = protocol.prepare(read_rgb(picture), None, scale, picture.stem)
    contenders: list[Contender] = []
    for name, restore in methods:
        start = time.perf_counter()
        image = _as_bytes(restore(lr))
        seconds = time.perf_counter() - start
        contenders.append(Contender(name, image, protocol.score(image, truth, scale), seconds))
    return Comparison(_as_bytes(lr), truth, contenders)


def _as_bytes(image: NDArray[Any]) -> Pixels:
    return np.rint(image).clip(0, 255).astype(np.uint8)


def _label(contender: Contender) -> tuple[str, ...]:
    scores = contender.scores
    return contender.name, f"PSNR-Y {scores.psnr_y:.2f} dB", f"SSIM {scores.ssim:.4f}"


def _size(image: Pixels) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
