"""Zip archives streamed in parts, neither on disk nor as a whole in memory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from scalewise.web.names import UniqueNames

_CHUNK_BYTES = 2**18
_FIRST_DATE = 365 * 86400 * 11  # archives know none before 1980


class _WriteBuffer(RawIOBase):
    """Buffer of the bytes written since the last call of ``take``; it cannot seek."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        content = b"".join(self._parts)
        self._parts.clear()
        return content


def stream_zip(files: Sequence[tuple[str, str, Path]]) -> Iterator[bytes]:
    """Yield a zip archive in parts; repeated names get a number.

    Nothing is compressed: images already are.

    Args:
        files: the folder in the archive, the name and the path of each; those that no longer
            exist are left out.
    """
    buffer = _WriteBuffer()
    names = UniqueNames()
    with ZipFile(buffer, "w", ZIP_STORED) as archive:  # pyright: ignore[reportArgumentType]
        for folder, name, path in files:
            try:
                source = path.open("rb")
            except FileNotFoundError:
                continue
            entry = ZipInfo(names.add(name, folder), _date(source))
            with source, archive.open(entry, "w", force_zip64=True) as target:
                while content := source.read(_CHUNK_BYTES):
                    target.write(content)
                    yield buffer.take()
            yield buffer.take()
    yield buffer.take()


def _date(file: BinaryIO) -> tuple[int, int, int, int, int, int]:
    """Return the time at which a file was written, as archives state it."""
    when = time.localtime(max(os.fstat(file.fileno()).st_mtime, _FIRST_DATE))
    return when.tm_year, when.tm_mon, when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec
