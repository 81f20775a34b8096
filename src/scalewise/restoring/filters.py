"""Filters of the images in folders: patterns of names, and shards of a run."""

from __future__ import annotations

import os
import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from scalewise.arguments import is_list, is_whole, shown
from scalewise.errors import ScalewiseError


@dataclass(frozen=True)
class Selection:
    """A selection of the images in folders.

    Attributes:
        include: patterns such as ``*.jpg`` or ``2024/*``, for the name or for the path within the
            folder, in upper or lower case; an image must match one of them, if there are any.
        exclude: patterns of what is left out.
        shard: the i-th of n parts, from 1: ``(i, n)``.  Every image belongs to one part, by
            its path within the folder, however many others come or go.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        for name in ("include", "exclude"):
            patterns: Any = getattr(self, name)
            if not is_list(patterns, lambda pattern: isinstance(pattern, str)):
                raise ScalewiseError(
                    f"{name} must be patterns such as ('*.jpg',), not {shown(patterns)}",
                    arguments=[name],
                )
        given: Any = self.shard
        if not is_list(given, is_whole) or len(given) != 2:
            raise ScalewiseError(
                f"shard must be (i, n) with i from 1 to n, not {shown(given)}", arguments=["shard"]
            )
        index, count = self.shard
        if not 1 <= index <= count:
            raise ScalewiseError(
                f"shard {index}/{count}: give i/n with i from 1 to n", arguments=["shard"]
            )

    def holds(self, within: Path) -> bool:
        """Return whether an image belongs to this shard."""
        index, count = self.shard
        return zlib.crc32(os.fsencode(within.as_posix())) % count == index - 1

    def matches(self, within: Path) -> bool:
        """Return whether the patterns select an image."""
        if self.include and not _matches(within, self.include):
            return False
        return not _matches(within, self.exclude)

    def wants(self, within: Path) -> bool:
        """Return whether an image at this path within its folder is selected.

        >>> Selection(include=("*.png",), exclude=("old/*",)).wants(Path("new/a.png"))
        True
        """
        return self.matches(within) and self.holds(within)


def parse_shard(text: str) -> tuple[int, int]:
    """Return the part ``i/n`` of a run.

    Raises:
        ScalewiseError: it is not of that form.

    >>> parse_shard("2/8")
    (2, 8)
    """
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None:
        raise ScalewiseError(f"shard '{text}': write i/n, such as 2/8", arguments=["shard"])
    return int(match[1]), int(match[2])


def _matches(path: Path, patterns: Sequence[str]) -> bool:
    """Return whether a path matches one of some patterns, in upper or lower case."""
    names = [_comparable(name) for name in (path.as_posix(), path.name)]
    return any(fnmatchcase(name, _pattern(pattern)) for pattern in patterns for name in names)


def _pattern(text: str) -> str:
    text = text.removeprefix("./")
    return _comparable(text + "*" if text.endswith("/") else text)


def _comparable(text: str) -> str:
    """Return a name in lower case; systems write letters with accents as one or two characters."""
    return unicodedata.normalize("NFC", text).lower()
