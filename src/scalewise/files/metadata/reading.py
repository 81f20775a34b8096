"""Metadata read from files: what libvips finds, and what it does not look for.

Metadata about parts of the file that are not read (thumbnails, other pages, the video of a motion
photo) is left out here, with a warning where somebody may miss it.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from scalewise.files import jpeg
from scalewise.files.avif import AvifProperties
from scalewise.files.formats import DetectedFormat
from scalewise.files.metadata.colour import SRGB, StatedColour
from scalewise.files.metadata.exif import (
    DESCRIPTION,
    EXIF_MARK,
    colour_of_exif,
    description_of,
    exif_directory,
    exif_of,
    orientation_of,
    resolution,
    upright_exif,
)
from scalewise.files.metadata.geotiff import GEO_TAGS, SENSOR_MODEL
from scalewise.files.metadata.iptc import PHOTOSHOP_MARK, has_paths, iptc_of_resources, plain_iptc
from scalewise.files.metadata.texts import (
    TEXT_CHUNKS,
    XMP,
    Text,
    is_about_the_file,
    raw_profile,
    read_comment,
    read_text,
)
from scalewise.files.metadata.xmp import orientation_of_xmp, upright_xmp, without_lost_parts
from scalewise.files.picture import Bands, Metadata
from scalewise.files.png import COLOUR_CHUNKS, colour_of_chunks, read_chunks
from scalewise.files.tiff.exif_tags import SHARED, read_page_metadata
from scalewise.files.tiff.ifd import Directory, text_value
from scalewise.files.tiff.reading import TiffPicture
from scalewise.files.webp import is_lossless

_IPTC_TAG, _PHOTOSHOP_TAG = 33723, 34377
_ORIENTATION = 274
_RESOLUTION_UNIT, _NO_UNIT = 296, 1
_MM_PER_INCH = 25.4
_UNSET_PIXELS_PER_MM = 1.0  # what libvips says of a file that does not tell
_LAYERS_TAG = 37724
_OF_A_PHOTOGRAPH = SHARED | {_IPTC_TAG, _PHOTOSHOP_TAG}  # true of its thumbnail, too
_TIFF_TAGS = GEO_TAGS | {SENSOR_MODEL, _IPTC_TAG, _PHOTOSHOP_TAG, _ORIENTATION, _RESOLUTION_UNIT}
_GAIN_MAP = "its gain map (HDR)"
_CREDENTIALS = "its content credentials (C2PA), which any change makes void"
# What JPEG segments begin with that hold more than an image, and what that is.
_PARTS_OF_JPEG = {
    (jpeg.APP2, b"urn:iso:std:iso:ts:21496:"): _GAIN_MAP,
    (jpeg.APP1, b"FLIR\0"): "its thermal data (FLIR)",
    (jpeg.APP11, b"JP"): _CREDENTIALS,
}
_MPF_MARK, _MPF_ENTRIES, _MPF_PREVIEW = b"MPF\0", 0xB002, 1
_GAIN_MAP_BRAND = b"tmap"
_LONGEST_BRANDS = 1024  # bytes
_PIXELS = b"pHYs"
# ``tIME``, the moment of the last change, is void by any change, so nobody misses it.
_PARTS_OF_PNG = {
    b"caBX": _CREDENTIALS,
    b"sCAL": "the physical size of its subject (sCAL)",
    b"oFFs": "its position on a page (oFFs)",
}
_PNG_CHUNKS = TEXT_CHUNKS | COLOUR_CHUNKS.keys() | _PARTS_OF_PNG.keys() | {_PIXELS}
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
    """Metadata of an image as its file states them.

    Attributes:
        metadata: true of the upright image.
        orientation: of the pixels, 1 to 8, as in Exif.
        warnings: what is left out, without the file's name.
    """

    metadata: Metadata
    orientation: int = 1
    warnings: list[str] = field(default_factory=list[str])


@dataclass
class _Raw:
    """Metadata as it lies in the file.

    Attributes:
        orientation: of the pixels, where something other than XMP tells it.
        pictures: how many images a JPEG file holds, without previews.
        lost: parts of the file that are left out, in words.
        warnings: what else is left out, a line each.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    bands: Bands | None = None
    iptc: bytes | None = None
    texts: tuple[Text, ...] = ()
    geo: Directory | None = None
    dpi: tuple[float, float] | None = None
    stated: StatedColour | None = None
    lossless: bool = False
    orientation: int | None = None
    pictures: int = 1
    lost: set[str] = field(default_factory=set[str])
    warnings: list[str] = field(default_factory=list[str])


