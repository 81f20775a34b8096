"""Scores, sample images and attention maps of trained networks."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scalewise.atomic import write_atomic
from scalewise.data.layouts import Dataset
from scalewise.data.reading import read_rgb
from scalewise.evaluating.compare import Comparison, compare
from scalewise.evaluating.evaluate import (
    Evaluation,
    ImageScore,
    Restore,
    bicubic,
    evaluate,
    restoration,
    to_score,
    unchanged,
)
from scalewise.experiments.artifacts import Artifacts, measure_artifacts
from scalewise.experiments.attention import ATTENTION_FILE, ATTENTION_MAPS, Attention, Border
from scalewise.experiments.data import CLEANED_BY, LENNA, SCALE, cleaning_sets
from scalewise.experiments.fidelity import Fidelity, measure_fidelity
from scalewise.experiments.queries import SHEET_TITLES
from scalewise.experiments.results import (
    ARTIFACTS_FILE,
    BICUBIC,
    FIDELITY_FILE,
    SAMPLES,
    SAMPLES_FILE,
    UNRESTORED,
    Measured,
    Sample,
    save_json,
)
from scalewise.files import Picture, write
from scalewise.imaging.colour import rgb_to_y
from scalewise.imaging.protocols import FIELD, PROTOCOLS, Protocol
from scalewise.models.adaptive import Adaptive, ScaleAttention
from scalewise.models.document_network import ResidualBlock
from scalewise.restoring.loading import LoadOptions, load_exported, load_trained
from scalewise.restoring.restorer import Restorer
from scalewise.tasks import get_task
from scalewise.weights.card import Score
from scalewise.weights.release import load_network, to_bytes

BORDER = 4
"""Width of the left border of the attention maps, in input pixels."""

ATTENTION_SIDE = 160
"""Longest side of the image for attention maps, in input pixels; larger images are cropped."""


def measure_run(run: Path, sets: dict[str, Dataset], protocols: Iterable[Protocol]) -> Measured:
    """Score a run's best weights, exported to ONNX as for a release, in float32.

    Raises:
        ScalewiseError: the run has no weights, or an image cannot be read.
    """
    network = load_network(run)
    restorer = load_exported(network, run.name, LoadOptions(precision="f32", tile=None))
    return Measured(
        weights=hashlib.sha256(to_bytes(network)).hexdigest(),
        scores=_scores(run.name, restoration(restorer), network.scale, "f32", sets, protocols),
    )


def measure_run_images(run: Path, images: Sequence[Path]) -> None:
    """Write artifacts and fidelity on each image, of a run's best weights, into its folder.

    Raises:
        ScalewiseError: the run has no weights, or an image cannot be read or is too small.
    """
    restorer = load_trained(run, LoadOptions(precision="f32", tile=None))
    methods = [(run.name, restoration(restorer))]
    artifacts: dict[str, Artifacts] = {}
    fidelity: dict[str, Fidelity] = {}
    for image in images:
        compared = compare(image, methods, SCALE, FIELD)
        artifacts[image.stem] = sample_artifacts(compared)[run.name]
        fidelity[image.stem] = measure_fidelity(compared.contenders[0].image, compared.truth)
    save_json(artifacts, run / ARTIFACTS_FILE)
    save_json(fidelity, run / FIDELITY_FILE)


def add_scores(measured: Measured, more: Measured) -> Measured:
    """Return the scores of both, of the same weights."""
    known = {(score.dataset, score.protocol) for score in measured.scores}
    new = [score for score in more.scores if (score.dataset, score.protocol) not in known]
    return replace(measured, scores=[*measured.scores, *new])


def unscored(measured: Measured, sets: dict[str, Dataset]) -> dict[str, Dataset]:
    """Return the sets without any score yet."""
    known = {score.dataset for score in measured.scores}
    return {name: dataset for name, dataset in sets.items() if name not in known}


def measure_bicubic(sets: dict[str, Dataset]) -> Measured:
    """Score bicubic enlargement under all super-resolution protocols."""
    restore, protocols = bicubic(SCALE), PROTOCOLS.values()
    return Measured(weights="", scores=_scores(BICUBIC, restore, SCALE, "f64", sets, protocols))


def measure_unrestored(sets: dict[str, Dataset]) -> Measured:
    """Score the degraded images themselves, or their bicubic enlargement, for cleaning tasks."""
    scores: list[Score] = []
    for task, (protocol, _) in CLEANED_BY.items():
        chosen, keeps_size = cleaning_sets(sets, task), get_task(task).keeps_size
        restore, scale = (unchanged, 1) if keeps_size else (bicubic(SCALE), SCALE)
        scores += _scores(UNRESTORED, restore, scale, "f64", chosen, [protocol])
    return Measured(weights="", scores=scores)


def _scores(
    name: str,
    restore: Restore,
    scale: int,
    precision: str,
    sets: dict[str, Dataset],
    protocols: Iterable[Protocol],
) -> list[Score]:
    scores: list[Score] = []
    for protocol in protocols:
        for dataset, items in sets.items():
            images = list(evaluate(restore, items, scale, protocol))
            of_set: dict[str, list[ImageScore]] = {dataset: images}
            if single := [image for image in images if image.name == LENNA]:
                of_set[LENNA] = single
            scores += [
                to_score(Evaluation(name, label, protocol, precision, each))
                for label, each in of_set.items()
            ]
    return scores


def make_samples(
    images: Sequence[Path], single: Path | None, restorers: Sequence[Restorer], folder: Path
) -> list[Sample]:
    """Halve images, restore them, and write a comparison sheet and the scores of each.

    Args:
        images: image files.
        single: image of the single-image test, or None.
        restorers: networks of one scale.
        folder: of the reproduction; gets a folder of PNG files and their scores.

    Raises:
        ScalewiseError: an image cannot be read, or is too small.
    """
    (folder / SAMPLES).mkdir(parents=True, exist_ok=True)
    methods = [(BICUBIC, bicubic(SCALE)), *((each.name, restoration(each)) for each in restorers)]
    samples: list[Sample] = []
    wanted = [*((image, False) for image in images), *([(single, True)] if single else [])]
    for image, is_single in wanted:
        sheet = f"{'single-' if is_single else ''}{len(samples)}.png"
        found = [(each, compare(image, methods, SCALE, each)) for each in PROTOCOLS.values()]
        scores = [score for each in found for score in sample_scores(image.stem, *each)]
        write(folder / SAMPLES / sheet, Picture(titled(found[0][1]).sheet(errors=True)))
        samples.append(
            Sample(
                name=image.stem,
                sheet=sheet,
                scores=scores,
                single=is_single,
                artifacts=sample_artifacts(found[0][1]),
            )
        )
    save_json(samples, folder / SAMPLES / SAMPLES_FILE)
    return samples


def titled(comparison: Comparison) -> Comparison:
    """Return a comparison whose methods have the titles that the report's text gives them."""
    contenders = [
        replace(each, name=SHEET_TITLES.get(each.name, each.name)) for each in comparison.contenders
    ]
    return replace(comparison, contenders=contenders)


