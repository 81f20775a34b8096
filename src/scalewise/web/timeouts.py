"""Timeouts of idle connections: no client can block others by doing nothing."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

CHECK_SECONDS = 15.0
"""Seconds between two checks of a connection; it must make progress in between."""


class IdleTimeoutProtocol(H11Protocol):
    """HTTP/1.1 protocol that closes connections without a request, and those that read nothing.

    Pauses of an upload are limited by :mod:`scalewise.web.uploads`, which tells the client.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Start the periodic checks."""
        super().connection_made(transport)
        self._last_state: object = None
        self._check_progress()

    def _check_progress(self) -> None:
        if self.transport.is_closing() and not self.flow.write_paused:
            return
        waiting = self._waiting_state()
        if waiting is not None and waiting == self._last_state:
            self.transport.abort()
            return
        self._last_state = waiting
        self.loop.call_later(CHECK_SECONDS, self._check_progress)

    def _waiting_state(self) -> object:
        """Return a state to compare while the connection waits for the client; else None."""
        if self.flow.write_paused:
            return "not taking", id(self.cycle), self.transport.get_write_buffer_size()
        if self.cycle is None or self.cycle.response_complete:  # pyright: ignore[reportUnnecessaryComparison]
            return "not asking", id(self.cycle)
        return None
