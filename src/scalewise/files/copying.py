"""Copies of image files, byte by byte: for results that are the image itself."""

from __future__ import annotations

import os
import shutil
import stat

from scalewise.arguments import AnyPath, path_of
from scalewise.atomic import atomic_output
from scalewise.errors import DiskFullError, ScalewiseError
from scalewise.files.formats import Format, check_target, detect_format
from scalewise.files.vips_errors import is_disk_full, one_line

_PERMISSIONS = 0o777


def has_format(path: AnyPath, form: Format) -> bool:
    """Return whether a file's content has a format, whatever its name says.

    Raises:
        OSError: the file cannot be read.
    """
    with path_of(path, "path").open("rb") as file:
        content = detect_format(file)
    return content is not None and content.name.lower() == form.name


def copy_picture(
    source: AnyPath, target: AnyPath, *, overwrite: bool = True, format: str | None = None
) -> bool:
    """Copy an image file byte by byte, if its format is the one that the target should have.

    The copy has the permissions of the file that it replaces, or else those of the source.

    Args:
        source: the image file.
        target: the copy, whole or not at all; its folder must exist.
        overwrite: replace a file that is there; if False, that is an error.
        format: the target's format; None for that of its extension.

    Returns:
        Whether it was copied; if not, it is to be encoded in the other format.

    Raises:
        ScalewiseError: as :func:`scalewise.files.check_target`; the one cannot be read, or the
            other not written.
    """
    source, target = path_of(source, "source"), path_of(target, "target")
    form = check_target(target, 1, 1, overwrite=overwrite, format=format)
    try:
        if not has_format(source, form):
            return False
        if target.exists() and source.samefile(target):
            return True
        with (
            source.open("rb") as file,
            atomic_output(target, overwrite=overwrite) as descriptor,
            os.fdopen(os.dup(descriptor), "wb") as copy,
        ):
            shutil.copyfileobj(file, copy)
            if hasattr(os, "fchmod"):
                os.fchmod(descriptor, stat.S_IMODE(os.fstat(file.fileno()).st_mode) & _PERMISSIONS)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFullError(f"{target}: no space left on the device") from None
        raise ScalewiseError(f"{target}: cannot be copied ({one_line(error)})") from None
    return True
