"""HR and LR by folder names: DIV2K, Flickr2K, BasicSR, KAIR and others.

The folders of one dataset share its name (``Flickr2K_HR``, ``Flickr2K_LR_bicubic/X2``) and,
where they have one, the split (``train_HR``, ``valid_HR``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scalewise.data.layouts.by_sizes import repeated_scale
from scalewise.data.layouts.names import Place, plain_stem, read_folder, read_place, without_suffix
from scalewise.data.layouts.pairing import Found, LrFile, pair
from scalewise.errors import ScalewiseError

# Folders that hold a whole dataset's HR by themselves, also without LR next to them.
_HR_ALONE = re.compile(r"HR|GTmod12|.+[_\-]HR", re.IGNORECASE)
# These can only be a part of a dataset, at whatever depth they lie.
_PART = re.compile(r"GTmod12|DIV2K_(train|valid)_HR", re.IGNORECASE)
# LR of a published benchmark; of the others (unknown, wild) HR cannot be learned by bicubic LR.
_BICUBIC = ("bicubic", "bic", "bi", "", "down")

Base = tuple[str, ...]


@dataclass(frozen=True)
class _File:
    path: Path
    place: Place
    name: str
    """The path in its folder, below the parts that say role, split and scale."""

    @property
    def base(self) -> Base:
        """The part of the path that HR and LR folders of one dataset share."""
        context = self.place.context
        return context[: len(context) - len(self.place.below)]


def find_by_roles(root: Path, split: str, images: Sequence[Path]) -> Found | None:
    """Find HR and LR by what their folders are called.

    Args:
        root: the dataset's folder.
        split: "train" or "valid".
        images: all that lie in it.

    Returns:
        None where no folder says it.

    Raises:
        ScalewiseError: the root is a part of a dataset or holds several, has LR that pairs with
            no HR, or lacks the split.
    """
    files = [_placed(root, path) for path in images]
    if not any(file.place.role == "HR" for file in files):
        _require_no_lr(root)
    for file in files:
        if file.place.nested and (file.place.role == "LR" or _is_part(file.place)):
            folder = root / file.place.folder
            raise ScalewiseError(f"{folder} is a part of a dataset; name that dataset's own folder")
    hr = [file for file in files if file.place.role == "HR" and not file.place.nested]
    lr = [file for file in files if file.place.role == "LR"]
    if not lr:
        hr = [file for file in hr if _HR_ALONE.fullmatch(PurePosixPath(file.place.folder).name)]
    if not hr and not lr:
        return None
    if not hr:
        hr = [_unplaced(file) for file in files if file.place.role is None]
        if not hr:
            raise ScalewiseError(
                f"{root / lr[0].place.folder} holds LR, but there are no images in HR, GT or "
                "another folder next to it; hr= names their folder",
                arguments=["hr"],
            )
    chosen = _choose_split(root, split, hr)
    bases = {file.base for file in hr if file.place.split == chosen}
    hr = [
        file
        for file in hr
        if file.place.split == chosen
        # A set that knows no splits is learned from together with one that does.
        or (split == "train" and file.place.split is None and file.base not in bases)
    ]
    lr = [file for file in lr if file.place.split in (chosen, None)]
    found = _pair_all(root, hr, lr)
    if not lr:
        _add_repeated(found, [file for file in files if file.place.role is None])
    return found


def _add_repeated(found: Found, others: Sequence[_File]) -> None:
    """Take for LR what repeats HR in folders whose names do not say so."""
    folders: dict[tuple[str, ...], dict[str, Path]] = {}
    for file in others:
        *context, inner = PurePosixPath(file.name).parts
        folders.setdefault(tuple(context), {})[inner] = file.path
    for context, files in folders.items():
        scale = repeated_scale(found.hr, files)
        if scale is not None:
            pair(found, [LrFile(name, scale, path) for name, path in files.items()], "")
            hr = "HR" if found.layout == "HR only" else found.layout
            found.layout = f"{hr} + {'/'.join(context)}"


def _require_no_lr(root: Path) -> None:
    """Refuse a folder of LR images as a dataset: it would be learned from as HR."""
    own = root.resolve()
    role, scale = read_folder(own.name)
    above = read_folder(own.parent.name)[0] if scale and role is None else None
    if "LR" in (role, above):
        raise ScalewiseError(
            f"{root} is a part of a dataset, its LR; name that dataset's own folder"
        )


def _is_part(place: Place) -> bool:
    return bool(_PART.fullmatch(PurePosixPath(place.folder).name))


def _placed(root: Path, path: Path) -> _File:
    relative = path.relative_to(root)
    place = read_place(relative.parts[:-1])
    parts = relative.parts[:-1] if place.role is None else place.below
    return _File(path, place, without_suffix(PurePosixPath(*parts, relative.name)))


def _unplaced(file: _File) -> _File:
    """Return an image that no folder calls HR or LR, in a dataset that has LR."""
    return _File(file.path, Place(), file.name)


def _choose_split(root: Path, split: str, hr: Sequence[_File]) -> str | None:
    there = {file.place.split: file for file in hr}
    if there.keys() == {None}:
        return None
    wanted = ("train", None) if split == "train" else ("valid", "test")
    for each in wanted:
        if each in there:
            return each
    if split == "valid" and "train" not in there:
        return None
    other = "valid" if split == "train" else "train"
    name = next(iter(there.values())).place.folder
    lacking = re.sub(r"train|valid|val|test", split, name, count=1, flags=re.IGNORECASE)
    raise ScalewiseError(f"{root} has no {lacking}, only the other split; choose {other}")


def _pair_all(root: Path, hr: Sequence[_File], lr: Sequence[_File]) -> Found:
    found = Found("")
    groups = _without_copies(_by_base(hr), found)
    lr_groups = _by_base(lr)
    used: list[_File] = []
    for base, files in groups.items():
        mine = lr_groups.get(base, []) if len(groups) > 1 else _lr_of_only(base, lr_groups)
        part = Found("")
        for file in sorted(files, key=lambda file: file.place.scale or 0):
            if file.place.scale is None:
                part.add_hr(file.name, file.path)
            else:  # cropped once for each scale; the smallest one's is the largest
                part.hr.setdefault(plain_stem(file.name), file.path)
        chosen = _choose_kinds(mine, found)
        used += chosen
        paired = 0
        for folder, members in _by_folder(chosen).items():
            lrs = [LrFile(each.name, each.place.scale, each.path) for each in members]
            paired += pair(part, lrs, str(root / folder))
        if chosen and not paired:
            raise ScalewiseError(
                f"{root}: no image in {chosen[0].place.folder} is called like one in "
                f"{files[0].place.folder or 'the folder itself'} ({chosen[0].path.name}, "
                f"{files[0].path.name}); give them the same names"
            )
        prefix = f"{files[0].place.folder}/" if len(groups) > 1 else ""
        _merge(found, part, prefix)
    if lr and not used:
        unused = sorted({file.place.folder for file in lr})
        found.notes.append(
            f"LR in {', '.join(unused)} is not used: only bicubic LR is taken unasked; "
            "name HR's and LR's folders to take any"
        )
    found.layout = _layout([file for files in groups.values() for file in files], used)
    return found


def _by_base(files: Sequence[_File]) -> dict[Base, list[_File]]:
    groups: dict[Base, list[_File]] = {}
    for file in files:
        groups.setdefault(file.base, []).append(file)
    return groups


def _by_folder(files: Sequence[_File]) -> dict[str, list[_File]]:
    groups: dict[str, list[_File]] = {}
    for file in files:
        scale = f"/X{file.place.scale}" if file.place.scale else ""
        groups.setdefault(file.place.folder + scale, []).append(file)
    return groups


def _without_copies(groups: dict[Base, list[_File]], found: Found) -> dict[Base, list[_File]]:
    """Leave out sub-images where the images that they were cut from are there, too."""
    kept: dict[Base, list[_File]] = {}
    for base, files in groups.items():
        whole = tuple(word for word in base if word != "sub")
        if whole != base and whole in groups:
            found.notes.append(
                f"{files[0].place.folder} is not used: it holds parts of the images of "
                f"{groups[whole][0].place.folder}"
            )
        else:
            kept[base] = files
    return kept


def _lr_of_only(base: Base, groups: Mapping[Base, list[_File]]) -> list[_File]:
    """Return all LR, where there is one HR folder; no sub-images unless HR is of sub-images."""
    if base in groups:
        return groups[base]
    return [
        file for other, files in groups.items() if ("sub" in other) == ("sub" in base)
        for file in files
    ]  # fmt: skip


def _choose_kinds(lr: Sequence[_File], found: Found) -> list[_File]:
    """Choose the bicubic LR of each scale, where it is there in several kinds."""
    kinds: dict[int | None, set[str]] = {}
    for file in lr:
        kinds.setdefault(file.place.scale, set()).add(file.place.kind)
    best = {
        scale: next((kind for kind in _BICUBIC if kind in there), None)
        for scale, there in kinds.items()
    }
    return [file for file in lr if file.place.kind == best[file.place.scale]]


def _merge(found: Found, part: Found, prefix: str) -> None:
    found.hr.update({prefix + name: path for name, path in part.hr.items()})
    for scale, files in part.lr.items():
        mine = found.lr.setdefault(scale, {})
        mine.update({prefix + name: path for name, path in files.items()})
    found.unpaired += part.unpaired
    found.duplicates += part.duplicates


def _layout(hr: Sequence[_File], lr: Sequence[_File]) -> str:
    names = list(dict.fromkeys(file.place.folder or "the folder itself" for file in hr))
    if any(name.casefold().startswith("div2k") for name in names) and len(names) == 1:
        return "DIV2K"
    if names[0].casefold() == "gtmod12":
        return "BasicSR"
    if not lr:
        return "HR only"
    return " + ".join([*names, *dict.fromkeys(file.place.folder for file in lr)])
