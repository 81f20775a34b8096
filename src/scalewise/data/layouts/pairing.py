"""HR and LR pairing by name, proven by size where names leave doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.data.layouts.names import lr_stands_for, plain_stem
from scalewise.errors import ScalewiseError
from scalewise.files import open_picture, read
from scalewise.imaging.registration import align, shrink

SCALES = range(2, 10)
"""The scales that LR is known at."""

SAMPLED = 8
"""The number of pairs that are opened to find out a scale."""

ALIKE = 0.5
"""Correlation, once aligned, from which LR shows what HR shows."""


@dataclass(frozen=True)
class Size:
    """Width and height of an upright image, and whether it is grey, from a file's header."""

    width: int
    height: int
    is_grey: bool = False

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass
class Found:
    """A dataset's files by name, while its layout is being read.

    Attributes:
        layout: what the layout is called.
        hr: name -> HR file.
        lr: scale -> name -> LR file.
        unpaired: LR files whose HR file is missing.
        duplicates: files whose name is taken.
        notes: what else a user should know, one line each.
        absent: files that a list names and that are not there.
    """

    layout: str
    hr: dict[str, Path] = field(default_factory=dict[str, Path])
    lr: dict[int, dict[str, Path]] = field(default_factory=dict[int, dict[str, Path]])
    unpaired: list[Path] = field(default_factory=list[Path])
    duplicates: list[Path] = field(default_factory=list[Path])
    notes: list[str] = field(default_factory=list[str])
    absent: list[Path] = field(default_factory=list[Path])

    def add_hr(self, name: str, path: Path) -> None:
        """Take an HR file."""
        _add(self.hr, name, path, self.duplicates)

    def add_lr(self, scale: int, name: str, path: Path) -> None:
        """Take the LR file of a known HR file."""
        _add(self.lr.setdefault(scale, {}), name, path, self.duplicates)


@dataclass(frozen=True)
class LrFile:
    """An LR file: its name in its folder without suffix, and the scale that the folder says."""

    name: str
    scale: int | None
    path: Path


def size_of_image(path: Path) -> Size:
    """Return the size of an image by its file's header.

    Raises:
        ScalewiseError: as :func:`scalewise.files.open_picture`.
    """
    with open_picture(path, max_pixels=None, header_only=True) as reader:
        return Size(reader.width, reader.height, is_grey=reader.channels <= 2)


def fits(hr: Size, lr: Size, scale: int) -> bool:
    """Return whether an LR size is right: of HR cropped to a multiple of the scale, or rounded up.

    >>> [fits(Size(129, 96), Size(width, 48), 2) for width in (63, 64, 65, 66)]
    [False, True, True, False]
    """
    return _side_fits(hr.width, lr.width, scale) and _side_fits(hr.height, lr.height, scale)


def size_problem(hr: Size, lr: Size, scale: int) -> str:
    """Return the sentence about an LR file of a wrong size, which every command says alike."""
    return f"{lr}; x{scale} of its HR ({hr}) is {hr.width // scale}x{hr.height // scale}"


def index_names(names: Sequence[str]) -> dict[str, str]:
    """Return name -> HR name, also for the names without a trailing ``_HR`` and the like."""
    index = {name: name for name in names}
    for name in names:
        index.setdefault(plain_stem(name), name)
    return index


def pair(found: Found, files: Sequence[LrFile], folder: str) -> int:
    """Pair the LR files of one folder with the HR files, and return how many have theirs.

    A scale that no name says is measured: it is what most of the pairs have.

    Args:
        found: has the HR files, and gets the LR files.
        files: the folder's.
        folder: what to call it in errors.

    Raises:
        ScalewiseError: the scale is not said, and cannot be measured or is 1.
    """
    index = index_names(list(found.hr))
    paired: list[tuple[int | None, str, Path]] = []
    for file in files:
        name, scale = _stands_for(file, index)
        if name is None:
            found.unpaired.append(file.path)
        else:
            paired.append((file.scale or scale, name, file.path))
    unknown = [(found.hr[name], path) for scale, name, path in paired if scale is None]
    measured = measured_scale(unknown, folder) if unknown else None
    for scale, name, path in paired:
        found.add_lr(scale or measured or 0, name, path)
    return len(paired)


def measured_scale(pairs: Sequence[tuple[Path, Path]], folder: str) -> int:
    """Return the scale that most pairs of HR and LR files have.

    Raises:
        ScalewiseError: they have none, or are of one size; ``folder`` says where.
    """
    votes = Counter(scale_between(hr, lr) for hr, lr in _sample(pairs))
    scale, _ = votes.most_common(1)[0]
    mend = "name the folder X2, X3 or X4 by its scale, or move it elsewhere to have LR made from HR"
    if scale is None:
        hr, lr = pairs[0]
        raise ScalewiseError(
            f"{folder}: its scale is not in its name, and the sizes do not tell "
            f"({lr.name} is not 1/2 to 1/9 of {hr.name}); {mend}"
        )
    if scale == 1:
        raise ScalewiseError(
            f"{folder}: its images are as large as their HR, so they are not LR; "
            "name the HR folder alone, or move this one elsewhere"
        )
    return scale


def scale_between(hr: Path, lr: Path, slack: int = 1) -> int | None:
    """Return HR over LR size where that is a whole number up to 9, by the files' headers.

    Args:
        hr, lr: the files.
        slack: pixels that LR may be off; 0 allows rounding up and down alone.

    Returns:
        None where it is not such a number or a header cannot be read.
    """
    try:
        large, small = size_of_image(hr), size_of_image(lr)
    except ScalewiseError:
        return None
    scale = round(max(large.width, large.height) / max(small.width, small.height))
    if scale not in (1, *SCALES):
        return None
    if slack == 0 or scale == 1:
        return scale if fits(large, small, scale) else None
    off = max(abs(small.width - large.width / scale), abs(small.height - large.height / scale))
    return scale if off <= slack else None


def is_alike(hr: Path, lr: Path, scale: int) -> bool:
    """Return whether two files of fitting sizes show the same, as far as flat images tell.

    Raises:
        ScalewiseError: one cannot be read.
    """
    found = align(*comparable(read(hr).colour, read(lr).colour, scale))
    return found is None or found.correlation >= ALIKE


def comparable(hr: NDArray[Any], lr: NDArray[Any], scale: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return HR shrunk to LR's size, and LR, both in levels of 255."""
    large, small = shrink(_to_255(hr), scale), _to_255(lr)
    height, width = min(large.shape[0], small.shape[0]), min(large.shape[1], small.shape[1])
    return large[:height, :width], small[:height, :width]


def _to_255(image: NDArray[Any]) -> NDArray[Any]:
    return image / 257 if image.dtype == np.uint16 else image


def _stands_for(file: LrFile, index: Mapping[str, str]) -> tuple[str | None, int | None]:
    for name, scale in lr_stands_for(file.name, file.scale):
        if name in index:
            return index[name], scale
    return None, None


def _sample(pairs: Sequence[tuple[Path, Path]]) -> Iterator[tuple[Path, Path]]:
    step = max(1, len(pairs) // SAMPLED)
    yield from pairs[::step][:SAMPLED]


def _side_fits(hr: int, lr: int, scale: int) -> bool:
    return lr in (hr // scale, -(-hr // scale))


def _add(files: dict[str, Path], name: str, path: Path, duplicates: list[Path]) -> None:
    if name in files:
        duplicates.append(path)
    else:
        files[name] = path
