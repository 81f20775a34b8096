"""Memory: how much is free, the largest tile for it, and errors that say it ran out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from math import isqrt
from pathlib import Path
from typing import Any

LARGEST_TILE = 640
"""The largest tile that is chosen; larger ones save little.

Of a 12-megapixel image 17 % is computed twice with tiles of 640, 13 % with 768, and their memory
grows with their area."""
SMALLEST_CHOSEN = 64
"""The smallest tile that is chosen, however little is free; if it fails, tiles are halved."""

_BYTES_PER_FEATURE = {
    "adaptive": 30,
    "dbpn": 74,
    "dsrn": 109,
    "fpn": 22,
    "original": 21,
    "plain": 16,
    "scn": 6,
    "scn_exact": 8.4,
    "steered": 20,
    "unet": 27,
}
"""Peak memory of OpenVINO's float32 graphs, compiled for 160x160 or 192x192, over pixels and
features of the widest layer, by architecture."""
_UNKNOWN = 110.0
_KEPT = 3
"""Features that a block with an expansion keeps beside its widest layer, in network widths."""
_SAMPLES = 300
"""Bytes per pixel for the samples themselves, as floats, on their way in and out."""
_FEATURES = 64
_SPARE = 2**31  # bytes, if the system does not say what is free

# A thread that has no memory for its stack fails as "temporarily unavailable".
_OUT_OF_MEMORY = re.compile(
    r"alloc|out of memory|not enough memory|buffer size|resource temporarily unavailable",
    re.IGNORECASE,
)


def bytes_per_pixel(architecture: str, settings: dict[str, Any]) -> float:
    """Estimate the bytes that a network needs for an input pixel of a tile.

    >>> round(bytes_per_pixel("scn_exact", {"width": 32, "expansion": 4}))
    2182
    """
    features = max(int(settings.get(name, 0)) for name in ("width", "features")) or _FEATURES
    if "expansion" in settings:
        features *= int(settings["expansion"]) + _KEPT
    folded = int(settings.get("shrink", 1)) ** 2  # image pixels for one of the network's
    return _BYTES_PER_FEATURE.get(architecture, _UNKNOWN) * features / folded + _SAMPLES


def choose_tile(free: int, per_pixel: float, overlap: int) -> int:
    """Return the side of a tile, without overlaps, that takes up to half of the free memory.

    >>> choose_tile(8 * 2**30, 1836, 28), choose_tile(2**29, 1836, 28), choose_tile(0, 1836, 28)
    (640, 326, 64)
    """
    side = isqrt(int(free / 2 / per_pixel)) - 2 * overlap
    return max(SMALLEST_CHOSEN, min(LARGEST_TILE, side))


def free_memory(root: Path = Path("/")) -> int:
    """Return the bytes that this process may still take, by the machine and its control group.

    Args:
        root: the folder of ``proc`` and ``sys``; another one for tests.
    """
    limits = [*_machine(root), *_control_groups(root)]
    return max(0, min(limits)) if limits else _unknown_system()


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of NumPy, OpenVINO or PyTorch says that memory did not suffice.

    >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    True
    >>> is_out_of_memory(RuntimeError("shapes do not fit"))
    False
    """
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(str(error)) is not None


def _machine(root: Path) -> Iterator[int]:
    for line in _lines(root / "proc/meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024


def _control_groups(root: Path) -> Iterator[int]:
    """Yield what is left in the process's control group and in those around it, version 2."""
    base = root / "sys/fs/cgroup"
    own = next((line[3:] for line in _lines(root / "proc/self/cgroup") if line[:3] == "0::"), "")
    group = base / own.strip("/")
    for folder in (group, *group.parents):
        limit, used = _number(folder / "memory.max"), _number(folder / "memory.current")
        if limit is not None and used is not None:
            stats = (line.split() for line in _lines(folder / "memory.stat"))
            # Cached files are given up on demand.
            yield limit - used + sum(int(stat[1]) for stat in stats if stat[0] == "inactive_file")
        if folder == base:
            return


def _number(path: Path) -> int | None:
    """Return the number in a file; None without one, or with ``max``, which means no limit."""
    lines = _lines(path)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _unknown_system() -> int:
    """Return half of the memory of a system without ``/proc``."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return _SPARE
