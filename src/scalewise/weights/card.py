"""Model cards: a released network's task, settings, training data and scores."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cache
from math import inf
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from scalewise.arguments import AnyPath, counted, path_of
from scalewise.errors import ScalewiseError

CARD_FILE = "card.json"
GRAPH_FILE = "model.onnx"
INT8_FILE = "model.int8.onnx"
WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True, kw_only=True)
class Score:
    """A measured score and all that it depends on.

    Attributes:
        model: what was measured: the card's model, or a baseline such as ``bicubic``.
        dataset: the folder's name.
        images: number of images in it.
        protocol: name of the evaluation protocol.
        precision: number format that the runtime computed in.
        psnr, psnr_y, ssim: means over the images; dB, dB, and at most 1.
        version: scalewise's version.
        psnr_b: mean over the images, in dB; None if the protocol does not measure it.
        encoded: one SHA-256 for all encoded input files; None if inputs were not encoded.
    """

    model: str
    dataset: str
    images: int
    protocol: str
    precision: str
    psnr: float
    psnr_y: float
    ssim: float
    version: str
    psnr_b: float | None = None
    encoded: str | None = None


@dataclass(frozen=True, kw_only=True)
class Start:
    """The weights that a training started from.

    Attributes:
        model: name of the released model, or of the checkpoint's file.
        sha256: checksum of its weights.
        steps: optimizer steps that made them; None if the file does not say.
        seconds: training time that made them; None if the file does not say.
    """

    model: str
    sha256: str
    steps: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """A stronger model, whose images were training targets in addition to the ground truth.

    Attributes:
        name: the model's name.
        licence: the licence of its images.
        share: weight of its images in the loss, in (0, 1].
        until: part of the budget after which the ground truth was the only target.
    """

    name: str
    licence: str
    share: float
    until: float


@dataclass(frozen=True, kw_only=True)
class Averaged:
    """Another model, whose weights were averaged with those of a training.

    Attributes:
        model: name of the released model, or of the checkpoint's file.
        sha256: checksum of its weights.
        share: its part of the average, in (0, 1).
    """

    model: str
    sha256: str
    share: float


@dataclass(frozen=True, kw_only=True)
class Training:
    """The training that made the weights.

    Attributes:
        recipe: every setting of the run.
        steps: optimizer steps taken by the released weights.
        seconds: training time.
        progress: completed part of the recipe's budget, in [0, 1].
        pictures: number of training images.
        licences: number of these images under each licence.
        start: the weights it started from; None for training from scratch.
        validated: PSNR-Y in dB on the recipe's first validation set; None without one.
        validated_start: the same before the first step, for weights that were already trained.
        teachers: the stronger models that it learned from, one for each teacher in the stores.
        averaged: the model that its weights were averaged with; None for its own weights.
    """

    recipe: dict[str, Any]
    steps: int
    seconds: float
    progress: float
    pictures: int
    licences: dict[str, int]
    start: Start | None = None
    validated: float | None = None
    validated_start: float | None = None
    teachers: list[Teacher] = field(default_factory=list[Teacher])
    averaged: Averaged | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Card:
    """A released network.

    Attributes:
        name: its name on the command line.
        summary: one sentence.
        task: its task, a name of :func:`scalewise.tasks.list_tasks`.
        scale: output over input size.
        channels: 1 (grey) or 3 (RGB).
        architecture: its name in the registry of models, and its ``settings`` there.
        parameters: number of trained parameters.
        multiple: the graph needs heights and widths that are multiples of this.
        tiling: how it may be cut into tiles; see :mod:`scalewise.models.base`.
        licence: licence of the weights.
        training: the training that made the weights.
        sha256: checksums of the graphs and the weights, by file name.
        scores: its scores, and those of the bicubic baseline.
        aims: targets in dB, by dataset (PSNR-Y under the protocol ``field``),
            ``dataset:protocol``, or ``dataset:protocol:psnr`` for PSNR over RGB.
        default: use it for its task and scale if no model is named.
        clean_sibling: the model of the same scale for clean images, which is blended with it at a
            strength below 1; None for the default of super-resolution.
        cascade: the next models, which process its results or images of another size.
    """

    name: str
    summary: str
    task: str
    scale: int
    channels: int
    architecture: str
    settings: dict[str, Any]
    parameters: int
    multiple: int
    tiling: Literal["exact", "blended", "whole"]
    licence: str
    training: Training
    sha256: dict[str, str]
    scores: list[Score] = field(default_factory=list[Score])
    aims: dict[str, float] = field(default_factory=dict[str, float])
    default: bool = False
    clean_sibling: str | None = None
    cascade: list[str] = field(default_factory=list[str])

    def __repr__(self) -> str:
        return (
            f"Card({self.name!r}: {self.task} x{self.scale}, {self.architecture}, "
            f"{self.parameters:,} parameters, {self.licence})"
        )

    def score(self, dataset: str, protocol: str = "field", precision: str = "f32") -> Score | None:
        """Return the network's own score on a dataset, if it was measured."""
        wanted = (self.name, dataset, protocol, precision)
        return next((score for score in self.scores if _measurement(score) == wanted), None)

    def cost_of(self, precision: str) -> float:
        """Return the loss of a precision in dB, in RGB or luma, whichever is more.

        It is the mean over the sets and protocols that were measured both in it and in float32;
        infinity if none was.
        """
        costs = self._costs_of(precision)
        return max(map(fmean, zip(*costs, strict=True)), default=inf)

    def _costs_of(self, precision: str) -> list[tuple[float, float]]:
        """Return the losses in RGB and luma for each set and protocol."""
        costs: list[tuple[float, float]] = []
        for rounded in self.scores:
            exact = self.score(rounded.dataset, rounded.protocol)
            is_own = (rounded.model, rounded.precision) == (self.name, precision)
            if is_own and exact is not None:
                costs.append((exact.psnr - rounded.psnr, exact.psnr_y - rounded.psnr_y))
        return costs

    def describe_cost(self, precision: str) -> str:
        """Say what a precision costs, and on how many sets; empty where nobody measured it."""
        count = len(self._costs_of(precision))
        cost = self.cost_of(precision)
        if not count:
            return ""
        verb = "costs" if cost >= 0 else "gains"
        return f"{verb} {abs(cost):.4f} dB on average over {counted(count, 'set')}"


