"""Datasets as people have them on disk: the layout of a folder, its images and licences.

==================  ====================================================================
layout              files
==================  ====================================================================
DIV2K               ``DIV2K_train_HR/0001.png``, ``DIV2K_train_LR_bicubic/X2/0001x2.png``,
                    ``DIV2K_valid_HR`` and so on
HR + LR_bicubic     ``HR/baby.png``, ``LR_bicubic/X2/babyx2.png`` (the benchmark sets)
BasicSR             ``GTmod12/baby.png``, ``LRbicx2/baby.png``
other names         folders that say HR or GT, and LR or LQ: ``Flickr2K_HR`` and
                    ``Flickr2K_LR_bicubic/X2``, ``trainH`` and ``trainL``, ``GT`` and ``LQ``;
                    see :mod:`scalewise.data.layouts.names`
meta-info           ``meta_info*.txt``: the files to use, or pairs of HR and LR, one a line
SelfExSR            ``img_001_SRF_2_HR.png``, ``img_001_SRF_2_LR.png``, in any folder
no names            a folder that repeats another's names at 1/scale of the size is its LR
HR only             images, in ``HR/`` or in any tree of folders; LR is made from them
==================  ====================================================================

Names decide.  Files are opened only where names leave open which is LR, and at which scale;
:mod:`scalewise.data.check` opens all of them.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scalewise.arguments import AnyPath, path_of, shown
from scalewise.data.layouts.by_folder_names import find_by_roles
from scalewise.data.layouts.by_meta_info import find_by_meta_info
from scalewise.data.layouts.by_sizes import find_by_sizes
from scalewise.data.layouts.names import (
    SPLITS,
    normalised,
    read_folder,
    read_place,
    says_only_role,
    without_suffix,
)
from scalewise.data.layouts.pairing import Found, LrFile, pair
from scalewise.errors import ScalewiseError
from scalewise.files import READ_SUFFIXES, find_images

MANIFEST = "MANIFEST.csv"
_SELFEXSR_STEM = re.compile(r"(?P<picture>.+)_SRF_(?P<scale>\d)_(?P<kind>.+)")
_SELFEXSR_FOLDER = re.compile(r"image_SRF_\d")


@dataclass(frozen=True)
class Item:
    """One image.

    Attributes:
        name: relative name without suffix, unique in the dataset, '/'-separated.
        hr: the high-resolution file.
        lr: scale -> low-resolution file; empty where LR is to be made from HR.
        missing: scales that other images of the dataset have LR files of, and this one has not.
    """

    name: str
    hr: Path
    lr: Mapping[int, Path]
    missing: tuple[int, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """The images of one folder.

    Attributes:
        root: the folder.
        layout: what the layout is called, as in this module's table.
        items: the images, sorted by name.
        licences: image name -> licence, from ``MANIFEST.csv`` (columns file, width, height,
            source, licence) where the root has one.
        unpaired: LR files whose HR image is missing.
        duplicates: files left out because another one has the same name but for its suffix.
        absent: files that a meta-info file lists and that are not there.
        notes: what a user may not expect of how the folder was read, one line each.
    """

    root: Path
    layout: str
    items: tuple[Item, ...]
    licences: Mapping[str, str]
    unpaired: tuple[Path, ...] = ()
    duplicates: tuple[Path, ...] = ()
    absent: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its folder, or of the first folder above that says more than ``HR``."""
        return _telling(self.root.resolve()).name

    def remarks(self) -> Iterator[str]:
        """Yield, one line each, what of the folder is not used and why."""
        for note in self.notes:
            yield f"{self.root}: {note}"
        for files, why in (
            (self.unpaired, "LR without an HR file of its name"),
            (self.duplicates, "another file has this name but for its suffix"),
            (self.absent, "listed, but not there"),
        ):
            if files:
                more = f" and {len(files) - 1} more" if files[1:] else ""
                yield f"not used: {files[0]}{more}: {why}"


def find_dataset(root: AnyPath, split: str = "train") -> Dataset:
    """Detect the layout of a folder and list its images.

    Args:
        root: the dataset's folder.
        split: "train" or "valid"; only a folder with DIV2K's names has splits.

    Raises:
        ScalewiseError: no such folder, no images in it, a split that is not there, LR
            images of an unknown arrangement, or a manifest that cannot be read.
    """
    root = path_of(root, "root")
    if split not in SPLITS:
        raise ScalewiseError(f"unknown split '{split}'; known: {', '.join(SPLITS)}")
    if not root.exists():
        raise ScalewiseError(f"no such folder: {root}")
    if not root.is_dir():
        raise ScalewiseError(f"{root} is a file; name the dataset's folder")
    images = find_images(root)
    found = (
        find_by_meta_info(root, split, lambda: _find(root, split, images))
        or _find(root, split, images)
    )  # fmt: skip
    if not found.hr:
        raise ScalewiseError(f"no images in {root}; known are {' '.join(sorted(READ_SUFFIXES))}")
    return _dataset(root, found)


