"""A look at an image before it is restored: its degradation and its content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.files import MAX_PIXELS, PictureReader, open_picture
from scalewise.files.avif import avif_quality
from scalewise.files.jpeg import luma_table
from scalewise.files.webp import webp_quality
from scalewise.imaging.blind_estimation import (
    BAND,
    Compression,
    Estimate,
    estimate_content,
    estimate_degradation,
    estimate_jpeg_quality,
)
from scalewise.imaging.content import Content

_KEPT_BYTES = 2**26
"""Bytes of the rows down to the middle that are kept until they are read: RGB of 44 megapixels."""


def estimate_file(path: str | Path, *, max_pixels: int | None = MAX_PIXELS) -> Estimate:
    """Estimate noise, JPEG quality and content of an image's file, by rows in its middle.

    Args:
        path, max_pixels: as for :func:`scalewise.files.open_picture`.

    Raises:
        ScalewiseError: it cannot be read.
    """
    with open_picture(path, max_pixels=max_pixels) as reader:
        return estimate_opened(reader)


def estimate_opened(reader: PictureReader) -> Estimate:
    """Estimate as :func:`estimate_file` does; all rows can still be read.

    Args:
        reader: an open image, of which no row was read yet.
    """
    return estimate_degradation(_middle_rows(reader), stated_compression(reader.path))


def content_of_opened(reader: PictureReader) -> Content:
    """Estimate the content alone, as :func:`estimate_opened` does."""
    return estimate_content(_middle_rows(reader), stated_compression(reader.path))


def stated_compression(path: str | Path) -> Compression | None:
    """Return the lossy compression that an image's file states; None for one of another format.

    Raises:
        ScalewiseError: the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            table = luma_table(file)
            if table is not None:
                return Compression("JPEG", estimate_jpeg_quality(table))
            if (quality := webp_quality(file)) is not None:
                return Compression("WebP", quality)
            quality = avif_quality(file)
            return None if quality is None else Compression("AVIF", quality)
    except OSError as error:
        raise ScalewiseError(f"{path}: cannot be read ({error.strerror})") from None


def _middle_rows(reader: PictureReader) -> NDArray[Any]:
    """Return rows in the middle; those above are kept, so that the file is decoded once."""
    rows = min(BAND[0], reader.height)
    start = (reader.height - rows) // 2
    start -= start % 8  # the grid of JPEG
    stop = start + rows
    if stop * reader.width * reader.channels * reader.dtype.itemsize <= _KEPT_BYTES:
        return reader.read_rows(0, stop)[start:]
    with open_picture(reader.path, max_pixels=None) as other:
        return other.read_rows(start, stop)
