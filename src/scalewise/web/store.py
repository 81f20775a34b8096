"""The folder of finished results: what lies there is whole, and outlives the server's end.

Nothing of a job that is not finished has a name on disk, and no file has a name that a user gave.
Files of others in that folder are never touched.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from tempfile import gettempdir
from typing import BinaryIO

from pydantic import ValidationError

from scalewise.atomic import write_atomic
from scalewise.errors import ScalewiseError
from scalewise.web.schemas import JobView

_OURS = re.compile(r"[\w-]{22}\.\w+(\.partial)?|\.scalewise-\w+", re.ASCII)
"""What jobs' files are called, and those that were to become one."""


class Store:
    """A folder that belongs to one server at a time.

    Args:
        folder: made if it is not there, for this user's eyes only.

    Raises:
        ScalewiseError: another server has it, or it is not this user's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.make()
        if not _is_own(folder):
            raise ScalewiseError(
                f"{folder}: belongs to somebody else; choose another with --folder"
            )
        self._lock = _locked(folder / "lock")

    def make(self) -> None:
        """Make the folder if it is not there: what is temporary is cleared away now and then."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def place(self, job: str, suffix: str) -> Path:
        """Where a job's result belongs, such as ``.png``."""
        return self.folder / f"{job}{suffix}"

    def keep(self, view: JobView) -> None:
        """Note down a job whose result is in its place."""
        write_atomic(self.folder / f"{view.id}.json", view.model_dump_json().encode())

    def forget(self, job: str) -> None:
        """Remove a job's files."""
        for path in self.folder.glob(f"{job}.*"):
            path.unlink(missing_ok=True)

    def recover(self, keep_seconds: float) -> list[tuple[JobView, Path, float]]:
        """Finished jobs of an earlier server, their results, and when they finished (Unix time).

        Of what a server may have left, the rest is removed: what is older than
        ``keep_seconds``, and what belongs to no finished job.
        """
        found: list[tuple[JobView, Path, float]] = []
        ours = [path for path in self.folder.iterdir() if _OURS.fullmatch(path.name)]
        kept: set[Path] = set()
        for note in ours:
            view = _noted(note) if note.suffix == ".json" else None
            if view is None:
                continue
            finished = note.stat().st_mtime
            result = note.with_suffix(Path(view.result_name or "").suffix)
            if finished + keep_seconds > time.time() and result.is_file():
                found.append((view, result, finished))
                kept |= {note, result}
        for path in ours:
            if path not in kept:
                path.unlink(missing_ok=True)
        return sorted(found, key=lambda job: job[2])

    def close(self) -> None:
        """Let another server have the folder."""
        self._lock.close()


def default_folder(port: int) -> Path:
    """The folder of the server at a port."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(gettempdir(), f"scalewise-{user}-{port}")


def _is_own(folder: Path) -> bool:
    """Whether it is this user's, and no link by which somebody else leads there."""
    if not hasattr(os, "getuid"):
        return True
    return folder.stat().st_uid == folder.lstat().st_uid == os.getuid()


def _noted(note: Path) -> JobView | None:
    try:
        view = JobView.model_validate_json(note.read_bytes())
    except ValidationError:
        return None
    return view if view.id == note.stem else None


def _locked(path: Path) -> BinaryIO:
    file = path.open("ab")
    try:
        import fcntl
    except ImportError:  # Windows: two servers there must be given two folders
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise ScalewiseError(
            f"{path.parent}: another scalewise serve is using it; choose another with --folder"
        ) from None
    return file
