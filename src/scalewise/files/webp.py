"""WebP files: whether one is lossless, and the quality of a lossy one.

Sources: RFC 9649 (WebP), 2.5 to 2.7: chunks of a simple, an extended and an animated file; RFC 6386
(VP8), 7.3 and 9.2 to 9.6: the arithmetic decoder, and a frame's header up to its quantisers.
"""

from __future__ import annotations

import struct
from math import prod
from typing import BinaryIO, NamedTuple

_FIRST_CHUNK = 12
_FRAME = b"ANMF"
_FRAME_HEADER = 16
_LOSSY, _LOSSLESS = b"VP8 ", b"VP8L"

_START_CODE = b"\x9d\x01\x2a"
_KEY_FRAME_HEADER = 10
_MOST_HEADER_BYTES = 128
_EVEN = 128  # probability, of 256, of a bit that may be either
_SEGMENTS = 4
_LEAST_FINENESS = 0.004


def is_lossless(file: BinaryIO) -> bool:
    """Return whether a WebP file's image, or its first frame, keeps every sample exactly."""
    return _find_image(file) == _LOSSLESS


def webp_quality(file: BinaryIO) -> int | None:
    """Return the quality that a WebP file's image, or its first frame, was written with.

    libwebp has finer and coarser quantisers for up to four kinds of blocks.  They are such that the
    logarithm of their fineness is that of the quality, on average over the blocks.

    Returns:
        0 to 100, as libwebp counts; None for a lossless, damaged or other file.
    """
    file.seek(0)
    head = file.read(_FIRST_CHUNK)
    is_webp = head[:4] == b"RIFF" and head[8:] == b"WEBP"
    if not is_webp or _find_image(file) != _LOSSY:
        return None
    frame = file.read(_KEY_FRAME_HEADER + _MOST_HEADER_BYTES)
    is_key_frame = len(frame) >= _KEY_FRAME_HEADER + 2 and not frame[0] & 1
    if not is_key_frame or frame[3:6] != _START_CODE:
        return None
    segments = _segments(_BoolDecoder(frame[_KEY_FRAME_HEADER:]))
    fineness = prod(each.fineness**each.share for each in segments)
    linear = fineness**3
    return round(100 * (1.5 * linear if linear < 0.5 else (1 + linear) / 2))


def _find_image(file: BinaryIO) -> bytes:
    """Return the kind of the first image's chunk, whose content the file is then at."""
    file.seek(_FIRST_CHUNK)
    while len(header := file.read(8)) == 8:
        kind, size = struct.unpack("<4sI", header)
        if kind in (_LOSSY, _LOSSLESS):
            return kind
        # A frame's own chunks follow its header; others are skipped, to an even place.
        file.seek(_FRAME_HEADER if kind == _FRAME else size + size % 2, 1)
    return b""


class _BoolDecoder:
    """The arithmetic decoder of VP8; beyond the end of its data it reads zeros."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data)
        self._value = next(self._bytes) << 8 | next(self._bytes)
        self._range = 255
        self._shifts = 0

    def flag(self) -> bool:
        """Return the next bit."""
        split = 1 + ((self._range - 1) * _EVEN >> 8)
        is_set = self._value >= split << 8
        if is_set:
            self._range -= split
            self._value -= split << 8
        else:
            self._range = split
        while self._range < 128:
            self._value <<= 1
            self._range <<= 1
            self._shifts += 1
            if self._shifts % 8 == 0:
                self._value |= next(self._bytes, 0)
        return is_set

    def number(self, bits: int) -> int:
        """Return the next number without a sign."""
        value = 0
        for _ in range(bits):
            value = value << 1 | self.flag()
        return value

    def signed(self, bits: int) -> int:
        """Return the next number with a sign, which stands behind it."""
        value = self.number(bits)
        return -value if self.flag() else value


class _Segment(NamedTuple):
    """Blocks with a quantiser of their own: that, 0 to 127, and their share of all blocks."""

    quantiser: int
    share: float

    @property
    def fineness(self) -> float:
        """libwebp's measure of a quantiser: above 0, and 1 for the finest."""
        return max(1 - self.quantiser / 127, _LEAST_FINENESS)


def _segments(header: _BoolDecoder) -> list[_Segment]:
    """Return the segments of a frame, or the whole frame as one."""

    def optional(bits: int) -> int:
        return header.signed(bits) if header.flag() else 0

    header.number(2)  # colour space, clamping
    quantisers, are_absolute, shares = [0], False, [1.0]
    if header.flag():
        has_map, has_values = header.flag(), header.flag()
        if has_values:
            are_absolute = header.flag()
            quantisers = [optional(7) for _ in range(_SEGMENTS)]
            for _ in range(_SEGMENTS):
                optional(6)  # strengths of the loop filter
        if has_map:
            # Of the first two segments, of the first of them, and of the third of the others.
            both, first, third = (
                header.number(8) / 255 if header.flag() else 1.0 for _ in range(_SEGMENTS - 1)
            )
            shares = [both * first, both * (1 - first)]
            shares += [(1 - both) * third, (1 - both) * (1 - third)]
    header.number(10)  # kind, level and sharpness of the loop filter
    if header.flag() and header.flag():
        for _ in range(8):
            optional(6)  # the loop filter's adjustments
    header.number(2)  # partitions
    base = header.number(7)
    if are_absolute:
        base = 0
    found = [min(max(base + each, 0), 127) for each in quantisers]
    return [_Segment(*each) for each in zip(found, shares, strict=False)]
