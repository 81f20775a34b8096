"""A worker of a run on a cluster: what happens on the other machines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Event
from typing import Any

from scalewise.errors import DiskFullError, ScalewiseError
from scalewise.restoring.folder import Outcome, is_done, without_result
from scalewise.restoring.jobs import Job
from scalewise.restoring.pictures import Wishes, restore_file
from scalewise.restoring.selection import ModelSpec, Networks, load_networks


def this_version() -> str:
    """The version of scalewise that is installed here."""
    return version("scalewise-restoration")


def is_there(path: Path) -> bool:
    """Whether a path leads to something that can be seen from here."""
    return os.path.exists(path)  # noqa: PTH110  (Path.exists raises where it may not look)


@dataclass(frozen=True)
class Unseen:
    """Why a job was not begun: something that a worker should see, but does not."""

    path: Path


class RemoteRestorer:
    """A worker, in a process of its own on some machine; Ray calls it from several threads."""

    def __init__(self) -> None:
        self._networks: Networks = ()
        self._stopped = Event()

    def load(self, release: str, folder: Path, model: ModelSpec, options: Mapping[str, Any]) -> str:
        """Load the networks, once.

        Args:
            release: the version of scalewise that sends the work.
            folder: from which relative paths start there.
            model, options: as for :func:`load_networks`.

        Returns:
            What hinders that, in a line; nothing if it is done.
        """
        if (here := this_version()) != release:
            return f"scalewise {here} is installed there, not {release}"
        try:
            os.chdir(folder if is_there(folder) else "/")  # where relative paths lead nowhere
            self._networks = load_networks(model, **options)
        except (ScalewiseError, OSError) as error:
            return str(error)
        return ""

    def restore(self, job: Job, wishes: Wishes) -> Outcome | Unseen | DiskFullError:
        """Restore a picture; what concerns the run is returned, for Ray wraps what is raised."""
        for path in (job.source, job.target.parent):
            if not is_there(path):
                return Unseen(path)
        if is_done(job, wishes):
            return Outcome(job)
        try:
            return Outcome(job, restore_file(job, self._networks, wishes, self.watch))
        except DiskFullError as error:
            return error
        except Exception as error:
            return without_result(job, error)

    def watch(self, _done: int, _total: int) -> None:
        """Told of every tile; ends what it is at once the run is stopped."""
        if self._stopped.is_set():
            raise ScalewiseError("the run was stopped")

    def stop(self) -> None:
        """Put away what it is at."""
        self._stopped.set()
