"""Errors of libvips and of the system, as users can read them."""

from __future__ import annotations

import errno
import os
from typing import Any

import pyvips
import pyvips.error

_SYSTEM = "system error: "


# By what libvips and its libraries call themselves, where a format has to do with them.
_SPEAKERS = {
    "png": {"png"},
    "jpeg": {"jpeg", "jpg"},
    "tiff": {"tiff", "jpeg", "jpg", "webp"},  # in which pixels may be coded so
    "webp": {"webp"},
    "avif": {"heif", "avif"},
    "heic": {"heif"},
    "gif": {"gif"},
}
_EVERYBODY = frozenset[str]().union(*_SPEAKERS.values())


def forget_errors() -> None:
    """Forget what libvips has noted down: it does so even where it reads a file in the end."""
    pyvips.vips_lib.vips_error_clear()


def one_line(error: pyvips.Error | OSError, format: str | None = None) -> str:
    """What went wrong, in one line.

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
        lines = [line for line in lines if _may_speak_of(line, format.lower())]
        if format.lower() == "jpeg":  # of warnings and errors, the last is what it stopped at
            lines.reverse()
    return next(filter(None, system + lines), "libvips does not say why")


def _may_speak_of(line: str, format: str) -> bool:
    """Whether a line comes from what reads and writes a format, or from what all have in common."""
    speaker = line.partition(":")[0].lower()
    named = {each for each in _EVERYBODY if each in speaker}
    return not named or bool(named & _SPEAKERS.get(format, set()))


def is_disk_full(error: pyvips.Error | OSError) -> bool:
    """Whether there was no space, or none left of what the user may take."""
    reasons = (errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, OSError):
        return error.errno in reasons
    return any(os.strerror(reason) in error.detail for reason in reasons)


def _text(data: Any) -> str:
    """A C string of libvips, whatever bytes it has."""
    return "NULL" if data == pyvips.ffi.NULL else pyvips.ffi.string(data).decode(errors="replace")


# What libvips says of a damaged file may quote it, and bytes that are no UTF-8 are a traceback
# in pyvips: where it logs a warning, and where it makes an error of it.
for _module in (pyvips, pyvips.error):
    setattr(_module, "_to_string", _text)  # noqa: B010
