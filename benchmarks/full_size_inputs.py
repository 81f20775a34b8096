"""Scores of the reproduced document's protocol if its low-resolution images were full-size ones.

    python benchmarks/full_size_inputs.py Set14
    python benchmarks/full_size_inputs.py Set14 --model runs/modern/original_mixed

The document's loader squashes inputs to 256x256 and ground truths to 512x512, whatever their size.
So it accepts a folder of full-size images as inputs, too.  They are more detailed than images of
half the size, and all scores are higher.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

import typer

from scalewise.data import find_dataset
from scalewise.data.reading import read_rgb
from scalewise.evaluating.evaluate import Restore, bicubic, restoration
from scalewise.imaging.protocols import SQUASH256
from scalewise.imaging.resize import resize_like_pillow
from scalewise.restoring import load

SIDE = 256
"""Side of an input, in pixels."""


def mean_psnr_y(paths: Iterable[Path], restore: Restore) -> float:
    """Return the mean PSNR-Y in dB of images restored from themselves, squashed to ``SIDE``."""
    found: list[float] = []
    for path in paths:
        image = read_rgb(path)
        restored = restore(resize_like_pillow(image, (SIDE, SIDE)))
        found.append(SQUASH256.score(restored, SQUASH256.truth(image, 2), 2).psnr_y)
    return fmean(found)


def main() -> None:
    """Print the mean scores of bicubic enlargement and of a network."""
    parser = argparse.ArgumentParser(description="Score networks on full-size inputs.")
    parser.add_argument("dataset", type=Path, help="folder of a set such as Set14")
    parser.add_argument("--model", default="original_x2", help="a name, folder or checkpoint, x2")
    given = parser.parse_args()
    paths = [item.hr for item in find_dataset(given.dataset).items]
    methods = [("bicubic", bicubic(2)), (given.model, restoration(load(given.model)))]
    for name, restore in methods:
        typer.echo(f"{name}: {mean_psnr_y(paths, restore):.2f} dB (PSNR-Y, {len(paths)} images)")


if __name__ == "__main__":
    main()
