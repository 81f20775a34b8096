"""Work that a client waits for: beside the job that runs, and stopped when the client leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from math import inf
from threading import Condition, Event
from typing import TypeVar

from fastapi import Request

T = TypeVar("T")
_POLL_SECONDS = 0.1
_LONGEST_PAUSE = 5.0


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


Check = Callable[[], None]
"""A function that raises :class:`ClientLeft` once nobody waits."""


class Interactive:
    """Threads for work that clients wait for.

    Args:
        threads: how many.
    """

    def __init__(self, threads: int = 2) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="interactive")
        self._stopping = Event()
        self._clients = 0  # that wait; changed in the event loop only
        self._last = -inf

    async def run(self, request: Request, work: Callable[[Check], T]) -> T:
        """Run work in a thread, for as long as the client of a request waits for it.

        Args:
            request: the request.
            work: what to do; it calls its argument often.

        Raises:
            ClientLeft: the client is gone.
        """
        left = Event()

        def check() -> None:
            if left.is_set() or self._stopping.is_set():
                raise ClientLeft

        def start() -> T:
            check()
            return work(check)

        future = self._threads.submit(start)
        waiting = asyncio.wrap_future(future)
        self._clients += 1
        try:
            while not (await asyncio.wait([waiting], timeout=_POLL_SECONDS))[0]:
                if await request.is_disconnected():
                    raise ClientLeft
            return waiting.result()
        except BaseException:
            left.set()
            _forget(future, waiting)
            raise
        finally:
            self._clients -= 1
            self._last = time.monotonic()

    def quiet_seconds(self) -> float:
        """Return for how long no client has waited; 0 while one waits."""
        return 0.0 if self._clients else time.monotonic() - self._last

    def close(self) -> None:
        """Stop all work."""
        self._stopping.set()
        self._threads.shutdown(wait=True, cancel_futures=True)


def _forget(future: Future[T], waiting: asyncio.Future[T]) -> None:
    """Leave a result that nobody needs; its error is not reported either."""
    if not future.cancel():
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())


class Precedence:
    """Precedence of short work over the job that runs, which pauses between two tiles."""

    def __init__(self) -> None:
        self._active = 0
        self._changed = Condition()

    @contextmanager
    def short_work(self) -> Generator[None]:
        """Let the job that runs pause until the block ends."""
        with self._changed:
            self._active += 1
        try:
            yield
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def pause(self) -> None:
        """Wait until there is no short work, but not for long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._active, timeout=_LONGEST_PAUSE)
