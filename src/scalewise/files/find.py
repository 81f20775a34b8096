"""Which image files lie in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from scalewise.errors import ScalewiseError
from scalewise.files.formats import READ_SUFFIXES


def find_images(
    path: str | Path, unreadable: Callable[[ScalewiseError, Path], None] | None = None
) -> list[Path]:
    """The image files in a folder and its subfolders, sorted; a file stands for itself.

    Only names are looked at: files with an extension of a format that is read, in upper or
    lower case. Hidden files and folders (whose names start with a dot) are skipped.

    Args:
        path: the folder or file.
        unreadable: told of every folder that cannot be listed; None raises the error.

    Raises:
        ScalewiseError: no such file or folder.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ScalewiseError(f"{path}: no such file or folder")

    def refused(error: OSError) -> None:
        problem = ScalewiseError(f"{error.filename}: cannot be listed ({error.strerror})")
        if unreadable is None:
            raise problem
        unreadable(problem, Path(error.filename))

    found: list[Path] = []
    for folder, subfolders, names in os.walk(path, onerror=refused):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        found += [
            Path(folder, name)
            for name in names
            if not name.startswith(".") and Path(name).suffix.lower() in READ_SUFFIXES
        ]
    return sorted(found)
