"""Evaluating: restore a dataset's pictures and score them under a protocol."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scalewise.atomic import write_atomic
from scalewise.data.layouts import Dataset
from scalewise.data.reading import read_own_lr, read_rgb
from scalewise.errors import ScalewiseError
from scalewise.imaging.protocols import Protocol
from scalewise.imaging.resize import imresize
from scalewise.weights.card import Score

if TYPE_CHECKING:
    from scalewise.restoring.restorer import Restorer

Restore = Callable[[NDArray[Any]], NDArray[Any]]
"""A restoration: (H, W, 3) to (scale H, scale W, 3), uint8 or floating in levels of 255."""


@dataclass(frozen=True)
class ImageScore:
    """One picture's scores: PSNR, PSNR-Y and PSNR-B in dB, SSIM; and what it cost.

    Attributes:
        name: the picture's name in its dataset.
        width, height: of the truth, as scored before cropping the border.
        psnr_b: None where the protocol does not measure it.
        seconds: that restoring took.
        encoded: SHA-256 of the file that the input was in; None where it was in none.
    """

    name: str
    width: int
    height: int
    psnr: float
    psnr_y: float
    ssim: float
    psnr_b: float | None
    seconds: float
    encoded: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """What a model scored on a dataset; the means are over images.

    Attributes:
        model: name of the model or baseline.
        dataset: what the dataset is called.
        protocol: how it was measured.
        precision: what the runtime computed in.
        images: every picture's scores.
    """

    model: str
    dataset: str
    protocol: Protocol
    precision: str
    images: list[ImageScore]

    @property
    def psnr(self) -> float:
        """Mean RGB PSNR in dB."""
        return _mean([image.psnr for image in self.images])

    @property
    def psnr_y(self) -> float:
        """Mean PSNR of Y in dB."""
        return _mean([image.psnr_y for image in self.images])

    @property
    def ssim(self) -> float:
        """Mean SSIM of Y."""
        return _mean([image.ssim for image in self.images])

    @property
    def psnr_b(self) -> float | None:
        """Mean PSNR-B of Y in dB; None where it was not measured."""
        values = [image.psnr_b for image in self.images if image.psnr_b is not None]
        return _mean(values) if values else None

    @property
    def encoded(self) -> str | None:
        """SHA-256 over the SHA-256s (in hexadecimal, in order) of the files that inputs were in."""
        digests = [image.encoded for image in self.images if image.encoded is not None]
        return hashlib.sha256("".join(digests).encode()).hexdigest() if digests else None

    @property
    def seconds_per_megapixel(self) -> float:
        """Seconds per megapixel of output, over the whole dataset."""
        pixels = sum(image.width * image.height for image in self.images)
        return sum(image.seconds for image in self.images) / (pixels / 1e6)


def evaluate(
    restore: Restore, dataset: Dataset, scale: int, protocol: Protocol
) -> Iterator[ImageScore]:
    """Score a restoration on a dataset, picture by picture.

    Args:
        restore: what is evaluated.
        dataset: with LR files of the scale, or HR only, whose LR is then made.
        scale: output over input size.
        protocol: how pictures are prepared and scored.

    Raises:
        ScalewiseError: a picture that cannot be read, or whose LR does not fit.
    """
    for item in dataset.items:
        hr = read_rgb(item.hr)
        lr = read_own_lr(item, hr, scale)
        try:
            given, truth, encoded = protocol.case(hr, lr, scale, item.name)
            start = time.perf_counter()
            restored = restore(given)
            seconds = time.perf_counter() - start
            scores = protocol.score(restored, truth, scale)
        except ScalewiseError as error:
            raise ScalewiseError(f"{item.hr}: {error}") from error
        height, width = truth.shape[:2]
        digest = None if encoded is None else hashlib.sha256(encoded).hexdigest()
        yield ImageScore(item.name, width, height, *scores, seconds, digest)


def bicubic(scale: int) -> Restore:
    """The baseline where pictures grow: MATLAB's bicubic enlargement."""
    return lambda image: imresize(image, scale)


def baseline(scale: int) -> Restore:
    """What networks are compared with: bicubic where pictures grow, else the input as it is."""
    return bicubic(scale) if scale > 1 else unchanged


def unchanged(image: NDArray[Any]) -> NDArray[Any]:
    """The baseline where pictures keep their size: the input as it is."""
    return image


def restoration(restorer: Restorer) -> Restore:
    """What a network makes of pictures; floating ones are in levels of 255, and stay unclipped
    until they are in it."""

    def restore(image: NDArray[Any]) -> NDArray[Any]:
        if image.dtype == np.uint8:
            return restorer.restore(image)
        return restorer.restore((image / 255).astype(np.float32)) * 255

    return restore


def write_csv(evaluations: list[Evaluation], path: Path) -> None:
    """Write every picture's scores, with all that they depend on in each row."""
    names = [field.name for field in fields(ImageScore)]
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["model", "dataset", "protocol", "precision", *names])
    for evaluation in evaluations:
        context = [evaluation.model, evaluation.dataset, evaluation.protocol.name]
        for image in evaluation.images:
            writer.writerow([*context, evaluation.precision, *astuple(image)])
    write_atomic(path, table.getvalue().encode())


def to_score(evaluation: Evaluation) -> Score:
    """The means, as they stand on a model's card."""
    return Score(
        model=evaluation.model,
        dataset=evaluation.dataset,
        images=len(evaluation.images),
        protocol=evaluation.protocol.name,
        precision=evaluation.precision,
        psnr=round(evaluation.psnr, 4),
        psnr_y=round(evaluation.psnr_y, 4),
        ssim=round(evaluation.ssim, 6),
        psnr_b=None if evaluation.psnr_b is None else round(evaluation.psnr_b, 4),
        encoded=evaluation.encoded,
        version=version("scalewise-restoration"),
    )


def _mean(values: list[float]) -> float:
    return float(np.mean(values))
