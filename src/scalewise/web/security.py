"""Access control: host names, origins, and the token.

This machine needs no token; other machines do.  Web pages of other sites, opened in a browser on
this machine, can send requests here, too.  They are recognised by the requested host and by the
origin that browsers state, and are refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import re
import secrets
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scalewise.web.problems import problem_response

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_RETRY_SECONDS = 5
_COOKIE = "scalewise_token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?", re.ASCII | re.IGNORECASE)
_SIGN_IN = Path(__file__).parent / "page" / "token.html"
_WITHOUT_TOKEN = frozenset({"/page/token.css"})
_MAX_SIGN_IN_BYTES = 4096
_SIGN_IN_SECONDS = 10.0  # who has no token yet keeps no place of those who have
_SALT = b"scalewise cookie"
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}  # 50 ms: short tokens are not guessed from a cookie

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Headers of all answers that do not set them."""


class AccessMiddleware:
    """Middleware that passes requests to an application, or refuses them with the reason.

    Args:
        app: the application.
        hosts: the host names that requests may use; None for any.
        token: the token that requests must carry; None for none.
        max_requests: the number of requests at the same time, without event streams.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Iterable[str] | None = LOOPBACK,
        token: str | None = None,
        max_requests: int = 300,
    ) -> None:
        self._app = app
        self._max_requests = max_requests
        self._active = 0
        self._hosts = None if hosts is None else frozenset(map(_canonical_host, hosts))
        self._token = token
        self._cookie_value = "" if token is None else cookie_value(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        counted = 1

        async def send_with_headers(message: Message) -> None:
            nonlocal counted
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith("text/event-stream"):
                    self._active -= counted  # these stay open, and have a limit of their own
                    counted = 0
            await send(message)

        answer = self._refuse_request(scope)
        self._active += 1
        try:
            answer = answer or await self._check_token(scope, receive)
            await (answer or self._app)(scope, receive, send_with_headers)
        finally:
            self._active -= counted

    def _refuse_request(self, scope: Scope) -> Response | None:
        if self._active >= self._max_requests:
            return problem_response(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"too many requests at once; try again in {_RETRY_SECONDS} seconds",
                {"Retry-After": str(_RETRY_SECONDS)},
            )
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        name = _host_name(host)
        if self._hosts is not None and name not in self._hosts:
            return problem_response(
                HTTPStatus.MISDIRECTED_REQUEST,
                "this server answers to localhost only; open it by that name",
            )
        if host and not name:
            return problem_response(HTTPStatus.BAD_REQUEST, "the Host header is not a host name")
        if _is_cross_site(headers, host) and not _is_followed_link(scope["method"], headers):
            return problem_response(
                HTTPStatus.FORBIDDEN, "this request was sent by another website"
            )
        return None

    async def _check_token(self, scope: Scope, receive: Receive) -> Response | None:
        """Return the response to a request without the token, or one that brings it."""
        if self._token is None or (
            scope["path"] in _WITHOUT_TOKEN and scope["method"] in _SAFE_METHODS
        ):
            return None
        headers = Headers(scope=scope)
        cookie = _cookie_name(scope)
        if scope["path"] == "/":
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if scope["method"] == "POST":
                given = await _receive_token(Request(scope, receive))
            if self._is_token(given):
                redirect = RedirectResponse("/", HTTPStatus.SEE_OTHER)
                # Lax: whoever follows a link to this page from another site is let in, too.
                redirect.set_cookie(cookie, self._cookie_value, httponly=True, samesite="lax")
                return redirect
            if given:
                return _sign_in_response(headers, "this is not the token of this server")
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(bearer.strip()):
            return None
        if any(
            secrets.compare_digest(value.encode(), self._cookie_value.encode())
            for value in _cookies(headers, cookie)
        ):
            return None
        return _sign_in_response(headers)

    def _is_token(self, given: str) -> bool:
        return bool(given) and secrets.compare_digest(given.encode(), (self._token or "").encode())


def cookie_value(token: str) -> str:
    """Return what a cookie holds in place of the token; the same after a restart."""
    return hashlib.scrypt(token.encode(), salt=_SALT, dklen=32, **_SCRYPT).hex()


def _sign_in_response(headers: Headers, problem: str = "") -> Response:
    """Return a 401 response: to browsers a page that asks for the token, to programs a problem."""
    told = {
        "WWW-Authenticate": "Bearer",
        "Vary": "Accept",
        # Without a referrer, browsers would call the form's origin "null".
        "Referrer-Policy": "same-origin",
    }
    if "text/html" not in headers.get("accept", ""):
        reason = f"{problem}; " if problem else ""
        return problem_response(
            HTTPStatus.UNAUTHORIZED,
            f"{reason}open the address that the server printed, with its token, or send it as a "
            "bearer",
            told,
        )
    shown = f'<p id="problem" role="alert">{problem.capitalize()}.</p>' if problem else ""
    page = _SIGN_IN.read_text("utf-8").replace("<!-- problem -->", shown)
    return HTMLResponse(page, HTTPStatus.UNAUTHORIZED, told)


async def _receive_token(request: Request) -> str:
    """Return the token in the form of the page that asks for it; empty if there is none."""
    content = b""
    try:
        async with asyncio.timeout(_SIGN_IN_SECONDS):
            async for part in request.stream():
                content += part
                if len(content) > _MAX_SIGN_IN_BYTES:
                    return ""
    except (ClientDisconnect, TimeoutError):
        return ""
    return parse_qs(content.decode("latin-1")).get("token", [""])[0].strip()


def _host_name(host: str) -> str:
    """Return the name in ``name:port``; empty for anything else.

    >>> _host_name("LOCALHOST.:80"), _host_name("[0::1]:80"), _host_name("evil@127.0.0.1")
    ('localhost', '::1', '')
    """
    found = _HOST.fullmatch(host)
    return "" if found is None else _canonical_host(found[1])


def _canonical_host(name: str) -> str:
    name = name.lower().removesuffix(".").removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _is_cross_site(headers: Headers, host: str) -> bool:
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != host


def _is_followed_link(method: str, headers: Headers) -> bool:
    """Return whether a browser shows the answer as a page of its own: then no site reads it.

    Where the page is installed, its service worker hands links on, with an empty destination; it
    does so with frames, too, but the content-security policy keeps those empty.
    """
    return (
        method in ("GET", "HEAD")
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest", "document") in ("document", "empty")
        and "origin" not in headers
    )


def _cookie_name(scope: Scope) -> str:
    """Return the name of this server's cookie: browsers keep one for all ports of a machine."""
    server = scope.get("server")
    return f"{_COOKIE}_{server[1]}" if server and server[1] else _COOKIE


def _cookies(headers: Headers, name: str) -> list[str]:
    """Return the values of a cookie; others may look like anything."""
    pairs = (each.partition("=") for part in headers.getlist("cookie") for each in part.split(";"))
    return [value.strip().strip('"') for key, _, value in pairs if key.strip() == name]
