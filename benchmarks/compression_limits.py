"""Networks for JPEGs on images of other codecs: from which quality on they do harm.

    python benchmarks/compression_limits.py CID22_valid/HR
    python benchmarks/compression_limits.py graphics_valid/HR \\
        --enlarged scn_x2 graphics_x2 graphics_jpeg_x2

The middle of each image is coded and restored at its own size; the whole is halved, coded and
enlarged.  PSNR-Y in dB (protocol field) on average, and how many images a network restores better
than the first of its column.  The limits in ``src/scalewise/visibility.py`` follow from it.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

from scalewise.files import find_images, read
from scalewise.files.coding import code_and_decode
from scalewise.files.jpeg import decode_jpeg, encode_jpeg
from scalewise.imaging import imresize, to_rgb
from scalewise.imaging.blind_estimation import Codec
from scalewise.imaging.protocols import FIELD
from scalewise.restoring import LoadOptions, Restorer, load

Pixels = NDArray[np.uint8]
Models = Mapping[str, Restorer]

CODECS = "JPEG", "WebP", "AVIF"
UNCHANGED = "as it is"
_SIDE = 256  # pixels of the middle


def coded(image: Pixels, codec: Codec, quality: int) -> Pixels:
    """Return an image as it comes back from a file."""
    if codec == "JPEG":
        return decode_jpeg(encode_jpeg(image, quality))
    return code_and_decode(image, codec, quality)


def scores(
    image: Pixels, codec: Codec, quality: int, same: Models, enlarged: Models
) -> Iterator[tuple[str, str, float]]:
    """Yield what is done, the network, and its PSNR-Y in dB."""
    top, left = (max(0, side - _SIDE) // 2 for side in image.shape[:2])
    middle = image[top : top + _SIDE, left : left + _SIDE]
    given = coded(middle, codec, quality)
    yield "restored", UNCHANGED, FIELD.score(given, middle, 1).psnr_y
    for name, model in same.items():
        yield "restored", name, FIELD.score(model.restore(given), middle, 1).psnr_y
    small = coded(imresize(image, 0.5), codec, quality)
    for name, model in enlarged.items():
        yield "enlarged", name, FIELD.score(model.upscale(small), image, 2).psnr_y


def table(found: Mapping[tuple[str, str, int], Mapping[str, list[float]]]) -> list[str]:
    """Return a table in Markdown; ``found`` has what is done, codec and quality -> scores."""
    lines = ["| | codec | quality | network | PSNR-Y | better |", "|---|---|---:|---|---:|---:|"]
    for (done, codec, quality), by_network in sorted(found.items()):
        first = np.array(next(iter(by_network.values())))
        for name, values in by_network.items():
            better = np.count_nonzero(np.array(values) > first)
            mean = f"{np.mean(values):.2f}"
            lines.append(f"| {done} | {codec} | {quality} | {name} | {mean} | {better} |")
    return lines


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of images without artifacts")
    parser.add_argument("--codecs", nargs="+", default=["WebP", "AVIF"], choices=CODECS)
    parser.add_argument("--qualities", nargs="+", type=int, default=[30, 50, 75, 85, 92])
    parser.add_argument("--same", nargs="+", default=["dejpeg"], help="models of scale 1")
    parser.add_argument("--enlarged", nargs="+", default=["scn_x2", "photo_x2"])
    parser.add_argument("--count", type=int, default=8, help="images, evenly from all [8]")
    given = parser.parse_args()
    same, enlarged = (
        {name: load(name, LoadOptions("cpu", "f32")) for name in names}
        for names in (given.same, given.enlarged)
    )
    paths = find_images(given.folder)
    found: dict[tuple[str, str, int], dict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for path in paths[:: max(1, len(paths) // given.count)][: given.count]:
        image: Any = to_rgb(read(path).pixels)
        image = image[: image.shape[0] // 4 * 4, : image.shape[1] // 4 * 4]
        for codec in given.codecs:
            for quality in given.qualities:
                for done, name, score in scores(image, codec, quality, same, enlarged):
                    found[done, codec, quality][name].append(score)
        typer.echo(f"{path.name} done", err=True)
    typer.echo("\n".join(table(found)))


if __name__ == "__main__":
    main()
