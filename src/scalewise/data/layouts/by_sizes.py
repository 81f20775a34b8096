"""HR and LR by sizes: a folder that repeats another's names at 1/scale of the size.

Names and sizes may agree by chance (the frames of two videos), so a few images are looked at, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path, PurePosixPath
from typing import TypeVar

from scalewise.data.layouts.names import lr_stands_for, read_folder, stem_role, without_suffix
from scalewise.data.layouts.pairing import (
    SCALES,
    Found,
    LrFile,
    index_names,
    is_alike,
    pair,
    scale_between,
)
from scalewise.errors import ScalewiseError

Value = TypeVar("Value")

MOST_FOLDERS = 16
"""Subfolders of one folder that are compared; HR and LR do not lie among more."""

NAMES, HEADERS, IMAGES = 64, 6, 2
"""The most names, headers and whole images of two folders that are compared."""


@dataclass
class _Folder:
    """A folder's own images and its subfolders."""

    images: dict[str, Path] = field(default_factory=dict[str, Path])
    folders: dict[str, _Folder] = field(default_factory=dict[str, "_Folder"])

    def all(self, prefix: str = "") -> Iterator[tuple[str, Path]]:
        for name, path in self.images.items():
            yield prefix + name, path
        for name, folder in self.folders.items():
            yield from folder.all(f"{prefix}{name}/")


@dataclass(frozen=True)
class _Repeats:
    """LR files of one folder, under the names of their HR, and the layout in words."""

    files: Mapping[str, tuple[Path, int]]
    words: str


def find_by_sizes(root: Path, images: Sequence[Path]) -> Found:
    """Take all images for HR but for those that repeat others at 1/scale of the size.

    Args:
        root: the dataset's folder.
        images: all that lie in it.

    Raises:
        ScalewiseError: a file is called the LR of another, and is not by its size.
    """
    found = Found("HR only")
    tree = _Folder()
    for path in images:
        relative = PurePosixPath(path.relative_to(root).as_posix())
        folder = tree
        for part in relative.parts[:-1]:
            folder = folder.folders.setdefault(part, _Folder())
        folder.images.setdefault(without_suffix(PurePosixPath(relative.name)), path)
    repeats = list(_repeats(tree, ""))
    lr = {path for each in repeats for path, _ in each.files.values()}
    for path in images:
        if path not in lr:
            found.add_hr(without_suffix(PurePosixPath(path.relative_to(root).as_posix())), path)
    for each in repeats:
        files = [LrFile(name, scale, path) for name, (path, scale) in each.files.items()]
        pair(found, files, each.words)
    if repeats:
        found.layout = ", ".join(dict.fromkeys(each.words for each in repeats))
    return found


def repeated_scale(hr: Mapping[str, Path], lr: Mapping[str, Path]) -> int | None:
    """Return the scale at which files repeat others, by names, sizes and content; else None.

    Args:
        hr: name -> file.
        lr: likewise.
    """
    index = index_names(list(hr))
    names = _few(list(lr), NAMES)
    pairs = [
        (hr[index[each]], lr[name])
        for name in names
        if (each := _first_known(name, index)) is not None and hr[index[each]] != lr[name]
    ]
    if 2 * len(pairs) < len(names) or not pairs:
        return None
    # A single file that is damaged, or of another size, does not make HR of all LR: most decide,
    # and the odd one is named where it is packed or checked.
    scales = {each: scale_between(*each, slack=0) for each in _few(pairs, HEADERS)}
    scale, count = Counter(scales.values()).most_common(1)[0]
    if scale is None or scale not in SCALES or 2 * count <= len(scales):
        return None
    agreeing = [each for each in scales if scales[each] == scale]
    try:
        alike = all(is_alike(*each, scale) for each in _few(agreeing, IMAGES))
    except ScalewiseError:
        alike = True
    return scale if alike else None


def _repeats(folder: _Folder, prefix: str) -> Iterator[_Repeats]:
    yield from _in_one_folder(folder.images, prefix)
    parts = {
        part: files
        for name, inner in folder.folders.items()
        for part, files in _by_scale(name, inner)
    }
    if folder.images:
        parts["."] = folder.images
    scales: dict[str, dict[str, int]] = {}
    if len(parts) <= MOST_FOLDERS:
        for hr, lr in permutations(parts, 2):
            if (scale := repeated_scale(parts[hr], parts[lr])) is not None:
                scales.setdefault(lr, {})[hr] = scale
    for lr, of in scales.items():
        for hr in (name for name in of if name not in scales):
            above = prefix if hr == "." else f"{prefix}{hr}/"
            files = {above + name: (path, of[hr]) for name, path in parts[lr].items()}
            words = f"{above or './'} + {prefix if lr == '.' else f'{prefix}{lr}/'}"
            yield _Repeats(files, words)
    for name, inner in folder.folders.items():
        if not any(part == name or part.startswith(f"{name}/") for part in scales):
            yield from _repeats(inner, f"{prefix}{name}/")


def _by_scale(name: str, folder: _Folder) -> Iterator[tuple[str, dict[str, Path]]]:
    """Yield a folder's images; those of a subfolder ``X2`` by themselves."""
    rest = _Folder(folder.images)
    for inner_name, inner in folder.folders.items():
        role, scale = read_folder(inner_name)
        if role is None and scale is not None:
            yield f"{name}/{inner_name}", dict(inner.all())
        else:
            rest.folders[inner_name] = inner
    if files := dict(rest.all()):
        yield name, files


def _in_one_folder(images: Mapping[str, Path], prefix: str) -> Iterator[_Repeats]:
    """Find ``0.png`` and ``0_x2.png`` side by side."""
    index = index_names(list(images))
    by_scale: dict[int | None, dict[str, Path]] = {}
    for name, path in images.items():
        for stands_for, said in lr_stands_for(name, None):
            if index.get(stands_for, name) != name:
                by_scale.setdefault(said, {})[name] = path
                break
    candidates = {name for files in by_scale.values() for name in files}
    hr = {name: path for name, path in images.items() if name not in candidates}
    for said, files in by_scale.items():
        scale = repeated_scale(hr, files)
        if scale is not None and said in (None, scale):
            lr = {prefix + name: (path, scale) for name, path in files.items()}
            yield _Repeats(lr, f"HR + LR in {prefix or './'}")
        elif called := [path for name, path in files.items() if stem_role(name)[1] == "LR"]:
            raise ScalewiseError(
                f"{called[0]}: is called LR, but it is not its HR at 1/2 to 1/9 of the size; "
                "move such files elsewhere, so that they are not learned from as HR"
            )


def _first_known(name: str, index: Mapping[str, str]) -> str | None:
    return next((each for each, _ in lr_stands_for(name, None) if each in index), None)


def _few(values: Sequence[Value], most: int) -> Sequence[Value]:
    return values[:: max(1, len(values) // most)][:most]
