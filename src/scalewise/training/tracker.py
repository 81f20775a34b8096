"""Interface of trackers: programs that receive a run's numbers and crops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from scalewise.training.log import LogLine, Notify

State = Literal["finished", "stopped", "failed"]


class Tracker(Protocol):
    """Receiver of a run's numbers and crops that belongs to another program."""

    def on_line(self, line: LogLine) -> None:
        """Receive a line that was logged."""
        ...

    def on_crop(self, path: Path, step: int) -> None:
        """Receive a crop that was saved."""
        ...

    def close(self, state: State) -> None:
        """End the tracking."""
        ...


class Guarded:
    """Tracker whose failures, such as an unreachable server, do not end the training.

    After the first failure, nothing more is sent.

    Args:
        name: the tracker's name, for messages.
        tracker: what it forwards to.
        notify: called with one line about a failure.
    """

    def __init__(self, name: str, tracker: Tracker, notify: Notify) -> None:
        self._name, self._tracker, self._notify = name, tracker, notify
        self._failed = False

    def on_line(self, line: LogLine) -> None:
        """Forward a line."""
        self._try(lambda: self._tracker.on_line(line))

    def on_crop(self, path: Path, step: int) -> None:
        """Forward a crop."""
        self._try(lambda: self._tracker.on_crop(path, step))

    def close(self, state: State) -> None:
        """End the tracking, if it still works."""
        self._try(lambda: self._tracker.close(state))

    def _try(self, action: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            action()
        except Exception as error:  # each has many errors of its own
            self._failed = True
            self._notify(f"{self._name}: {first_line(error)}; nothing more is sent to it")


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or the name of its type."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
