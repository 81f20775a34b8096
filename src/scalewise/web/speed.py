"""Speed of the models on this machine, and the time that an image will take."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from scalewise.models.tile_overlap import tile_overlap
from scalewise.restoring.cascade import plan_cascade, steps_of
from scalewise.restoring.sizes import Target
from scalewise.restoring.tiling import spans
from scalewise.web.catalogue import Chain

_TILE = 640
_TILE_PIXELS = _TILE**2
"""Work below which the rest of a job, such as loading, hides how long the work took."""
_OVERHEAD_SECONDS = 2.0
"""Time that such a rest may take on any machine."""
_MOST_EVIDENCE = 10e6
"""Pixels after which older measurements count no more than newer ones."""
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
        format: of the result, as its encoder's speed is its own.
    """

    pixels: Sequence[tuple[str, int]]
    result_pixels: int
    format: str = ""


def work_of(
    chain: Chain, target: Target, strength: float, width: int, height: int, format: str = ""
) -> Work:
    """Return what an image costs with a model, and the models that follow it.

    Args:
        chain: the model that is chosen, and its relations.
        target: the size of the result.
        strength: part of the change that is kept; below 1, a sibling may run as well, at 0 alone.
        width, height: of the image.
        format: of the result.
    """
    cards = [chain.card, *chain.following]
    plan = plan_cascade(height, width, target, [each.scale for each in cards], strength)
    found: list[tuple[str, int]] = []
    for model in steps_of(cards, plan):
        pixels = _tiled_pixels(height, width, model.multiple)
        sibling = chain.sibling if model is chain.card and strength < 1 else None
        if sibling is None or strength:
            found.append((model.name, pixels))
        if sibling is not None:
            found.append((sibling.name, pixels))
        height, width = height * model.scale, width * model.scale
    return Work(found, plan.width * plan.height, format)


def _tiled_pixels(height: int, width: int, multiple: int) -> int:
    """Return the pixels that a network is given, since tiles overlap."""
    overlap = tile_overlap(multiple)
    pixels = 1
    for side in (height, width):
        padded = -(-side // multiple) * multiple
        pixels *= sum(span.length for span in spans(padded, _TILE, overlap, multiple))
    return pixels


@dataclass
class _Cost:
    """Cost of one kind of work: what each job takes in any case, and what each pixel takes.

    Attributes:
        rate: seconds per pixel.
        overhead: seconds per job.
        evidence: pixels by which the rate was found.
    """

    rate: float
    overhead: float = 0.0
    evidence: float = _TILE_PIXELS

    def seconds(self, pixels: int) -> float:
        """Return the time of a job."""
        return self.overhead + self.rate * pixels

    def learn_overhead(self, pixels: int, rest: float) -> None:
        """Take what a job took besides the work, of which only a small one tells."""
        weight = _NEW_WEIGHT * (1 - _size(pixels)) ** 2
        self.overhead += weight * (max(rest, 0.0) - self.overhead)

    def learn_rate(self, pixels: int, seconds: float) -> None:
        """Take how long the work of a job took: the more of it, the surer, and the further."""
        most = 1 + 4 * pixels / _TILE_PIXELS
        seconds = min(seconds, most * self.rate * pixels)
        trust = _trust(pixels, seconds)
        weight = trust * pixels / (pixels + self.evidence)
        self.rate += weight * (seconds / pixels - self.rate)
        self.evidence = min(self.evidence + trust * pixels, _MOST_EVIDENCE)


def _size(pixels: int) -> float:
    """Return how large a job is: 0 without any work, and 1 with much more than a tile."""
    return pixels / (pixels + _TILE_PIXELS)


def _trust(pixels: int, seconds: float) -> float:
    """Return how far the time of a job is that of its work, in [0, 1]."""
    told = seconds * _size(pixels)
    return told / (told + _OVERHEAD_SECONDS)


def _by_model(work: Work) -> Mapping[str, int]:
    """Return the pixels of each model, which may run more than once."""
    pixels: Counter[str] = Counter()
    for model, count in work.pixels:
        pixels[model] += count
    return pixels


class Speeds:
    """Measured speeds; threads may share them.

    A job's time is that of its pixels and an overhead. So a small one says nearly nothing about
    large ones, and each model and each format is measured for itself.
    """

    def __init__(self) -> None:
        self._models: dict[str, _Cost] = {}
        self._formats: dict[str, _Cost] = {}
        self._lock = Lock()

    def knows(self, model: str) -> bool:
        """Return whether a model was measured."""
        return model in self._models

    def add_sample(self, model: str, pixels: int, seconds: float) -> None:
        """Take a speed that was measured on a small image, where no job has told a better one."""
        with self._lock:
            self._models.setdefault(model, _Cost(seconds / pixels))

    def add_job(self, work: Work, seconds: float, encoding_seconds: float) -> None:
        """Take the time of a job; of several models, the one that is known worse is wrong."""
        with self._lock:
            pixels = _by_model(work)
            if pixels and seconds > 0:
                self._learn(pixels, seconds)
            if work.result_pixels and encoding_seconds > 0:
                cost = self._formats.setdefault(work.format, _Cost(1 / _ENCODED_PER_SECOND))
                rest = encoding_seconds - cost.rate * work.result_pixels
                cost.learn_overhead(work.result_pixels, rest)
                left = max(encoding_seconds - cost.overhead, 0.0)
                cost.learn_rate(work.result_pixels, left)

    def _learn(self, pixels: Mapping[str, int], seconds: float) -> None:
        known = [(self._models[model], n) for model, n in pixels.items() if model in self._models]
        unknown = {model: n for model, n in pixels.items() if model not in self._models}
        error = seconds - sum(cost.rate * n for cost, n in known)
        if unknown:
            count = sum(unknown.values())
            if count >= _TILE_PIXELS and error > 0:
                evidence = _trust(count, error) * count
                self._models |= {m: _Cost(error / count, 0.0, evidence) for m in unknown}
            return
        for cost, n in known:
            cost.learn_overhead(n, error / len(known))
        error -= sum(cost.overhead for cost, _ in known)
        doubts = [cost.rate * n / cost.evidence for cost, n in known]
        for doubt, (cost, n) in zip(doubts, known, strict=True):
            expected = cost.rate * n
            measured = expected + error * doubt / sum(doubts)
            cost.learn_rate(n, max(measured, 0.1 * expected))

    def network_seconds(self, work: Work) -> float | None:
        """Return the time that the networks will take; None while one was never measured."""
        with self._lock:
            pixels = _by_model(work)
            if not all(model in self._models for model in pixels):
                return None
            return sum(self._models[model].seconds(n) for model, n in pixels.items())

    def encoding_seconds(self, work: Work) -> float:
        """Return the time besides the networks, in which the result is encoded."""
        cost = self._formats.get(work.format)
        return (cost or _Cost(1 / _ENCODED_PER_SECOND)).seconds(work.result_pixels)

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
