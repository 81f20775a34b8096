"""Packages that are not there, for a benchmark to find."""

from __future__ import annotations

from pathlib import Path


def pretend(folder: Path, module: str, source: str, distribution: str) -> None:
    """Put a module into a folder of packages, as version 9.9 of a distribution."""
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    about = folder / f"{distribution.replace('-', '_')}-9.9.dist-info"
    about.mkdir()
    about.joinpath("METADATA").write_text(f"Name: {distribution}\nVersion: 9.9\n", encoding="utf-8")
