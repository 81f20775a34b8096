"""PNG chunks: walking over them, and those that state colours.

Source: PNG, third edition (W3C, 2025): chunks (length, type, content, checksum) in 5.3, colour in
11.3.2.  What comes first of ``cICP``, ``iCCP``, ``sRGB``, and ``gAMA`` with ``cHRM`` decides (4.3).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

import numpy as np

from scalewise.files.metadata.colour import StatedColour, are_colours

SIGNATURE = b"\x89PNG\r\n\x1a\n"
IMAGE, END, ANIMATION = b"IDAT", b"IEND", b"acTL"
COLOUR_CHUNKS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4, b"mDCV": 24, b"cLLI": 8}
"""The chunks that state colours, and the bytes that each holds."""

_MAX_CHUNKS = 2**22
_MAX_CHUNKS_BEFORE_IMAGE = 1000  # there are a dozen
_MAX_CONTENT = 2**26  # bytes of a chunk of metadata
_UNIT = 100_000


class Chunk(NamedTuple):
    """The type of a chunk, its first byte in the file, and the byte after its last."""

    kind: bytes
    start: int
    stop: int


def walk_chunks(file: BinaryIO, start: int = 0) -> Iterator[Chunk]:
    """Yield the chunks of a PNG file that begins at ``start``, up to ``IEND`` or a damage.

    The file may be read and moved about in between.
    """
    at = start + len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or head[4:] == END:
            return
        stop = at + 12 + int.from_bytes(head[:4])
        yield Chunk(head[4:], at, stop)
        at = stop


def read_chunks(file: BinaryIO, wanted: frozenset[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and content of the chunks of these types, those behind the image included.

    Chunks whose checksum is wrong are left out.
    """
    for kind, start, stop in walk_chunks(file):
        length = stop - start - 12
        if kind not in wanted or length > _MAX_CONTENT:
            continue
        file.seek(start + 8)
        content, checksum = file.read(length), file.read(4)
        if len(checksum) < 4:
            return
        if zlib.crc32(kind + content) == int.from_bytes(checksum):
            yield kind, content


def is_animated(file: BinaryIO) -> bool:
    """Return whether an ``acTL`` chunk comes before the pixels (11.3.5.1)."""
    for number, chunk in enumerate(walk_chunks(file)):
        if chunk.kind in (ANIMATION, IMAGE) or number >= _MAX_CHUNKS_BEFORE_IMAGE:
            return chunk.kind == ANIMATION
    return False


def chunks_before_image(file: BinaryIO, start: int) -> dict[bytes, Chunk]:
    """Return the chunks up to the image, in a PNG file that begins at ``start``.

    Returns:
        Of each type the last one; the image's first chunk included.
    """
    found: dict[bytes, Chunk] = {}
    for chunk in walk_chunks(file, start):
        found[chunk.kind] = chunk
        if chunk.kind == IMAGE:
            break
    return found


def chunk_bytes(kind: bytes, content: bytes) -> bytes:
    """Return a chunk with its checksum as bytes.

    >>> chunk_bytes(b"IEND", b"").hex(" ")
    '00 00 00 00 49 45 4e 44 ae 42 60 82'
    """
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", checksum)


def colour_of_chunks(found: Mapping[bytes, bytes], has_profile: bool) -> StatedColour | None:
    """Return the colour space that a PNG file states; None if it states none.

    Args:
        found: the content of its :data:`COLOUR_CHUNKS`, by their types.
        has_profile: whether the file has an ICC profile, which only ``cICP`` outranks.
    """
    if has_profile and b"cICP" not in found:
        return None
    colour: dict[str, object] = {}
    if b"gAMA" in found and (gamma := struct.unpack(">I", found[b"gAMA"])[0] / _UNIT):
        colour["gamma"] = gamma if 0.02 < gamma < 50 else None
    if b"cHRM" in found:
        numbers = np.array(struct.unpack(">8I", found[b"cHRM"])) / _UNIT
        colour["chromaticities"] = tuple(numbers.tolist()) if are_colours(numbers) else None
    if b"sRGB" in found:
        colour["intent"] = found[b"sRGB"][0]
    if b"cICP" in found:
        colour["primaries"], colour["transfer"], _, full = found[b"cICP"]
        colour["full_range"] = bool(full)
    colour["mastering"], colour["light"] = found.get(b"mDCV"), found.get(b"cLLI")
    stated = StatedColour(**colour)  # pyright: ignore[reportArgumentType]
    return None if stated == StatedColour() else stated


def chunks_of_colour(stated: StatedColour, has_profile: bool) -> bytes:
    """Return the chunks that state a colour space, to be put before the pixels.

    Args:
        stated: the colour space.
        has_profile: whether the file will have an ICC profile as well.
    """
    parts: list[tuple[bytes, bytes]] = []
    if stated.has_code:
        code = bytes((stated.primaries, stated.transfer, 0, stated.full_range))
        parts.append((b"cICP", code))
    if not has_profile:
        if stated.intent is not None:
            parts.append((b"sRGB", bytes((stated.intent,))))
        if stated.gamma is not None:
            parts.append((b"gAMA", struct.pack(">I", round(stated.gamma * _UNIT))))
        if stated.chromaticities is not None:
            numbers = [round(number * _UNIT) for number in stated.chromaticities]
            parts.append((b"cHRM", struct.pack(">8I", *numbers)))
    parts += [(b"mDCV", stated.mastering)] if stated.mastering else []
    parts += [(b"cLLI", stated.light)] if stated.light else []
    return b"".join(chunk_bytes(kind, data) for kind, data in parts)
