"""Job queue of the server: one job at a time, because a network uses all cores."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Condition, Thread

from scalewise.errors import ScalewiseError
from scalewise.restoring.batch import describe_error
from scalewise.restoring.file_pipeline import RestoredFile, restore_file
from scalewise.restoring.jobs import FileJob
from scalewise.restoring.loading import LoadOptions
from scalewise.restoring.memory import free_memory
from scalewise.restoring.selection import load_networks, select_for_upscaling
from scalewise.web.limits import Limits
from scalewise.web.restore_request import Order
from scalewise.web.schemas import FINAL, JobView
from scalewise.web.store import Store
from scalewise.web.uploads import Upload

_KEPT_NETWORKS = 2
_CANCELLED = "the job was cancelled"
_SHORT_OF_MEMORY_SECONDS = 10
_log = logging.getLogger(__name__)


class Busy(Exception):
    """The server accepts no more jobs for now.

    Args:
        reason: why.
        seconds: estimated time until it does again.
    """

    def __init__(self, reason: str, seconds: int) -> None:
        super().__init__(f"{reason}; try again in {seconds} seconds")
        self.seconds = seconds


class _Cancelled(ScalewiseError):
    """The job was cancelled."""


@dataclass(eq=False)
class Job:
    """One image to restore; ``view`` is replaced, never modified, so any thread may read it.

    Attributes:
        view: the job's state.
        order: the request; None for a job of an earlier server.
        upload: the image; None for a job of an earlier server.
        result: the restored file; None while there is none.
        finished: the time when the job ended, in Unix time.
        cancelled: whether its result is no longer needed.
    """

    view: JobView
    order: Order | None = None
    upload: Upload | None = None
    result: Path | None = None
    finished: float | None = None
    cancelled: bool = False

    @property
    def is_final(self) -> bool:
        """True if the state will not change again."""
        return self.view.state in FINAL

    @property
    def bytes(self) -> int:
        """Disk space of its files."""
        return (self.view.result_bytes or 0) + (0 if self.upload is None else self.upload.size)

    def update(self, **changes: object) -> None:
        """Change fields of its view."""
        self.view = self.view.model_copy(update=changes)


class Queue:
    """Jobs, and the thread that runs them.

    Args:
        limits: limits of number, size and time.
        store: the folder of results; finished jobs in it are recovered.
    """

    def __init__(self, limits: Limits, store: Store) -> None:
        self.limits = limits
        self._store = store
        self._jobs: dict[str, Job] = {}
        self._waiting: list[Job] = []
        self._running: Job | None = None
        self._seconds_per_job = 5.0
        self._stopped = False
        self._changed = Condition()
        self._networks = lru_cache(_KEPT_NETWORKS)(load_networks)
        for view, result, finished in store.recover(limits.keep_seconds):
            self._jobs[view.id] = Job(view, result=result, finished=finished)
        self._thread = Thread(target=self._work, name="restoring", daemon=True)
        self._thread.start()

    def check_room(self) -> None:
        """Check whether another job would be accepted.

        Raises:
            Busy: it would not.
        """
        with self._changed:
            waiting = len(self._waiting) + (self._running is not None)
        seconds = max(1, min(60, round(self._seconds_per_job * waiting / 2)))
        if waiting >= self.limits.max_waiting:
            raise Busy("as many pictures wait as this server takes", seconds)
        if free_memory() < self.limits.free_bytes:
            raise Busy("the server's memory is short", max(seconds, _SHORT_OF_MEMORY_SECONDS))

    def submit(self, order: Order, upload: Upload, width: int, height: int) -> Job:
        """Append a job; from now on the queue closes the upload.

        Raises:
            Busy: the queue is full.
        """
        view = JobView(
            id=secrets.token_urlsafe(16),
            state="waiting",
            name=order.name,
            width=width,
            height=height,
            task=order.task,
            command=order.command,
            result_name=order.result_name,
        )
        job = Job(view, order, upload)
        with self._changed:
            self.check_room()
            self._jobs[view.id] = job
            self._waiting.append(job)
            self._changed.notify_all()
        return job

    def find(self, job: str) -> Job | None:
        """Return the job with an id; None if there is none."""
        return self._jobs.get(job)

    def view(self, job: Job) -> JobView:
        """Return a job's state, and the number of jobs before it."""
        with self._changed:
            if job not in self._waiting:
                return job.view
            ahead = self._waiting.index(job) + (self._running is not None)
        return job.view.model_copy(update={"ahead": ahead})

    def cancel(self, job: Job) -> None:
        """Cancel a job and delete its files; a running job stops after the current tile."""
        job.cancelled = True
        with self._changed:
            self._jobs.pop(job.view.id, None)
            was_waiting = job in self._waiting
            if was_waiting:
                self._waiting.remove(job)
        if was_waiting or job.is_final:
            self._discard(job)

    def close(self) -> None:
        """Stop the queue; jobs that are not finished are cancelled."""
        with self._changed:
            self._stopped = True
            if self._running is not None:
                self._running.cancelled = True
            self._changed.notify_all()
        self._thread.join()
        for job in self._jobs.values():
            if job.upload is not None:
                job.upload.close()

    def _discard(self, job: Job) -> None:
        if not job.is_final:
            job.update(state="cancelled", seconds_left=None)
        if job.upload is not None:
            job.upload.close()
        self._store.forget(job.view.id)

    def _work(self) -> None:
        while not self._stopped:
            job = self._next()
            try:
                if job is not None:
                    self._run(job)
                self._expire()
            except Exception:  # otherwise the thread would end, and no later job would run
                _log.exception("the queue continues after an unexpected error")
            with self._changed:
                self._running = None

    def _next(self) -> Job | None:
        """Return the next job; None after a while without one."""
        with self._changed:
            if not self._waiting and not self._stopped:
                self._changed.wait(timeout=min(30.0, self.limits.keep_seconds / 2))
            if self._stopped or not self._waiting:
                return None
            self._running = self._waiting.pop(0)
            return self._running

    def _run(self, job: Job) -> None:
        order, upload = job.order, job.upload
        assert order is not None
        assert upload is not None
        start = time.monotonic()
        job.update(state="running")
        suffix = Path(order.result_name).suffix
        target = self._store.place(job.view.id, suffix)
        try:
            self._store.make()
            networks = self._networks(
                order.model or select_for_upscaling, LoadOptions(strength=order.strength)
            )
            restored = restore_file(
                FileJob(upload.path, target),
                networks,
                order.output_options,
                self._progress(job, start),
            )
            if job.cancelled:
                raise _Cancelled(_CANCELLED)
            self._finish(job, order, restored, time.monotonic() - start)
        except _Cancelled:
            job.update(state="cancelled", seconds_left=None)
        except Exception as error:
            target.unlink(missing_ok=True)
            if not isinstance(error, ScalewiseError | MemoryError):
                _log.exception("a job failed")
            problem = describe_error(FileJob(upload.path, target), error)
            problem = _told(problem, job, order.name).replace(str(target), order.result_name)
            job.update(state="failed", problem=problem, seconds_left=None)
            job.finished = time.time()
        if job.cancelled:  # in the meantime
            self._discard(job)
        self._seconds_per_job += 0.3 * (time.monotonic() - start - self._seconds_per_job)

    def _finish(self, job: Job, order: Order, restored: RestoredFile, seconds: float) -> None:
        view = job.view.model_copy(
            update={
                "state": "done",
                "done": 1.0,
                "seconds_left": 0.0,
                "out_width": restored.width,
                "out_height": restored.height,
                "model": restored.model,
                "reason": restored.reason,
                "warnings": [_told(each, job, order.name) for each in restored.warnings],
                "format": restored.target.suffix.removeprefix("."),
                "result_bytes": restored.target.stat().st_size,
                "seconds": round(seconds, 2),
            }
        )
        nameless = order.nameless
        self._store.keep(
            view.model_copy(
                update={
                    "name": nameless.name,
                    "command": nameless.command,
                    "result_name": nameless.result_name,
                    "warnings": [_told(each, job, nameless.name) for each in restored.warnings],
                }
            )
        )
        job.result, job.finished = restored.target, time.time()
        job.view = view  # last, because a client that sees "done" asks for the result

    def _progress(self, job: Job, start: float) -> Callable[[int, int], None]:
        def tell(done: int, total: int) -> None:
            if job.cancelled:
                raise _Cancelled(_CANCELLED)
            passed = time.monotonic() - start
            if passed > self.limits.max_seconds:
                raise ScalewiseError(
                    f"it took longer than {self.limits.max_seconds:g} seconds, the limit of this "
                    "server; choose a smaller size"
                )
            part = done / max(total, 1)
            left = passed / part - passed if part else None
            job.update(done=min(part, 1.0), seconds_left=None if left is None else round(left, 1))

        return tell

    def _expire(self) -> None:
        """Delete jobs that ended long ago, and the oldest ones if there are too many."""
        limits, oldest = self.limits, time.time() - self.limits.keep_seconds
        with self._changed:
            jobs = list(self._jobs.values())
        ended = [(job.finished, job) for job in jobs if job.finished is not None]
        ended.sort(key=lambda pair: pair[0], reverse=True)
        size = 0
        for index, (finished, job) in enumerate(ended):
            size += job.bytes
            too_much = index >= limits.max_kept or (index and size > limits.max_kept_bytes)
            if too_much or finished < oldest:
                self.cancel(job)


def _told(text: str, job: Job, name: str) -> str:
    """Return a message with the user's name for the upload in place of its path."""
    assert job.upload is not None
    return text.replace(str(job.upload.path), name)


def lost(job: str) -> JobView:
    """Return the view of a job that this server does not know."""
    problem = (
        "the server no longer has this job: it was restarted before the job was finished, or "
        "the result has expired; send the image again"
    )
    return JobView(id=job, state="lost", problem=problem)


def views_of(queue: Queue, ids: Sequence[str]) -> list[JobView]:
    """Return the states of jobs, in the order of their ids."""
    jobs = ((id, queue.find(id)) for id in ids)
    return [lost(id) if job is None else queue.view(job) for id, job in jobs]
