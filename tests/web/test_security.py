"""The middleware: who is let in, and what browsers are told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from starlette.responses import PlainTextResponse

from scalewise.web.security import LOOPBACK, AccessMiddleware
from tests.web.conftest import httpx


def ask(
    path: str = "/",
    method: str = "GET",
    host: str = "localhost:7860",
    *,
    hosts: Iterable[str] | None = LOOPBACK,
    token: str | None = None,
    **headers: str,
) -> httpx.Response:
    """What a guarded application answers that says yes to everything."""
    middleware = AccessMiddleware(PlainTextResponse("yes"), hosts, token)
    named = {name.replace("_", "-"): text.encode("latin-1") for name, text in headers.items()}

    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(middleware)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.request(method, path, headers=named)

    return asyncio.run(answer())


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_local_names_are_let_in(host: str) -> None:
    assert ask(host=host).text == "yes"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:7860"])
def test_other_names_for_this_machine_are_not(host: str) -> None:
    answer = ask(host=host)
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"


def test_other_websites_cannot_send() -> None:
    assert ask(method="POST", origin="http://localhost:7860").text == "yes"
    assert ask(method="POST", origin="http://evil.example").status_code == 403
    assert ask(method="POST", origin="http://localhost:1").status_code == 403
    assert ask(method="DELETE", origin="null").status_code == 403
    assert ask(method="POST", sec_fetch_site="cross-site").status_code == 403
    assert ask(method="POST", sec_fetch_site="same-origin").text == "yes"


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
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    shown = cookie.partition(";")[0]
    assert ask(hosts=None, token="secret", cookie=shown).text == "yes"
    assert ask(hosts=None, token="secret", cookie="scalewise_token=x").status_code == 401
    assert ask(hosts=None, token="secret", cookie='a="\x01;=;').status_code == 401


def test_too_many_at_once_are_told_when_to_come_again() -> None:
    middleware = AccessMiddleware(PlainTextResponse("yes"), None, max_requests=0)

    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(middleware)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/")

    busy = asyncio.run(answer())
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "5")
    assert busy.json()["detail"] == "too many requests at once; try again in 5 seconds"


def test_browsers_are_told_to_run_nothing_else() -> None:
    for answer in (ask(), ask(host="evil.example")):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
