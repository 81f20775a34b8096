"""Errors of libvips and of the system, in words that users can read."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import pyvips
import pyvips.error

_SYSTEM = "system error: "


# What the names of libvips's speakers contain, for each format.
_SPEAKERS = {
    "png": "png",
    "jpeg": "jpeg",
    "tiff": "tiff",
    "webp": "webp",
    "avif": "heif",
    "heic": "heif",
    "heif": "heif",
    "gif": "gif",
}
_SPEAKER = re.compile(r"[\w -]+: ")
_WARNING = "Corrupt JPEG data"  # libjpeg's, of what it reads nevertheless


def forget_errors() -> None:
    """Forget what libvips has noted down: it does so even where it reads a file in the end."""
    pyvips.vips_lib.vips_error_clear()


def one_line(error: pyvips.Error | OSError, format: str | None = None) -> str:
    """Return what went wrong in one line; empty where libvips does not tell.

    Args:
        error: libvips's, or the system's.
        format: of the file in question.  libvips notes down all errors in one place, and what
            another thread has left there of another file must not be taken for this one's.
    """
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # Looking for the end of an AVIF file leaves a trail of these, even in success.
    lines = [line.strip() for line in error.detail.splitlines() if "bad seek" not in line]
    # What the system says, of a full disk for one, comes after libvips's "write error".
    system = [line.removeprefix(_SYSTEM) for line in lines if line.startswith(_SYSTEM)]
    if format is not None:
        lines = list(_of_format(lines, format.lower()))
    return next(filter(None, system + lines), "")


def in_brackets(reason: str) -> str:
    """Return a reason as the end of a sentence; empty for no reason.

    >>> "not readable" + in_brackets("no end"), "not readable" + in_brackets("")
    ('not readable (no end)', 'not readable')
    """
    return f" ({reason})" if reason else ""


def _of_format(lines: Iterable[str], format: str) -> Iterator[str]:
    """Yield the messages of those who read and write a format, and of what all share."""
    others = {*_SPEAKERS.values()} - {_SPEAKERS.get(format)}
    is_meant = False
    for line in lines:
        if match := _SPEAKER.match(line):
            speaker = match[0].lower()
            is_meant = not any(other in speaker for other in others) and _WARNING not in line
        if is_meant:  # a line without a speaker continues the one before
            yield line


def is_disk_full(error: pyvips.Error | OSError) -> bool:
    """Return whether the disk or the user's quota was full."""
    reasons = (errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, OSError):
        return error.errno in reasons
    return any(os.strerror(reason) in error.detail for reason in reasons)


@contextmanager
def lenient_messages() -> Generator[None]:
    """Let pyvips decode messages of libvips that are not UTF-8, while the block runs.

    A message about a damaged file may quote it.  pyvips decodes messages strictly: such a one
    becomes a traceback, where an error is made of it, and where a warning is logged.  Afterwards
    pyvips is as it was before.  Blocks may be nested, and run in several threads at once.
    """
    global _depth
    with _lock:
        if _depth == 0:
            for module in _DECODING_MODULES:
                setattr(module, _DECODER, _decoded)
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                for module, decoder in zip(_DECODING_MODULES, _STRICT_DECODERS, strict=True):
                    setattr(module, _DECODER, decoder)


def _decoded(data: Any) -> str:
    """Return a C string of libvips, whatever bytes it has."""
    return "NULL" if data == pyvips.ffi.NULL else pyvips.ffi.string(data).decode(errors="replace")


_DECODER = "_to_string"
_DECODING_MODULES = (pyvips, pyvips.error)
_STRICT_DECODERS = tuple(getattr(module, _DECODER) for module in _DECODING_MODULES)
_lock = Lock()
_depth = 0
