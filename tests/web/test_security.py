"""The middleware: who is let in, and what browsers are told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from scalewise.web.security import LOOPBACK, AccessMiddleware, cookie_value
from tests.web.conftest import httpx


def ask(
    path: str = "/",
    method: str = "GET",
    *,
    host: str = "localhost:7860",
    hosts: Iterable[str] | None = LOOPBACK,
    token: str | None = None,
    content: str = "",
    headers: Mapping[str, str] | None = None,
    **more: str,
) -> httpx.Response:
    """What a guarded application answers that says yes to everything."""
    middleware = AccessMiddleware(PlainTextResponse("yes"), hosts, token)
    named = {name.replace("_", "-"): text.encode("latin-1") for name, text in more.items()}
    named |= {name: text.encode("latin-1") for name, text in (headers or {}).items()}

    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(middleware)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.request(method, path, headers=named, content=content)

    return asyncio.run(answer())


@pytest.mark.parametrize(
    "host", ["localhost:7860", "127.0.0.1", "[::1]:80", "[0:0::1]", "LOCALHOST", "localhost."]
)
def test_local_names_are_let_in(host: str) -> None:
    assert ask(headers={"Host": host}).text == "yes"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example:7860",
        "evil@127.0.0.1",
        "evil.example#@localhost",
        "localhost:80:90",
        "localhost:80@evil.example",
        "localhost, evil.example",
        "[::1]evil.example",
        "[::2]",
        "",
    ],
)
def test_other_names_for_this_machine_are_not(host: str) -> None:
    answer = ask(headers={"Host": host})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_host_is_a_name_where_any_is_let_in() -> None:
    assert ask(headers={"Host": "pictures.example"}, hosts=None).text == "yes"
    answer = ask(headers={"Host": "evil@pictures.example"}, hosts=None)
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "the Host header is not a host name",
    )


def test_other_websites_cannot_send() -> None:
    assert ask(method="POST", origin="http://localhost:7860").text == "yes"
    assert ask(method="POST", origin="http://evil.example").status_code == 403
    assert ask(method="POST", origin="http://localhost:1").status_code == 403
    assert ask(method="DELETE", origin="null").status_code == 403
    assert ask(method="POST", sec_fetch_site="cross-site").status_code == 403
    assert ask(method="POST", sec_fetch_site="same-origin").text == "yes"


def test_other_websites_cannot_open_streams_or_use_images() -> None:
    assert ask("/v1/events", origin="http://evil.example").status_code == 403
    for site in ("cross-site", "same-site"):
        sent = {"sec_fetch_site": site, "sec_fetch_dest": "image", "sec_fetch_mode": "no-cors"}
        assert ask("/v1/jobs/x/region", **sent).status_code == 403
        framed = {"sec_fetch_site": site, "sec_fetch_dest": "iframe", "sec_fetch_mode": "navigate"}
        assert ask(**framed).status_code == 403


def test_a_link_on_another_website_opens_the_page() -> None:
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    for shown in ("document", "empty"):  # the second by way of a service worker
        answer = ask(**link, sec_fetch_dest=shown)
        assert answer.text == "yes"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    script = {"sec_fetch_site": "cross-site", "sec_fetch_dest": "empty"}
    for mode in ("cors", "no-cors", "same-origin"):
        assert ask(**script, sec_fetch_mode=mode).status_code == 403
    assert ask(method="POST", **link, sec_fetch_dest="document").status_code == 403


def test_a_token_is_needed_where_there_is_one() -> None:
    far = "pictures.example"
    answer = ask(host=far, hosts=None, token="secret")
    assert answer.status_code == 401
    assert "token" in answer.json()["detail"]
    for wrong in ("Bearer wrong", "Bearer", "Basic secret", "Bearer s\xe9cret"):
        assert ask(hosts=None, token="secret", authorization=wrong).status_code == 401
    assert ask(hosts=None, token="secret", authorization="Bearer secret").text == "yes"
    for nothing in ({}, {"authorization": "Bearer "}, {"cookie": "scalewise_token="}):
        assert ask("/?token=", hosts=None, token="", **nothing).status_code == 401
    assert ask("/?token=wrong", hosts=None, token="secret").status_code == 401
    assert ask("/v1/models?token=secret", hosts=None, token="secret").status_code == 401


def test_the_printed_address_lets_a_browser_in() -> None:
    entered = ask("/?token=secret", hosts=None, token="secret")
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert part in cookie
    assert "secret" not in cookie
    shown = cookie.partition(";")[0]
    assert shown.partition("=")[2] == cookie_value("secret") != cookie_value("secret2")
    for others in ("", '; a="\x01;=', "; b={[}]; scalewise_token_7861=x"):
        assert ask(hosts=None, token="secret", cookie=f"x=1; {shown}{others}").text == "yes"
    for wrong in ("x", "secret", "\xe9"):
        cookie = f"scalewise_token_7860={wrong}"
        assert ask(hosts=None, token="secret", cookie=cookie).status_code == 401
    assert ask(hosts=None, token="secret", cookie='a="\x01;=;').status_code == 401
    value = cookie_value("secret")
    assert ask(hosts=None, token="secret", authorization=f"Bearer {value}").status_code == 401


def test_two_servers_of_a_machine_have_two_cookies() -> None:
    shown = [
        ask("/?token=secret", hosts=None, token="secret", host=f"localhost:{port}").headers[
            "set-cookie"
        ]
        for port in (7860, 7861)
    ]
    assert shown[0].partition("=")[0] != shown[1].partition("=")[0]


def test_browsers_without_the_token_get_a_field_for_it() -> None:
    page = ask("/anything", hosts=None, token="secret", accept="text/html,*/*;q=0.8")
    assert page.status_code == 401
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["www-authenticate"] == "Bearer"
    assert '<input id="token" name="token"' in page.text
    assert 'role="alert"' not in page.text
    assert ask("/page/token.css", hosts=None, token="secret").text == "yes"
    assert ask("/page/token.css", "POST", hosts=None, token="secret").status_code == 401
    assert ask("/page/main.js", hosts=None, token="secret").status_code == 401


def test_the_field_lets_a_browser_in() -> None:
    def send(content: str, **headers: str) -> httpx.Response:
        return ask("/", "POST", hosts=None, token="sec+ret", content=content, **headers)

    entered = send("token=%20sec%2Bret", accept="text/html")
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert cookie_value("sec+ret") in entered.headers["set-cookie"]
    wrong = send("token=other", accept="text/html")
    assert wrong.status_code == 401
    assert '<p id="problem" role="alert">This is not the token of this server.</p>' in wrong.text
    assert "other" not in wrong.text
    assert send("token=other").json()["detail"].startswith("this is not the token of this server;")
    for nothing in ("", "token=", "x=sec%2Bret", "token=" + "x" * 5000):
        assert send(nothing).status_code == 401
    assert send("token=sec%2Bret", origin="http://evil.example").status_code == 403


def test_a_form_without_an_end_keeps_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalewise.web.security._SIGN_IN_SECONDS", 0.1)
    middleware = AccessMiddleware(PlainTextResponse("yes"), None, "secret")
    told: list[Message] = []

    async def send(message: Message) -> None:
        told.append(message)

    parts = iter([{"type": "http.request", "body": b"token=sec", "more_body": True}])

    async def receive() -> Message:
        return next(parts, None) or await asyncio.sleep(60, {"type": "http.disconnect"})

    async def answer() -> None:
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
        async with asyncio.timeout(30):
            await middleware(scope, receive, send)

    asyncio.run(answer())
    assert told[0]["status"] == 401
    assert middleware._active == 0  # pyright: ignore


def test_too_many_at_once_are_told_when_to_come_again() -> None:
    middleware = AccessMiddleware(PlainTextResponse("yes"), None, max_requests=0)

    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(middleware)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/")

    busy = asyncio.run(answer())
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "5")
    assert busy.json()["detail"] == "too many requests at once; try again in 5 seconds"


def test_event_streams_leave_room_for_requests() -> None:
    """What is open for long counts for itself, not among requests."""

    async def no_end(scope: Scope, receive: Receive, send: Send) -> None:
        kind = b"text/plain" if scope["path"] == "/plain" else b"text/event-stream; charset=utf-8"
        start = {"status": 200, "headers": [(b"content-type", kind)]}
        await send({"type": "http.response.start", **start})
        await asyncio.sleep(60)

    async def statuses() -> list[int]:
        middleware = AccessMiddleware(no_end, None, max_requests=2)
        told: list[int] = []

        async def send(message: Message) -> None:
            told.append(message.get("status", 0))

        async def receive() -> Message:
            return {"type": "http.request"}

        open_ones: list[asyncio.Task[None]] = []
        for path in ["/"] * 5 + ["/plain"] * 3:
            scope = {"type": "http", "method": "GET", "path": path, "headers": []}
            call = middleware({**scope, "query_string": b""}, receive, send)
            open_ones.append(asyncio.create_task(call))  # pyright: ignore
            await asyncio.sleep(0)
        for each in open_ones:
            each.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)
        assert middleware._active == 0  # pyright: ignore
        return [status for status in told if status]

    assert asyncio.run(statuses()) == [200] * 7 + [503]


def test_browsers_are_told_to_run_nothing_else() -> None:
    for answer in (ask(), ask(host="evil.example")):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
