"""Temporary files: rows spooled to disk, and output that is renamed into place once whole."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from threading import Lock
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

_PART = 2**26  # bytes of pixels in a file; libvips keeps that much of it in memory
_COPIED_AT_ONCE = 2**20
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
    return NamedTemporaryFile(dir=folder, prefix=".scalewise-", delete=False)


def _name(file: Any) -> str:
    return f"/dev/fd/{file.fileno()}" if DESCRIPTORS_HAVE_NAMES else file.name


@contextmanager
def atomic_output(path: Path) -> Generator[int]:
    """Yield a descriptor of a file that gets its name once the block ends without error.

    It has the permissions of the file that it replaces, and its owner where that is allowed.
    Where the system has files without a name, nothing is left even of a process that is
    killed; elsewhere there is a hidden file in the same folder meanwhile.

    Raises:
        OSError: the file cannot be made; what stood there before is as it was.
    """
    name = path.with_name(f".scalewise-{secrets.token_hex(4)}")
    descriptor = _open_unnamed(path.parent)
    unnamed, finished = descriptor is not None, False
    if descriptor is None:
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0)
        descriptor = os.open(name, flags, 0o666)
    try:
        try:
            yield descriptor
            _take_permissions(path, descriptor)
            os.fsync(descriptor)
            if unnamed:  # at once where nothing stands there: then no hidden name is ever seen
                finished = _link(descriptor, path)
                if not finished:
                    _give_name(descriptor, name)
        finally:
            os.close(descriptor)
        if not finished:
            name.replace(path)
    finally:
        name.unlink(missing_ok=True)


def _take_permissions(path: Path, descriptor: int) -> None:
    """Give a file the owner and the permissions of the one that stands at a path, if one does."""
    if not hasattr(os, "fchmod"):
        return
    try:
        there = path.stat()
    except OSError:
        return
    for owner in ((-1, there.st_gid), (there.st_uid, -1)):  # one may be allowed, the other not
        with suppress(OSError):
            os.fchown(descriptor, *owner)
    with suppress(OSError):  # not on every file system
        os.fchmod(descriptor, stat.S_IMODE(there.st_mode))


def _open_unnamed(folder: Path) -> int | None:
    if not hasattr(os, "O_TMPFILE") or not Path("/proc/self/fd").is_dir():
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
    except OSError:  # not on every file system
        return None


def _link(descriptor: int, path: Path) -> bool:
    """Give a file without a name that of a path; return False where that is not possible."""
    try:
        # A folder's descriptor, here of no meaning, is what makes it follow the link.
        os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=descriptor)
    except OSError:
        return False
    return True


def _give_name(descriptor: int, name: Path) -> None:
    if not _link(descriptor, name):  # some file systems make such files, but never name them
        os.lseek(descriptor, 0, os.SEEK_SET)
        with os.fdopen(os.dup(descriptor), "rb") as source, name.open("xb") as target:
            shutil.copyfileobj(source, target, _COPIED_AT_ONCE)
            os.fchmod(target.fileno(), stat.S_IMODE(os.fstat(descriptor).st_mode))
            target.flush()
            os.fsync(target.fileno())
