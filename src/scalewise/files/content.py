"""What kind of picture a file holds, by its first bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from scalewise.files.bmp import HEADERS


@dataclass(frozen=True)
class Content:
    """A kind of file that is read.

    Attributes:
        name: what people call it.
        loader: libvips's operation for it; ``bmp`` for what it does not read.
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
_AVIF = frozenset({b"avif", b"avis"})
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF = frozenset({b"mif1", b"mif2", b"msf1", b"miaf", b"avci", b"avcs", b"jpeg", b"j2ki", b"vvic"})
_MOST_BRANDS = 1024  # bytes of them
_META = 2**16  # bytes from the start in which the kind of coding is named


_FOREIGN = {
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"8BPS": "a Photoshop document",
    b"v/1\1": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"%PDF": "a PDF document",
    b"<svg": "an SVG drawing",
    b"<?xml": "XML, such as an SVG drawing",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"II\x1a\0\0\0HEAPCCDR": "camera raw (CRW)",
    b"IIU\0": "camera raw (RW2)",
    b"IIRO": "camera raw (ORF)",
    b"IIRS": "camera raw (ORF)",
    b"MMOR": "camera raw (ORF)",
    b"FUJIFILMCCD-RAW": "camera raw (RAF)",
    b"FOVb": "camera raw (X3F)",
    b"\0\x05\x16\x07": "what macOS keeps beside a file (AppleDouble)",
    b"PK\3\4": "an archive (ZIP)",
}
_FOREIGN_BRANDS = {b"crx ": "camera raw (CR3)", b"qt  ": "a video"}


def foreign_name(file: BinaryIO) -> str | None:
    """What a file holds that is not read here; None for what is not known either."""
    file.seek(0)
    start = file.read(32)
    if not start:
        return "nothing: the file is empty"
    if start[4:8] == b"ftyp":
        return _FOREIGN_BRANDS.get(start[8:12], "a video, or a kind of HEIF that is not known")
    plain = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for prefix, name in _FOREIGN.items():
        if start.startswith(prefix) or (prefix[:1] == b"<" and plain.startswith(prefix)):
            return name
    return None


def content_of(file: BinaryIO) -> Content | None:
    """The kind of picture that an open file holds; None for all that is not read here."""
    file.seek(0)
    start = file.read(18)
    for prefix, content in _STARTS.items():
        if start.startswith(prefix):
            return content
    if start.startswith(_PNG):
        return Content("PNG", "pngload", animated=_is_animated_png(file))
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return Content("WebP", "webpload", paged=True)
    if start[4:8] == b"ftyp":
        return _heif(file, int.from_bytes(start[:4]))
    if start.startswith(b"BM") and int.from_bytes(start[14:18], "little") in HEADERS:
        return Content("BMP", "bmp")
    return None


def _heif(file: BinaryIO, size: int) -> Content | None:
    """AVIF or HEIC: by any of its brands, or else by the coding that it names.

    ISO/IEC 23008-12 (HEIF), 10: a file's first brand may be one that says nothing of the coding.
    """
    file.seek(8)
    named = file.read(max(min(size, _MOST_BRANDS) - 8, 4))
    first, brands = named[:4], {named[place : place + 4] for place in range(0, len(named), 4)}
    if not brands & (_AVIF | _HEIC | _HEIF):
        return None
    by_brand = brands & (_AVIF | _HEIC)
    if first in by_brand:
        by_brand = {first}
    if not by_brand:
        file.seek(0)
        meta = file.read(_META)
        by_brand = {name for code, name in ((b"av01", b"avif"), (b"hvc1", b"heic")) if code in meta}
    name = "AVIF" if by_brand & _AVIF else "HEIC" if by_brand else "HEIF"
    animated = name == "AVIF" and first in (b"avis", b"msf1")
    return Content(name, "heifload", paged=True, animated=animated)


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