def sample_scores(name: str, protocol: Protocol, comparison: Comparison) -> list[Score]:
    """Return the scores of all methods on one image; the first one computes in float64."""
    height, width = comparison.truth.shape[:2]
    scores: list[Score] = []
    for each in comparison.contenders:
        precision = "f32" if scores else "f64"
        image = ImageScore(name, width, height, *each.scores, each.seconds)
        scores.append(to_score(Evaluation(each.name, name, protocol, precision, [image])))
    return scores


def sample_artifacts(comparison: Comparison) -> dict[str, Artifacts]:
    """Return overshoot and ringing of every method on one image's luma."""
    truth = rgb_to_y(comparison.truth)
    return {
        each.name: measure_artifacts(rgb_to_y(each.image), truth) for each in comparison.contenders
    }


def measure_attention(network: Adaptive, image: Path, run: str, folder: Path) -> Attention:
    """Restore a halved image and save the attention weights of every block.

    Args:
        network: a trained network.
        image: an image file.
        run: name of the network's run.
        folder: of the reproduction; gets ``attention.npz`` and ``attention.json``.

    Raises:
        ScalewiseError: the image cannot be read.
    """
    lr, _ = FIELD.prepare(read_rgb(image), None, network.scale)
    top, left = (max(0, (length - ATTENTION_SIDE) // 2) for length in lr.shape[:2])
    middle = lr[top : top + ATTENTION_SIDE, left : left + ATTENTION_SIDE]
    alpha = attention_maps(network, middle)
    maps = io.BytesIO()
    np.savez_compressed(maps, alpha=alpha.astype(np.float16), picture=middle)
    write_atomic(folder / ATTENTION_MAPS, maps.getvalue())
    attention = Attention(
        run=run,
        picture=image.stem,
        means=alpha.mean(axis=(3, 4), dtype=np.float64).tolist(),
        border=measure_border(network, middle),
    )
    save_json(attention, folder / ATTENTION_FILE)
    return attention


def measure_border(network: Adaptive, image: NDArray[np.uint8]) -> Border:
    """Measure what makes a border of the maps bright: the image, its side, or the padding."""

    def left(image: NDArray[np.uint8]) -> float:
        return float(attention_maps(network, image)[-1, 1, -1, :, :BORDER].mean())

    whole = attention_maps(network, image)[-1, 1, -1]
    away = [min(4 * BORDER, length // 4) for length in whole.shape]
    inside = whole[away[0] : -away[0] or None, away[1] : -away[1] or None]
    as_it_is, mirrored = left(image), left(np.ascontiguousarray(image[:, ::-1]))
    with _replicating(network):
        replicated = left(image)
    return Border(
        picture=as_it_is, mirrored=mirrored, replicated=replicated, inside=float(inside.mean())
    )


@contextmanager
def _replicating(network: nn.Module) -> Generator[None, None, None]:
    """Let a network's convolutions repeat the border instead of adding zeros."""
    convolutions = [each for each in network.modules() if isinstance(each, nn.Conv2d)]
    before: list[Any] = [each.padding_mode for each in convolutions]
    try:
        for each in convolutions:
            each.padding_mode = "replicate"
        yield
    finally:
        for each, mode in zip(convolutions, before, strict=True):
            each.padding_mode = mode


def attention_maps(network: Adaptive, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return alpha of both convolutions of every block, for an image (h, w, 3).

    Returns:
        (blocks, 2, levels, h, w).
    """
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, weights: Tensor) -> None:
        seen.append(weights[0].float())

    hooks = [
        convolution.attention.register_forward_hook(keep)
        for block in network.blocks
        for convolution in _convolutions(block)
        if isinstance(convolution.attention, ScaleAttention)
    ]
    try:
        with torch.no_grad():
            network(torch.tensor(image).permute(2, 0, 1)[None].float() / 255)
    finally:
        for hook in hooks:
            hook.remove()
    height, width = image.shape[:2]
    alpha = torch.stack(seen)[..., :height, :width]
    return alpha.reshape(len(network.blocks), 2, *alpha.shape[1:]).numpy()


def _convolutions(block: nn.Module) -> tuple[Any, Any]:
    assert isinstance(block, ResidualBlock)
    return block.scale_conv1, block.scale_conv2
