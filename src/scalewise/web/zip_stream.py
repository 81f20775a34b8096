"""Zip archives streamed in parts, neither on disk nor as a whole in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import RawIOBase
from pathlib import Path, PurePosixPath
from zipfile import ZIP_STORED, ZipFile, ZipInfo

_CHUNK_BYTES = 2**18


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


def stream_zip(files: Sequence[tuple[str, Path]]) -> Iterator[bytes]:
    """Yield a zip archive of named files in parts; repeated names get a number.

    Files that no longer exist are left out.  Nothing is compressed: images already are.
    """
    buffer = _WriteBuffer()
    taken: set[str] = set()
    with ZipFile(buffer, "w", ZIP_STORED) as archive:  # pyright: ignore[reportArgumentType]
        for name, path in files:
            try:
                source = path.open("rb")
            except FileNotFoundError:
                continue
            with (
                source,
                archive.open(ZipInfo(_unique_name(name, taken)), "w", force_zip64=True) as target,
            ):
                while content := source.read(_CHUNK_BYTES):
                    target.write(content)
                    yield buffer.take()
            yield buffer.take()
    yield buffer.take()


def _unique_name(name: str, taken: set[str]) -> str:
    path, number, unique = PurePosixPath(name), 1, name
    while unique.lower() in taken:
        number += 1
        unique = f"{path.stem} ({number}){path.suffix}"
    taken.add(unique.lower())
    return unique
