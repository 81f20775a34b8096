"""An environment with only a few packages and their dependencies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

SOURCE = Path(__file__).parents[2] / "src"

TRAINING_NEEDS = ("torch", "numpy", "PyYAML", "pydantic")
"""The packages that training on packed stores may need."""


def link_packages(names: Iterable[str], site: Path) -> None:
    """Fill a folder with links to packages and their dependencies."""
    site.mkdir()
    for package in _with_dependencies(names):
        for top in {Path(file).parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            (site / top).symlink_to(Path(str(package.locate_file(top))))


def run_bare(site: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with the packages of ``site`` and this project's sources only."""
    paths = os.pathsep.join(map(str, (SOURCE, site)))
    environment = {"PYTHONPATH": paths, "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
    # -S leaves out the environment's own packages.
    command = [sys.executable, "-S", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )


def _with_dependencies(names: Iterable[str]) -> list[Distribution]:
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop().lower()
        if name in found:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:  # a dependency that this platform goes without
            continue
        found[name] = package
        for line in package.requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)
    return list(found.values())
