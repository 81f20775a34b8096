"""The page as an installed program: its manifest, and its shell while the server is stopped."""

from __future__ import annotations

from pathlib import Path

from scalewise.web.app import PAGE
from tests.web.browser import User
from tests.web.conftest import Start, Visit

CACHED = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    for (const request of await (await caches.open(name)).keys()) found.push(request.url);
  }
  return found;
}"""


def wait_for_shell(user: User) -> None:
    """Wait until the service worker is in charge, and has what it keeps."""
    user.page.evaluate(
        """async () => {
          await navigator.serviceWorker.ready;
          while (!navigator.serviceWorker.controller) {
            await new Promise(then => navigator.serviceWorker.oncontrollerchange = then);
          }
        }"""
    )


def test_the_page_can_be_installed(visit: Visit) -> None:
    page = visit(service_workers="allow").page
    tools = page.context.new_cdp_session(page)
    manifest = tools.send("Page.getAppManifest")
    assert manifest["url"].endswith("/page/manifest.webmanifest")
    assert manifest["errors"] == []
    errors = tools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [each["errorId"] for each in errors if each["errorId"] != "in-incognito"] == []


def test_the_shell_opens_without_the_server_and_holds_no_image(
    visit: Visit, start: Start, pictures: Path
) -> None:
    server = start()
    user = visit(server, service_workers="allow")
    wait_for_shell(user)
    user.drop(pictures / "a.png")
    user.wait_for("a.png")
    cached = {url.removeprefix(server.address.rstrip("/")) for url in user.page.evaluate(CACHED)}
    assert {"/", "/page/main.js", "/page/style.css", "/page/theme.js"} <= cached
    assert [path for path in cached if path != "/" and not path.startswith("/page/")] == []
    held = {path.removeprefix("/page/") for path in cached - {"/"}}
    used = {each.name for each in PAGE.iterdir() if each.suffix in (".js", ".css")}
    assert used - held == {"token.css"}  # of the page that asks for the token

    server.stop()
    user.page.reload()
    user.page.get_by_text("The server does not answer").first.wait_for()
    assert user.page.get_by_text("Drop images here").is_visible()
    background = user.page.locator(".drop").evaluate("e => getComputedStyle(e).borderTopStyle")
    assert background == "dashed"  # its style sheet is there, too