def read_metadata(
    image: Any,
    file: BinaryIO,
    content: DetectedFormat,
    tiff: TiffPicture | None = None,
    avif: AvifProperties | None = None,
) -> FoundMetadata:
    """Read what a file says of its image.

    Args:
        image: of libvips, not decoded.
        file: the file itself.
        content: its format.
        tiff: the page that is read, of a TIFF file whose directories are sound.
        avif: the properties of an AVIF file's image.
    """
    icc, exif, xmp = (_field(image, f"{name}-data") for name in ("icc-profile", "exif", "xmp"))
    raw = _Raw(icc or None, exif, (xmp or b"").rstrip(b"\0"))
    if (image.xres, image.yres) != (_UNSET_PIXELS_PER_MM, _UNSET_PIXELS_PER_MM):
        raw.dpi = image.xres * _MM_PER_INCH, image.yres * _MM_PER_INCH
    if content.name == "TIFF":
        _read_tiff(image, file, raw, tiff)
    elif content.name == "JPEG":
        _read_jpeg(file, raw)
    elif content.name == "PNG":
        _read_png(file, raw)
    elif content.name == "WebP":
        raw.lossless = is_lossless(file)
    elif content.loader == "heifload":
        _read_heif(file, raw, avif)
    if content.name != "TIFF":
        raw.orientation = orientation_of(raw.exif) if raw.exif else None
    by_xmp = orientation_of_xmp(raw.xmp) if raw.xmp else None
    # Where Exif does not tell, XMP may; neither counts where the decoder turns by itself.
    orientation = 1 if content.loader == "heifload" else raw.orientation or by_xmp or 1
    return FoundMetadata(_metadata_of(image, raw, orientation), orientation, raw.warnings)


def _metadata_of(image: Any, raw: _Raw, orientation: int) -> Metadata:
    """Return what lies in the file as metadata of the upright image; note what is left out."""
    dpi = raw.dpi or (resolution(raw.exif) if raw.exif else None)
    width, height = image.width, image.height
    if orientation in _SIDEWAYS:
        width, height = height, width
        dpi = dpi and (dpi[1], dpi[0])
    xmp, parts = without_lost_parts(raw.xmp) if raw.xmp else (None, [])
    if lost := sorted({*parts, *raw.lost}):
        raw.warnings.insert(0, f"left out: {', '.join(lost)}")
    if (pictures := raw.pictures - (_GAIN_MAP in lost)) > 1:  # a gain map is one of them
        raw.warnings.insert(0, f"has {pictures} pictures; the first is read")
    exif = raw.exif and _true_description(raw.exif, raw.warnings)
    geo = raw.geo
    if geo and SENSOR_MODEL in geo:
        del geo[SENSOR_MODEL]
        raw.warnings.append("its sensor model (RPC tag) is left out")
    if geo and orientation != 1:
        geo = None
        raw.warnings.append("its GeoTIFF tags apply to the image before it was rotated; left out")
    return Metadata(
        icc=raw.icc,
        exif=upright_exif(exif, orientation) if exif else None,
        xmp=upright_xmp(xmp) if xmp else None,
        dpi=dpi,
        bands=raw.bands,
        stated=raw.stated,
        iptc=raw.iptc,
        texts=raw.texts,
        geo=geo or None,
        size=(width, height),
        lossless=raw.lossless,
    )