def with_scores(card: Card, scores: list[Score]) -> Card:
    """Return a card with new scores, which replace those of the same measurements."""
    measured = {_measurement(score) for score in scores}
    kept = [score for score in card.scores if _measurement(score) not in measured]
    return replace(card, scores=[*kept, *scores])


def _measurement(score: Score) -> tuple[str, str, str, str]:
    return score.model, score.dataset, score.protocol, score.precision


def read_card(folder: AnyPath) -> Card:
    """Read the card of a released model's folder.

    Raises:
        ScalewiseError: there is no card, or it is not valid.
    """
    folder = path_of(folder, "folder")
    path = folder / CARD_FILE
    try:
        return _checks().validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise ScalewiseError(f"{folder}: not a released model (no {CARD_FILE})") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ScalewiseError(f"{path}: not a valid card: {key}: {first['msg']}") from error


@cache  # building the checks takes far longer than using them
def _checks() -> TypeAdapter[Card]:
    return TypeAdapter(Card)


def checked_file(folder: Path, card: Card, name: str) -> Path:
    """Return the path of a released model's file, after its checksum agreed with the card.

    Raises:
        ScalewiseError: missing, or not the file that the card describes.
    """
    path = folder / name
    if not path.is_file():
        raise ScalewiseError(f"{path}: missing; install the model again")
    if sha256(path) != card.sha256.get(name):
        raise ScalewiseError(f"{path}: damaged (its checksum is not the card's); install it again")
    return path


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
