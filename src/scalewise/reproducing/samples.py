"""Sample pictures: halved, restored by every method, and drawn side by side with the truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scalewise.evaluating.compare import Contender, compare
from scalewise.evaluating.evaluate import Evaluation, ImageScore, to_score
from scalewise.files import Picture, write
from scalewise.imaging.protocols import PROTOCOLS
from scalewise.reproducing.results import BICUBIC, SAMPLES, SAMPLES_FILE, Sample, save_json
from scalewise.restoring.restorer import Restorer
from scalewise.weights.card import Score


def make_samples(
    pictures: Sequence[Path], single: Path | None, restorers: Sequence[Restorer], folder: Path
) -> list[Sample]:
    """Halve pictures, restore them, and keep a sheet and the scores of each.

    Args:
        pictures: image files.
        single: the picture of the single-picture test, or None.
        restorers: networks of one scale.
        folder: of the reproduction; gets a folder of PNG files, and their scores.

    Raises:
        ScalewiseError: a picture that cannot be read, or is too small.
    """
    (folder / SAMPLES).mkdir(parents=True, exist_ok=True)
    samples: list[Sample] = []
    for picture, is_single in [*((each, False) for each in pictures), (single, True)]:
        if picture is None:
            continue
        sheet = f"{'single-' if is_single else ''}{len(samples)}.png"
        found = {each.name: compare(picture, restorers, each) for each in PROTOCOLS.values()}
        scores = [
            _score(contender, picture.stem, protocol)
            for protocol, comparison in found.items()
            for contender in comparison.contenders
        ]
        write(folder / SAMPLES / sheet, Picture(found["field"].sheet(errors=True)))
        samples.append(Sample(name=picture.stem, sheet=sheet, scores=scores, single=is_single))
    save_json(samples, folder / SAMPLES / SAMPLES_FILE)
    return samples


def _score(contender: Contender, picture: str, protocol: str) -> Score:
    height, width = contender.image.shape[:2]
    precision = "f64" if contender.name == BICUBIC else "f32"
    image = ImageScore(picture, width, height, *contender.scores, contender.seconds)
    return to_score(Evaluation(contender.name, picture, PROTOCOLS[protocol], precision, [image]))
