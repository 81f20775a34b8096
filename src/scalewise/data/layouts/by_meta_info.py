"""Meta-info files of BasicSR: which images to use, and perhaps which LR belongs to which HR.

A line is ``0001_s001.png (480,480,3)``, ``DF2K_HR_sub/0001.png``, or, with the LR next to it,
``HR/0001.png, LR/0001.png``.  Files are relative to the dataset's folder or to its HR folder.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from scalewise.arguments import counted
from scalewise.data.layouts.names import without_suffix
from scalewise.data.layouts.pairing import Found, measured_scale
from scalewise.errors import ScalewiseError

_SHAPE = re.compile(r"\s*\(\s*\d+\s*,\s*\d+\s*(?:,\s*\d+\s*)?\)\s*$")

Line = tuple[str, str | None]


def find_by_meta_info(root: Path, split: str, find: Callable[[], Found]) -> Found | None:
    """Find the images that a folder's ``meta_info*.txt`` lists.

    Args:
        root: the dataset's folder.
        split: "train" or "valid", where there is a file for each.
        find: finds the images by the layout, for a list that names no LR.

    Returns:
        None without such a file.

    Raises:
        ScalewiseError: several files and no way to choose, one that cannot be read, or one that
            lists nothing that is there.
    """
    path = _choose(root, split)
    if path is None:
        return None
    lines = _read(path)
    paired = {lr is not None for _, lr in lines}
    if len(paired) > 1:
        raise ScalewiseError(f"{path}: some lines name an LR file, others do not; name all or none")
    if not lines:
        raise ScalewiseError(f"{path}: lists no images; move it elsewhere, or fill it")
    return _pairs(root, path, lines) if True in paired else _listed(root, path, lines, find())


def _choose(root: Path, split: str) -> Path | None:
    paths = sorted(path for path in root.glob("meta_info*.txt") if path.is_file())
    if len(paths) > 1:
        is_valid = {path: bool(re.search(r"val|test", path.stem, re.IGNORECASE)) for path in paths}
        paths = [path for path in paths if is_valid[path] == (split == "valid")] or paths
    if len(paths) > 1:
        names = ", ".join(path.name for path in paths)
        raise ScalewiseError(f"{root} has several meta-info files ({names}); keep the one to use")
    return paths[0] if paths else None


def _read(path: Path) -> list[Line]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ScalewiseError(f"{path}: cannot be read as text ({error})") from None
    lines: list[Line] = []
    for line in text.splitlines():
        hr, comma, lr = _SHAPE.sub("", line).partition(",")
        if hr.strip():
            lines.append((hr.strip(), lr.strip() if comma else None))
    return lines


def _pairs(root: Path, path: Path, lines: list[Line]) -> Found:
    """Take the pairs as they are listed; all have the scale that most have."""
    found = Found(path.name)
    pairs: list[tuple[str, Path, Path]] = []
    for hr, lr in lines:
        files = root / hr, root / (lr or "")
        absent = [file for file in files if not file.is_file()]
        found.absent += absent
        if not absent:
            pairs.append((without_suffix(PurePosixPath(hr)), *files))
    if not pairs:
        raise ScalewiseError(f"{path}: none of its files is there; they are relative to {root}")
    scale = measured_scale([(hr, lr) for _, hr, lr in pairs], str(path))
    for name, hr, lr in pairs:
        found.add_hr(name, hr)
        found.add_lr(scale, name, lr)
    return found


def _listed(root: Path, path: Path, lines: list[Line], found: Found) -> Found:
    """Keep what is listed of a layout; names are relative to the root or to the HR folder."""
    by_file: dict[str, str] = {}
    for name, file in found.hr.items():
        inner = PurePosixPath(file.relative_to(root).as_posix())
        for depth in range(len(inner.parts)):
            by_file.setdefault(PurePosixPath(*inner.parts[depth:]).as_posix(), name)
    kept = Counter(by_file[hr] for hr, _ in lines if hr in by_file)
    if not kept:
        found.notes.append(f"{path.name} is not used: it lists none of these images")
        return found
    found.absent += [root / hr for hr, _ in lines if hr not in by_file]
    left_out = len(found.hr) - len(kept)
    if left_out:
        found.notes.append(
            f"not listed in {path.name}, so not used: {counted(left_out, 'HR file')}"
        )
    found.hr = {name: file for name, file in found.hr.items() if name in kept}
    found.lr = {
        scale: {name: file for name, file in files.items() if name in kept}
        for scale, files in found.lr.items()
    }
    return found
