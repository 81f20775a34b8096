"""XMP packets: editing properties that a resized or rotated image would make untrue.

Source: XMP Specification Part 1 (ISO 16684-1): RDF in XML, where a simple property is an attribute
or an element.  Only these spans of the text change; all else stays as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.parsers import expat

TIFF = "http://ns.adobe.com/tiff/1.0/"
EXIF = "http://ns.adobe.com/exif/1.0/"
_PANORAMA = "http://ns.google.com/photos/1.0/panorama/"
_NOTE = "http://ns.adobe.com/xmp/note/"
_BASIC = "http://ns.adobe.com/xap/1.0/"
_GAIN_MAPS = ("http://ns.adobe.com/hdr-gain-map/", "http://ns.apple.com/HDRGainMap/")
_DEPTH = (
    "http://ns.google.com/photos/1.0/depthmap/",
    "http://ns.google.com/photos/1.0/image/",
    "http://ns.google.com/photos/1.0/focus/",
    "http://ns.google.com/photos/dd/1.0/",
)
_SOUND = "http://ns.google.com/photos/1.0/audio/"
_CONTAINER = "http://ns.google.com/photos/1.0/container/"
_WIDTHS = {(TIFF, "ImageWidth"), (EXIF, "PixelXDimension")}
_HEIGHTS = {(TIFF, "ImageLength"), (EXIF, "PixelYDimension")}
_ACROSS = ("CroppedAreaImageWidthPixels", "FullPanoWidthPixels", "CroppedAreaLeftPixels")
_DOWN = ("CroppedAreaImageHeightPixels", "FullPanoHeightPixels", "CroppedAreaTopPixels")

_ORIENTATIONS = frozenset("12345678")

_ATTRIBUTE = re.compile(rb"""\s+([^\s=<>"'/]+)\s*=\s*("[^"]*"|'[^']*')""")
_TAG = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=<>"'/]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>""")
_WHOLE_NUMBER = re.compile(r"\s*\d{1,9}(\.0*)?\s*")

Change = Callable[[str, str, str], str | None]
"""A function of a property's namespace, name and text: its new text, or None to remove it.

The text of a structure is empty."""


def changed_xmp(xmp: bytes, change: Change) -> bytes:
    """Change or remove properties of an XMP packet.

    Raises:
        ValueError: it is not well-formed, or not UTF-8.
    """
    return _Editor(xmp, change).result()


def upright_xmp(xmp: bytes) -> bytes:
    """Set the orientation of an XMP packet, where it has one, to 1 (upright).

    A damaged packet comes back as it is.

    >>> upright_xmp(b'<a xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>')
    b'<a xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="1"/>'
    """

    def upright(namespace: str, name: str, text: str) -> str | None:
        stated = (namespace, name) == (TIFF, "Orientation") and text.strip() in _ORIENTATIONS
        return "1" if stated else text

    try:
        return changed_xmp(xmp, upright)
    except ValueError:
        return xmp


def orientation_of_xmp(xmp: bytes) -> int | None:
    """Return the orientation, 1 to 8; None if the packet does not tell."""
    found: list[str] = []

    def look(namespace: str, name: str, text: str) -> str | None:
        if (namespace, name) == (TIFF, "Orientation"):
            found.append(text.strip())
        return text

    try:
        changed_xmp(xmp, look)
    except ValueError:
        return None
    return int(found[0]) if found and found[0] in _ORIENTATIONS else None


def sized_xmp(xmp: bytes, size: tuple[int, int], before: tuple[int, int]) -> bytes:
    """Return the XMP packet of a resized image, with its sizes in pixels updated.

    Args:
        xmp: the packet; a damaged one comes back as it is.
        size: width and height of the image.
        before: those that the packet states.
    """

    def sized(namespace: str, name: str, text: str) -> str | None:
        if not _WHOLE_NUMBER.fullmatch(text):
            return text
        if (namespace, name) in _WIDTHS | _HEIGHTS:
            return str(size[(namespace, name) in _HEIGHTS])
        if namespace == _PANORAMA and name in _ACROSS + _DOWN:
            side = name in _DOWN
            return str(round(float(text) * size[side] / before[side]))
        return text

    try:
        return changed_xmp(xmp, sized)
    except ValueError:
        return xmp


def without_lost_parts(xmp: bytes) -> tuple[bytes, list[str]]:
    """Remove what an XMP packet says of images, video or sound stored beside the image.

    Returns:
        The packet, and what it spoke of: parts of the file that its reader leaves out.
    """
    lost: set[str] = set()

    def known(namespace: str, name: str, text: str) -> str | None:
        part = _lost_part(namespace, name)
        if part is None:
            return text
        lost.add(part)
        return None

    try:
        changed = changed_xmp(xmp, known)
    except ValueError:
        return xmp, []
    return changed, sorted(filter(None, lost))


def _lost_part(namespace: str, name: str) -> str | None:
    """Return the part outside of the image that a property is about; None if none."""
    if "MotionPhoto" in name or "MicroVideo" in name:
        return "its video (motion photo)"
    if namespace.startswith(_GAIN_MAPS):
        return "its gain map (HDR)"
    if namespace.startswith(_DEPTH):
        return "its depth map"
    if namespace == _SOUND:
        return "its sound"
    if (namespace, name) == (_NOTE, "HasExtendedXMP"):
        return "the second part of its XMP"
    # Small copies of the image, and a list of the parts named above, are worth no word.
    small = (namespace, name) == (_BASIC, "Thumbnails")
    return "" if small or namespace.startswith(_CONTAINER) else None


class _Editor:
    """One pass over a packet, which collects what to replace."""

    def __init__(self, xmp: bytes, change: Change) -> None:
        if b"<!DOCTYPE" in xmp or b"<!ENTITY" in xmp:
            raise ValueError("a document type in XMP")
        self._xmp = xmp
        self._change = change
        self._spaces: list[dict[str, str]] = [{}]
        self._open: list[tuple[int, int, str, list[str]]] = []
        self._edits: list[tuple[int, int, bytes]] = []
        parser = expat.ParserCreate("UTF-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        self._parser = parser
        try:
            xmp.decode()
            parser.Parse(xmp, True)
        except (expat.ExpatError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"damaged XMP: {error}") from None

    def result(self) -> bytes:
        """Return the changed packet."""
        parts: list[bytes] = []
        at = 0
        for begin, end, new in sorted(self._edits):
            if begin < at:  # within what is gone already
                continue
            parts += [self._xmp[at:begin], new]
            at = end
        return b"".join([*parts, self._xmp[at:]])

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        begin = self._parser.CurrentByteIndex
        if self._open:
            self._open[-1][3].append("<")
        declared = {key[6:]: uri for key, uri in attributes.items() if key.startswith("xmlns:")}
        self._spaces.append(self._spaces[-1] | declared)
        tag = _TAG.match(self._xmp, begin)
        end = tag.end() if tag else begin
        self._open.append((begin, end, name, []))
        for match in _ATTRIBUTE.finditer(self._xmp, begin, end):
            qualified = match[1].decode()
            namespace, local = self._name(qualified)
            text = attributes.get(qualified, "")
            if not namespace or (new := self._change(namespace, local, text)) == text:
                continue
            if new is None:
                self._edits.append((*match.span(), b""))
            else:
                self._edits.append((match.start(2) + 1, match.end(2) - 1, new.encode()))

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1][3].append(text)

    def _end(self, name: str) -> None:
        begin, content, _, parts = self._open.pop()
        at = self._parser.CurrentByteIndex
        namespace, local = self._name(name)
        self._spaces.pop()
        text = "" if "<" in parts else "".join(parts)
        new = self._change(namespace, local, text) if namespace else text
        if new == text:
            return
        end = content if at <= begin or self._xmp[content - 2 : content] == b"/>" else at
        if new is not None:
            if end == at:
                self._edits.append((content, at, new.encode()))
            return
        closing = self._xmp.find(b">", at) + 1 if end == at else content
        self._edits.append((begin, closing, b""))

    def _name(self, qualified: str) -> tuple[str, str]:
        prefix, _, local = qualified.rpartition(":")
        return self._spaces[-1].get(prefix, ""), local
