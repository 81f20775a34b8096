"""JPEG files: segments, quantisation tables, the end marker, coding in memory.

Source: ITU-T T.81, annex B: a segment is a marker of two bytes, and a length that counts itself.
The codec is libvips's; its lossy steps in NumPy are in :mod:`scalewise.imaging.jpeg_codec`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pyvips
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.files.vips_errors import in_brackets, one_line

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
APP0, APP1, APP2, APP11, APP13, COM = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xFE
TABLES, SCAN = 0xDB, 0xDA
MAX_SEGMENT = 65533
"""The most bytes that a segment can hold."""

_APPLICATION = range(0xE0, 0xF0)
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_MAX_SEGMENTS = 10_000
_BLOCK = 2**20  # bytes read at once
_SUBSAMPLE_MODES = {"4:2:0": "on", "4:4:4": "off"}


def encoder_name() -> str:
    """Return the name and version of the JPEG encoder.

    libvips leaves the coding itself to the libjpeg that it was built with, and does not tell that
    library's name.  All of that family yield the same pixels.
    """
    return "libvips " + ".".join(str(pyvips.version(part)) for part in range(3))


def encode_jpeg(pixels: NDArray[np.uint8], quality: int, subsampling: str = "4:2:0") -> bytes:
    """Encode an image as a baseline JPEG file with the standard's tables and no metadata.

    Args:
        pixels: (H, W) or (H, W, 1) for grey, which has no chroma; or (H, W, 3).
        quality: 1 to 100, as libjpeg counts.
        subsampling: of the chroma, ``4:2:0`` (half each way) or ``4:4:4`` (none).

    Raises:
        ValueError: another shape or subsampling.
        ScalewiseError: more than 65,535 pixels along a side, which JPEG cannot have.
    """
    if subsampling not in _SUBSAMPLE_MODES:
        raise ValueError(f"encode_jpeg: subsampling must be 4:2:0 or 4:4:4, not {subsampling}")
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    height, width, bands = planes.shape
    if bands not in (1, 3):
        raise ValueError(f"encode_jpeg: pixels must be grey or RGB, not of shape {pixels.shape}")
    data = np.ascontiguousarray(planes).data
    image: Any = pyvips.Image.new_from_memory(data, width, height, bands, "uchar")
    image = image.copy(interpretation="b-w" if bands == 1 else "srgb")
    mode = _SUBSAMPLE_MODES[subsampling]
    try:
        return image.jpegsave_buffer(Q=quality, subsample_mode=mode, keep="none")
    except pyvips.Error as error:
        reason = in_brackets(one_line(error, "jpeg"))
        raise ScalewiseError(f"{width}x{height} cannot be encoded as JPEG{reason}") from None


def decode_jpeg(encoded: bytes) -> NDArray[np.uint8]:
    """Return the pixels of a JPEG file, (H, W, 1) or (H, W, 3)."""
    image: Any = pyvips.Image.jpegload_buffer(encoded)
    return image.numpy().reshape(image.height, image.width, image.bands)


def read_segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and content of each segment ahead of the first scan.

    The first scan comes last, without its content; the file is then right behind its marker.  The
    iteration ends early where the file is damaged.
    """
    file.seek(2)
    for _ in range(_MAX_SEGMENTS):
        start = file.read(2)
        while start[:1] == b"\xff" and start[1:] == b"\xff":  # fill bytes
            start = b"\xff" + file.read(1)
        if len(start) < 2 or start[0] != 0xFF or start == EOI:
            return
        if start[1] == SCAN:
            yield SCAN, b""
            return
        if start[1] in _WITHOUT_LENGTH:
            continue
        length = file.read(2)
        size = int.from_bytes(length) - 2
        content = file.read(max(size, 0))
        if len(length) < 2 or size < 0 or len(content) < size:
            return
        yield start[1], content


def application_end(file: BinaryIO, start: int) -> int:
    """Return where the application segments end in a JPEG file that begins at ``start``."""
    at = start + 2
    while True:
        file.seek(at)
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] not in _APPLICATION:
            return at
        at += 2 + int.from_bytes(head[2:])


def segment(marker: int, content: bytes) -> bytes:
    """Return a segment as bytes.

    >>> segment(COM, b"hello").hex(" ")
    'ff fe 00 07 68 65 6c 6c 6f'
    """
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def lacks_end_marker(file: BinaryIO) -> bool:
    """Return whether no end marker follows the first scan (ITU-T T.81, B.2.1).

    Broken downloads lack it.  Files may go on after the marker, and thumbnails within the header
    have markers of their own.
    """
    file.seek(-len(EOI), 2)
    if file.read() == EOI:
        return False
    if not any(marker == SCAN for marker, _ in read_segments(file)):
        return False
    last = b""
    while block := file.read(_BLOCK):
        if EOI in last + block:
            return False
        last = block[-1:]
    return True


def with_end_marker(file: BinaryIO) -> bytes:
    """Return the whole file and an end marker, without zeros that only fill the file up.

    The bits of the last row are filled up with ones: a 0 there belongs to the byte before it.
    """
    file.seek(0)
    whole = file.read()
    data = whole.rstrip(b"\0")
    if data.endswith(b"\xff") and len(data) < len(whole):
        data += b"\0"
    return data + EOI


def luma_table(file: BinaryIO) -> NDArray[np.int64] | None:
    """Return the quantisation table of a JPEG file's luminance, which tells its quality.

    Returns:
        (8, 8), the steps in the order of frequencies, the lowest first; None for a file that
        is not a JPEG, or whose header ends before a table.
    """
    file.seek(0)
    return next((table for number, table in _tables(file) if number == 0), None)


def _tables(file: BinaryIO) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield the number and content of each quantisation table (ITU-T T.81, B.2.4.1)."""
    if file.read(2) != SOI:
        return
    for marker, content in read_segments(file):
        if marker == TABLES:
            yield from _tables_of_segment(content)


def _tables_of_segment(content: bytes) -> Iterator[tuple[int, NDArray[np.int64]]]:
    while content:
        kind = ">u2" if content[0] >> 4 else ">u1"
        size = 64 * np.dtype(kind).itemsize
        if len(content) < 1 + size:
            return
        table = np.zeros((8, 8), np.int64)
        table[_ZIGZAG] = np.frombuffer(content[1 : 1 + size], kind)
        yield content[0] & 15, table
        content = content[1 + size :]


def _zigzag() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of the 64 frequencies, in the order of the file."""
    places = [(row, column) for row in range(8) for column in range(8)]
    # Diagonals go up and down in turn.
    places.sort(key=lambda place: (sum(place), place[sum(place) % 2 == 0]))
    rows, columns = zip(*places, strict=True)
    return np.array(rows), np.array(columns)


_ZIGZAG = _zigzag()
