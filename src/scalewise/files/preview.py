"""Pictures as browsers show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyvips

from scalewise.errors import ScalewiseError
from scalewise.files.content import content_of
from scalewise.files.reading import open_picture
from scalewise.files.reasons import one_line

_SHOWN_AS_THEY_ARE = {
    "AVIF": "image/avif",
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WebP": "image/webp",
}


def preview(path: Path, side: int) -> tuple[bytes, str]:
    """A picture's file as a browser can show it, and its media type.

    Args:
        path: the picture.
        side: pixels that width and height may have; larger ones are reduced.

    Returns:
        The file as it is where browsers know its format, else 8-bit PNG, upright.

    Raises:
        ScalewiseError: it cannot be read.
    """
    with open_picture(path, max_pixels=None) as reader:
        fits = max(reader.width, reader.height) <= side
    with path.open("rb") as file:
        content = content_of(file)
    kind = None if content is None else _SHOWN_AS_THEY_ARE.get(content.name)
    if fits and kind is not None:
        return path.read_bytes(), kind
    try:
        image: Any = pyvips.Image.thumbnail(str(path), side, height=side, size="down")
        return image.cast("uchar", shift=image.format == "ushort").pngsave_buffer(), "image/png"
    except pyvips.Error as error:
        raise ScalewiseError(f"{path}: cannot be shown ({one_line(error)})") from None
