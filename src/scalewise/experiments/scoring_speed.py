"""Speed of scoring of each method, kept in a file for the next command on a reproduction."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from scalewise.data.layouts import Dataset
from scalewise.experiments.results import load_json, save_json

SPEEDS_FILE = "speeds.json"
"""The file's name in a reproduction's folder."""

UNKNOWN = 2e-6
"""Seconds per byte of image files before anything was timed: those of Adaptive on two cores."""


class ScoringSpeeds:
    """Seconds of scoring per byte of image files, of each method.

    Args:
        folder: of the reproduction.

    Raises:
        ScalewiseError: the file in the folder is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / SPEEDS_FILE
        kept = self._path.is_file()
        self._per_byte = load_json(dict[str, float], self._path) if kept else {}

    def seconds(self, sets: Mapping[str, Dataset], name: str | None = None) -> float:
        """Return the seconds of scoring a method on sets.

        Args:
            sets: test sets by name.
            name: of the method; one that was never timed counts as the slowest, and so does None.
        """
        slowest = max(self._per_byte.values(), default=UNKNOWN)
        return self._per_byte.get(name or "", slowest) * _bytes_of(sets)

    @contextmanager
    def timing(self, sets: Mapping[str, Dataset], name: str) -> Generator[None, None, None]:
        """Time the scoring of a method on sets, and keep its speed."""
        started = time.monotonic()
        yield
        taken = time.monotonic() - started
        self._per_byte[name] = taken / max(1, _bytes_of(sets))
        save_json(self._per_byte, self._path)


def _bytes_of(sets: Mapping[str, Dataset]) -> int:
    """Return the bytes of the image files of sets, a measure of the time that scoring takes."""
    return sum(item.hr.stat().st_size for each in sets.values() for item in each.items)
