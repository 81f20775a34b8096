"""What a dataset holds, and what is wrong with it, before anyone trains on it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyvips

from scalewise.data.layouts import Dataset, normalised, relative_name
from scalewise.data.manifest import MANIFEST, read_manifest
from scalewise.errors import ScalewiseError
from scalewise.files import find_images, read

Kind = Literal[
    "unreadable",
    "too small",
    "HR without LR",
    "LR without HR",
    "wrong LR size",
    "duplicate name",
    "manifest",
]

HINTS: Mapping[Kind, str] = {
    "unreadable": "copy the file again, or delete it; packing skips it",
    "too small": "leave it out of training, or choose a smaller limit",
    "HR without LR": "add the LR file, or delete the scale's LR folder to have all LR made",
    "LR without HR": "add the HR file, or delete the LR file",
    "wrong LR size": "pair it with its own HR, or delete the scale's LR folder to have all LR made",
    "duplicate name": "rename or delete one of the two; only the first is used",
    "manifest": "bring it up to date; of files listed twice, one may have overwritten the other",
}
"""How to mend each kind of problem."""

# Exif's orientations 5 to 8 turn the picture by a quarter.
_FIRST_QUARTER_TURN = 5


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: its kind, the file, what is the matter, how to mend it."""

    kind: Kind
    path: Path
    message: str

    @property
    def hint(self) -> str:
        """How to mend it."""
        return HINTS[self.kind]


