"""Copies of picture files that need no change."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scalewise.errors import DiskFullError, ScalewiseError
from scalewise.files.content import content_of
from scalewise.files.formats import check_target
from scalewise.files.scratch import unfinished
from scalewise.files.vips_errors import is_disk_full, one_line


def copy_picture(source: str | Path, target: str | Path, *, overwrite: bool = True) -> bool:
    """Copy a picture's file byte by byte, if its format is the one that the target's name says.

    Args:
        source: the picture.
        target: the copy, whole or not at all; its folder must exist.
        overwrite: replace a file that is there; if False, that is an error.

    Returns:
        Whether it was copied; if not, it is to be encoded in the other format.

    Raises:
        ScalewiseError: as :func:`scalewise.files.check_target`; the one cannot be read, or the
            other not written.
    """
    source, target = Path(source), Path(target)
    form = check_target(target, 1, 1, overwrite=overwrite)
    try:
        with source.open("rb") as file:
            content = content_of(file)
            if content is None or content.name.lower() != form.name:
                return False
            if target.exists() and source.samefile(target):
                return True
            file.seek(0)
            with unfinished(target) as descriptor, os.fdopen(os.dup(descriptor), "wb") as copy:
                shutil.copyfileobj(file, copy)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFullError(f"{target}: no space left on the device") from None
        raise ScalewiseError(f"{target}: cannot be copied ({one_line(error)})") from None
    return True