def pair_folders(hr: AnyPath, lr: Sequence[AnyPath]) -> Dataset:
    """Pair the images of a folder with those of others, whatever the folders are called.

    Args:
        hr: holds the HR images, in subfolders or not.
        lr: each holds LR images of the same names, perhaps with a scale at their end (``x2``).
            The scale is measured where no name says it.

    Raises:
        ScalewiseError: no such folder, no images in it, no names in common, or no scale.
    """
    if isinstance(lr, str | bytes | os.PathLike):
        raise ScalewiseError(f"lr must be a list of folders, not {shown(lr)}", arguments=["lr"])
    hr, lr = path_of(hr, "hr"), [path_of(folder, "lr") for folder in lr]
    for folder in (hr, *lr):
        if not folder.is_dir():
            raise ScalewiseError(f"no such folder: {folder}")
        if not find_images(folder):
            raise ScalewiseError(f"no images in {folder}")
    found = Found(" + ".join([hr.name, *(folder.name for folder in lr)]))
    for path in find_images(hr):
        found.add_hr(_name(hr, path), path)
    for folder in lr:
        files = [_lr_file(folder, path) for path in find_images(folder)]
        if not pair(found, files, str(folder)):
            raise ScalewiseError(
                f"{folder}: no image in it is called like one in {hr} "
                f"({files[0].path.name}, {next(iter(found.hr.values())).name}); "
                "give them the same names"
            )
    return _dataset(hr, found)


def display_names(datasets: Sequence[Dataset]) -> list[str]:
    """Return a name for each dataset, with folders before it where two would be called alike."""
    folders = [_telling(dataset.root.resolve()) for dataset in datasets]
    names = [folder.name for folder in folders]
    for depth in range(2, 8):
        twice = {name for name in names if names.count(name) > 1}
        names = [
            "/".join(folder.parts[-depth:]) if name in twice else name
            for name, folder in zip(names, folders, strict=True)
        ]
    return names


def relative_name(folder: Path, path: Path) -> str:
    """Return a path below a folder, '/'-separated and normalised; one elsewhere as it is."""
    inside = path.is_relative_to(folder)
    return normalised((path.relative_to(folder) if inside else path).as_posix())


def _dataset(root: Path, found: Found) -> Dataset:
    scales = sorted(scale for scale, files in found.lr.items() if files)
    items = tuple(
        Item(
            name,
            hr,
            lr={scale: found.lr[scale][name] for scale in scales if name in found.lr[scale]},
            missing=tuple(scale for scale in scales if name not in found.lr[scale]),
        )
        for name, hr in sorted(found.hr.items())
    )
    licence_of = {normalised(row.file): row.licence for row in read_manifest(root)}
    files = {item.name: relative_name(root, item.hr) for item in items}
    return Dataset(
        root=root,
        layout=found.layout,
        items=items,
        licences={name: licence_of[file] for name, file in files.items() if file in licence_of},
        unpaired=tuple(found.unpaired),
        duplicates=tuple(found.duplicates),
        absent=tuple(found.absent),
        notes=tuple(found.notes),
    )


def _find(root: Path, split: str, images: Sequence[Path]) -> Found:
    return (
        _find_selfexsr(root, images)
        or find_by_roles(root, split, images)
        or find_by_sizes(root, images)
    )


def _find_selfexsr(root: Path, images: Sequence[Path]) -> Found | None:
    """Find pairs of SelfExSR; skip other methods' results (``img_001_SRF_2_bicubic.png``).

    Each scale has its own HR file, cropped to a multiple of the scale; an image's HR is the one
    of its smallest scale, which the others are crops of.
    """
    found = Found("SelfExSR")
    lr: list[tuple[int, str, Path]] = []
    hr: list[tuple[int, str, Path]] = []
    for path in images:
        if match := _SELFEXSR_STEM.fullmatch(path.stem):
            folders = path.relative_to(root).parts[:-1]
            kept = [part for part in folders if not _SELFEXSR_FOLDER.fullmatch(part)]
            name = normalised("/".join([*kept, match["picture"]]))
            if match["kind"] in ("HR", "LR"):
                (hr if match["kind"] == "HR" else lr).append((int(match["scale"]), name, path))
    scale_of: dict[str, int] = {}
    for scale, name, path in sorted(hr):
        if scale_of.setdefault(name, scale) == scale:
            found.add_hr(name, path)
    if not found.hr:
        return None
    for scale, name, path in lr:
        if name in found.hr:
            found.add_lr(scale, name, path)
        else:
            found.unpaired.append(path)
    return found


def _lr_file(folder: Path, path: Path) -> LrFile:
    """Return an LR file of a given folder, with the scale that its folders say."""
    inner = path.relative_to(folder)
    place = read_place(("LR", *inner.parts[:-1]))
    name = without_suffix(PurePosixPath(*place.below, inner.name))
    return LrFile(name, place.scale or read_folder(folder.resolve().name)[1], path)


def _telling(folder: Path) -> Path:
    """Return the first folder upwards whose name is more than a role, a scale or a split."""
    for each in (folder, *folder.parents):
        if each.name and not says_only_role(each.name):
            return each
    return folder


def _name(folder: Path, path: Path) -> str:
    return relative_name(folder, path.with_suffix(""))


@dataclass(frozen=True)
class ManifestRow:
    """One file of a manifest.

    Attributes:
        file: relative to the manifest's folder, '/'-separated.
        licence: as stated; empty where nothing is.
    """

    file: str
    licence: str


def read_manifest(folder: Path) -> list[ManifestRow]:
    """Read a folder's manifest (columns file, width, height, source, licence).

    Returns:
        The rows in their order; none where the folder has no manifest.

    Raises:
        ScalewiseError: not UTF-8, not a table, or without the columns file and licence.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, restval="")
            return [ManifestRow(row["file"], row["licence"].strip()) for row in table]
    except KeyError as error:
        raise ScalewiseError(
            f"{path} has no column {error}; it needs at least file and licence"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ScalewiseError(f"{path} is not a UTF-8 table: {error}") from None