def _read_tiff(image: Any, file: BinaryIO, raw: _Raw, tiff: TiffPicture | None) -> None:
    directory = read_page_metadata(file, tiff.directory if tiff else None, _TIFF_TAGS)
    if tiff and tiff.thumbnail:
        of_thumbnail = read_page_metadata(file, tiff.thumbnail, _TIFF_TAGS)
        directory = directory.completed(of_thumbnail, _OF_A_PHOTOGRAPH)
    raw.exif = directory.exif()
    resources = directory.content(_PHOTOSHOP_TAG)
    raw.iptc = plain_iptc(directory.content(_IPTC_TAG)) or iptc_of_resources(resources)
    raw.geo = directory.select(GEO_TAGS | {SENSOR_MODEL})
    _name_paths(resources, raw)
    if _LAYERS_TAG in directory.tags:
        raw.lost.add("its layers (Photoshop)")
    if directory.number(_RESOLUTION_UNIT) == _NO_UNIT:
        raw.dpi = None  # pixels per a unit that only a program's description tells
    by_file = _field(image, "orientation") if directory.number(_ORIENTATION) else None
    raw.orientation = (tiff and tiff.orientation) or by_file
    if tiff:
        raw.bands = tiff.bands
        raw.stated = None if raw.icc else tiff.stated


def _read_jpeg(file: BinaryIO, raw: _Raw) -> None:
    resources = bytearray()
    comments: list[Text | None] = []
    lists: list[tuple[int, bytes]] = []
    raw.dpi = resolution(raw.exif) if raw.exif else None
    for marker, data in jpeg.read_segments(file):
        if marker == jpeg.APP0 and data.startswith(b"JFIF\0") and len(data) >= 12:
            raw.dpi = raw.dpi or _density(data)
            _name_aspect(data[8:12], ">HH", raw)
        elif marker == jpeg.APP13 and data.startswith(PHOTOSHOP_MARK):
            resources += data.removeprefix(PHOTOSHOP_MARK)  # which goes on in the next segment
        elif marker == jpeg.COM:
            comments.append(read_comment(data))
        elif marker == jpeg.APP2 and data.startswith(_MPF_MARK):
            index = data.removeprefix(_MPF_MARK)
            lists.append((file.tell() - len(index), index))
        for (where, start), part in _PARTS_OF_JPEG.items():
            if marker == where and data.startswith(start):
                raw.lost.add(part)
    raw.pictures += sum(_further_pictures(file, *each) for each in lists)
    raw.iptc = iptc_of_resources(bytes(resources))
    _name_paths(bytes(resources), raw)
    raw.texts = tuple(filter(None, comments))
    raw.stated = colour_of_exif(raw.exif) if raw.exif and not raw.icc else None


def _further_pictures(file: BinaryIO, start: int, index: bytes) -> int:
    """Return how many images, previews aside, a JPEG file holds behind its first one.

    Args:
        file: whose programs may have kept the list and dropped the images.
        start: where the list is in it.
        index: the list in the multi-picture format (CIPA DC-007), 5.2.
    """
    entries = exif_directory(index).get(_MPF_ENTRIES)
    if not isinstance(entries, tuple):
        return 0
    order = "<" if index.startswith(b"II") else ">"
    count = 0
    for kind, _, offset in struct.iter_unpack(f"{order}3I4x", entries[2][: len(entries[2]) & ~15]):
        file.seek(start + offset)
        is_preview = kind >> 16 & 0xFF == _MPF_PREVIEW
        count += bool(offset) and not is_preview and file.read(2) == jpeg.SOI
    return count


def _read_heif(file: BinaryIO, raw: _Raw, avif: AvifProperties | None) -> None:
    file.seek(0)
    length = int.from_bytes(file.read(4))
    if _GAIN_MAP_BRAND in file.read(min(length, _LONGEST_BRANDS)):
        raw.lost.add(_GAIN_MAP)
    colour = avif.colour if avif else None
    if colour is None or (raw.icc and not colour.is_hdr):
        return  # of two the profile is the more exact
    raw.stated = None if colour.is_srgb and colour.transfer == SRGB else colour


def _density(jfif: bytes) -> tuple[float, float] | None:
    """Return pixels per inch as JFIF states them; None where it states a pixel's shape alone."""
    unit, across, down = struct.unpack(">BHH", jfif[7:12])
    factor = {1: 1.0, 2: 2.54}.get(unit, 0.0)
    return (across * factor, down * factor) if factor and across and down else None


