"""Errors of libvips and of the system, as users can read them."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyvips
import pyvips.error

_SYSTEM = "system error: "


# What is in the names that libvips and its libraries speak by, for each format.
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
    """What went wrong, in one line; nothing where libvips does not tell.

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
    """A reason as the end of a sentence; nothing of none.

    >>> "not readable" + in_brackets("no end"), "not readable" + in_brackets("")
    ('not readable (no end)', 'not readable')
    """
    return f" ({reason})" if reason else ""


def _of_format(lines: Iterable[str], format: str) -> Iterator[str]:
    """What was said by those who read and write a format, or by what all have in common."""
    others = {*_SPEAKERS.values()} - {_SPEAKERS.get(format)}
    is_meant = False
    for line in lines:
        if match := _SPEAKER.match(line):
            speaker = match[0].lower()
            is_meant = not any(other in speaker for other in others) and _WARNING not in line
        if is_meant:  # a line without a speaker goes on with the one before
            yield line


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
