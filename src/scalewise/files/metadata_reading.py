"""Metadata out of files: what libvips finds of them, and what it does not look for.

What speaks of parts of the file that are not read (thumbnails, other pages, the video of a motion
photo) is left out here, and said where somebody may miss it.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from scalewise.files import exif as exif_blocks
from scalewise.files import jpeg_segments as jpeg
from scalewise.files.content import Content
from scalewise.files.geotiff import GEO_TAGS, SENSOR_MODEL
from scalewise.files.iptc import PHOTOSHOP_MARK, has_paths, iptc_of_resources, plain_iptc
from scalewise.files.metadata import Metadata
from scalewise.files.png_structure import read_chunks
from scalewise.files.texts import (
    TEXT_CHUNKS,
    XMP,
    Text,
    is_about_the_file,
    raw_profile,
    read_comment,
    read_text,
)
from scalewise.files.tiff_exif import bytes_of_tag, exif_of_tiff, has_tag, tags_of_tiff
from scalewise.files.tiff_ifd import text_value
from scalewise.files.xmp import orientation_of_xmp, upright_xmp, without_lost_parts

_IPTC_TAG, _PHOTOSHOP_TAG = 33723, 34377
_ORIENTATION = 274
_RESOLUTION_UNIT, _NO_UNIT = 296, 1
_MM_PER_INCH = 25.4
_UNSET_PIXELS_PER_MM = 1.0  # what libvips says of a file that does not tell
_LAYERS_TAG = 37724
_GAIN_MAP = "its gain map (HDR)"
_CREDENTIALS = "its content credentials (C2PA), which any change makes void"
# What JPEG segments begin with that hold more than a picture, and what that is.
_PARTS_OF_JPEG = {
    (jpeg.APP2, b"urn:iso:std:iso:ts:21496:"): _GAIN_MAP,
    (jpeg.APP1, b"FLIR\0"): "its thermal data (FLIR)",
    (jpeg.APP11, b"JP"): _CREDENTIALS,
}
_GAIN_MAP_BRAND = b"tmap"
_LONGEST_BRANDS = 1024  # bytes
_PIXELS, _CREDENTIALS_CHUNK = b"pHYs", b"caBX"
_SIDEWAYS = range(5, 9)
# Descriptions that programs of microscopy write for themselves: they tell size, pages, scale.
_OF_A_PROGRAM = {
    "ImageJ": re.compile(r"ImageJ="),
    "OME": re.compile(r"\s*(<\?xml[^>]*\?>\s*)?(<!--.*?-->\s*)*<(\w+:)?OME[\s>]", re.DOTALL),
    "Aperio": re.compile(r"Aperio "),
    "MetaMorph": re.compile(r"<MetaData>"),
    "ScanImage": re.compile(r"(state\.|SI\.|scanimage\.)", re.IGNORECASE),
}
_SHAPED = ("shape", "axes", "truncated")  # which tifffile reads again, and believes


@dataclass
class FoundMetadata:
    """What a file says about its picture.

    Attributes:
        metadata: true of the upright picture.
        orientation: of the pixels, 1 to 8, as in Exif.
        warnings: what is left out, without the file's name.
    """

    metadata: Metadata
    orientation: int = 1
    warnings: list[str] = field(default_factory=list[str])


@dataclass
class _Raw:
    """What lies in the file."""

    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    texts: tuple[Text, ...] = ()
    lost: set[str] = field(default_factory=set[str])
    dpi: tuple[float, float] | None = None


def read_metadata(
    image: Any, file: BinaryIO, content: Content, stated: int | None = None
) -> FoundMetadata:
    """What a file says about its picture.

    Args:
        image: of libvips, not decoded.
        file: the file itself.
        content: what it is.
        stated: the orientation, where the reader knows it from another page; None to look.
    """
    raw = _Raw(_field(image, "exif-data"), (_field(image, "xmp-data") or b"").rstrip(b"\0"))
    if (image.xres, image.yres) != (_UNSET_PIXELS_PER_MM, _UNSET_PIXELS_PER_MM):
        raw.dpi = image.xres * _MM_PER_INCH, image.yres * _MM_PER_INCH
    if content.name == "TIFF":
        _read_tiff(file, raw)
    elif content.name == "JPEG":
        _read_jpeg(file, raw)
    elif content.name == "PNG":
        _read_png(file, raw)
    elif content.loader == "heifload":
        file.seek(0)
        length = int.from_bytes(file.read(4))
        if _GAIN_MAP_BRAND in file.read(min(length, _LONGEST_BRANDS)):
            raw.lost.add(_GAIN_MAP)
    if content.name == "TIFF":
        by_file: int | None = _field(image, "orientation") if _number(file, _ORIENTATION) else None
    else:
        by_file = exif_blocks.orientation_of(raw.exif) if raw.exif else None
    by_xmp = orientation_of_xmp(raw.xmp) if raw.xmp else None
    # Where Exif does not tell, XMP may; neither counts where the decoder turns by itself.
    orientation = 1 if content.loader == "heifload" else stated or by_file or by_xmp or 1
    dpi = raw.dpi or (exif_blocks.resolution(raw.exif) if raw.exif else None)
    width, height = image.width, image.height
    if orientation in _SIDEWAYS:
        width, height = height, width
        dpi = dpi and (dpi[1], dpi[0])
    xmp, parts = without_lost_parts(raw.xmp) if raw.xmp else (None, [])
    found = FoundMetadata(Metadata(), orientation)
    if lost := sorted({*parts, *raw.lost}):
        found.warnings.append(f"left out: {', '.join(lost)}")
    exif = raw.exif and _true_description(raw.exif, found.warnings)
    geo = tags_of_tiff(file, GEO_TAGS | {SENSOR_MODEL}) if content.name == "TIFF" else {}
    if SENSOR_MODEL in geo:
        del geo[SENSOR_MODEL]
        found.warnings.append("its sensor model (RPC tag) is left out")
    if geo and orientation != 1:
        geo = {}
        found.warnings.append("its GeoTIFF tags speak of the turned picture; left out")
    found.metadata = Metadata(
        icc=_field(image, "icc-profile-data") or None,
        exif=exif_blocks.upright_exif(exif, orientation) if exif else None,
        xmp=upright_xmp(xmp) if xmp else None,
        dpi=dpi,
        iptc=raw.iptc,
        texts=raw.texts,
        geo=geo or None,
        size=(width, height),
    )
    return found


def _read_tiff(file: BinaryIO, raw: _Raw) -> None:
    raw.exif = exif_of_tiff(file)
    raw.iptc = plain_iptc(bytes_of_tag(file, _IPTC_TAG))
    resources = bytes_of_tag(file, _PHOTOSHOP_TAG)
    raw.iptc = raw.iptc or iptc_of_resources(resources)
    _name_paths(resources, raw)
    if has_tag(file, _LAYERS_TAG):
        raw.lost.add("its layers (Photoshop)")
    if _number(file, _RESOLUTION_UNIT) == _NO_UNIT:
        raw.dpi = None  # pixels per a unit that only a program's description tells


def _read_jpeg(file: BinaryIO, raw: _Raw) -> None:
    resources = bytearray()
    comments: list[Text | None] = []
    raw.dpi = exif_blocks.resolution(raw.exif) if raw.exif else None
    for marker, data in jpeg.read_segments(file):
        if marker == jpeg.APP0 and data.startswith(b"JFIF\0") and len(data) >= 12:
            raw.dpi = raw.dpi or _density(data)
        elif marker == jpeg.APP13 and data.startswith(PHOTOSHOP_MARK):
            resources += data.removeprefix(PHOTOSHOP_MARK)  # which goes on in the next segment
        elif marker == jpeg.COM:
            comments.append(read_comment(data))
        for (where, start), part in _PARTS_OF_JPEG.items():
            if marker == where and data.startswith(start):
                raw.lost.add(part)
    raw.iptc = iptc_of_resources(bytes(resources))
    _name_paths(bytes(resources), raw)
    raw.texts = tuple(filter(None, comments))


def _density(jfif: bytes) -> tuple[float, float] | None:
    """Pixels per inch as JFIF tells them; None where it tells the shape of a pixel alone."""
    unit, across, down = struct.unpack(">BHH", jfif[7:12])
    factor = {1: 1.0, 2: 2.54}.get(unit, 0.0)
    return (across * factor, down * factor) if factor and across and down else None


def _pixels_per_inch(phys: bytes) -> tuple[float, float] | None:
    """Pixels per inch as PNG tells them, by the metre; None where it tells their shape alone."""
    if len(phys) != 9 or phys[8] != 1:
        return None
    across, down = struct.unpack(">II", phys[:8])
    per_metre = 1000 / _MM_PER_INCH
    return (across / per_metre, down / per_metre) if across and down else None


def _name_paths(resources: bytes, raw: _Raw) -> None:
    if has_paths(resources):
        raw.lost.add("its clipping path (Photoshop)")


def _read_png(file: BinaryIO, raw: _Raw) -> None:
    texts: list[Text] = []
    raw.dpi = None  # libvips says 72 of a file that does not tell
    for kind, data in read_chunks(file, TEXT_CHUNKS | {_PIXELS, _CREDENTIALS_CHUNK}):
        if kind == _CREDENTIALS_CHUNK:
            raw.lost.add(_CREDENTIALS)
            continue
        if kind == _PIXELS:
            raw.dpi = _pixels_per_inch(data)
            continue
        text = read_text(kind, data)
        if text is None:
            name = data.partition(b"\0")[0][:79].decode("latin-1")
            raw.lost.add(f"its text {name!r}, damaged or too large")
        elif profile := raw_profile(text):
            _keep_profile(*profile, raw)
        elif text.keyword == XMP:
            raw.xmp = raw.xmp or text.text.encode().rstrip(b"\0")
        elif not is_about_the_file(text):
            texts.append(text)
    raw.texts = tuple(texts)


def _keep_profile(name: str, data: bytes, raw: _Raw) -> None:
    """Keep what ImageMagick wrote as a text, where the file says nothing in a newer way."""
    if name in ("exif", "app1", "generic") and data.startswith(exif_blocks.MARK):
        raw.exif = raw.exif or data
    elif name == "exif" and data[:2] in (b"II", b"MM"):
        raw.exif = raw.exif or exif_blocks.MARK + data
    elif name in ("xmp", "app1"):
        raw.xmp = raw.xmp or data.removeprefix(b"http://ns.adobe.com/xap/1.0/\0").rstrip(b"\0")
    elif name in ("iptc", "8bim"):
        raw.iptc = raw.iptc or plain_iptc(data.removeprefix(PHOTOSHOP_MARK))
    elif name not in ("icc", "icm"):
        raw.lost.add(f"its raw profile {name!r}")


def _true_description(exif: bytes, warnings: list[str]) -> bytes | None:
    """Exif without a description that speaks of the file's pages or size."""
    description = exif_blocks.description_of(exif) or ""
    program = next((name for name, form in _OF_A_PROGRAM.items() if form.match(description)), None)
    if program is not None:
        warnings.append(
            f"its {program} description (pages, size, scale) speaks of this file only; left out"
        )
    elif not description.startswith('{"shape"'):
        return exif
    directory = exif_blocks.exif_directory(exif)
    del directory[exif_blocks.DESCRIPTION]
    if program is None and (rest := _unshaped(description)):
        directory[exif_blocks.DESCRIPTION] = text_value(rest)
    return exif_blocks.exif_of(directory) if directory else None


def _unshaped(description: str) -> str | None:
    """What a description of tifffile's says beyond the array's shape."""
    try:
        told = json.loads(description)
    except (ValueError, RecursionError):
        return None
    rest = {key: value for key, value in told.items() if key not in _SHAPED}
    return json.dumps(rest) if rest else None


def _number(file: BinaryIO, tag: int) -> int | None:
    value = tags_of_tiff(file, frozenset({tag})).get(tag)
    return int.from_bytes(value[2][:4], "little") if isinstance(value, tuple) else None


def _field(image: Any, name: str) -> Any:
    return image.get(name) if image.get_typeof(name) else None
