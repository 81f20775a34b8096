"""Evaluation of a restoration on a dataset, under a protocol."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scalewise.atomic import write_atomic
from scalewise.data.layouts import Dataset
from scalewise.data.reading import read_own_lr, read_rgb
from scalewise.errors import ScalewiseError, TooSmall
from scalewise.imaging.protocols import Protocol
from scalewise.imaging.resize import imresize
from scalewise.restoring.cascade import upscale_array
from scalewise.weights.card import Score

if TYPE_CHECKING:
    from scalewise.imaging.metric_registry import Metric
    from scalewise.restoring.classical import ClassicalMethod
    from scalewise.restoring.restorer import Restorer

Restore = Callable[[NDArray[Any]], NDArray[Any]]
"""A restoration: (H, W, 3) to (scale H, scale W, 3), uint8 or floating in levels of 255."""


@dataclass(frozen=True)
class ImageScore:
    """One image's scores (PSNR, PSNR-Y and PSNR-B in dB, SSIM) and its time.

    Attributes:
        name: the image's name in its dataset.
        width, height: size of the ground truth, before the border is cropped for the scores.
        psnr_b: None if the protocol does not measure it.
        seconds: time of the restoration, by the clock of :func:`evaluate`; nan for results that
            were there already.
        encoded: SHA-256 of the encoded input file; None if the input was not encoded.
        extra: values of other metrics, by their names.
        truth_sha256: SHA-256 of the ground truth's file.
        result_sha256: SHA-256 of the result's file; None if the result was not in one.
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
    extra: Mapping[str, float] = field(default_factory=dict[str, float])
    truth_sha256: str | None = None
    result_sha256: str | None = None

    def value(self, metric: str) -> float:
        """Return the value of a metric by its name."""
        return self.extra[metric] if metric in self.extra else float(getattr(self, metric))


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model on a dataset; means are over images.

    Attributes:
        model: name of the model or baseline.
        dataset: the dataset's name.
        protocol: how images were prepared and scored.
        precision: number format that the runtime computed in; empty for results in files.
        images: the scores of every image.
        weights: SHA-256 of the model's weights; None for a method without.
    """

    model: str
    dataset: str
    protocol: Protocol
    precision: str
    images: list[ImageScore]
    weights: str | None = None

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
        """Mean PSNR-B of Y in dB; None if it was not measured."""
        values = [image.psnr_b for image in self.images if image.psnr_b is not None]
        return _mean(values) if values else None

    @property
    def encoded(self) -> str | None:
        """SHA-256 over the SHA-256s (in hexadecimal, in order) of the encoded input files."""
        return self._digest("encoded")

    @property
    def truth_sha256(self) -> str | None:
        """SHA-256 over the SHA-256s (in hexadecimal, in order) of the ground truths' files."""
        return self._digest("truth_sha256")

    @property
    def result_sha256(self) -> str | None:
        """SHA-256 over those of the results' files, or that of the model's weights."""
        return self._digest("result_sha256") or self.weights

    def values(self, metric: str) -> list[float]:
        """Return the values of a metric, image by image."""
        return [image.value(metric) for image in self.images]

    @property
    def seconds_per_megapixel(self) -> float:
        """Seconds per megapixel of output, over the whole dataset."""
        pixels = sum(image.width * image.height for image in self.images)
        return sum(image.seconds for image in self.images) / (pixels / 1e6)

    def _digest(self, kind: str) -> str | None:
        digests = [each for image in self.images if (each := getattr(image, kind)) is not None]
        return hashlib.sha256("".join(digests).encode()).hexdigest() if digests else None


