"""Metadata written into files: what each format can hold, and what libvips leaves out.

libvips writes colour profiles and XMP as they are, but Exif only after a library of its own went
over it: that invents entries (72 dpi, ColorSpace 65535) and drops those it does not know.  So
Exif, IPTC, texts and the tags of TIFF are put into the file that libvips has made.

====== =========================== ======================== ============ ============
format Exif                        texts                    IPTC         GeoTIFF tags
====== =========================== ======================== ============ ============
png    as it is (``eXIf``)         as they are              raw profile  left out
tiff   entries of the directory    Exif, where it has one   tag 33723    as they are
jpeg   as it is, up to 64 kB       comments; Exif           APP13        left out
webp   as it is                    Exif                     left out     left out
avif   as it is                    Exif                     left out     left out
====== =========================== ======================== ============ ============
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from scalewise.files import jpeg
from scalewise.files.avif import boxes_of_colour
from scalewise.files.metadata.exif import (
    EXIF_MARK,
    exif_directory,
    resolution,
    resolution_entries,
    smaller_exif,
    tags,
    with_entries,
    without_tag,
)
from scalewise.files.metadata.iptc import PHOTOSHOP_MARK, resources_of_iptc
from scalewise.files.metadata.texts import COMMENT, XMP, Text, raw_profile_chunk, text_chunk
from scalewise.files.picture import Metadata
from scalewise.files.png import IMAGE, chunk_bytes, chunks_before_image, chunks_of_colour
from scalewise.files.tiff.exif_tags import add_to_tiff, lost_in_tiff, shared_tags
from scalewise.files.tiff.ifd import (
    EXIF,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Directory,
    text_value,
)

_IPTC_TAG = 33723
_USER_COMMENT = 0x9286
_EXIF_OF_TEXTS = {"Description": 0x010E, "Author": 0x013B, "Copyright": 0x8298, "Software": 0x0131}
_COMMENTS = ("parameters", "UserComment", COMMENT)
_PIXELS = b"pHYs"
_SEARCHED_AT_ONCE = 2**20
# Square pixels of no unit, in the place of libvips's 72 dpi, which nobody stated.  TIFF 6.0 asks
# for these tags, and what follows in the file would have to move if PNG's chunk were removed.
_NO_RESOLUTION: Directory = {
    282: (RATIONAL, 1, struct.pack("<II", 1, 1)),
    283: (RATIONAL, 1, struct.pack("<II", 1, 1)),
    296: (SHORT, 1, struct.pack("<H", 1)),
}
EXIF_IN_PLACE = ("webp", "avif")
"""The formats to which libvips must write Exif, so that there is a place for it."""


def fitted_metadata(metadata: Metadata, form: str) -> tuple[Metadata, list[str]]:
    """Return the metadata that a format can hold, and a warning for each part that it cannot.

    Args:
        metadata: of the image as it will be written.
        form: the format's name.
    """
    warnings: list[str] = []
    exif, texts = metadata.exif, metadata.texts
    if exif and not tags(exif):
        warnings.append(f"Exif does not fit into {form}, or is damaged; left out")
    exif = exif if exif and tags(exif) else None
    if texts and form != "png":
        exif, texts, lost = _texts_elsewhere(exif, texts, form)
        if lost:
            names = ", ".join(sorted({repr(text.keyword) for text in lost}))
            warnings.append(f"text {names} has no place in {form}, only in png; left out")
    if form in EXIF_IN_PLACE and metadata.dpi and (exif is None or resolution(exif) is None):
        exif = with_entries(exif, resolution_entries(metadata.dpi))
    if exif and form == "jpeg":
        smaller = smaller_exif(exif, jpeg.MAX_SEGMENT)
        if tags(exif) - tags(smaller or b""):
            warnings.append("not all of Exif fits into jpeg; the rest is left out")
        exif = smaller
    if exif and form == "tiff" and lost_in_tiff(exif):
        warnings.append("not all of Exif fits into tiff; the rest is left out")
    if metadata.iptc and form in EXIF_IN_PLACE:
        warnings.append(f"IPTC has no place in {form}; left out")
        metadata = replace(metadata, iptc=None)
    if metadata.geo and form != "tiff":
        warnings.append(f"GeoTIFF tags have no place in {form}, only in tiff; left out")
        metadata = replace(metadata, geo=None)
    if form == "png" and metadata.xmp and not _is_text(metadata.xmp):
        warnings.append("XMP does not fit into png, or is damaged; left out")
        metadata = replace(metadata, xmp=None)
    return replace(metadata, exif=exif, texts=texts), warnings


def kept_by_libvips(metadata: Metadata, form: str) -> dict[str, bytes]:
    """Return the parts that libvips is to write, by its own names."""
    parts = {"icc-profile-data": metadata.icc}
    if form != "png":  # where it packs XMP, so that scanners do not find it
        parts["xmp-data"] = metadata.xmp
    if form in EXIF_IN_PLACE:
        parts["exif-data"] = metadata.exif
    return {name: data for name, data in parts.items() if data}


def room_ahead(metadata: Metadata, form: str) -> int:
    """Return how many bytes to leave free ahead of the file that libvips writes.

    Args:
        metadata: what :func:`fitted_metadata` says.
        form: the format's name.
    """
    return len(_ahead(metadata, form)) + len(_behind(metadata, form))


def complete(file: BinaryIO, metadata: Metadata, form: str, written: bytes | None) -> bool:
    """Put what libvips does not write into the file that it has written; whether that worked.

    Args:
        file: open to be read and written; the room that :func:`room_ahead` says is free.
        metadata: what :func:`fitted_metadata` says.
        form: the format's name.
        written: the Exif block that libvips finds in the file.
    """
    if form == "jpeg":
        _complete_jpeg(file, metadata)
    elif form == "png":
        _complete_png(file, metadata)
    elif form == "tiff":
        return _complete_tiff(file, metadata)
    elif metadata.exif and written:
        return _replace_exif(file, written, metadata.exif)
    return True


def _ahead(metadata: Metadata, form: str) -> bytes:
    """Return what comes ahead of what libvips writes."""
    if form != "jpeg":
        return b""
    unit, dots = (1, metadata.dpi) if metadata.dpi else (0, (1, 1))
    dots = [min(max(round(each), 1), 65535) for each in dots]
    jfif = struct.pack(">5sHBHHBB", b"JFIF\0", 0x0102, unit, *dots, 0, 0)
    exif = metadata.exif
    block = jpeg.segment(jpeg.APP1, EXIF_MARK + exif.removeprefix(EXIF_MARK)) if exif else b""
    return jpeg.segment(jpeg.APP0, jfif) + block


def _behind(metadata: Metadata, form: str) -> bytes:
    """Return what comes behind the profile and XMP that libvips writes."""
    parts: list[bytes] = []
    if form == "png":
        if metadata.stated:
            parts.append(chunks_of_colour(metadata.stated, metadata.icc is not None))
        if metadata.exif:
            parts.append(chunk_bytes(b"eXIf", metadata.exif.removeprefix(EXIF_MARK)))
        if metadata.xmp:
            parts.append(text_chunk(Text(XMP, metadata.xmp.decode(), utf8=True)))
        if metadata.iptc:
            parts.append(raw_profile_chunk("iptc", resources_of_iptc(metadata.iptc)))
        parts += map(text_chunk, metadata.texts)
    elif form == "jpeg":
        resources = resources_of_iptc(metadata.iptc) if metadata.iptc else b""
        step = jpeg.MAX_SEGMENT - len(PHOTOSHOP_MARK)
        for start in range(0, len(resources), step):
            part = PHOTOSHOP_MARK + resources[start : start + step]
            parts.append(jpeg.segment(jpeg.APP13, part))
        parts += [jpeg.segment(jpeg.COM, text.text.encode()) for text in metadata.texts]
    return b"".join(parts)


def _complete_jpeg(file: BinaryIO, metadata: Metadata) -> None:
    room = room_ahead(metadata, "jpeg")
    end = jpeg.application_end(file, room)
    file.seek(room + len(jpeg.SOI))
    segments = file.read(end - room - len(jpeg.SOI))
    file.seek(0)
    file.write(jpeg.SOI + _ahead(metadata, "jpeg") + segments + _behind(metadata, "jpeg"))


def _complete_png(file: BinaryIO, metadata: Metadata) -> None:
    room = room_ahead(metadata, "png")
    chunks = chunks_before_image(file, room)
    end = chunks[IMAGE].start
    file.seek(room)
    header = file.read(end - room)
    if metadata.dpi is None and _PIXELS in chunks:  # a unit that is not known, and square
        begin, stop = chunks[_PIXELS].start - room, chunks[_PIXELS].stop - room
        square = chunk_bytes(_PIXELS, struct.pack(">IIB", 1, 1, 0))
        header = header[:begin] + square + header[stop:]
    file.seek(0)
    file.write(header + _behind(metadata, "png"))


def _complete_tiff(file: BinaryIO, metadata: Metadata) -> bool:
    added = shared_tags(metadata.exif) if metadata.exif else {}
    added = added | (metadata.geo or {})
    if metadata.iptc:
        added[_IPTC_TAG] = UNDEFINED, len(metadata.iptc), metadata.iptc
    if metadata.dpi is None:
        added |= _NO_RESOLUTION
    return add_to_tiff(file, added)


def _replace_exif(file: BinaryIO, written: bytes, exif: bytes) -> bool:
    """Put a block in the place of the one that libvips made of it, which mostly is the longer."""
    written, exif = written.removeprefix(EXIF_MARK), exif.removeprefix(EXIF_MARK)
    new = exif.ljust(len(written), b"\0")
    if len(new) > len(written):
        new = written
        for tag in tags(written) - tags(exif):
            new = without_tag(new, tag)
    at = _find(file, written)
    if at is None:
        return False
    file.seek(at)
    file.write(new)
    return True


def _find(file: BinaryIO, wanted: bytes) -> int | None:
    """Return where bytes are in a file; None if they are not."""
    at, before = 0, b""
    file.seek(0)
    while data := file.read(_SEARCHED_AT_ONCE):
        window = before + data
        if (found := window.find(wanted)) >= 0:
            return at - len(before) + found
        at += len(data)
        before = window[-len(wanted) :]
    return None


def _texts_elsewhere(
    exif: bytes | None, texts: tuple[Text, ...], form: str
) -> tuple[bytes | None, tuple[Text, ...], list[Text]]:
    """Move texts into Exif for formats other than PNG; return Exif, texts kept, texts lost."""
    directory = exif_directory(exif or b"")
    details = directory.get(EXIF)
    added: Directory = {}
    comment: Directory = {}
    kept: list[Text] = []
    lost: list[Text] = []
    for text in sorted(texts, key=lambda each: each.keyword == COMMENT):
        tag = _EXIF_OF_TEXTS.get(text.keyword)
        has_comment = bool(comment) or (isinstance(details, dict) and _USER_COMMENT in details)
        if form == "jpeg" and text.keyword == COMMENT:
            (kept if len(text.text.encode()) <= jpeg.MAX_SEGMENT else lost).append(text)
        elif tag is not None and tag not in directory and tag not in added:
            added[tag] = text_value(text.text)
        elif text.keyword in _COMMENTS and not has_comment:
            comment[_USER_COMMENT] = _user_comment(text.text)
        elif not _is_said(text, tag, directory):
            lost.append(text)
    if comment:
        added[EXIF] = comment
    return with_entries(exif, added) if added else exif, tuple(kept), lost


def _is_said(text: Text, tag: int | None, directory: Directory) -> bool:
    """Return whether Exif says the same already."""
    value = directory.get(tag) if tag is not None else None
    return isinstance(value, tuple) and value[2].rstrip(b"\0") == text.text.encode()


def _user_comment(text: str) -> tuple[int, int, bytes]:
    """Return a comment as Exif holds one, with its encoding ahead (Exif 2.32, 4.6.5)."""
    if text.isascii():
        data = b"ASCII\0\0\0" + text.encode()
    else:
        data = b"UNICODE\0" + text.encode("utf-16-le")
    return UNDEFINED, len(data), data


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


@dataclass(frozen=True)
class Statement:
    """The statement of colours that a file will carry.

    Attributes:
        metadata: with a profile, where only that can say it.
        boxes: of an AVIF file.
        warnings: what a user should know, without the file's name.
    """

    metadata: Metadata
    boxes: list[bytes] = field(default_factory=list[bytes])
    warnings: list[str] = field(default_factory=list[str])


def state_colours(metadata: Metadata, form: str, grey: bool, lossless: bool = False) -> Statement:
    """Decide how a file states its colours.

    PNG has chunks for everything (:mod:`scalewise.files.png`), AVIF has code points; for
    the rest a profile is made.

    Args:
        metadata: what is to be written.
        form: the format's name.
        grey: whether the file will have one colour channel.
        lossless: whether every sample will be kept.
    """
    stated = metadata.stated
    if stated is None:
        return Statement(metadata)
    has_profile = metadata.icc is not None
    if form == "png":
        return Statement(metadata)
    if form == "avif" and stated.has_code and stated.full_range:
        return Statement(metadata, boxes=boxes_of_colour(stated, lossless))
    warnings: list[str] = []
    if not (stated.is_srgb or has_profile):
        made = stated.profile(grey)
        metadata = replace(metadata, icc=made)
        if made is None:
            warnings.append(f"{form} cannot state its colours ({stated.name}): they look wrong")
    if stated.is_hdr:
        warnings.append(
            f"{form} states its colours ({stated.name}) by a profile alone, by which most "
            "programs show no HDR; png and avif keep it"
        )
    elif stated.mastering or stated.light:
        warnings.append(f"{form} cannot hold mDCV and cLLI, left out")
    return Statement(metadata, warnings=warnings)
