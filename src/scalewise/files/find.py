"""Image files of a folder and its subfolders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from scalewise.arguments import AnyPath, counted, path_of
from scalewise.errors import ScalewiseError
from scalewise.files.formats import READ_SUFFIXES, DetectedFormat, detect_format
from scalewise.files.unsupported import UNREAD_SUFFIXES

SYSTEM_FOLDERS = frozenset(
    {
        "@eadir",  # thumbnails, on Synology
        "@tmp",
        "#recycle",
        "@recycle",  # QNAP
        "@recently-snapshot",
        "#snapshot",
        "$recycle.bin",
        "recycler",
        "system volume information",
        "__macosx",  # in archives made on macOS
        "lost+found",
    }
)
"""Folders, in lower case, that systems keep for themselves: thumbnails, deleted files."""

_MOST_NAMED = 5
"""The most extensions in a line."""

Unreadable = Callable[[ScalewiseError, Path], None]


def find_images(
    path: AnyPath, unreadable: Unreadable | None = None, others: list[Path] | None = None
) -> list[Path]:
    """Return the image files in a folder and its subfolders, sorted; a file stands for itself.

    Only names are looked at: files with an extension of a format that is read, in upper or
    lower case. Hidden files and folders (whose names start with a dot) are skipped, and so are
    those of :data:`SYSTEM_FOLDERS`. Linked subfolders are followed, each folder once.

    Args:
        path: the folder or file.
        unreadable: called with every folder that cannot be listed; None raises the error.
        others: a list that gets the files with other extensions.

    Raises:
        ScalewiseError: no such file or folder, or something else, such as a pipe.
    """
    path = path_of(path, "path")
    if path.is_file():
        return [path]
    if not path.is_dir():
        problem = "neither a file nor a folder" if path.exists() else "no such file or folder"
        raise ScalewiseError(f"{path}: {problem}")

    def refused(error: OSError) -> None:
        problem = ScalewiseError(f"{error.filename}: cannot be listed ({error.strerror})")
        if unreadable is None:
            raise problem
        unreadable(problem, Path(error.filename))

    files = [
        Path(folder, name)
        for folder, names in _folders(path, refused)
        for name in names
        if not name.startswith(".")
    ]
    if others is not None:
        others += [each for each in files if each.suffix.lower() not in READ_SUFFIXES]
    return sorted(each for each in files if each.suffix.lower() in READ_SUFFIXES)


def describe_left_out(paths: Iterable[Path]) -> str:
    """Return a line on images that are left out because of their extensions; else nothing.

    They are files whose content is an image that is read, and files with the extension of a
    well-known image format that is not.
    """
    misnamed, unread = list[str](), list[str]()
    for path in paths:
        content, has_unread_suffix = _detected(path), path.suffix.lower() in UNREAD_SUFFIXES
        if content is not None and not (has_unread_suffix and content.name == "TIFF"):
            misnamed.append(path.suffix or "none")
        elif has_unread_suffix:  # camera raw may be TIFF, too, but with a thumbnail as its image
            unread.append(path.suffix)
    reasons = (
        (misnamed, "of the extension ({}): rename, or give them by name"),
        (unread, "the format is not read ({}): convert to PNG first"),
    )
    return "; ".join(
        f"{counted(len(suffixes), 'image')} left out, because {reason.format(_named(suffixes))}"
        for suffixes, reason in reasons
        if suffixes
    )


def _named(suffixes: list[str]) -> str:
    kinds = sorted({*suffixes})
    return ", ".join([*kinds[:_MOST_NAMED], *["..."] * (len(kinds) > _MOST_NAMED)])


def _detected(path: Path) -> DetectedFormat | None:
    """Return the format that a file's content begins as; None for one that is not read."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return None
        with path.open("rb") as file:
            return detect_format(file)
    except OSError:
        return None


def _folders(root: Path, refused: Callable[[OSError], None]) -> Iterator[tuple[str, list[str]]]:
    """Yield every folder with the names of its files.

    Folders come before links to them, so that an image has the path that it really lies at.
    """
    seen: set[str] = set()
    waiting = [str(root)]
    while waiting:
        start, links = waiting.pop(0), list[str]()
        if os.path.realpath(start) in seen:
            continue
        for folder, subfolders, names in os.walk(start, onerror=refused):
            real = os.path.realpath(folder)
            if real in seen:
                subfolders.clear()
                continue
            seen.add(real)
            wanted = sorted(name for name in subfolders if not _is_kept_by_a_system(name))
            paths = {name: os.path.join(folder, name) for name in wanted}  # noqa: PTH118
            links += [each for each in paths.values() if Path(each).is_symlink()]
            subfolders[:] = [name for name in wanted if paths[name] not in links]
            yield folder, names
        waiting += links


def _is_kept_by_a_system(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM_FOLDERS
