"""Atomic writes: a file is complete under its name, or absent, even after a power failure."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def write_atomic(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file under a temporary name, flush it to disk, then rename it.

    Args:
        path: the file to be.
        content: of the file.
        private: whether only this user may read it.

    Raises:
        OSError: the file cannot be written; the error has its name, and an older file is unchanged.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        opener = _open_private if private else None
        with naming(path), open(partial, "wb", opener=opener) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def naming(path: Path) -> Generator[None, None, None]:
    """Add the file's name to an :class:`OSError` without one, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
