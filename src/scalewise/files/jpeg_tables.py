"""How strongly a JPEG file was compressed: its quantisation tables.

The tables stand in the file's header, as ITU-T T.81 section B.2.4.1 has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.files.jpeg_segments import SOI, TABLES, read_segments


def luma_table(path: str | Path) -> NDArray[np.int64] | None:
    """The quantisation table of a JPEG file's luminance.

    Returns:
        (8, 8), the steps in the order of frequencies, the lowest first; None for a file that
        is no JPEG, or whose header ends before a table.

    Raises:
        ScalewiseError: the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return next((table for number, table in _tables(file) if number == 0), None)
    except OSError as error:
        raise ScalewiseError(f"{path}: cannot be read ({error.strerror})") from None


def _tables(file: BinaryIO) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The numbers of a file's tables, and the tables, up to its first scan."""
    if file.read(2) != SOI:
        return
    for marker, content in read_segments(file):
        if marker == TABLES:
            yield from _of_segment(content)


def _of_segment(segment: bytes) -> Iterator[tuple[int, NDArray[np.int64]]]:
    while segment:
        kind = ">u2" if segment[0] >> 4 else ">u1"
        size = 64 * np.dtype(kind).itemsize
        if len(segment) < 1 + size:
            return
        table = np.zeros((8, 8), np.int64)
        table[_ZIGZAG] = np.frombuffer(segment[1 : 1 + size], kind)
        yield segment[0] & 15, table
        segment = segment[1 + size :]


def _zigzag() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the 64 frequencies, in the order of the file."""
    places = [(row, column) for row in range(8) for column in range(8)]
    # Diagonals go up and down in turn.
    places.sort(key=lambda place: (sum(place), place[sum(place) % 2 == 0]))
    rows, columns = zip(*places, strict=True)
    return np.array(rows), np.array(columns)


_ZIGZAG = _zigzag()
