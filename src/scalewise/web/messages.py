"""Messages for clients: they say nothing of this machine, and what can be done."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PATH = re.compile(r"(?<![\w./:\\~-])(?:[A-Za-z]:[\\/]|/)(?:[^/\\\s:'\"]+[/\\])+[^/\\\s:'\"]*")
_UNKNOWN = "a file of the server"


def without_paths(text: str, names: Mapping[str, str] | None = None) -> str:
    """Return a message without the paths of this machine.

    Args:
        text: the message.
        names: what clients call the files at some paths; others are not named at all.

    >>> without_paths("/tmp/x y/1.png: no; /tmp/b/c.d: full", {"/tmp/x y/1.png": "a.png"})
    'a.png: no; a file of the server: full'
    """
    for path in sorted(names or {}, key=len, reverse=True):
        text = text.replace(path, (names or {})[path])
    return _PATH.sub(_UNKNOWN, text)


def too_slow(seconds: float, factor: float, native_scale: int) -> str:
    """Say that an image took too long, and what can be done about it.

    Args:
        seconds: the limit.
        factor: width of the result over that of the image.
        native_scale: of the network; a smaller size helps only where one runs more than once.

    >>> too_slow(900, 2, 2).partition("; ")[2]
    'crop the image or reduce it before, or start the server with a larger --max-minutes'
    """
    smaller = "choose a smaller size, " if factor > native_scale else ""
    return (
        f"it took longer than {seconds:g} seconds, the limit of this server; {smaller}crop the "
        "image or reduce it before, or start the server with a larger --max-minutes"
    )
