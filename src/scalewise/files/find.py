"""Which image files lie in a folder."""

from __future__ import annotations

import os
from pathlib import Path

from scalewise.errors import ScalewiseError
from scalewise.files.formats import IMAGE_SUFFIXES


def find_images(path: str | Path) -> list[Path]:
    """The image files in a folder and its subfolders, sorted; a file stands for itself.

    Only names are looked at: files with one of :data:`IMAGE_SUFFIXES`, in upper or lower
    case. Hidden files and folders (whose names start with a dot) are skipped.

    Raises:
        ScalewiseError: no such file or folder.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ScalewiseError(f"{path}: no such file or folder")
    found: list[Path] = []
    for folder, subfolders, names in os.walk(path):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        found += [
            Path(folder, name)
            for name in names
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES
        ]
    return sorted(found)
