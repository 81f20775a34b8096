"""Image previews for browsers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.files.bmp import open_bmp
from scalewise.files.formats import detect_format
from scalewise.files.reading import PictureReader, open_picture
from scalewise.files.vips_errors import in_brackets, lenient_messages, one_line

_SHOWN_AS_THEY_ARE = {
    "AVIF": "image/avif",
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WebP": "image/webp",
}

_MISREAD = {"TIFF", "GIF"}
"""Formats of whose files libvips alone makes another image: bands or Lab, a canvas left black."""


def kind_in_browsers(path: Path, side: int) -> str | None:
    """Return the media type of an image that browsers can show as it is; None for another.

    Args:
        path: the image file.
        side: pixels that width and height may have.

    Raises:
        ScalewiseError: it cannot be read.
    """
    with open_picture(path, max_pixels=None, header_only=True) as reader:
        fits = max(reader.width, reader.height) <= side
    with path.open("rb") as file:
        content = detect_format(file)
    return _SHOWN_AS_THEY_ARE.get(content.name) if fits and content is not None else None


@lenient_messages()
def preview(path: Path, side: int, check: Callable[[], None] = lambda: None) -> bytes:
    """Encode an upright image as 8-bit PNG.

    Args:
        path: the image file, whose content :func:`open_picture` knows.
        side: pixels that width and height may have; larger ones are reduced.
        check: called often; what it raises ends the work.

    Raises:
        ScalewiseError: it cannot be read.
    """
    with path.open("rb") as file:
        content = detect_format(file)
    with open_picture(path, max_pixels=None) as reader:
        misread = content is not None and content.name in _MISREAD
        if misread or reader.metadata.stated is not None:
            return _as_read(reader, side, check)
    try:
        image: Any = _reduced(path, side)
        return _encoded(image.cast("uchar", shift=image.format == "ushort"), check)
    except pyvips.Error as error:
        raise ScalewiseError(f"{path}: cannot be shown{in_brackets(one_line(error))}") from None


def _encoded(image: Any, check: Callable[[], None]) -> bytes:
    """Encode an image as PNG, as long as a check raises nothing."""
    raised: list[BaseException] = []

    def watch(*_: object) -> None:
        try:
            check()
        except BaseException as error:  # libvips, which calls this, cannot pass it on
            raised.append(error)
            image.set_kill(True)

    image.set_progress(True)
    image.signal_connect("eval", watch)
    try:
        return image.pngsave_buffer()
    except pyvips.Error:
        if raised:
            raise raised[0] from None
        raise


def _reduced(path: Path, side: int) -> Any:
    with path.open("rb") as file:
        content = detect_format(file)
        if content is not None and content.loader == "bmp":
            return open_bmp(file).image().thumbnail_image(side, height=side, size="down")
    return pyvips.Image.thumbnail(str(path), side, height=side, size="down")


def _as_read(reader: PictureReader, side: int, check: Callable[[], None]) -> bytes:
    """Encode what libvips alone would misread: bands, Lab, a canvas, colours without a profile."""
    step = -(-max(reader.width, reader.height) // side)
    down, across = min(step, reader.height), min(step, reader.width)
    height, width = reader.height // down, reader.width // across
    meta = reader.metadata
    kept = slice(None) if meta.bands is None else slice(3 if meta.bands.rgb else 1)
    deep = reader.dtype == np.uint16
    rows: list[NDArray[np.uint8]] = []
    for row in range(height):
        check()
        strip = reader.read_rows(row * down, (row + 1) * down)[:, : width * across, kept]
        mean = strip.reshape(down, width, across, -1).mean(axis=(0, 2))
        rows.append((mean / (257 if deep else 1)).round().astype(np.uint8))
    pixels = np.stack(rows)
    grey = pixels.shape[2] <= 2
    image: Any = pyvips.Image.new_from_memory(pixels.data, width, height, pixels.shape[2], "uchar")
    image = image.copy(interpretation="b-w" if grey else "srgb")
    icc = meta.icc or (meta.stated.profile(grey) if meta.stated else None)
    if icc is not None:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
    return _encoded(image, check)
