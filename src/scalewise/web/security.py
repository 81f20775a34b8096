"""Access control: host names, origins, and the token.

This machine needs no token; other machines do.  Web pages of other sites, opened in a browser on
this machine, can send requests here, too.  They are recognised by the requested host and by the
origin that browsers state, and are refused.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from http import HTTPStatus
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scalewise.web.problems import problem_response

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_RETRY_SECONDS = 5
_COOKIE = "scalewise_token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class AccessMiddleware:
    """Middleware that passes requests to an application, or refuses them with the reason.

    Args:
        app: the application.
        hosts: the host names that requests may use; None for any.
        token: the token that requests must carry; None for none.
        max_requests: the number of requests at the same time.
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
        self._hosts = None if hosts is None else frozenset(hosts)
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refuse_request(scope) or self._check_token(scope)
        self._active += 1
        try:
            await (answer or self._app)(scope, receive, send_with_headers)
        finally:
            self._active -= 1

    def _refuse_request(self, scope: Scope) -> Response | None:
        if self._active >= self._max_requests:
            return problem_response(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"too many requests at once; try again in {_RETRY_SECONDS} seconds",
                {"Retry-After": str(_RETRY_SECONDS)},
            )
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts is not None and _host_name(host) not in self._hosts:
            return problem_response(
                HTTPStatus.MISDIRECTED_REQUEST,
                "this server answers to localhost only; open it by that name",
            )
        if scope["method"] not in _SAFE_METHODS and _is_cross_site(headers, host):
            return problem_response(
                HTTPStatus.FORBIDDEN, "this request was sent by another website"
            )
        return None

    def _check_token(self, scope: Scope) -> Response | None:
        """Return the response to a request without the token, or with it in the address."""
        if self._token is None:
            return None
        headers = Headers(scope=scope)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and self._is_token(given):
            redirect = RedirectResponse("/", HTTPStatus.SEE_OTHER)
            redirect.set_cookie(_COOKIE, self._token, httponly=True, samesite="strict")
            return redirect
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(bearer):
            return None
        if self._is_token(_cookie(headers.get("cookie", ""))):
            return None
        return problem_response(
            HTTPStatus.UNAUTHORIZED,
            "open the address that the server printed, with its token, or send it as a bearer",
            {"WWW-Authenticate": "Bearer"},
        )

    def _is_token(self, given: str) -> bool:
        return bool(given) and secrets.compare_digest(given.encode(), (self._token or "").encode())


def _host_name(host: str) -> str:
    """Return the name in ``name:port``."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_cross_site(headers: Headers, host: str) -> bool:
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != host


def _cookie(header: str) -> str:
    cookies = SimpleCookie()
    try:
        cookies.load(header)
    except Exception:  # the header may contain anything
        return ""
    return cookies[_COOKIE].value if _COOKIE in cookies else ""
