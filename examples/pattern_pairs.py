"""Make pairs of patterns that no photograph contains, so that a network stays calm on them.

    python examples/pattern_pairs.py patterns/ [--images 24] [--scale 2]
    scalewise data pack --hr patterns/HR --lr patterns/LR_x2 --scale 2 -o data/patterns_x2.pack \
        --teacher patterns/HR --teacher-name "bicubic, of patterns" --teacher-licence CC0-1.0

Screenshots, scans and old graphics have details of one pixel at full contrast: dithering, stripes,
checkerboards, noise, small letters.  A photograph that was reduced has none, so training never
shows them, and a network may answer with values far outside of [0, 1].  Here such details are the
low-resolution image, and their bicubic enlargement is the ground truth.  One patch in fifty is
enough:

    data: {train: [data/train_x2.pack, data/patterns_x2.pack], weights: [0.98, 0.02]}
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalewise import ScalewiseError
from scalewise.files import Picture, write
from scalewise.imaging import imresize

Floats = NDArray[np.float64]

CELL = 64
"""Side of a cell of one pattern, in LR pixels."""

BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16 + 1 / 32
"""Thresholds of ordered dithering."""


def main(arguments: list[str] | None = None) -> str | None:
    """Write the pairs that are asked for; return what is wrong, or None."""
    parser = argparse.ArgumentParser(description="Make pairs of patterns.")
    parser.add_argument("folder", type=Path, help="folder to write HR and LR_xN to")
    parser.add_argument("--images", type=positive, default=24)
    parser.add_argument("--scale", type=int, choices=(2, 3, 4), default=2)
    parser.add_argument("--cells", type=positive, default=6, help="cells on each side of an image")
    given = parser.parse_args(arguments)
    try:
        write_pairs(given)
    except (ScalewiseError, OSError) as error:
        return f"error: {error}"
    return None


def positive(text: str) -> int:
    """Return a whole number above 0, for :mod:`argparse`."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return number


def write_pairs(given: argparse.Namespace) -> None:
    """Write pairs of patterns: the small image, and its bicubic enlargement."""
    for index in range(given.images):
        random = np.random.default_rng([given.scale, index])
        rows = [
            np.hstack([coloured(random) for _ in range(given.cells)]) for _ in range(given.cells)
        ]
        lr = np.vstack(rows).round().astype(np.uint8)
        for folder, pixels in ((f"LR_x{given.scale}", lr), ("HR", imresize(lr, given.scale))):
            target = given.folder / folder / f"pattern{index:03}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            write(target, Picture(pixels))
    print(f"{given.images} pairs in {given.folder}")


def coloured(random: np.random.Generator) -> Floats:
    """Return a cell of a pattern between two colours, (CELL, CELL, 3), 0 to 255."""
    mask = pattern(random)
    colours = random.uniform(0, 255, (2, 3))
    if random.random() < 0.5:  # full contrast, in grey or in colour
        grey = random.random() < 0.7
        first = np.full(3, random.integers(0, 2)) if grey else random.integers(0, 2, 3)
        colours = 255.0 * np.stack([first, 1 - first])
    return colours[0] + (colours[1] - colours[0]) * mask[..., None]


def pattern(random: np.random.Generator) -> Floats:
    """Return a random pattern, (CELL, CELL), 0 to 1."""
    down, across = np.mgrid[:CELL, :CELL]
    slope = random.uniform(-1.5, 1.5, 2)
    gradient = (slope[0] * down + slope[1] * across) / CELL + random.uniform(0, 1)
    period, size = random.integers(2, 5), random.integers(1, 3)
    kinds = (
        lambda: (down // size + across // size) % 2,
        lambda: down % period // (period / 2) if random.random() < 0.5 else across % period < 1,
        lambda: (down + across * random.choice([-1, 1])) % period < period / 2,
        lambda: BAYER[down % 4, across % 4] < gradient,
        lambda: random.random((CELL, CELL)) < gradient,
        lambda: random.integers(0, 2, (CELL, CELL)),
        lambda: random.random((CELL, CELL)),
        lambda: strokes(random),
        lambda: np.kron(
            random.integers(0, 2, (CELL // 4, CELL // 4)), random.integers(0, 2, (4, 4))
        ),
    )
    drawn = np.asarray(kinds[random.integers(len(kinds))](), np.float64)
    return drawn.T if random.random() < 0.5 else drawn


def strokes(random: np.random.Generator) -> Floats:
    """Return horizontal, vertical and diagonal lines of one pixel, as small letters have."""
    drawn = np.zeros((CELL, CELL))
    for _ in range(random.integers(20, 90)):
        row, column = random.integers(0, CELL, 2)
        step = np.array([(0, 1), (1, 0), (1, 1), (1, -1)][random.integers(4)])
        for length in range(random.integers(2, 9)):
            place = np.array([row, column]) + length * step
            if (place >= 0).all() and (place < CELL).all():
                drawn[tuple(place)] = 1
    return drawn


if __name__ == "__main__":
    sys.exit(main())