@dataclass(frozen=True)
class Report:
    """What :func:`check` found.

    Attributes:
        dataset: what was checked.
        megapixels: of all HR pictures that can be read.
        scales: scale -> number of pictures that bring an LR file.
        licences: licence -> number of pictures, the most frequent first; empty without a
            manifest.
        notes: what is worth knowing and not wrong, one line each.
        problems: what is wrong, in the order of :data:`HINTS`.
    """

    dataset: Dataset
    megapixels: float
    scales: Mapping[int, int]
    licences: Mapping[str, int]
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Size:
    width: int
    height: int
    is_grey: bool

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def check(
    dataset: Dataset,
    *,
    min_side: int = 96,
    fast: bool = False,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Look at every picture of a dataset.

    Args:
        dataset: from :func:`scalewise.data.layouts.find_dataset`.
        min_side: HR pictures need at least so many pixels on their shorter side.
        fast: read headers only, which finds no truncated file.
        workers: reading threads; all cores by default.
        progress: called with files done and in all.
    """
    files = [file for item in dataset.items for file in (item.hr, *item.lr.values())]
    sizes: dict[Path, _Size] = {}
    problems: list[Problem] = []
    measuring = _measure_all(files, _read_header if fast else _read_whole, workers)
    with closing(measuring):  # when interrupted, the files still waiting are not read
        for done, (file, size) in enumerate(zip(files, measuring, strict=True), start=1):
            if isinstance(size, _Size):
                sizes[file] = size
            else:
                problems.append(Problem("unreadable", file, str(size).removeprefix(f"{file}: ")))
            if progress:
                progress(done, len(files))

    hr_sizes = [sizes[item.hr] for item in dataset.items if item.hr in sizes]
    scales = Counter(scale for item in dataset.items for scale in item.lr)
    problems += _find_small(dataset, sizes, min_side)
    problems += _find_unpaired(dataset, sorted(scales))
    problems += _find_wrong_lr_sizes(dataset, sizes)
    problems += _find_duplicates(dataset)
    problems += _find_manifest_errors(dataset)
    return Report(
        dataset=dataset,
        megapixels=sum(size.width * size.height for size in hr_sizes) / 1e6,
        scales=dict(sorted(scales.items())),
        licences=dict(Counter(dataset.licences.values()).most_common()),
        notes=(*_note_grey(hr_sizes), *_note_licences(dataset), *_note_unused(dataset)),
        problems=tuple(sorted(problems, key=lambda problem: list(HINTS).index(problem.kind))),
    )


def _read_whole(path: Path) -> _Size | ScalewiseError:
    try:
        picture = read(path)
    except ScalewiseError as error:
        return error
    height, width, _ = picture.pixels.shape
    return _Size(width, height, picture.is_grey)


def _read_header(path: Path) -> _Size | ScalewiseError:
    try:
        image: Any = pyvips.Image.new_from_file(str(path), revalidate=True)
    except pyvips.Error:
        return ScalewiseError(f"{path}: cannot be read as an image")
    width, height = image.width, image.height
    if image.get_typeof("orientation") and image.get("orientation") >= _FIRST_QUARTER_TURN:
        width, height = height, width
    return _Size(width, height, is_grey=image.bands <= 2)


def _measure_all(
    files: Sequence[Path],
    measure: Callable[[Path], _Size | ScalewiseError],
    workers: int | None,
) -> Generator[_Size | ScalewiseError, None, None]:
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        yield from pool.map(measure, files)


def _find_small(dataset: Dataset, sizes: Mapping[Path, _Size], min_side: int) -> Iterator[Problem]:
    for item in dataset.items:
        size = sizes.get(item.hr)
        if size and min(size.width, size.height) < min_side:
            yield Problem("too small", item.hr, f"{size}, below {min_side} pixels on a side")


def _find_unpaired(dataset: Dataset, scales: Sequence[int]) -> Iterator[Problem]:
    for item in dataset.items:
        if lacking := [f"x{scale}" for scale in scales if scale not in item.lr]:
            yield Problem("HR without LR", item.hr, f"no LR at {', '.join(lacking)}")
    for path in dataset.unpaired:
        yield Problem("LR without HR", path, "no HR picture of this name")


def _find_wrong_lr_sizes(dataset: Dataset, sizes: Mapping[Path, _Size]) -> Iterator[Problem]:
    for item in dataset.items:
        for scale, path in item.lr.items():
            hr, lr = sizes.get(item.hr), sizes.get(path)
            if (
                hr
                and lr
                and not (_fits(hr.width, lr.width, scale) and _fits(hr.height, lr.height, scale))
            ):
                right = f"{hr.width // scale}x{hr.height // scale}"
                yield Problem("wrong LR size", path, f"{lr}; x{scale} of its HR ({hr}) is {right}")


def _fits(hr: int, lr: int, scale: int) -> bool:
    """LR of HR cropped to a multiple of the scale, or of the uncropped HR, rounded up."""
    return lr in (hr // scale, -(-hr // scale))


def _find_duplicates(dataset: Dataset) -> Iterator[Problem]:
    for path in dataset.duplicates:
        yield Problem("duplicate name", path, "another file has this name but for its suffix")


def _find_manifest_errors(dataset: Dataset) -> Iterator[Problem]:
    there = {relative_name(dataset.root, item.hr) for item in dataset.items}
    for file, rows in Counter(row.file for row in read_manifest(dataset.root)).items():
        path = dataset.root / file
        if normalised(file) not in there and not path.exists():
            yield Problem("manifest", path, f"listed in {MANIFEST}, but not there")
        elif rows > 1:
            yield Problem("manifest", path, f"listed {rows} times in {MANIFEST}")


def _note_grey(hr_sizes: Sequence[_Size]) -> Iterator[str]:
    grey = sum(size.is_grey for size in hr_sizes)
    if grey == len(hr_sizes) > 0:
        yield "all pictures are grey"
    elif grey:
        yield f"{grey} of {len(hr_sizes)} pictures are grey, the others colour"


def _note_licences(dataset: Dataset) -> Iterator[str]:
    without = sum(not dataset.licences.get(item.name) for item in dataset.items)
    if dataset.licences and without:
        yield f"{without} of {len(dataset.items)} pictures have no licence in {MANIFEST}"


def _note_unused(dataset: Dataset) -> Iterator[str]:
    used = {file for item in dataset.items for file in (item.hr, *item.lr.values())}
    used.update(dataset.unpaired, dataset.duplicates)
    unused = [path for path in find_images(dataset.root) if path not in used]
    folders = Counter(path.relative_to(dataset.root).parts[:-1][:1] for path in unused)
    for parts, number in sorted(folders.items()):
        where = parts[0] if parts else "the folder itself"
        yield f"not used: {number} in {where}"
