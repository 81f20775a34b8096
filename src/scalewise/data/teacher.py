"""Teachers: a stronger model's images of LR images, from a folder or made while packing.

What a small network learns from a large one is explained in docs/training.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import AnyPath, path_of
from scalewise.data.layouts import Dataset, relative_name
from scalewise.data.reading import read_rgb
from scalewise.data.store import TeacherInfo
from scalewise.errors import ScalewiseError
from scalewise.files import find_images

Pixels = NDArray[np.uint8]

NAMED = 3
"""The number of HR images without a teacher's image that an error names."""


class TeacherFolder:
    """A teacher's images as files: the same names as the HR images, with any suffix.

    Args:
        folder: holds ``NAME.png`` (or another format) for every HR image ``NAME``.
        info: who made them.
        datasets: the HR images that need one.

    Raises:
        ScalewiseError: HR images without a teacher's image, with how many, or no such folder.
    """

    def __init__(self, folder: AnyPath, info: TeacherInfo, datasets: Sequence[Dataset]) -> None:
        folder = path_of(folder, "folder")
        if not folder.is_dir():
            raise ScalewiseError(f"{folder}: no such folder of a teacher's images")
        self.info = info
        self._files = {
            relative_name(folder, path.with_suffix("")): path for path in find_images(folder)
        }
        names = [item.name for dataset in datasets for item in dataset.items]
        missing = [name for name in names if name not in self._files]
        if missing:
            shown = ", ".join(missing[:NAMED]) + (", ..." if missing[NAMED:] else "")
            raise ScalewiseError(
                f"{folder}: has no image for {len(missing)} of {len(names)} HR images ({shown}); "
                "make them, or leave these HR images out"
            )

    def image(self, name: str, lr: Pixels) -> Pixels:
        """Read the teacher's image of a name; see :class:`~scalewise.data.packing.Teacher`."""
        return read_rgb(self._files[name])


class TeacherModel:
    """A teacher that is run while packing.

    Args:
        restore: maps LR (h, w, 3) uint8 to (scale h, scale w, 3) uint8.
        info: which model it is.
    """

    def __init__(self, restore: Callable[[Pixels], Pixels], info: TeacherInfo) -> None:
        self.info = info
        self._restore = restore

    def image(self, name: str, lr: Pixels) -> Pixels:
        """Enlarge an LR image; see :class:`~scalewise.data.packing.Teacher`."""
        return self._restore(lr)
