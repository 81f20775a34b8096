"""Worker of a cluster run: a process on one of the machines, which restores images there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Event

from scalewise.errors import DiskFullError, ScalewiseError
from scalewise.restoring.batch import JobResult, failed_result, is_done
from scalewise.restoring.file_pipeline import OutputOptions, describe_existing, restore_file
from scalewise.restoring.jobs import FileJob
from scalewise.restoring.loading import LoadOptions
from scalewise.restoring.selection import ModelSpec, Networks, load_networks


def this_version() -> str:
    """Return the version of scalewise that is installed here."""
    return version("scalewise-restoration")


def is_visible(path: Path) -> bool:
    """Return whether a path leads to something that can be seen from here."""
    return os.path.exists(path)  # noqa: PTH110  (Path.exists raises where it may not look)


@dataclass(frozen=True)
class MissingPath:
    """A path that a worker should see but does not, so that the job was not started."""

    path: Path


class Worker:
    """A worker, in a process of its own on some machine; Ray calls it from several threads."""

    def __init__(self) -> None:
        self._networks: Networks = ()
        self._stopped = Event()

    def load(self, release: str, folder: Path, model: ModelSpec, options: LoadOptions) -> str:
        """Load the networks, once.

        Args:
            release: the version of scalewise that sends the work.
            folder: from which relative paths start there.
            model, options: as for :func:`load_networks`.

        Returns:
            Why that is not possible, in a line; empty if it is done.
        """
        if (here := this_version()) != release:
            return f"scalewise {here} is installed there, not {release}"
        try:
            os.chdir(folder if is_visible(folder) else "/")  # where relative paths lead nowhere
            self._networks = load_networks(model, options)
        except (ScalewiseError, OSError) as error:
            return str(error)
        return ""

    def restore(
        self, job: FileJob, output: OutputOptions, retry: bool = False
    ) -> JobResult | MissingPath | DiskFullError:
        """Restore an image; errors that end the run are returned, because Ray wraps them.

        Args:
            job: input and output.
            output: size and format of the result.
            retry: whether a worker of this run was lost over the image.  A result that exists
                is then the run's own: the worker was lost after it had written the result.
        """
        for path in (job.source, job.target.parent):
            if not is_visible(path):
                return MissingPath(path)
        try:
            if not is_done(job, output):
                return JobResult(job, restore_file(job, self._networks, output, self.check_stopped))
            if retry:
                return JobResult(job, describe_existing(job, self._networks, output))
            return JobResult(job)
        except DiskFullError as error:
            return error
        except Exception as error:
            return failed_result(job, error)

    def check_stopped(self, _done: int, _total: int) -> None:
        """Raise an error once the run is stopped; called after every tile."""
        if self._stopped.is_set():
            raise ScalewiseError("the run was stopped")

    def stop(self) -> None:
        """Stop the images that it has."""
        self._stopped.set()
