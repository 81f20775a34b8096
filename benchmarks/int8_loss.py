"""Loss of quality in 8-bit integers by kinds of images, and which of them ``auto`` takes.

    python benchmarks/int8_loss.py
    python benchmarks/int8_loss.py --model scn_fast_x2 --photographs Kodak24/HR Set14/HR

Each image is restored from half its size, in float32 and in 8-bit integers.  The loss is that of
PSNR in RGB against the reference, cropped by 4 pixels; positive where the integers are worse.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import typer
from kinds import Pixels, Sample, reduced, samples

from scalewise import list_models
from scalewise.files import read
from scalewise.imaging.blind_estimation import estimate_content
from scalewise.imaging.content import Content
from scalewise.imaging.metrics import psnr
from scalewise.restoring import LoadOptions, Restorer, load

_INNER = slice(4, -4), slice(4, -4)


@dataclass(frozen=True)
class Loss:
    """What an image loses in 8-bit integers.

    Attributes:
        kind: of the image.
        content: that ``auto`` sees.
        exact: PSNR in float32, in dB.
        loss: of PSNR by the integers, in dB.
        mean, most: difference between both results, in levels of 255.
    """

    kind: str
    content: Content
    exact: float
    loss: float
    mean: float
    most: int


class Meter:
    """A model in float32 and in 8-bit integers.

    Args:
        model: name of a released model of scale 2.
        threads: of the CPU; None for all.
    """

    def __init__(self, model: str, threads: int | None = None) -> None:
        self._exact = load(model, LoadOptions("cpu", "f32", threads=threads))
        self._rounded = load(model, LoadOptions("cpu", "int8", threads=threads))

    def measure(self, sample: Sample) -> Loss:
        """Restore an image in both, and compare the results."""
        exact, rounded = (_restored(each, sample.image) for each in (self._exact, self._rounded))
        truth = sample.reference[_INNER]
        scores = [psnr(each[_INNER], truth) for each in (exact, rounded)]
        difference = np.abs(exact.astype(np.int16) - rounded)
        return Loss(
            sample.kind,
            estimate_content(sample.image),
            scores[0],
            scores[0] - scores[1],
            float(difference.mean()),
            int(difference.max()),
        )


def _restored(restorer: Restorer, image: Pixels) -> Pixels:
    return restorer.restore(image)


def of_folder(folder: Path) -> Iterator[Sample]:
    """Yield the photographs of a folder."""
    for path in sorted(folder.iterdir()):
        yield reduced(folder.parent.name if folder.name == "HR" else folder.name, read(path).pixels)


def table(losses: Iterable[Loss]) -> list[str]:
    """Return a table of kinds in Markdown, in the order in which they come."""
    kinds: dict[str, list[Loss]] = {}
    for loss in losses:
        kinds.setdefault(loss.kind, []).append(loss)
    lines = ["| kind | images | in int8 | f32, dB | int8 costs, dB | at most | levels | at most |"]
    lines.append("|---|" + "---:|" * 7)
    for kind, found in kinds.items():
        taken = sum(each.content == "photograph" for each in found)
        lines.append(
            f"| {kind} | {len(found)} | {taken} | {fmean(each.exact for each in found):.2f} | "
            f"{fmean(each.loss for each in found):.3f} | {max(each.loss for each in found):.3f} | "
            f"{fmean(each.mean for each in found):.2f} | {max(each.most for each in found)} |"
        )
    return lines


def main() -> None:
    """Measure all kinds, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [card.name for card in list_models(scale=2)]
    parser.add_argument("--model", default="scn_x2", choices=names, help="[scn_x2]")
    parser.add_argument(
        "--photographs", nargs="+", type=Path, default=[], metavar="DIR", help="folders of more"
    )
    parser.add_argument("--threads", type=int, help="of the CPU [all]")
    given = parser.parse_args()
    meter = Meter(given.model, given.threads)
    images = [*samples(), *(each for folder in given.photographs for each in of_folder(folder))]
    typer.echo("\n".join(table(meter.measure(image) for image in images)))


if __name__ == "__main__":
    main()
