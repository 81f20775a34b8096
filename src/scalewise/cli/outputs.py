"""Output files and folders of commands, checked before any work."""

from __future__ import annotations

import os
from pathlib import Path

from scalewise.arguments import require_new
from scalewise.cli.usage_errors import UsageError
from scalewise.errors import ScalewiseError


def check_output_file(
    path: Path, flag: str, endings: tuple[str, ...] = (), *, overwrite: bool = True
) -> None:
    """Refuse an output file that cannot be written.

    Its folder need not exist yet; then the one that it would be made in counts.

    Args:
        path: the file to be.
        flag: the option that gives it, for errors.
        endings: the extensions that it may have, in lower case; any by default.
        overwrite: whether it may replace a file, or whoever writes it checks that.

    Raises:
        UsageError: another extension.
        ScalewiseError: a folder or a device has this name, its folder cannot be written to, or it
            would replace a file.
    """
    if endings and path.suffix.lower() not in endings:
        raise UsageError(f"{flag} {path}: give a name that ends in {' or '.join(endings)}")
    if path.is_dir():
        raise ScalewiseError(f"{flag} {path}: is a folder; give the name of a file in it")
    _check_writable(path, flag, path.absolute().parent)
    require_new(path, overwrite=overwrite)


def check_output_folder(path: Path, flag: str) -> None:
    """Refuse an output folder that cannot be made, or not be written to.

    Raises:
        ScalewiseError: a file has this name or that of a folder above it, or the user may not
            write there.
    """
    _check_writable(path, flag, path.absolute())


def check_results_place(output: str) -> None:
    """Refuse an output of ``upscale`` or ``restore`` that is a device, or lies below a file."""
    path = Path(output)
    if path.exists() and not path.is_dir() and not path.is_file():
        raise ScalewiseError(f"--output {output}: is a device; give a file or a folder")
    folder = _first_there(path.absolute().parent)
    if not folder.is_dir():
        raise ScalewiseError(
            f"--output {output}: {_as_given(folder, path)} is a file, not a folder"
        )


def _check_writable(path: Path, flag: str, folder: Path) -> None:
    there = _first_there(folder)
    name = _as_given(there, path)
    if not there.is_dir():
        what = "is" if there == path.absolute() else f"{name} is"
        raise ScalewiseError(f"{flag} {path}: {what} a file, not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise ScalewiseError(f"{flag} {path}: the folder {name} cannot be written to")


def _first_there(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that exists."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def _as_given(folder: Path, path: Path) -> Path:
    """Return a folder above a path, relative where the path is."""
    up = len(path.absolute().parts) - len(folder.parts)
    return [path, *path.parents][up]
