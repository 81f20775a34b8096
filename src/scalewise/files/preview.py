"""Pictures as browsers show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyvips

from scalewise.errors import ScalewiseError
from scalewise.files.bmp import open_bmp
from scalewise.files.content import content_of
from scalewise.files.reading import open_picture
from scalewise.files.reasons import in_brackets, one_line

_SHOWN_AS_THEY_ARE = {
    "AVIF": "image/avif",
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WebP": "image/webp",
}


def kind_in_browsers(path: Path, side: int) -> str | None:
    """The media type of a picture that browsers can show as it is; None for another.

    Args:
        path: the picture.
        side: pixels that width and height may have.

    Raises:
        ScalewiseError: it cannot be read.
    """
    with open_picture(path, max_pixels=None) as reader:
        fits = max(reader.width, reader.height) <= side
    with path.open("rb") as file:
        content = content_of(file)
    return _SHOWN_AS_THEY_ARE.get(content.name) if fits and content is not None else None


def preview(path: Path, side: int) -> bytes:
    """A picture as 8-bit PNG, upright.

    Args:
        path: the picture, whose content :func:`open_picture` knows.
        side: pixels that width and height may have; larger ones are reduced.

    Raises:
        ScalewiseError: it cannot be read.
    """
    try:
        image: Any = _reduced(path, side)
        return image.cast("uchar", shift=image.format == "ushort").pngsave_buffer()
    except pyvips.Error as error:
        raise ScalewiseError(f"{path}: cannot be shown{in_brackets(one_line(error))}") from None


def _reduced(path: Path, side: int) -> Any:
    with path.open("rb") as file:
        content = content_of(file)
        if content is not None and content.loader == "bmp":
            return open_bmp(file).image().thumbnail_image(side, height=side, size="down")
    return pyvips.Image.thumbnail(str(path), side, height=side, size="down")
