"""Denoising without a network, against a released one: scores, processor time, and an image.

The document's future directions name non-local means and wavelets as alternatives to a learned
denoising block.  They are also measured where that block stands: ahead of a network that enlarges.
Nothing is trained for this comparison.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from scalewise.data.layouts import Dataset
from scalewise.errors import ScalewiseError
from scalewise.evaluating.compare import compare
from scalewise.evaluating.evaluate import (
    Evaluation,
    Restore,
    bicubic,
    classical_restoration,
    evaluate,
    restoration,
    to_score,
    unchanged,
)
from scalewise.evaluating.task_protocols import evaluation_protocol
from scalewise.experiments.data import SCALE, noisy_enlarging
from scalewise.experiments.denoising_results import (
    Alternative,
    Enlarged,
    EnlargedBy,
    NoiseLevel,
)
from scalewise.experiments.measurement import sample_scores, titled
from scalewise.experiments.plan import DenoisingTest
from scalewise.experiments.results import (
    ALTERNATIVES,
    BICUBIC,
    ENLARGED_FILE,
    STRIP_FILE,
    Sample,
    save_json,
)
from scalewise.files import Picture, write
from scalewise.restoring.classical import CLASSICAL, check_method
from scalewise.restoring.loading import LoadOptions, load
from scalewise.restoring.restorer import Restorer
from scalewise.tasks import DENOISE, PHOTO, SUPER_RESOLUTION
from scalewise.training.log import Notify
from scalewise.training.machine import processor_name
from scalewise.weights import default_model

OPTIONS = LoadOptions(precision="f32", tile=None, threads=1)

CROP = 128
"""Side of the crop in the middle of the image that is shown, in pixels."""


def measure_alternatives(
    test: DenoisingTest, sets: Mapping[str, Dataset], image: Path, folder: Path, notify: Notify
) -> None:
    """Measure what is missing: a file per noise level, and one image denoised by every method.

    Args:
        test: what to measure; there is no :func:`obstacle`.
        sets: test sets by name.
        image: the image that the report shows.
        folder: of the reproduction.
        notify: called with one line of text per step.

    Raises:
        ScalewiseError: an image cannot be read.
    """
    missing = missing_alternatives(test, folder)
    dataset = spread(sets[test.dataset], test.images)
    restorer = load(default_model(DENOISE.name), OPTIONS)
    for sigma in test.sigmas:
        if (path := _level_path(folder, sigma)) in missing:
            notify(f"measuring denoising with and without a network at sigma {sigma}")
            save_json(_measure(dataset, test.dataset, sigma, restorer), path)
    if (path := folder / ALTERNATIVES / STRIP_FILE) in missing:
        save_json(_make_strip(image, test.shown_sigma, restorer, path), path)
    if (path := folder / ALTERNATIVES / ENLARGED_FILE) in missing:
        notify(f"measuring denoising ahead of enlarging at sigma {test.enlarged_sigma}")
        found = _measure_enlarging(dataset, test.dataset, test.enlarged_sigma, restorer)
        save_json(found, path)


def missing_alternatives(test: DenoisingTest, folder: Path) -> list[Path]:
    """Return the files of a test that a reproduction's folder lacks."""
    others = [folder / ALTERNATIVES / name for name in (STRIP_FILE, ENLARGED_FILE)]
    paths = [*(_level_path(folder, sigma) for sigma in test.sigmas), *others]
    return [path for path in paths if not path.is_file()]


def obstacle(test: DenoisingTest, sets: Mapping[str, Dataset]) -> str | None:
    """Return why a test cannot be done: its set, or a package of the methods, is missing."""
    if test.dataset not in sets:
        return f"put {test.dataset} ({test.source}) into eval/{test.dataset} of the data"
    try:
        check_method("nlm")
    except ScalewiseError as error:
        return str(error)
    return None


def _level_path(folder: Path, sigma: int) -> Path:
    return folder / ALTERNATIVES / f"sigma{sigma}.json"


def spread(dataset: Dataset, count: int) -> Dataset:
    """Return a dataset with at most so many of its images, spread evenly over it."""
    items = dataset.items
    count = min(count, len(items))
    return replace(dataset, items=tuple(items[n * len(items) // count] for n in range(count)))


def _methods(sigma: float, restorer: Restorer) -> list[tuple[str, Restore]]:
    """Return names and restorations: noisy images first, the network last."""
    return [
        (DENOISE.baseline, unchanged),
        *((method, classical_restoration(method, sigma)) for method in CLASSICAL),
        (restorer.name, restoration(restorer)),
    ]


def _measure(dataset: Dataset, name: str, sigma: float, restorer: Restorer) -> NoiseLevel:
    protocol = evaluation_protocol(DENOISE.name, sigma=sigma)
    methods: list[Alternative] = []
    for method, restore in _methods(sigma, restorer):
        restore(np.random.default_rng(0).uniform(0, 255, (64, 64, 3)))  # imports and compilation
        images = list(evaluate(restore, dataset, 1, protocol, clock=time.process_time))
        scored = Evaluation(method, name, protocol, "f32" if methods else "f64", images)
        seconds = scored.seconds_per_megapixel
        methods.append(Alternative(score=to_score(scored), seconds=seconds))
    return NoiseLevel(sigma=sigma, processor=processor_name(), methods=methods)


def _measure_enlarging(dataset: Dataset, name: str, sigma: float, denoiser: Restorer) -> Enlarged:
    """Enlarge noisy images by a network alone, after each denoising, and by one that does both."""
    protocol = noisy_enlarging(sigma)
    plain, joint = (
        load(default_model(x, SCALE), OPTIONS) for x in (SUPER_RESOLUTION.name, PHOTO.name)
    )
    enlarge = restoration(plain)

    def after(denoise: Restore) -> Restore:
        return lambda image: enlarge(denoise(image))

    cleaners = {x: classical_restoration(x, sigma) for x in CLASSICAL}
    ways: dict[str, Restore] = {
        BICUBIC: bicubic(SCALE),
        plain.name: enlarge,
        **{f"{x}, {plain.name}": after(clean) for x, clean in cleaners.items()},
        f"{denoiser.name}, {plain.name}": after(restoration(denoiser)),
        joint.name: restoration(joint),
    }
    methods: list[EnlargedBy] = []
    for way, restore in ways.items():
        images = list(evaluate(restore, dataset, SCALE, protocol))
        score = to_score(Evaluation(way, name, protocol, "f32" if methods else "f64", images))
        methods.append(EnlargedBy(score=score, psnr_y=[each.psnr_y for each in images]))
    return Enlarged(sigma=sigma, network=plain.name, joint=joint.name, methods=methods)


def _make_strip(image: Path, sigma: float, restorer: Restorer, path: Path) -> Sample:
    """Denoise an image by every method, and write them side by side next to a path."""
    protocol = evaluation_protocol(DENOISE.name, sigma=sigma)
    comparison = compare(image, _methods(sigma, restorer), 1, protocol)
    height, width = comparison.truth.shape[:2]
    side = min(CROP, height, width)
    crop = ((height - side) // 2, (width - side) // 2, side)
    sheet = path.with_suffix(".png")
    write(sheet, Picture(titled(comparison).sheet(crop=crop)))
    scores = sample_scores(image.stem, protocol, comparison)
    return Sample(name=image.stem, sheet=sheet.name, scores=scores)
