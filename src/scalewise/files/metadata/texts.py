"""PNG texts and JPEG comments: captions, authors, generation parameters.

Source: PNG, third edition (W3C, 2025), 11.3.3: ``tEXt`` (Latin-1), ``zTXt`` (compressed) and
``iTXt`` (UTF-8).  ImageMagick's raw profiles are texts that hold Exif, IPTC and XMP as hex digits.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from scalewise.files.png import chunk_bytes

TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
COMMENT = "Comment"
XMP = "XML:com.adobe.xmp"
_LARGEST = 2**25  # bytes of a text; what unpacks to more is a bomb
_COMPRESSED_FROM = 1024  # bytes
_RAW_PROFILE = re.compile(r"Raw profile type (\w+)")
# What ImageMagick repeats of a file's header and Exif, and what tells the size of the image.
_OF_THE_FILE = re.compile(r"(exif|png|jpeg|tiff|icc|date|Thumb)::?\w", re.IGNORECASE)


@dataclass(frozen=True)
class Text:
    """A text that a file holds together with its image.

    Attributes:
        keyword: what it is, such as ``Title``, ``Comment`` or ``parameters``.
        text: itself.
        utf8: whether the file held it as UTF-8, and not as Latin-1.
        language: its language tag, such as ``de``.
        translated: the keyword in that language.
    """

    keyword: str
    text: str
    utf8: bool = False
    language: str = ""
    translated: str = ""


def read_text(kind: bytes, content: bytes) -> Text | None:
    """Decode a PNG text chunk; None if it is damaged, or unpacks to more than 32 MB."""
    keyword, separator, rest = content.partition(b"\0")
    if not separator:
        return None
    name = keyword.decode("latin-1")
    if kind == b"tEXt":
        return Text(name, rest.decode("latin-1"))
    if kind == b"zTXt":
        unpacked = _unpacked(rest[1:])
        return None if unpacked is None else Text(name, unpacked.decode("latin-1"))
    language, _, after = rest[2:].partition(b"\0")
    translated, separator, data = after.partition(b"\0")
    unpacked = _unpacked(data) if rest[:1] == b"\1" else data
    if unpacked is None or not separator:
        return None
    try:
        return Text(name, unpacked.decode(), True, language.decode("ascii"), translated.decode())
    except UnicodeDecodeError:
        return None


def text_chunk(text: Text) -> bytes:
    """Encode a text as a PNG chunk, compressed where it is long."""
    keyword = text.keyword.encode("latin-1", "replace")[:79] + b"\0"
    plain = text.text
    if not (text.utf8 or text.language or text.translated or "\0" in plain):
        try:
            data = plain.encode("latin-1")
        except UnicodeEncodeError:
            pass
        else:
            if len(data) < _COMPRESSED_FROM:
                return chunk_bytes(b"tEXt", keyword + data)
            return chunk_bytes(b"zTXt", keyword + b"\0" + zlib.compress(data))
    data = plain.replace("\0", "").encode()
    packed = len(data) >= _COMPRESSED_FROM and text.keyword != XMP  # XMP is to be found by scanning
    data = zlib.compress(data) if packed else data
    names = text.language.encode("ascii", "ignore") + b"\0" + text.translated.encode() + b"\0"
    return chunk_bytes(b"iTXt", keyword + bytes([packed, 0]) + names + data)


def read_comment(content: bytes) -> Text | None:
    """Decode a JPEG comment, whose encoding is not stated; None if it is empty."""
    content = content.rstrip(b"\0")
    try:
        text = Text(COMMENT, content.decode())
    except UnicodeDecodeError:
        text = Text(COMMENT, content.decode("latin-1"))
    return text if content else None


def raw_profile(text: Text) -> tuple[str, bytes] | None:
    """Return name and content of a raw profile of ImageMagick; None for other texts.

    >>> raw_profile(Text("Raw profile type iptc", "\\niptc\\n       3\\n1c0200\\n"))
    ('iptc', b'\\x1c\\x02\\x00')
    """
    match = _RAW_PROFILE.fullmatch(text.keyword)
    if match is None:
        return None
    parts = text.text.split(maxsplit=2)
    try:
        data = bytes.fromhex("".join(parts[2].split()))
        return match[1].lower(), data[: int(parts[1])]
    except (ValueError, IndexError):
        return match[1].lower(), b""


def raw_profile_chunk(name: str, content: bytes) -> bytes:
    """Encode a profile as a compressed PNG text, as ImageMagick does."""
    digits = content.hex()
    lines = "\n".join(digits[start : start + 72] for start in range(0, len(digits), 72))
    data = zlib.compress(f"\n{name}\n{len(content):8}\n{lines}\n".encode("ascii"))
    return chunk_bytes(b"zTXt", f"Raw profile type {name}".encode("ascii") + b"\0\0" + data)


def is_about_the_file(text: Text) -> bool:
    """Return whether a text only repeats the file's header, which a new file does not share."""
    return _OF_THE_FILE.match(text.keyword) is not None


def _unpacked(data: bytes) -> bytes | None:
    try:
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(data, _LARGEST)
    except zlib.error:
        return None
    return unpacked if unpacker.eof else None
