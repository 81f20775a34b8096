"""Formats that this installation reads and writes: found out by trying, since libvips varies.

libvips is built with and without decoders of HEVC, the coding inside HEIC; without one, it reads
the header of such a file, and fails at its pixels.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyvips

from scalewise.errors import ScalewiseError
from scalewise.files.formats import FORMATS, Format, detect_format

_PROBE_SIDE = 16
_GIF = b64decode(b"R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_HEIC = b64decode(
    b"AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAA"
    b"AAAAAAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABoAABAAAAAAAAABwAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAA"
    b"AAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/GlwcnAAAADcaXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34"
    b"+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQApQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqrprm"
    b"4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAA"
    b"AChjbGFwAAAAEAAAAAEAAAAQAAAAAf///9AAAAAC////0AAAAAIAAAAQcGl4aQAAAAADCAgIAAAAGGlwbWEAAAAA"
    b"AAAAAQABBYECAwWEAAAAJG1kYXQAAAAYKAGvBBI43PiVoJIwrOcvPKFe3uCR8IqA"
)
"""A grey image of 16x16 pixels."""


@dataclass(frozen=True)
class FormatSupport:
    """A format, and what this installation can do with it.

    Attributes:
        name: what people call it.
        suffixes: the extensions that stand for it, in lower case.
        reads, writes: whether its pixels can be decoded, and encoded.
        quality: the default of its encoder; None where that is lossless.
    """

    name: str
    suffixes: tuple[str, ...]
    reads: bool
    writes: bool
    quality: int | None = None


@cache
def supported_formats() -> tuple[FormatSupport, ...]:
    """Return all formats that scalewise knows, each tried once in this process."""
    found = [_try_format(form) for form in FORMATS]
    return (
        *found,
        FormatSupport("HEIC", (".heic", ".heif", ".hif"), _is_decoded(_HEIC), writes=False),
        FormatSupport("GIF", (".gif",), _is_decoded(_GIF), writes=False),
        FormatSupport("MPO", (".mpo",), reads=True, writes=False),  # JPEGs, one behind the other
        FormatSupport("BMP", (".bmp", ".dib"), reads=True, writes=False),  # by our own reader
    )


def check_support(path: Path) -> None:
    """Check that the pixels of an image can be decoded here, whose header always can.

    Raises:
        ScalewiseError: they cannot.
    """
    with path.open("rb") as file:
        content = detect_format(file)
    unreadable = {each.name for each in supported_formats() if not each.reads}
    if content is not None and content.name in unreadable:
        raise ScalewiseError(
            f"{path}: this installation cannot decode {content.name}; convert it to JPEG or PNG"
        )


_NAMES = {"webp": "WebP"}


def _try_format(form: Format) -> FormatSupport:
    name, suffixes = _NAMES.get(form.name, form.name.upper()), form.suffixes
    grey: pyvips.Image = pyvips.Image.black(_PROBE_SIDE, _PROBE_SIDE, bands=3)
    options = {"compression": "av1"} if form.name == "avif" else {}
    try:
        content: bytes = pyvips.Operation.call(f"{form.saver}_buffer", grey, **options)
    except pyvips.Error:
        return FormatSupport(name, suffixes, reads=False, writes=False)
    return FormatSupport(name, suffixes, _is_decoded(content), writes=True, quality=form.quality)


def _is_decoded(content: bytes) -> bool:
    try:
        pyvips.Image.new_from_buffer(content, "", fail_on="error").avg()
    except pyvips.Error:
        return False
    return True
