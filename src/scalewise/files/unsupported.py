"""Formats that are not read: image extensions that are counted, and names by content."""

from __future__ import annotations

import re
from typing import BinaryIO

_EXTENSIONS = """
    pbm pgm ppm pnm pam pfm
    jp2 j2k j2c jpc jpf jpx jpm jxl jxr wdp hdp
    tga ico cur dds pcx sgi qoi exr hdr fits svg svgz psd psb xcf
    3fr arw cr2 cr3 crw dng iiq kdc mrw nef nrw orf pef raf rw2 rwl sr2 srw x3f
"""  # Netpbm; JPEG 2000, XL and XR; others; camera raw
UNREAD_SUFFIXES = frozenset("." + each for each in _EXTENSIONS.split())
"""The extensions, in lower case, of well-known image formats that are not read."""

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
    b"\0\x05\x16\x07": "metadata of macOS (AppleDouble)",
    b"PK\3\4": "an archive (ZIP)",
    b"DDS ": "DDS",
    b"II\xbc\1": "JPEG XR",
    b"SIMPLE  =": "FITS",
    b"\x01\xda": "SGI",
    b"gimp xcf": "a GIMP image (XCF)",
    b"qoif": "QOI",
}
_FOREIGN_HEADERS = {
    rb"P(?:[1-6Ff]\s+[#\d]|7\s+[#A-Z])": "Netpbm (PPM, PGM, PBM, PAM or PFM)",
    rb"\x00\x00[\x01\x02]\x00[^\x00]\x00": "an icon or a cursor (ICO, CUR)",
    rb"\n[\x00\x02-\x05]\x01[\x01\x02\x04\x08]": "PCX",
    # Without a signature: kinds of the color map and the image that agree, and bits per pixel.
    rb".(?:\x01[\x01\x09].{5}|\x00[\x02\x03\x0a\x0b]\x00{5}).{8}[\x08\x0f\x10\x18\x20]": "TGA",
}
"""Regular expressions for formats whose files do not all begin with the same bytes."""
_FOREIGN_BRANDS = {b"crx ": "camera raw (CR3)", b"qt  ": "a video"}


def name_of_unsupported(file: BinaryIO) -> str | None:
    """Return the name of a format that is not read here; None for an unknown one."""
    file.seek(0)
    start = file.read(32)
    if not start:
        return "an empty file"
    if start[4:8] == b"ftyp":
        return _FOREIGN_BRANDS.get(start[8:12], "a video, or a kind of HEIF that is not known")
    plain = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for prefix, name in _FOREIGN.items():
        if start.startswith(prefix) or (prefix[:1] == b"<" and plain.startswith(prefix)):
            return name
    for header, name in _FOREIGN_HEADERS.items():
        if re.match(header, start, re.DOTALL):
            return name
    return None
