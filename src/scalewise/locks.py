"""File locks between processes, which end with the process that holds them."""

from __future__ import annotations

from typing import IO, Any, Literal

Lock = Literal["locked", "taken", "unsupported"]
"""Result of an attempt: locked by this process, taken by another, or locks are not supported."""


def try_lock(file: IO[Any], *, shared: bool = False) -> Lock:
    """Try to lock an open file, without waiting; the lock ends when the file is closed.

    Windows and some network file systems do not support locks.

    Args:
        file: open for writing; for a shared lock, for reading.
        shared: allow other shared locks, but no exclusive one.
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # on Windows
        return "unsupported"
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # the second where flock is emulated by fcntl
        return "taken"
    except OSError:
        return "unsupported"
    return "locked"
