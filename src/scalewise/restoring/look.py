"""A look at an image's file before it is restored: its degradation and its content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from scalewise.files import MAX_PIXELS, PictureReader, open_picture
from scalewise.files.jpeg import luma_table
from scalewise.imaging.blind_estimation import (
    BAND,
    Estimate,
    estimate_content,
    estimate_degradation,
)
from scalewise.imaging.content import Content


def estimate_file(path: str | Path, *, max_pixels: int | None = MAX_PIXELS) -> Estimate:
    """Estimate noise, JPEG quality and content of an image's file, by rows in its middle.

    Args:
        path, max_pixels: as for :func:`scalewise.files.open_picture`.

    Raises:
        ScalewiseError: it cannot be read.
    """
    with open_picture(path, max_pixels=max_pixels) as reader:
        return estimate_degradation(_middle_rows(reader), luma_table(path))


def content_of_file(path: str | Path, *, max_pixels: int | None = MAX_PIXELS) -> Content:
    """Estimate the content alone, as :func:`estimate_file` does."""
    with open_picture(path, max_pixels=max_pixels) as reader:
        return estimate_content(_middle_rows(reader))


def _middle_rows(reader: PictureReader) -> NDArray[Any]:
    rows = min(BAND[0], reader.height)
    start = (reader.height - rows) // 2
    start -= start % 8  # the grid of JPEG
    return reader.read_rows(start, start + rows)
