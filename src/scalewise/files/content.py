"""What kind of picture a file holds, by its first bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True)
class Content:
    """A kind of file that is read.

    Attributes:
        name: what people call it.
        loader: libvips's operation for it.
        paged: whether that operation can be asked for pages or frames.
        animated: whether it holds others that cannot be asked for.
    """

    name: str
    loader: str
    paged: bool = False
    animated: bool = False


_STARTS = {
    b"\xff\xd8\xff": Content("JPEG", "jpegload"),
    b"GIF87a": Content("GIF", "gifload", paged=True),
    b"GIF89a": Content("GIF", "gifload", paged=True),
    b"II*\0": Content("TIFF", "tiffload", paged=True),
    b"MM\0*": Content("TIFF", "tiffload", paged=True),
    b"II+\0": Content("TIFF", "tiffload", paged=True),
    b"MM\0+": Content("TIFF", "tiffload", paged=True),
}
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 1000  # before the pixels; there are a dozen
_AVIF = (b"avif", b"mif1", b"msf1", b"miaf")
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")


def content_of(file: BinaryIO) -> Content | None:
    """The kind of picture that an open file holds; None for all that is not read here."""
    file.seek(0)
    start = file.read(16)
    for prefix, content in _STARTS.items():
        if start.startswith(prefix):
            return content
    if start.startswith(_PNG):
        return Content("PNG", "pngload", animated=_is_animated_png(file))
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return Content("WebP", "webpload", paged=True)
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        if brand in _HEIC:
            return Content("HEIC", "heifload", paged=True)
        if brand in _AVIF or brand == b"avis":
            return Content("AVIF", "heifload", paged=True, animated=brand == b"avis")
    return None


def _is_animated_png(file: BinaryIO) -> bool:
    """Whether an ``acTL`` chunk comes before the pixels (PNG, third edition, 11.3.5.1)."""
    file.seek(len(_PNG))
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            break
        length, kind = struct.unpack(">I4s", head)
        if kind in (b"acTL", b"IDAT"):
            return kind == b"acTL"
        file.seek(length + 4, 1)
    return False
