"""Atomic writes: a file is complete under its name, or absent, even after a power failure.

Meanwhile it has no name where the system has such files, and elsewhere a hidden one in the same
folder, which only a killed process leaves behind; :func:`is_temporary` recognises it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from scalewise.arguments import require_new

TEMPORARY_PREFIX = ".scalewise-"
"""Start of the names of temporary files, which are hidden."""

_TEMPORARY = re.compile(re.escape(TEMPORARY_PREFIX) + r"\w+", re.ASCII)
_COPIED_AT_ONCE = 2**20


def is_temporary(name: str) -> bool:
    """Return whether a file or folder of this name is one that a killed process may have left."""
    return _TEMPORARY.fullmatch(name) is not None


def write_atomic(
    path: Path, content: bytes, *, private: bool = False, overwrite: bool = True
) -> None:
    """Write a file at once, as :func:`atomic_output` does.

    Args:
        path: the file to be.
        content: of the file.
        private: whether only this user may read it.
        overwrite: replace a file that is there; if False, that is an error.

    Raises:
        OSError: the file cannot be written; the error has its name, and an older file is unchanged.
        ScalewiseError: there is such a file, and ``overwrite`` is False.
    """
    with (
        atomic_output(path, private=private, overwrite=overwrite) as descriptor,
        os.fdopen(os.dup(descriptor), "wb") as file,
    ):
        file.write(content)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, atomically: by a hard link, or else by a copy.

    Raises:
        OSError: neither is possible; a file that has the second name is unchanged.
    """
    with temporary_path(target) as name, suppress(OSError):  # a file system without hard links
        os.link(source, name)
        name.replace(target)
        return
    write_atomic(target, source.read_bytes())


@contextmanager
def atomic_output(
    path: Path, *, private: bool = False, overwrite: bool = True
) -> Generator[int, None, None]:
    """Yield a descriptor of a file that gets its name once the block ends without error.

    It has the permissions of the file that it replaces, and its owner where that is allowed.

    Args:
        path: the file to be; its folder must exist.
        private: whether only this user may read it, whatever it replaces.
        overwrite: replace a file that is there by then; if False, that is an error.

    Raises:
        OSError: the file cannot be made; what stood there before is as it was.
        ScalewiseError: something stands there, and ``overwrite`` is False.
    """
    mode = 0o600 if private else 0o666
    with temporary_path(path) as name:
        descriptor = _open_unnamed(path.parent, mode)
        unnamed, finished = descriptor is not None, False
        if descriptor is None:
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0)
            descriptor = os.open(name, flags, mode)
        try:
            yield descriptor
            if not private:
                _take_permissions(path, descriptor)
            os.fsync(descriptor)
            if unnamed:  # at once where nothing stands there: then no hidden name is ever seen
                finished = _link(descriptor, path)
                if not finished:
                    _give_name(descriptor, name)
        finally:
            os.close(descriptor)
        if not finished:
            _rename(name, path, overwrite)


@contextmanager
def temporary_path(path: Path) -> Generator[Path, None, None]:
    """Yield a new hidden path in the folder of another.

    A file or folder that is there when the block ends is removed.  An :class:`OSError` that is
    about it, or about nothing, such as that of a full disk, gets the other path as its name.
    """
    name = path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(4)}"
    try:
        yield name
    except OSError as error:
        given = error.filename
        is_named = given is not None and not os.fsdecode(given).startswith(str(name))
        if is_named or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        if name.is_dir():
            shutil.rmtree(name, ignore_errors=True)
        else:
            name.unlink(missing_ok=True)


def _rename(name: Path, path: Path, overwrite: bool) -> None:
    """Put a temporary file in its place."""
    if not overwrite:
        try:
            os.link(name, path)  # which, unlike a rename, never replaces anything
            return
        except OSError:  # something stands there, or a file system without hard links
            require_new(path, overwrite=False)
    name.replace(path)


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


def _open_unnamed(folder: Path, mode: int) -> int | None:
    if not hasattr(os, "O_TMPFILE") or not Path("/proc/self/fd").is_dir():
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR, mode)
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
            os.fchmod(target.fileno(), stat.S_IMODE(os.fstat(descriptor).st_mode))
            shutil.copyfileobj(source, target, _COPIED_AT_ONCE)
            target.flush()
            os.fsync(target.fileno())
