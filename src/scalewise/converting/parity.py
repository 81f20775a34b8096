"""Parity check: the largest difference between a model and what it was converted to."""

from __future__ import annotations

import numpy as np

from scalewise.converting.source import Source
from scalewise.errors import ScalewiseError
from scalewise.models.probe import Image, Run

ODD_SIZES = ((37, 53), (50, 29))
"""Heights and widths of the images that both are given: two, to find what a graph froze."""

TOLERANCE = 1e-3
"""The largest difference that passes, as a part of white: a quarter of a level of 255.

Results of more than white, such as those of untrained networks, are measured by their largest
value."""


def largest_difference(
    source: Source, run: Run, multiple: int, size: tuple[int, int] | None
) -> float:
    """Return the largest difference of two networks' results on noise, as a part of white.

    Args:
        source: the model that was converted.
        run: the result of the conversion.
        multiple: sizes that the result takes are multiples of it; images are padded for that.
        size: the only (height, width) that the result takes.

    Raises:
        ScalewiseError: the difference is above :data:`TOLERANCE`, or the shapes differ.
    """
    differences: list[float] = []
    for seed, (height, width) in enumerate([size] if size else ODD_SIZES):
        shape = 1, source.channels, height, width
        image = np.random.default_rng(seed).random(shape, np.float32) * np.float32(source.white)
        expected = _padded(source.run, image, source.multiple)
        found = _padded(run, image, multiple)
        if found.shape != expected.shape:
            raise ScalewiseError(
                f"the result was not kept: for {width}x{height} pixels it returns shape "
                f"{found.shape} in place of {expected.shape}"
            )
        bound = max(source.white, float(np.abs(expected).max()))
        differences.append(float(np.abs(found - expected).max()) / bound)
    largest = max(differences)
    if not largest <= TOLERANCE:  # nor where it is not a number
        raise ScalewiseError(
            f"the result was not kept: it differs from {source.name} by {largest:.2g} of white, "
            f"where {TOLERANCE:g} is allowed"
        )
    return largest


def _padded(run: Run, image: Image, multiple: int) -> Image:
    """Run an image whose right and bottom edges are repeated up to multiples; crop the result."""
    height, width = image.shape[2:]
    missing = (0, 0), (0, 0), (0, -height % multiple), (0, -width % multiple)
    result = run(np.pad(image, missing, mode="edge"))
    scale = result.shape[2] // (height + missing[2][1])
    return result[..., : scale * height, : scale * width]
