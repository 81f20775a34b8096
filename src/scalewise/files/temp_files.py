"""Temporary rows of an image, spooled to files without a name."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from threading import Lock
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from scalewise.atomic import TEMPORARY_PREFIX

_PART = 2**26  # bytes of pixels in a file; libvips keeps that much of it in memory
_MOST_ROWS = 1_000_000  # libvips puts images no further apart

_cache_lock = Lock()


class RowSpool:
    """Raw rows on disk, in files that are gone when closed, and when the process dies.

    Args:
        folder: where to put them.
        width, bands: of a row.
        kind: libvips's name for the kind of a sample, ``uchar`` or ``ushort``.
    """

    def __init__(self, folder: Path, width: int, bands: int, kind: str) -> None:
        self._folder = folder
        self._row = width, bands, kind
        row_bytes = width * bands * (2 if kind == "ushort" else 1)
        self._part_rows = min(max(_PART // row_bytes, 1), _MOST_ROWS)
        self._rows = 0
        self._parts: list[Any] = []

    def append(self, rows: NDArray[Any]) -> None:
        """Put rows below those that are there.

        Raises:
            OSError: no file can be made there, or the disk is full.
        """
        while len(rows):
            room = self._part_rows - self._rows % self._part_rows
            if room == self._part_rows:
                self._parts.append(_nameless(self._folder))
            self._parts[-1].write(np.ascontiguousarray(rows[:room]).data)
            self._rows += len(rows[:room])
            rows = rows[room:]

    def image(self) -> Any:
        """Return the rows as an image of libvips, which is read from the top down and only once."""
        width, bands, kind = self._row
        # What libvips remembers of a file goes by its name, which here is soon used again.
        options: dict[str, Any] = {"format": kind, "access": "sequential", "revalidate": True}
        parts: list[Any] = []
        for index, part in enumerate(self._parts):
            part.flush()
            rows = min(self._part_rows, self._rows - index * self._part_rows)
            parts.append(pyvips.Image.rawload(_name(part), width, rows, bands, **options))
        # Joined so, a part is let go when the encoder is past it; one large file never is.
        joined = pyvips.Image.arrayjoin(parts, across=1, vspacing=self._part_rows)
        return joined.crop(0, 0, width, self._rows)

    def close(self) -> None:
        """Give the disk space back."""
        _empty_cache()
        for part in self._parts:
            with suppress(OSError):  # which may try once more to write to a full disk
                part.close()
            if not DESCRIPTORS_HAVE_NAMES:
                Path(part.name).unlink(missing_ok=True)
        self._parts.clear()


def _empty_cache() -> None:
    """Let libvips forget what it read last, whose files it holds open."""
    with _cache_lock:  # or another thread would take 0 for the size to restore
        kept = pyvips.cache_get_max()
        pyvips.cache_set_max(0)
        pyvips.cache_set_max(kept)


DESCRIPTORS_HAVE_NAMES = Path("/dev/fd").is_dir()  # not so on Windows


def _nameless(folder: Path) -> Any:
    if DESCRIPTORS_HAVE_NAMES:
        return TemporaryFile(dir=folder)
    return NamedTemporaryFile(dir=folder, prefix=TEMPORARY_PREFIX, delete=False)


def _name(file: Any) -> str:
    return f"/dev/fd/{file.fileno()}" if DESCRIPTORS_HAVE_NAMES else file.name
