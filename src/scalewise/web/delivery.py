"""HTTP semantics of all answers: HEAD, If-None-Match, gzip for text, and errors as problems."""

from __future__ import annotations

import asyncio
import gzip
import re
from functools import lru_cache
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scalewise.web.problems import problem_response

STOPPING = "the server stops; send this again once it is back"

_TEXT = frozenset(
    {
        "application/json",
        "application/manifest+json",
        "application/problem+json",
        "text/css",
        "text/html",
        "text/javascript",
        "text/plain",
    }
)
"""Media types that are compressed: neither images, which already are, nor event streams, whose
events would wait in the compressor."""

_MIN_BYTES = 500
_LEVEL = 6
_ZERO = re.compile(r"q=0(\.0*)?")


class DeliveryMiddleware:
    """Middleware that answers HEAD and conditional requests, and compresses text.

    Errors of the framework, which are plain text, become problems.

    Args:
        app: the application; it need not know of any of this.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        is_head = scope["method"] == "HEAD"
        answer = _Answer(
            send,
            is_head=is_head,
            known=headers.get("if-none-match") if scope["method"] in ("GET", "HEAD") else None,
            compress=_accepts_gzip(headers.get("accept-encoding", "")),
        )
        if is_head:
            scope = {**scope, "method": "GET"}
        work = asyncio.ensure_future(self._app(scope, receive, answer.send))
        enough = asyncio.ensure_future(answer.complete.wait())
        try:
            await asyncio.wait({work, enough}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        except asyncio.CancelledError:  # the server stops, and waits no longer for this answer
            await answer.stop()
        finally:
            enough.cancel()
            if not work.done():  # the headers were the whole answer, or the server stops
                work.cancel()
                await asyncio.wait({work})


class _Answer:
    """An answer on its way to the client.

    Attributes:
        complete: set once the client has all, although the application sends more.
    """

    def __init__(self, send: Send, *, is_head: bool, known: str | None, compress: bool) -> None:
        self._send = send
        self._is_head = is_head
        self._known = known
        self._compress = compress
        self._start: Message | None = None
        self._error: Message | None = None
        self._has_begun = False
        self._parts: list[bytes] = []
        self.complete = asyncio.Event()

    async def stop(self) -> None:
        """Say that the server stops, unless the answer has begun."""
        if not self._has_begun:
            problem = problem_response(HTTPStatus.SERVICE_UNAVAILABLE, STOPPING)
            await self._replace(problem)
        self.complete.set()

    async def send(self, message: Message) -> None:
        """Receive a message from the application (ASGI)."""
        if self.complete.is_set():
            return
        self._has_begun = True
        if message["type"] == "http.response.start" and _is_bare_error(message):
            self._error = message
        elif self._error is not None:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._send_problem(self._error, b"".join(self._parts).decode())
        elif message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] == "http.response.body" and self._start is not None:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._send_text(self._start, b"".join(self._parts))
        else:
            await self._send(message)

    async def _send_problem(self, error: Message, detail: str) -> None:
        """Send an error of the framework in the form of all others."""
        status, headers = error["status"], MutableHeaders(scope=error)
        for name in ("content-type", "content-length"):
            del headers[name]
        self._error = None
        self._parts.clear()
        detail = detail.rstrip(".") or HTTPStatus(status).phrase
        await self._replace(problem_response(status, detail, dict(headers)))

    async def _replace(self, response: Response) -> None:
        await self.send(
            {
                "type": "http.response.start",
                "status": response.status_code,
                "headers": response.raw_headers,
            }
        )
        await self.send({"type": "http.response.body", "body": response.body})

    async def _begin(self, start: Message) -> None:
        headers = MutableHeaders(scope=start)
        kind = headers.get("content-type", "").partition(";")[0]
        is_text = kind in _TEXT and "content-encoding" not in headers
        if is_text:
            headers.add_vary_header("Accept-Encoding")
        if start["status"] in (200, 206) and is_known(headers.get("etag"), self._known):
            for name in ("content-length", "content-range", "content-type", "content-disposition"):
                del headers[name]
            await self._send_empty({**start, "status": 304, "headers": headers.raw})
        elif self._is_head:
            if is_text and self._compress:
                del headers["content-length"]  # of the compressed body, which is not made
            await self._send_empty(start)
        elif is_text and self._compress and "content-range" not in headers:
            self._start = start
        else:
            await self._send(start)

    async def _send_empty(self, start: Message) -> None:
        await self._send(start)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        self.complete.set()

    async def _send_text(self, start: Message, content: bytes) -> None:
        headers = MutableHeaders(scope=start)
        if len(content) >= _MIN_BYTES:
            content = _compressed(content)
            headers["Content-Encoding"] = "gzip"
            headers["Content-Length"] = str(len(content))
            del headers["accept-ranges"]
            tag = headers.get("etag")
            if tag is not None and not tag.startswith("W/"):  # the same text in other bytes
                headers["ETag"] = f"W/{tag}"
        await self._send(start)
        await self._send({"type": "http.response.body", "body": content, "more_body": False})


def _is_bare_error(start: Message) -> bool:
    """Return whether an error is not a problem, such as one of a range of a file."""
    kind = Headers(scope=start).get("content-type", "")
    return start["status"] >= 400 and kind.startswith("text/plain")


@lru_cache(maxsize=64)
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, _LEVEL, mtime=0)


def is_known(tag: str | None, known: str | None) -> bool:
    """Return whether a client that sent If-None-Match has this answer (RFC 9110, 13.1.2).

    >>> is_known('"a"', 'W/"b", W/"a"'), is_known('"a"', "*"), is_known('"a"', None)
    (True, True, False)
    """
    if tag is None or known is None:
        return False
    tags = {each.strip().removeprefix("W/") for each in known.split(",")}
    return "*" in tags or tag.removeprefix("W/") in tags


def _accepts_gzip(header: str) -> bool:
    """Return whether a client reads gzip (RFC 9110, 12.5.3).

    >>> _accepts_gzip("br, gzip;q=0.5"), _accepts_gzip("gzip;q=0, *"), _accepts_gzip("*")
    (True, False, True)
    """
    accepted: dict[str, bool] = {}
    for part in header.lower().split(","):
        name, _, parameter = part.partition(";")
        accepted[name.strip()] = _ZERO.fullmatch(parameter.replace(" ", "")) is None
    return accepted.get("gzip", accepted.get("*", False))
