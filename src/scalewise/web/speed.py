"""Speed of the models on this machine, and the time that an image will take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from scalewise.models.tile_overlap import tile_overlap
from scalewise.restoring.cascade import plan_cascade
from scalewise.restoring.sizes import Target
from scalewise.restoring.tiling import spans
from scalewise.weights import cascade_of, clean_sibling, resolve
from scalewise.weights.card import Card

_TILE = 640
_NEW_WEIGHT = 0.5
_ENCODED_PER_SECOND = 20e6
"""Output pixels that are encoded per second, until a job has been measured."""
_TRUSTED_PART = 0.25
"""The part of an image after which its own speed is all that counts."""


@dataclass(frozen=True)
class Work:
    """The cost of an image.

    Attributes:
        pixels: input pixels of each model, with the overlaps of its tiles.
        result_pixels: pixels of the result, which are encoded.
    """

    pixels: Sequence[tuple[str, int]]
    result_pixels: int


def work_of(card: Card, target: Target, strength: float, width: int, height: int) -> Work:
    """Return what an image costs with a model, and the models that follow it.

    Args:
        card: of the model that is chosen.
        target: the size of the result.
        strength: part of the change that is kept; below 1, a sibling may run as well.
        width, height: of the image.
    """
    cards = [card, *(resolve(name).card for name in cascade_of(card))]
    plan = plan_cascade(height, width, target, [each.scale for each in cards])
    found: list[tuple[str, int]] = []
    for step, scale in enumerate(plan.scales):
        fitting = [each for each in cards if each.scale == scale]
        model = fitting[-1] if step else fitting[0]
        pixels = _tiled_pixels(height, width, model.multiple)
        found.append((model.name, pixels))
        if not step and strength < 1 and (sibling := clean_sibling(card)) is not None:
            found.append((resolve(sibling).card.name, pixels))
        height, width = height * scale, width * scale
    return Work(found, plan.width * plan.height)


def _tiled_pixels(height: int, width: int, multiple: int) -> int:
    """Return the pixels that a network is given, since tiles overlap."""
    overlap = tile_overlap(multiple)
    pixels = 1
    for side in (height, width):
        padded = -(-side // multiple) * multiple
        pixels *= sum(span.length for span in spans(padded, _TILE, overlap, multiple))
    return pixels


class Speeds:
    """Measured speeds, in seconds per pixel; threads may share them."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._measured_by_jobs: set[str] = set()
        self._encoding = 1 / _ENCODED_PER_SECOND
        self._lock = Lock()

    def knows(self, model: str) -> bool:
        """Return whether a model was measured."""
        return model in self._seconds

    def add_sample(self, model: str, pixels: int, seconds: float) -> None:
        """Take a speed that was measured on a small image, where no job has told a better one."""
        with self._lock:
            if model not in self._measured_by_jobs:
                self._seconds[model] = seconds / pixels

    def add_job(self, work: Work, seconds: float, encoding_seconds: float) -> None:
        """Take the time of a job; of several models, all are taken to be wrong by one factor."""
        with self._lock:
            rates = [self._seconds.get(model) for model, _ in work.pixels]
            total = sum(pixels for _, pixels in work.pixels)
            if not total or seconds <= 0:
                return
            known = [rate for rate in rates if rate is not None]
            mean = sum(known) / len(known) if known else seconds / total
            given = [mean if rate is None else rate for rate in rates]
            expected = sum(r * pixels for r, (_, pixels) in zip(given, work.pixels, strict=True))
            for rate, (model, _) in zip(given, work.pixels, strict=True):
                measured = rate * seconds / expected
                is_first = model not in self._measured_by_jobs
                weight = 1.0 if is_first else _NEW_WEIGHT
                self._seconds[model] = rate + weight * (measured - rate)
                self._measured_by_jobs.add(model)
            measured = encoding_seconds / work.result_pixels
            self._encoding += _NEW_WEIGHT * (measured - self._encoding)

    def network_seconds(self, work: Work) -> float | None:
        """Return the time that the networks will take; None while one was never measured."""
        with self._lock:
            if not all(model in self._seconds for model, _ in work.pixels):
                return None
            return sum(self._seconds[model] * pixels for model, pixels in work.pixels)

    def encoding_seconds(self, work: Work) -> float:
        """Return the time after the networks, in which the result is encoded."""
        return self._encoding * work.result_pixels

    def seconds(self, work: Work) -> float | None:
        """Return the time that an image will take; None while a model was never measured."""
        network = self.network_seconds(work)
        return None if network is None else network + self.encoding_seconds(work)


class RemainingTime:
    """The remaining time of a job: as estimated before, and ever more as measured.

    Args:
        expected: the estimated time of the networks; None if there is none.
        encoding: the estimated time after them.
    """

    def __init__(self, expected: float | None, encoding: float) -> None:
        self._expected = expected
        self._encoding = encoding
        self._start = time.monotonic()

    def left(self, part: float) -> float | None:
        """Return the remaining seconds when a part of the networks' work is done."""
        passed = time.monotonic() - self._start
        measured = passed / part if part else None
        total = self._expected if measured is None else measured
        if measured is not None and self._expected is not None:
            trust = min(1.0, part / _TRUSTED_PART)
            total = self._expected + trust * (measured - self._expected)
        return None if total is None else max(total - passed, 0.0) + self._encoding
