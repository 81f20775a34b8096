"""Warm-up of the networks for previews: loaded, compiled and measured before they are needed."""

from __future__ import annotations

import logging
from threading import Event, Lock, Thread

from scalewise.web.catalogue import default_models
from scalewise.web.interactive import Interactive, Precedence
from scalewise.web.previews import Previewer
from scalewise.weights import resolve

_QUIET_SECONDS = 0.5
"""Previews of one part follow one another, each as soon as the last one is there."""
_POLL_SECONDS = 0.1
_log = logging.getLogger(__name__)


class WarmUp:
    """Warm-up in the background, in short steps, while nobody waits for a preview.

    Nothing happens before :meth:`start`: a server that nobody looks at spends no time on it.

    Args:
        previewer: what is warmed up.
        workers: the threads that make previews.
        precedence: of short work over the job that runs.
    """

    def __init__(self, previewer: Previewer, workers: Interactive, precedence: Precedence) -> None:
        self._previewer = previewer
        self._workers = workers
        self._precedence = precedence
        self._cold: list[tuple[str, str]] = []  # names on cards, and what models load by
        self._lock = Lock()
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self, first: str = "") -> None:
        """Start the warm-up, if it has not been started; it is not waited for.

        Args:
            first: the name of the model that is needed first; ``""`` if nobody knows.
        """
        with self._lock:
            is_new = self._thread is None
            if is_new:
                self._cold = [(resolve(model).card.name, model) for model in default_models()]
                self._thread = Thread(target=self._run, name="warm-up", daemon=True)
            self._cold.sort(key=lambda each: each[0] != first)
            if is_new and self._thread is not None:
                self._thread.start()

    def close(self) -> None:
        """Stop after the step that runs."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        """Prepare all models, then measure them: previews wait for the former only."""
        try:
            prepared: list[str] = []
            while self._wait_for_quiet() and (name := self._next_cold()):
                with self._precedence.short_work():
                    self._previewer.prepare(name)
                prepared.append(name)
            for name in prepared:
                if not self._wait_for_quiet():
                    return
                with self._precedence.short_work():
                    self._previewer.measure(name)
        except Exception:  # previews and jobs say what is wrong, to those who asked for them
            _log.exception("the models were not warmed up")

    def _next_cold(self) -> str | None:
        with self._lock:
            return self._cold.pop(0)[1] if self._cold else None

    def _wait_for_quiet(self) -> bool:
        """Wait until no preview is made or expected; False if the server stops."""
        while not self._stopping.is_set():
            if self._workers.quiet_seconds() >= _QUIET_SECONDS:
                return True
            self._stopping.wait(_POLL_SECONDS)
        return False
