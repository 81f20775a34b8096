"""Adobe RGB as cameras state it in Exif, without a profile."""

from __future__ import annotations

from scalewise.files.colour import ADOBE_RGB, StatedColour
from scalewise.files.exif import exif_directory
from scalewise.files.tiff_ifd import EXIF, INTEROPERABILITY

_INDEX = 1
_ADOBE_RGB = b"R03"  # DCF 2.0 (CIPA DC-009), 3.1.4: the optional colour space


def colour_of_exif(exif: bytes) -> StatedColour | None:
    """The colour space that an Exif block states, if it is not sRGB.

    Args:
        exif: the block.
    """
    found = exif_directory(exif)
    for tag in (EXIF, INTEROPERABILITY):
        inner = found.get(tag)
        if not isinstance(inner, dict):
            return None
        found = inner
    index = found.get(_INDEX)
    return ADOBE_RGB if isinstance(index, tuple) and index[2].startswith(_ADOBE_RGB) else None