def evaluate(
    restore: Restore,
    dataset: Dataset,
    scale: int,
    protocol: Protocol,
    clock: Callable[[], float] = time.perf_counter,
    metrics: Sequence[Metric] = (),
    leave_out: Callable[[str], None] | None = None,
) -> Iterator[ImageScore]:
    """Score a restoration on a dataset, image by image.

    Args:
        restore: the restoration to evaluate.
        dataset: HR files, with LR files of the scale or without; missing LR images are made.
        scale: output over input size.
        protocol: how images are prepared and scored.
        clock: measures the restorations, in seconds; ``time.process_time`` leaves out the time
            that other processes take.
        metrics: those to measure besides what the protocol always does.
        leave_out: called with a line for each image that is too small, which is left out then; by
            default one is an error.

    Raises:
        ScalewiseError: an image cannot be read, its LR image has the wrong size, or it is too
            small for a metric.
    """
    for item in dataset.items:
        hr = read_rgb(item.hr)
        lr = read_own_lr(item, hr, scale)
        try:
            given, truth, encoded = protocol.case(hr, lr, scale, item.name)
            start = clock()
            restored = restore(given)
            seconds = clock() - start
            image = score_image(item.name, restored, truth, scale, protocol, metrics)
        except ScalewiseError as error:
            line = f"{item.hr}: {error}"
            if leave_out is None or not isinstance(error, TooSmall):
                raise ScalewiseError(line) from error
            leave_out(line)
            continue
        yield replace(
            image,
            seconds=seconds,
            encoded=None if encoded is None else hashlib.sha256(encoded).hexdigest(),
            truth_sha256=sha256_of(item.hr),
        )


def score_image(
    name: str,
    restored: NDArray[Any],
    truth: NDArray[np.uint8],
    scale: int,
    protocol: Protocol,
    metrics: Sequence[Metric] = (),
) -> ImageScore:
    """Return the scores of one image, without time and hashes.

    Raises:
        ScalewiseError: the sizes differ, or are too small for a metric.
    """
    scores = protocol.score(restored, truth, scale)
    views = protocol.views(restored, truth, scale) if metrics else None
    extra = {metric.name: metric.measure(views) for metric in metrics if views is not None}
    height, width = truth.shape[:2]
    return ImageScore(name, width, height, *scores, float("nan"), extra=extra)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bicubic(scale: int) -> Restore:
    """Return the baseline for scales above 1: MATLAB's bicubic enlargement."""
    return lambda image: imresize(image, scale)


def baseline(scale: int) -> Restore:
    """Return the baseline of a scale: bicubic enlargement, or the unchanged input at scale 1."""
    return bicubic(scale) if scale > 1 else unchanged


def unchanged(image: NDArray[Any]) -> NDArray[Any]:
    """Return the input unchanged: the baseline at scale 1."""
    return image


def restoration(restorer: Restorer) -> Restore:
    """Return a network's restoration.

    Floating-point images are in levels of 255; they are not clipped before the network.
    """

    def restore(image: NDArray[Any]) -> NDArray[Any]:
        if image.dtype == np.uint8:
            return restorer.restore(image)
        return upscale_array((image / 255).astype(np.float32), [restorer]) * 255

    return restore


def classical_restoration(method: ClassicalMethod, sigma: float) -> Restore:
    """Return denoising without a network, at a known standard deviation in levels of 255."""
    from scalewise.restoring.classical import denoise

    return lambda image: denoise(image / 255, method, sigma) * 255


def write_csv(evaluations: list[Evaluation], path: Path, *, overwrite: bool = True) -> None:
    """Write every image's scores, each row with method, dataset, protocol and precision.

    Each metric has one column, which is empty where it was not measured.

    Raises:
        ScalewiseError: there is such a file, and ``overwrite`` is False.
    """
    names = [field.name for field in fields(ImageScore) if field.name != "extra"]
    extra = {name: 0 for each in evaluations for image in each.images for name in image.extra}
    columns = [*names, *(name for name in extra if name not in names)]
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["method", "dataset", "protocol", "precision", *columns])
    for evaluation in evaluations:
        context = [evaluation.model, evaluation.dataset, evaluation.protocol.name]
        for image in evaluation.images:
            row = [image.extra.get(name, getattr(image, name, None)) for name in columns]
            cells = ["" if each is None or each != each else each for each in row]  # nan
            writer.writerow([*context, evaluation.precision, *cells])
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file name need not be valid text.
    content = table.getvalue().encode(errors="backslashreplace")
    write_atomic(path, content, overwrite=overwrite)


def to_score(evaluation: Evaluation) -> Score:
    """Return the means as a score for a model's card."""
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