def _pixels_per_inch(phys: bytes) -> tuple[float, float] | None:
    """Return pixels per inch of ``pHYs``; None where it states a pixel's shape alone."""
    if len(phys) != 9 or phys[8] != 1:
        return None
    across, down = struct.unpack(">II", phys[:8])
    per_metre = 1000 / _MM_PER_INCH
    return (across / per_metre, down / per_metre) if across and down else None


def _name_aspect(data: bytes, pattern: str, raw: _Raw) -> None:
    """Note that pixels which are not square become square where no unit is stated."""
    if raw.dpi is None and len(data) == struct.calcsize(pattern):
        across, down = struct.unpack(pattern, data)
        if across and down and across != down:
            raw.lost.add(f"the shape of its pixels ({down}:{across}), now taken for square")


def _name_paths(resources: bytes, raw: _Raw) -> None:
    if has_paths(resources):
        raw.lost.add("its clipping path (Photoshop)")


def _read_png(file: BinaryIO, raw: _Raw) -> None:
    texts: list[Text] = []
    colours: dict[bytes, bytes] = {}
    raw.dpi = None  # libvips says 72 of a file that does not tell
    for kind, data in read_chunks(file, _PNG_CHUNKS):
        if kind in COLOUR_CHUNKS:
            if len(data) == COLOUR_CHUNKS[kind]:
                colours.setdefault(kind, data)
        elif kind in _PARTS_OF_PNG:
            raw.lost.add(_PARTS_OF_PNG[kind])
        elif kind == _PIXELS:
            raw.dpi = _pixels_per_inch(data)
            _name_aspect(data[:8], ">II", raw)
        elif (text := read_text(kind, data)) is None:
            name = data.partition(b"\0")[0][:79].decode("latin-1")
            raw.lost.add(f"its text {name!r}, damaged or too large")
        elif profile := raw_profile(text):
            _keep_profile(*profile, raw)
        elif text.keyword == XMP:
            raw.xmp = raw.xmp or text.text.encode().rstrip(b"\0")
        elif not is_about_the_file(text):
            texts.append(text)
    raw.texts = tuple(texts)
    raw.stated = colour_of_chunks(colours, raw.icc is not None)


def _keep_profile(name: str, data: bytes, raw: _Raw) -> None:
    """Keep what ImageMagick wrote as a text, where the file says nothing in a newer way."""
    if name in ("exif", "app1", "generic") and data.startswith(EXIF_MARK):
        raw.exif = raw.exif or data
    elif name == "exif" and data[:2] in (b"II", b"MM"):
        raw.exif = raw.exif or EXIF_MARK + data
    elif name in ("xmp", "app1"):
        raw.xmp = raw.xmp or data.removeprefix(b"http://ns.adobe.com/xap/1.0/\0").rstrip(b"\0")
    elif name in ("iptc", "8bim"):
        raw.iptc = raw.iptc or plain_iptc(data.removeprefix(PHOTOSHOP_MARK))
    elif name not in ("icc", "icm"):
        raw.lost.add(f"its raw profile {name!r}")


def _true_description(exif: bytes, warnings: list[str]) -> bytes | None:
    """Remove a description of the file's pages or size from Exif."""
    description = description_of(exif) or ""
    program = next((name for name, form in _OF_A_PROGRAM.items() if form.match(description)), None)
    if program is not None:
        warnings.append(
            f"its {program} description (pages, size, scale) is about this file only; left out"
        )
    elif not description.startswith('{"shape"'):
        return exif
    directory = exif_directory(exif)
    del directory[DESCRIPTION]
    if program is None and (rest := _unshaped(description)):
        directory[DESCRIPTION] = text_value(rest)
    return exif_of(directory) if directory else None


def _unshaped(description: str) -> str | None:
    """Return what tifffile's description says beyond the array's shape."""
    try:
        told = json.loads(description)
    except (ValueError, RecursionError):
        return None
    rest = {key: value for key, value in told.items() if key not in _SHAPED}
    return json.dumps(rest) if rest else None


def _field(image: Any, name: str) -> Any:
    return image.get(name) if image.get_typeof(name) else None
