"""Datasets as people have them on disk: which layout a folder has, and its pictures.

==================  ====================================================================
layout              files
==================  ====================================================================
DIV2K               ``DIV2K_train_HR/0001.png``, ``DIV2K_train_LR_bicubic/X2/0001x2.png``,
                    ``DIV2K_valid_HR`` and so on
HR + LR_bicubic     ``HR/baby.png``, ``LR_bicubic/X2/babyx2.png`` (the benchmark sets)
BasicSR             ``GTmod12/baby.png``, ``LRbicx2/baby.png``
SelfExSR            ``img_001_SRF_2_HR.png``, ``img_001_SRF_2_LR.png``, in any folder
HR only             pictures, in ``HR/`` or in any tree of folders; LR is made from them
==================  ====================================================================

Only names are looked at here, no picture is opened; :mod:`scalewise.data.check` does that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scalewise.data.manifest import read_manifest
from scalewise.errors import ScalewiseError
from scalewise.files import IMAGE_SUFFIXES, find_images

SPLITS = ("train", "valid")

# Folders that are a part of a dataset in one of the layouts above.
_LR_FOLDER = re.compile(r"LR_bicubic|LRbicx\d|DIV2K_(train|valid)_LR_.+", re.IGNORECASE)
_HR_FOLDER = re.compile(r"GTmod12|DIV2K_(train|valid)_HR", re.IGNORECASE)
_SELFEXSR_STEM = re.compile(r"(?P<picture>.+)_SRF_(?P<scale>\d)_(?P<kind>.+)")
_SELFEXSR_FOLDER = re.compile(r"image_SRF_\d")


@dataclass(frozen=True)
class Item:
    """One picture.

    Attributes:
        name: relative name without suffix, unique in the dataset, '/'-separated.
        hr: the high-resolution file.
        lr: scale -> low-resolution file; empty where LR is to be made from HR.
    """

    name: str
    hr: Path
    lr: Mapping[int, Path]


@dataclass(frozen=True)
class Dataset:
    """The pictures of one folder.

    Attributes:
        root: the folder.
        layout: what the layout is called, as in this module's table.
        items: the pictures, sorted by name.
        licences: picture name -> licence, from ``MANIFEST.csv`` (columns file, width, height,
            source, licence) where the root has one.
        unpaired: LR files whose HR picture is missing.
        duplicates: files left out because another one has the same name but for its suffix.
    """

    root: Path
    layout: str
    items: tuple[Item, ...]
    licences: Mapping[str, str]
    unpaired: tuple[Path, ...] = ()
    duplicates: tuple[Path, ...] = ()


@dataclass
class _Found:
    """Files by name, while a layout is being read."""

    layout: str
    hr: dict[str, Path] = field(default_factory=dict[str, Path])
    lr: dict[int, dict[str, Path]] = field(default_factory=dict[int, dict[str, Path]])
    unpaired: list[Path] = field(default_factory=list[Path])
    duplicates: list[Path] = field(default_factory=list[Path])

    def add_hr(self, name: str, path: Path) -> None:
        self._add(self.hr, name, path)

    def add_lr(self, scale: int, name: str, path: Path) -> None:
        """Pair an LR file: ``babyx2`` or plain ``baby`` belongs to ``baby``."""
        picture = name.removesuffix(f"x{scale}")
        if picture not in self.hr:
            picture = name
        if picture in self.hr:
            self._add(self.lr.setdefault(scale, {}), picture, path)
        else:
            self.unpaired.append(path)

    def _add(self, files: dict[str, Path], name: str, path: Path) -> None:
        if name in files:
            self.duplicates.append(path)
        else:
            files[name] = path


def find_dataset(root: Path | str, split: str = "train") -> Dataset:
    """Detect the layout of a folder and list its pictures.

    Args:
        root: the dataset's folder.
        split: "train" or "valid"; only a folder with DIV2K's names has splits.

    Raises:
        ScalewiseError: no such folder, no pictures in it, a split that is not there, LR
            pictures of an unknown arrangement, or a manifest that cannot be read.
    """
    root = Path(root)
    if split not in SPLITS:
        raise ScalewiseError(f"unknown split '{split}'; known: {', '.join(SPLITS)}")
    if not root.exists():
        raise ScalewiseError(f"no such folder: {root}")
    if not root.is_dir():
        raise ScalewiseError(f"{root} is a file; name the dataset's folder")
    found = (
        _find_div2k(root, split)
        or _find_benchmark(root)
        or _find_basicsr(root)
        or _find_selfexsr(root)
        or _find_hr_only(root)
    )
    if not found.hr:
        raise ScalewiseError(f"no pictures in {root}; known are {' '.join(sorted(IMAGE_SUFFIXES))}")
    items = tuple(
        Item(name, hr, {scale: lr[name] for scale, lr in sorted(found.lr.items()) if name in lr})
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
    )


def relative_name(folder: Path, path: Path) -> str:
    """A path below a folder, '/'-separated and :func:`normalised`."""
    return normalised(path.relative_to(folder).as_posix())


def normalised(name: str) -> str:
    """A name with its accents composed; copied from a Mac, they may be separate characters."""
    return unicodedata.normalize("NFC", name)


def _find_div2k(root: Path, split: str) -> _Found | None:
    folders = {name: _subfolder(root, f"DIV2K_{name}_HR") for name in SPLITS}
    hr = folders[split]
    if hr is None:
        if other := [name for name in SPLITS if folders[name]]:
            raise ScalewiseError(
                f"{root} has no DIV2K_{split}_HR, only the other split; choose {other[0]}"
            )
        return None
    return _find_pairs("DIV2K", hr, _scale_folders(_subfolder(root, f"DIV2K_{split}_LR_bicubic")))


def _find_benchmark(root: Path) -> _Found | None:
    hr, lr = _subfolder(root, "HR"), _subfolder(root, "LR_bicubic")
    if hr is None:
        return None
    return _find_pairs("HR + LR_bicubic" if lr else "HR only", hr, _scale_folders(lr))


def _find_basicsr(root: Path) -> _Found | None:
    hr = _subfolder(root, "GTmod12")
    if hr is None:
        return None
    return _find_pairs("BasicSR", hr, _scale_folders(root, prefix="LRbicx"))


def _find_selfexsr(root: Path) -> _Found | None:
    """Other methods' results (``img_001_SRF_2_bicubic.png``) lie beside the pairs: passed over.

    Each scale has its own HR file, cropped to a multiple of the scale; a picture's HR is the one
    of its smallest scale, which the others are crops of.
    """
    found = _Found("SelfExSR")
    lr: list[tuple[int, str, Path]] = []
    hr: list[tuple[int, str, Path]] = []
    for path in find_images(root):
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
        found.add_lr(scale, name, path)
    return found


def _find_hr_only(root: Path) -> _Found:
    """Any tree of pictures, unless there are LR pictures or another split among them."""
    found = _Found("HR only")
    images = find_images(root)
    in_lr = _LR_FOLDER.fullmatch(root.resolve().name)
    for folder in sorted({path.parent for path in images}):
        below_root = folder.relative_to(root).parts
        if in_lr or any(_LR_FOLDER.fullmatch(p) or _HR_FOLDER.fullmatch(p) for p in below_root):
            raise ScalewiseError(f"{folder} is a part of a dataset; name that dataset's own folder")
    for path in images:
        found.add_hr(_name(root, path), path)
    return found


def _find_pairs(layout: str, hr: Path, lr: Mapping[int, Path]) -> _Found:
    found = _Found(layout)
    for path in find_images(hr):
        found.add_hr(_name(hr, path), path)
    if not found.hr:
        raise ScalewiseError(f"no pictures in {hr}")
    for scale, folder in lr.items():
        for path in find_images(folder):
            found.add_lr(scale, _name(folder, path), path)
    return found


def _subfolder(parent: Path, name: str) -> Path | None:
    """The folder of that name, upper or lower case (``x2`` for ``X2``)."""
    folders = sorted(p for p in parent.iterdir() if p.name.lower() == name.lower() and p.is_dir())
    return folders[0] if folders else None


def _scale_folders(parent: Path | None, prefix: str = "X") -> dict[int, Path]:
    if parent is None:
        return {}
    folders = {scale: _subfolder(parent, f"{prefix}{scale}") for scale in range(2, 10)}
    return {scale: folder for scale, folder in folders.items() if folder}


def _name(folder: Path, path: Path) -> str:
    return relative_name(folder, path.with_suffix(""))
