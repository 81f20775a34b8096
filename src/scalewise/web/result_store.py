"""Folder of results and of a record for each job, which survive a restart of the server.

Each file is complete, and none has a name that a user gave: the names are in the records, which go
with their jobs. Other files in the folder are never touched.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir
from typing import BinaryIO

from pydantic import ValidationError

from scalewise.atomic import is_temporary, write_atomic
from scalewise.errors import ScalewiseError, warn
from scalewise.locks import try_lock
from scalewise.web.schemas import FINAL_STATES, JobView

_LOST = "the server was restarted before this job was finished; send the image again"
_JOB_FILE = re.compile(r"[\w-]{22}\.\w+(\.partial)?", re.ASCII)
"""Names of jobs' files; earlier versions had temporary ones with ``.partial``."""


class ResultStore:
    """A folder that belongs to one server at a time.

    Args:
        folder: created if it does not exist, readable by this user only.

    Raises:
        ScalewiseError: another server uses it, or it belongs to another user.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.create_folder()
        if not _is_own(folder):
            raise ScalewiseError(f"{folder}: belongs to another user; choose another with --folder")
        self._lock = _lock_folder(folder / "lock")

    def create_folder(self) -> None:
        """Create the folder if it does not exist: systems clear temporary folders at times."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def result_path(self, job: str, suffix: str) -> Path:
        """Return the path of a job's result with an extension such as ``.png``."""
        return self.folder / f"{job}{suffix}"

    def save_record(self, view: JobView) -> None:
        """Record a job that is accepted, or has ended; a result is complete before.

        Raises:
            OSError: it cannot be written.
        """
        self.create_folder()
        record = self.folder / f"{view.id}.json"
        kept = view.model_copy(update={"upload": None})  # which does not survive
        write_atomic(record, kept.model_dump_json().encode(), private=True)

    def delete(self, job: str) -> None:
        """Remove a job's files."""
        for path in self.folder.glob(f"{job}.*"):
            path.unlink(missing_ok=True)

    def delete_record(self, job: str) -> None:
        """Remove what the next server would know of a job, whose result is still written."""
        (self.folder / f"{job}.json").unlink(missing_ok=True)

    def recover(self, keep_seconds: float) -> list[tuple[JobView, Path | None, float]]:
        """Return jobs of an earlier server, their results, and their end in Unix time.

        Jobs that were not finished are lost, from now on. Other files of that server are deleted:
        those older than ``keep_seconds``, and those without a job.
        """
        found: list[tuple[JobView, Path | None, float]] = []
        own = [path for path in self.folder.iterdir() if _is_own_file(path.name)]
        kept: set[Path] = set()
        for record in own:
            view = _read_record(record) if record.suffix == ".json" else None
            if view is None:
                continue
            if view.state not in FINAL_STATES:
                view = view.model_copy(update={"state": "lost", "problem": _LOST})
                with suppress(OSError):  # of a full disk: then it is lost once more
                    self.save_record(view)
            ended = record.stat().st_mtime
            is_done = view.state == "done"
            result = record.with_suffix(Path(view.result_name or "").suffix) if is_done else None
            if ended + keep_seconds > time.time() and (result is None or result.is_file()):
                found.append((view, result, ended))
                kept |= {record, result or record}
        for path in own:
            if path not in kept:
                path.unlink(missing_ok=True)
        return sorted(found, key=lambda job: job[2])

    def close(self) -> None:
        """Release the folder for another server."""
        self._lock.close()


def default_folder(port: int) -> Path:
    """Return the folder of the server at a port."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(gettempdir(), f"scalewise-{user}-{port}")


def _is_own_file(name: str) -> bool:
    """Return whether a name is that of a job's file, or of a temporary one."""
    return _JOB_FILE.fullmatch(name) is not None or is_temporary(name)


def _is_own(folder: Path) -> bool:
    """Return whether a folder belongs to this user, and is not reached by another user's link."""
    if not hasattr(os, "getuid"):
        return True
    return folder.stat().st_uid == folder.lstat().st_uid == os.getuid()


def _read_record(record: Path) -> JobView | None:
    try:
        view = JobView.model_validate_json(record.read_bytes())
    except ValidationError:
        return None
    return view if view.id == record.stem else None


def _lock_folder(path: Path) -> BinaryIO:
    file = path.open("ab")
    lock = try_lock(file)
    if lock == "taken":
        file.close()
        raise ScalewiseError(
            f"{path.parent}: another scalewise serve is using it; choose another with --folder"
        )
    if lock == "unsupported":
        warn(f"{path.parent}: locks are not supported there; start no second server in it")
    return file
