"""The page behind a token, in Chromium: links that let people in, and the field for the token."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from scalewise.web.app import PAGE
from scalewise.web.security import cookie_value
from tests.web.browser import PATIENCE
from tests.web.conftest import Server, Start


@pytest.fixture(scope="module")
def guarded(start: Start) -> Server:
    """A server for other machines, too."""
    return start("--host", "0.0.0.0", "--token", "open.sesame~1")


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def home(server: Server) -> str:
    return server.address.partition("?")[0]


def other_site(links: list[str]) -> HTTPServer:
    """A website on another host name, with links."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = "".join(f'<p><a href="{link}">{link}</a>' for link in links).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    site = HTTPServer(("127.0.0.1", 0), Site)
    Thread(target=site.serve_forever, daemon=True).start()
    return site


def is_open(page: Any) -> None:
    page.locator("#limits:not(:empty)").wait_for()
    assert page.title().startswith("scalewise")


def test_a_link_of_another_site_opens_the_page(guarded: Server, page: Any) -> None:
    """It does so with the token, and later without, since the browser has its cookie.

    The third time, the page's service worker hands the link on, if the page has one.
    """
    links = [guarded.address, home(guarded), home(guarded)]
    site = other_site(links)
    try:
        for link in links:
            page.goto(f"http://127.0.0.1:{site.server_port}/")
            page.get_by_text(link, exact=True).first.click()
            is_open(page)
            assert page.url == home(guarded)
            if (PAGE / "service_worker.js").exists():
                page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    finally:
        site.shutdown()
        site.server_close()
    (cookie,) = page.context.cookies()
    assert cookie["value"] == cookie_value("open.sesame~1")
    assert (cookie["sameSite"], cookie["httpOnly"]) == ("Lax", True)


def test_who_has_no_token_is_asked_for_it(guarded: Server, page: Any) -> None:
    answer = page.goto(home(guarded))
    assert answer.status == 401
    field = page.get_by_label("Token")
    assert field.evaluate("field => field === document.activeElement")
    assert page.get_by_role("alert").count() == 0
    field.fill("wrong")
    field.press("Enter")
    page.get_by_role("alert").wait_for()
    assert page.get_by_role("alert").inner_text() == "This is not the token of this server."
    assert page.locator("#limits").count() == 0
    page.get_by_label("Token").fill(" open.sesame~1 ")  # copied with a space
    page.get_by_role("button", name="Open the page").click()
    is_open(page)
    assert page.url == home(guarded)
    page.reload()
    is_open(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_field_suits_screen_readers_phones_and_both_themes(
    guarded: Server, browser: Any, tmp_path: Path, theme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    context = browser.new_context(color_scheme=theme, viewport={"width": 390, "height": 700})
    try:
        page = context.new_page()
        failed: list[str] = []
        page.on("console", lambda said: failed.append(said.text))
        page.goto(f"{home(guarded)}?token=wrong")
        assert page.get_by_role("alert").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        dark, bright = page.evaluate(
            "() => ['body', 'button'].map(name => getComputedStyle(document.querySelector(name)))"
            ".map(style => style.backgroundColor)"
        )
        assert bright == "rgb(31, 95, 191)"  # its style sheet comes before the token
        assert dark == ("rgb(22, 24, 27)" if theme == "dark" else "rgb(246, 247, 248)")
        assert axe.Axe().run(page).response["violations"] == []
        page.screenshot(path=tmp_path / f"token-{theme}.png")
        assert [text for text in failed if "401" not in text] == []
    finally:
        context.close()
