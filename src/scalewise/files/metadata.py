"""What a file says about its picture and that must survive."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scalewise.files.colour import StatedColour

_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|\s*>\s*))[1-8](?=["'<\s])""")


@dataclass(frozen=True)
class Bands:
    """Bands of a TIFF each of which stands for itself: none of them is alpha.

    Attributes:
        rgb: whether the first three are red, green and blue; else the first is grey.
        extra: what the tag ``ExtraSamples`` says of the others.
    """

    rgb: bool
    extra: tuple[int, ...]


@dataclass(frozen=True)
class Metadata:
    """What travels with a picture's pixels.

    Attributes:
        icc: the ICC profile that says what the colours mean; None stands for sRGB.
        exif: the raw Exif block; its orientation is 1, for the pixels are upright.
        xmp: the raw XMP packet; likewise.
        dpi: horizontal and vertical pixels per inch, where the file tells.
        bands: what the bands are, if each stands for itself; None for grey or RGB, with or
            without alpha.
        stated: the colour space of a file that states it otherwise than by a profile.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    bands: Bands | None = None
    stated: StatedColour | None = None


def with_upright_xmp(xmp: bytes) -> bytes:
    """An XMP packet whose orientation, where it has one, is 1 (upright); nothing else changes.

    >>> with_upright_xmp(b'<rdf:Description tiff:Orientation="6" xmp:Rating="6"/>')
    b'<rdf:Description tiff:Orientation="1" xmp:Rating="6"/>'
    """
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
