"""Job queue of the server: one job at a time, because a network uses all cores."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Condition, Thread

from scalewise.errors import DiskFullError, ScalewiseError
from scalewise.restoring.batch import describe_error
from scalewise.restoring.file_pipeline import RestoredFile, restore_file
from scalewise.restoring.jobs import FileJob
from scalewise.restoring.loading import LoadOptions
from scalewise.restoring.memory import free_memory
from scalewise.restoring.selection import load_networks, select_for_upscaling
from scalewise.web.catalogue import Catalogue
from scalewise.web.choices import explain_request, work_of_request
from scalewise.web.interactive import Precedence
from scalewise.web.limits import Limits, ServerBusy
from scalewise.web.messages import too_slow, without_paths
from scalewise.web.restore_request import RestoreRequest
from scalewise.web.result_store import ResultStore
from scalewise.web.schemas import FINAL_STATES, JobView
from scalewise.web.speed import RemainingTime, Speeds, Work
from scalewise.web.upload_store import KeptUpload, UploadStore
from scalewise.web.uploads import Upload

_CACHED_NETWORKS = 2
_CANCELLED = "the job was cancelled"
_MEMORY_RETRY_SECONDS = 10
_log = logging.getLogger(__name__)


class _Cancelled(ScalewiseError):
    """The job was cancelled."""


@dataclass(eq=False)
class RestoreJob:
    """One image to restore; ``view`` is replaced, never modified, so any thread may read it.

    Attributes:
        view: the job's state.
        request: the request; None for a job of an earlier server.
        kept: the upload that it is made of; None for a job of an earlier server.
        upload: the image's file; likewise.
        result: the restored file; None while there is none.
        finished: the time when the job ended, in Unix time.
        cancelled: whether its result is no longer needed.
        lacked_room: whether it failed because the server's disk or memory was full.
    """

    view: JobView
    request: RestoreRequest | None = None
    kept: KeptUpload | None = None
    upload: Upload | None = None
    result: Path | None = None
    finished: float | None = None
    cancelled: bool = False
    lacked_room: bool = False

    @property
    def is_final(self) -> bool:
        """True if the state will not change again."""
        return self.view.state in FINAL_STATES

    @property
    def bytes(self) -> int:
        """Disk space of its files."""
        return (self.view.result_bytes or 0) + (0 if self.upload is None else self.upload.size)

    def update(self, **changes: object) -> None:
        """Change fields of its view."""
        self.view = self.view.model_copy(update=changes)


class JobQueue:
    """Jobs, and the thread that runs them.

    Args:
        limits: limits of number, size and time.
        store: the folder of results; jobs of an earlier server in it are recovered.

    Attributes:
        uploads: what jobs are made of.
        catalogue: of the models.
        speeds: of the models on this machine.
        precedence: of work that clients wait for.
        on_delete: called with the id of a job that was deleted.
        is_stopping: whether the server stops: event streams end then.
    """

    def __init__(self, limits: Limits, store: ResultStore) -> None:
        self.limits = limits
        self.uploads = UploadStore(limits)
        self.catalogue = Catalogue()
        self.speeds = Speeds()
        self.precedence = Precedence()
        self.on_delete: Callable[[str], None] = lambda _: None
        self.is_stopping = False
        self._store = store
        self._jobs: dict[str, RestoreJob] = {}
        self._waiting: list[RestoreJob] = []
        self._running: RestoreJob | None = None
        self._seconds_per_job = 5.0
        self._stopped = False
        self._changed = Condition()
        self._networks = lru_cache(_CACHED_NETWORKS)(load_networks)
        for view, result, finished in store.recover(limits.keep_seconds):
            self._jobs[view.id] = RestoreJob(view, result=result, finished=finished)
        self._thread = Thread(target=self._run_jobs, name="restoring", daemon=True)
        self._thread.start()

    @property
    def folder(self) -> Path:
        """The folder of results."""
        return self._store.folder

    def require_capacity(self) -> None:
        """Check whether another job would be accepted.

        Raises:
            ServerBusy: it would not.
        """
        with self._changed:
            waiting = len(self._waiting) + (self._running is not None)
        seconds = max(1, min(60, round(self._seconds_per_job * waiting / 2)))
        if waiting >= self.limits.max_waiting:
            raise ServerBusy("as many images wait as this server takes", seconds)
        if free_memory() < self.limits.min_free_memory:
            raise ServerBusy("the server's memory is short", max(seconds, _MEMORY_RETRY_SECONDS))

    def submit(
        self, request: RestoreRequest, kept: KeptUpload, options: dict[str, object]
    ) -> RestoreJob:
        """Append a job.

        Args:
            request: what to do.
            kept: the upload.
            options: the request as the client sent it.

        Raises:
            ServerBusy: the queue is full.
            FileNotFoundError: the upload was deleted in the meantime.
        """
        height, width = request.target.size(kept.height, kept.width, request.native_scale)
        view = JobView(
            id=secrets.token_urlsafe(16),
            state="waiting",
            name=request.name,
            folder=request.folder,
            width=kept.width,
            height=kept.height,
            out_width=width,
            out_height=height,
            upload=kept.id,
            created=round(time.time(), 3),
            options=options,
            explanation="" if kept.of_jobs else explain_request(request, kept, self.catalogue),
            quality=request.quality,
            task=request.task,
            command=request.command,
            result_name=request.result_name,
        )
        self._store.save_record(view)
        try:
            with self._changed:
                self.require_capacity()
                job = RestoreJob(view, request, kept, kept.upload.share())
                self.uploads.add_job(kept, view.id)
                self._jobs[view.id] = job
                self._waiting.append(job)
                self._changed.notify_all()
        except BaseException:
            self._store.delete(view.id)
            raise
        return job

    def find(self, job: str) -> RestoreJob | None:
        """Return the job with an id; None if there is none."""
        found = self._jobs.get(job)
        return None if found is None or self._is_expired(found) else found

    def view(self, job: RestoreJob) -> JobView:
        """Return a job's state, and the number of jobs before it."""
        with self._changed:
            if job not in self._waiting:
                return job.view
            ahead = self._waiting.index(job) + (self._running is not None)
        return job.view.model_copy(update={"ahead": ahead})

    def views(self) -> list[JobView]:
        """Return the states of all jobs, newest first."""
        with self._changed:
            running = self._running is not None
            ahead = {job: index + running for index, job in enumerate(self._waiting)}
            jobs = [job for job in self._jobs.values() if not self._is_expired(job)]
        views = [
            job.view.model_copy(update={"ahead": ahead[job]}) if job in ahead else job.view
            for job in reversed(jobs)
        ]
        return sorted(views, key=lambda view: view.created, reverse=True)

    def cancel(self, job: RestoreJob) -> None:
        """Cancel a job and delete its files; a running job stops after the current tile."""
        job.cancelled = True
        with self._changed:
            self._jobs.pop(job.view.id, None)
            was_waiting = job in self._waiting
            if was_waiting:
                self._waiting.remove(job)
        if was_waiting or job.is_final:
            self._delete_files(job)
        else:  # it stops within a tile, and must not come back as lost if it is killed before
            self._store.delete_record(job.view.id)

    def close(self) -> None:
        """Stop the queue; jobs that are not finished are lost, which the next server says."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join()
        for job in self._jobs.values():
            if job.upload is not None:
                job.upload.close()
        self.uploads.close()

    def _delete_files(self, job: RestoreJob) -> None:
        if not job.is_final:
            job.update(state="cancelled", seconds_left=None)
        if job.upload is not None:
            job.upload.close()
        self._store.delete(job.view.id)
        self.uploads.forget_job(job.view.id)
        self.on_delete(job.view.id)

    def _run_jobs(self) -> None:
        while not self._stopped:
            job = self._next_job()
            try:
                if job is not None:
                    self._run_job(job)
                self._delete_expired()
            except Exception:  # otherwise the thread would end, and no later job would run
                _log.exception("the queue continues after an unexpected error")
            with self._changed:
                self._running = None

    def _next_job(self) -> RestoreJob | None:
        """Return the next job; None after a while without one."""
        with self._changed:
            if not self._waiting and not self._stopped:
                self._changed.wait(timeout=min(30.0, self.limits.keep_seconds / 2))
            if self._stopped or not self._waiting:
                return None
            self._running = self._waiting.pop(0)
            return self._running

    def _run_job(self, job: RestoreJob) -> None:
        request, upload, kept = job.request, job.upload, job.kept
        assert request is not None
        assert kept is not None
        assert upload is not None
        start = time.monotonic()
        job.update(state="running")
        suffix = Path(request.result_name).suffix
        target = self._store.result_path(job.view.id, suffix)
        try:
            work = self._look_at(job, request, kept)
            networks = self._networks(
                request.model or select_for_upscaling, LoadOptions(strength=request.strength)
            )
            loaded = time.monotonic()
            restored = restore_file(
                FileJob(upload.path, target),
                networks,
                request.output_options,
                self._progress(job, request, start, work),
            )
            if job.cancelled:
                raise _Cancelled(_CANCELLED)
            encoding = time.monotonic() - loaded - restored.seconds
            if work is not None:
                self.speeds.add_job(work, restored.seconds, encoding)
            self._finish(job, request, restored, time.monotonic() - start)
        except _Cancelled:
            job.update(state="cancelled", seconds_left=None)
        except Exception as error:
            target.unlink(missing_ok=True)
            if not isinstance(error, ScalewiseError | MemoryError):
                _log.exception("a job failed")
            problem = describe_error(FileJob(upload.path, target), error)
            problem = without_paths(problem, _names(upload, request, target))
            job.lacked_room = isinstance(error, DiskFullError | MemoryError)
            job.update(state="failed", problem=problem, seconds_left=None)
            job.finished = time.time()
            with suppress(OSError):  # such as of a full disk, for which the job may have failed
                self._store.save_record(job.view)
        if job.cancelled:  # in the meantime
            self._delete_files(job)
        self._seconds_per_job += 0.3 * (time.monotonic() - start - self._seconds_per_job)

    def _look_at(self, job: RestoreJob, request: RestoreRequest, kept: KeptUpload) -> Work | None:
        """Tell the client what will be done, and return what it costs; None if nobody knows."""
        try:
            explanation = explain_request(request, kept, self.catalogue)
            work = work_of_request(request, kept, self.catalogue)
        except (ScalewiseError, OSError):  # the restoration says what is wrong
            return None
        seconds = self.speeds.seconds(work)
        left = None if seconds is None else round(seconds, 1)
        job.update(explanation=explanation, seconds_left=left)
        return work

    def _finish(
        self, job: RestoreJob, request: RestoreRequest, restored: RestoredFile, seconds: float
    ) -> None:
        assert job.upload is not None
        names = _names(job.upload, request, restored.target)
        view = job.view.model_copy(
            update={
                "state": "done",
                "done": 1.0,
                "seconds_left": 0.0,
                "out_width": restored.width,
                "out_height": restored.height,
                "model": restored.model,
                "reason": restored.reason,
                "warnings": [without_paths(each, names) for each in restored.warnings],
                "format": restored.target.suffix.removeprefix("."),
                "result_bytes": restored.target.stat().st_size,
                "seconds": round(seconds, 2),
            }
        )
        self._store.save_record(view)
        job.result, job.finished = restored.target, time.time()
        job.view = view  # last, because a client that sees "done" asks for the result

    def _progress(
        self, job: RestoreJob, request: RestoreRequest, start: float, work: Work | None
    ) -> Callable[[int, int], None]:
        factor = (job.view.out_width or 1) / (job.view.width or 1)
        native_scale = request.native_scale
        expected = None if work is None else self.speeds.network_seconds(work)
        encoding = 0.0 if work is None else self.speeds.encoding_seconds(work)
        remaining = RemainingTime(expected, encoding)

        def update(done: int, total: int) -> None:
            if job.cancelled or self._stopped:
                raise _Cancelled(_CANCELLED)
            if time.monotonic() - start > self.limits.max_seconds:
                raise ScalewiseError(too_slow(self.limits.max_seconds, factor, native_scale))
            part = min(done / max(total, 1), 1.0)
            left = remaining.left(part)
            job.update(done=part, seconds_left=None if left is None else round(left, 1))
            self.precedence.pause()

        return update

    def _is_expired(self, job: RestoreJob) -> bool:
        """Return whether its time is over; its files are deleted soon after."""
        return job.finished is not None and job.finished + self.limits.keep_seconds < time.time()

    def _delete_expired(self) -> None:
        """Delete jobs that ended long ago or lost their files, and the oldest if too many."""
        limits = self.limits
        with self._changed:
            jobs = list(self._jobs.values())
        ended = [(job.finished, job) for job in jobs if job.finished is not None]
        ended.sort(key=lambda pair: pair[0], reverse=True)
        size = 0
        for index, (_, job) in enumerate(ended):
            size += job.bytes
            too_much = index >= limits.max_kept or (index and size > limits.max_kept_bytes)
            is_lost = job.result is not None and not job.result.is_file()
            if too_much or is_lost or self._is_expired(job):
                self.cancel(job)
        self.uploads.delete_expired()


def _names(upload: Upload, request: RestoreRequest, target: Path) -> dict[str, str]:
    """Return what clients call the files of a job, by their paths."""
    return {str(upload.path): request.name, str(target): request.result_name}
