"""Views of jobs as they change: of one, and of all."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

from scalewise.web.job_queue import JobQueue, RestoreJob
from scalewise.web.schemas import FINAL_STATES, JobView

_HEARTBEAT_SECONDS = 15.0
_POLL_SECONDS = 0.1
_HEARTBEAT = ": still there\n\n"
_RECONNECT_MILLISECONDS = 2000


async def stream_job(queue: JobQueue, job: RestoreJob) -> AsyncIterator[str]:
    """Yield an event for each change of a job, until it ends."""
    sent, last = None, time.monotonic()
    while True:
        view = queue.view(job)
        if view != sent:
            yield _event("progress", view.model_dump_json())
            sent, last = view, time.monotonic()
        elif time.monotonic() - last > _HEARTBEAT_SECONDS:
            yield _HEARTBEAT
            last = time.monotonic()
        if view.state in FINAL_STATES or queue.is_stopping:
            return
        await asyncio.sleep(_POLL_SECONDS)


class JobEvents:
    """Changes of all jobs, found once for any number of event streams.

    Args:
        queue: the jobs.
    """

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._streams: set[_Stream] = set()
        self._watcher: asyncio.Task[None] | None = None

    async def stream(self) -> AsyncIterator[str]:
        """Yield the list of all jobs, and then an event for each change, until the server stops.

        A client that reads slowly gets the last state of each job, not all of them.
        """
        stream = _Stream()
        views = self._queue.views()
        self._streams.add(stream)
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch(views))
        try:
            content = f"[{','.join(view.model_dump_json() for view in views)}]"
            yield f"retry: {_RECONNECT_MILLISECONDS}\n" + _event("jobs", content)
            while (events := await stream.take()) is not None:
                yield events
        finally:
            self._streams.discard(stream)

    async def _watch(self, views: list[JobView]) -> None:
        """Tell all streams what changes, while there are any."""
        known = {view.id: view for view in views}
        try:
            while self._streams:
                await asyncio.sleep(_POLL_SECONDS)
                if self._queue.is_stopping:
                    break
                current = {view.id: view for view in self._queue.views()}
                self._compare(known, current)
                known = current
        finally:
            for stream in self._streams:
                stream.end()
            self._watcher = None

    def _compare(self, known: dict[str, JobView], current: dict[str, JobView]) -> None:
        for id, view in reversed(current.items()):  # the oldest job first
            before = known.get(id)
            if view is not before and view != before:
                self._tell(id, _event("job", view.model_dump_json()))
        for id in known.keys() - current.keys():
            self._tell(id, _event("gone", json.dumps({"id": id})))

    def _tell(self, id: str, event: str) -> None:
        for stream in self._streams:
            stream.put(id, event)


class _Stream:
    """The events that one client has not been sent yet: the last of each job."""

    def __init__(self) -> None:
        self._events: dict[str, str] = {}
        self._arrived = asyncio.Event()
        self._ended = False

    def put(self, id: str, event: str) -> None:
        """Append an event of a job, in place of an earlier one."""
        self._events.pop(id, None)
        self._events[id] = event
        self._arrived.set()

    def end(self) -> None:
        """Let there be no more events."""
        self._ended = True
        self._arrived.set()

    async def take(self) -> str | None:
        """Wait for events, and return them; None at the end.

        If there are none for a while, a heartbeat is returned.
        """
        try:
            async with asyncio.timeout(_HEARTBEAT_SECONDS):
                await self._arrived.wait()
        except TimeoutError:
            return _HEARTBEAT
        if self._ended and not self._events:
            return None
        if not self._ended:
            self._arrived.clear()
        content = "".join(self._events.values())
        self._events.clear()
        return content


def _event(kind: str, data: str) -> str:
    return f"event: {kind}\ndata: {data}\n\n"
