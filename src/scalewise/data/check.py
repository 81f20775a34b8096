"""Dataset checks before training: what a dataset holds, and what is wrong with it."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from scalewise.arguments import check_number, check_progress, check_workers, counted
from scalewise.data.layouts import MANIFEST, Dataset, Item, read_manifest, relative_name
from scalewise.data.layouts.names import normalised
from scalewise.data.layouts.pairing import (
    ALIKE,
    Size,
    comparable,
    fits,
    is_alike,
    size_of_image,
    size_problem,
)
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, find_images, read
from scalewise.imaging.registration import align

Kind = Literal[
    "unreadable",
    "too small",
    "HR without LR",
    "LR without HR",
    "wrong LR size",
    "other image",
    "shifted LR",
    "duplicate name",
    "manifest",
]

HINTS: Mapping[Kind, str] = {
    "unreadable": "copy the file again, or delete it; packing skips it",
    "too small": "leave it out of training, or choose a smaller limit",
    "HR without LR": (
        "add the LR file, or delete the scale's LR folder to have all LR made; packing skips it"
    ),
    "LR without HR": "add the HR file, or delete the LR file",
    "wrong LR size": "pair it with its own HR, or delete the scale's LR folder to have all LR made",
    "other image": "pair it with its own HR, or delete the scale's LR folder to have all LR made",
    "shifted LR": "make it again without the shift, or delete the LR folder to have all LR made",
    "duplicate name": "rename or delete one of the two; only the first is used",
    "manifest": "bring it up to date; of files listed twice, one may have overwritten the other",
}
"""A remedy for each kind of problem."""

SHIFT = 0.2
"""LR pixels from which a shift is reported: half an HR pixel at x2 is 0.25."""

LOOKED_AT = 6
"""LR files of a scale that are looked at before packing."""

_ROUNDED_SHIFT = 0.6  # LR of HR that was stretched to fit a size rounded up


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: its kind, the file, what is the matter, how to mend it."""

    kind: Kind
    path: Path
    message: str

    @property
    def hint(self) -> str:
        """Advice on how to mend it."""
        return HINTS[self.kind]


@dataclass(frozen=True)
class Report:
    """Findings of :func:`check_dataset`.

    Attributes:
        dataset: what was checked.
        megapixels: of all HR images that can be read.
        scales: scale -> number of images that bring an LR file.
        licences: licence -> number of images, the most frequent first; empty without a
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


@dataclass
class _Looked:
    """Observations on one image's files; the digest is of the HR pixels, if they were read."""

    sizes: dict[Path, Size]
    problems: list[Problem]
    digest: bytes | None = None


