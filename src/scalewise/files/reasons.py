"""Errors of libvips and of the system, as users can read them."""

from __future__ import annotations

import errno
import os
from typing import Any

import pyvips
import pyvips.error

_SYSTEM = "system error: "


def one_line(error: pyvips.Error | OSError) -> str:
    """What went wrong, in one line."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # Looking for the end of an AVIF file leaves a trail of these, even in success.
    lines = [line.strip() for line in error.detail.splitlines() if "bad seek" not in line]
    # What the system says, of a full disk for one, comes after libvips's "write error".
    system = [line.removeprefix(_SYSTEM) for line in lines if line.startswith(_SYSTEM)]
    return next(filter(None, system + lines), "libvips does not say why")


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
