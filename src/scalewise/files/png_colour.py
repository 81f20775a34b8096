"""Chunks of PNG that state colours, read and made: libvips does neither.

Source: PNG, third edition (W3C, 2025): chunks in 5.3, colour in 11.3.2.  What comes first of
``cICP``, ``iCCP``, ``sRGB``, and ``gAMA`` with ``cHRM`` decides (4.3).
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np

from scalewise.files.colour import StatedColour, are_colours
from scalewise.files.png_structure import chunk, read_chunks

_SIZES = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4, b"mDCV": 24, b"cLLI": 8}
_UNIT = 100_000


def colour_of_png(file: BinaryIO, has_profile: bool) -> StatedColour | None:
    """What a PNG file states of its colours; None if nothing, or if its profile decides.

    Args:
        file: the file.
        has_profile: whether it has an ICC profile, which only ``cICP`` outranks.
    """
    found: dict[bytes, bytes] = {}
    for kind, data in read_chunks(file, frozenset(_SIZES)):
        if len(data) == _SIZES[kind]:
            found.setdefault(kind, data)
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
    """The chunks that say the same, to be put before the pixels.

    Args:
        stated: the colours.
        has_profile: whether there is an ICC profile beside them.
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
    return b"".join(chunk(kind, data) for kind, data in parts)
