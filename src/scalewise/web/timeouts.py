"""Timeouts of idle connections: no client can block others by doing nothing."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 15.0
"""Seconds between two checks of a connection; it must make progress in between."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 protocol that closes connections without a request, and those that read nothing.

    Pauses of an upload are limited by :mod:`scalewise.web.uploads`, which tells the client.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Start the periodic checks."""
        super().connection_made(transport)
        self._seen: object = None
        self._look()

    def _look(self) -> None:
        if self.transport.is_closing() and not self.flow.write_paused:
            return
        standing = self._standing()
        if standing is not None and standing == self._seen:
            self.transport.abort()
            return
        self._seen = standing
        self.loop.call_later(PATIENCE, self._look)

    def _standing(self) -> object:
        """Return a state to compare while the connection waits for the client; else None."""
        if self.flow.write_paused:
            return "not taking", id(self.cycle), self.transport.get_write_buffer_size()
        if self.cycle is None or self.cycle.response_complete:  # pyright: ignore[reportUnnecessaryComparison]
            return "not asking", id(self.cycle)
        return None