def check_dataset(
    dataset: Dataset,
    *,
    min_side: int = 96,
    fast: bool = False,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Look at every image of a dataset.

    Args:
        dataset: from :func:`scalewise.data.layouts.find_dataset`.
        min_side: HR images need at least so many pixels on their shorter side.
        fast: read headers only, which finds no truncated file.
        workers: reading threads; all cores by default.
        progress: called with files done and in all.
    """
    check_number("min_side", min_side, 0, sys.maxsize, whole=True)
    check_workers(workers)
    check_progress(progress)
    total = sum(1 + len(item.lr) for item in dataset.items)
    sizes: dict[Path, Size] = {}
    problems: list[Problem] = []
    alike: dict[bytes, list[Path]] = {}  # HR of the same pixels, by their digest
    looking = _look_at_all(dataset.items, _read_headers if fast else _read_whole, workers)
    done = 0
    with closing(looking):  # when interrupted, the files still waiting are not read
        for item, looked in zip(dataset.items, looking, strict=True):
            sizes |= looked.sizes
            problems += looked.problems
            if looked.digest is not None:
                alike.setdefault(looked.digest, []).append(item.hr)
            for _ in (item.hr, *item.lr):
                done += 1
                if progress:
                    progress(done, total)

    hr_sizes = [sizes[item.hr] for item in dataset.items if item.hr in sizes]
    scales = Counter(scale for item in dataset.items for scale in item.lr)
    problems += _find_small(dataset, sizes, min_side)
    problems += _find_unpaired(dataset)
    problems += _find_wrong_lr_sizes(dataset, sizes)
    problems += _find_duplicates(dataset)
    problems += _find_manifest_errors(dataset)
    problems += _find_absent(dataset)
    return Report(
        dataset=dataset,
        megapixels=sum(size.width * size.height for size in hr_sizes) / 1e6,
        scales=dict(sorted(scales.items())),
        licences=dict(Counter(dataset.licences.values()).most_common()),
        notes=(
            *dataset.notes,
            *_note_grey(hr_sizes),
            *_note_alike(dataset, list(alike.values())),
            *_note_licences(dataset),
            *_note_unused(dataset),
        ),
        problems=tuple(sorted(problems, key=lambda problem: list(HINTS).index(problem.kind))),
    )


def find_shuffled(dataset: Dataset, scales: Sequence[int]) -> list[str]:
    """Look at a few LR files of each scale, and return a warning where most are of other images.

    Args:
        dataset: from :func:`scalewise.data.layouts.find_dataset`.
        scales: those whose LR files matter.
    """
    warnings: list[str] = []
    for scale in scales:
        items = [item for item in dataset.items if scale in item.lr]
        looked = items[:: max(1, len(items) // LOOKED_AT)][:LOOKED_AT]
        others = [item for item in looked if not _is_own_lr(item, scale)]
        if 2 * len(others) > len(looked):
            warnings.append(
                f"{others[0].lr[scale]}: does not show what {others[0].hr} shows; the same "
                f"is true of {len(others)} of {len(looked)} LR files looked at for x{scale}. "
                "LR may be in another order than HR: 'scalewise data check' names all of them"
            )
    return warnings


def _is_own_lr(item: Item, scale: int) -> bool:
    try:
        return is_alike(item.hr, item.lr[scale], scale)
    except ScalewiseError:  # said when it is packed
        return True


def _read_whole(item: Item) -> _Looked:
    looked = _Looked({}, [])
    hr = _read(item.hr, looked)
    if hr is not None:
        looked.digest = blake2b(repr(hr.pixels.shape).encode() + hr.pixels.tobytes()).digest()
    for scale, path in item.lr.items():
        lr = _read(path, looked)
        if (
            hr is not None
            and lr is not None
            and fits(looked.sizes[item.hr], looked.sizes[path], scale)
        ):
            looked.problems += _find_misplaced(path, hr.colour, lr.colour, scale)
    return looked


def _read(path: Path, looked: _Looked) -> Picture | None:
    try:
        picture = read(path)
    except ScalewiseError as error:
        looked.problems.append(Problem("unreadable", path, str(error).removeprefix(f"{path}: ")))
        return None
    height, width, _ = picture.pixels.shape
    looked.sizes[path] = Size(width, height, picture.is_grey)
    return picture


def _read_headers(item: Item) -> _Looked:
    looked = _Looked({}, [])
    for path in (item.hr, *item.lr.values()):
        try:
            looked.sizes[path] = size_of_image(path)
        except ScalewiseError as error:
            message = str(error).removeprefix(f"{path}: ")
            looked.problems.append(Problem("unreadable", path, message))
    return looked


def _find_misplaced(
    path: Path, hr: NDArray[Any], lr: NDArray[Any], scale: int
) -> Iterator[Problem]:
    """Find LR of a fitting size that shows something else than its HR, or shows it shifted."""
    found = align(*comparable(hr, lr, scale))
    if found is None:
        return
    if found.correlation < ALIKE:
        yield Problem("other image", path, "does not show what its HR shows")
        return
    is_rounded = lr.shape[0] * scale > hr.shape[0] or lr.shape[1] * scale > hr.shape[1]
    if max(abs(found.right), abs(found.down)) >= (_ROUNDED_SHIFT if is_rounded else SHIFT):
        right, down = found.right * scale, found.down * scale
        yield Problem(
            "shifted LR", path, f"{right:+.1f} px right and {down:+.1f} px down, in pixels of HR"
        )


def _look_at_all(
    items: Sequence[Item], look: Callable[[Item], _Looked], workers: int | None
) -> Generator[_Looked, None, None]:
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        yield from pool.map(look, items)


def _find_small(dataset: Dataset, sizes: Mapping[Path, Size], min_side: int) -> Iterator[Problem]:
    for item in dataset.items:
        size = sizes.get(item.hr)
        if size and min(size.width, size.height) < min_side:
            yield Problem("too small", item.hr, f"{size}, below {min_side} pixels on a side")


def _find_unpaired(dataset: Dataset) -> Iterator[Problem]:
    for item in dataset.items:
        if lacking := [f"x{scale}" for scale in item.missing]:
            yield Problem("HR without LR", item.hr, f"no LR at {', '.join(lacking)}")
    for path in dataset.unpaired:
        yield Problem("LR without HR", path, "no HR image of this name")


def _find_wrong_lr_sizes(dataset: Dataset, sizes: Mapping[Path, Size]) -> Iterator[Problem]:
    for item in dataset.items:
        for scale, path in item.lr.items():
            hr, lr = sizes.get(item.hr), sizes.get(path)
            if hr and lr and not fits(hr, lr, scale):
                yield Problem("wrong LR size", path, size_problem(hr, lr, scale))


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


def _find_absent(dataset: Dataset) -> Iterator[Problem]:
    for path in dataset.absent:
        yield Problem("manifest", path, "listed in the meta-info file, but not there")


def _note_grey(hr_sizes: Sequence[Size]) -> Iterator[str]:
    grey = sum(size.is_grey for size in hr_sizes)
    if grey == len(hr_sizes) > 0:
        yield "all images are grey"
    elif grey:
        yield f"{grey} of {len(hr_sizes)} images are grey, the others colour"


def _note_alike(dataset: Dataset, alike: Sequence[Sequence[Path]]) -> Iterator[str]:
    pairs = [(each, paths[0]) for paths in alike for each in paths[1:]]
    if pairs:
        again, first = (relative_name(dataset.root, path) for path in pairs[0])
        number = counted(len(pairs), "image")
        yield f"{number} with the pixels of another, such as {again} with those of {first}"


def _note_licences(dataset: Dataset) -> Iterator[str]:
    without = sum(not dataset.licences.get(item.name) for item in dataset.items)
    if dataset.licences and without:
        yield f"{without} of {len(dataset.items)} images have no licence in {MANIFEST}"


def _note_unused(dataset: Dataset) -> Iterator[str]:
    used = {file for item in dataset.items for file in (item.hr, *item.lr.values())}
    used.update(dataset.unpaired, dataset.duplicates)
    unused = [path for path in find_images(dataset.root) if path not in used]
    folders = Counter(path.relative_to(dataset.root).parts[:-1][:1] for path in unused)
    for parts, number in sorted(folders.items()):
        where = parts[0] if parts else "the folder itself"
        yield f"not used: {number} in {where}"
