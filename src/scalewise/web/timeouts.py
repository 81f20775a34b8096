"""Connections that are of no use are closed: no client can keep others out by doing nothing."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 15.0
"""Seconds between two looks at a connection; it must get on in between."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 for clients that ask within a while, and take what they have asked for.

    An upload's pauses are not looked at here: :mod:`scalewise.web.uploads` limits those, and
    says so to the client.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Begin to look now and then."""
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
        """Where it stands while it waits for the client; None while it does not."""
        if self.flow.write_paused:
            return "not taking", id(self.cycle), self.transport.get_write_buffer_size()
        if self.cycle is None or self.cycle.response_complete:  # pyright: ignore[reportUnnecessaryComparison]
            return "not asking", id(self.cycle)
        return None
