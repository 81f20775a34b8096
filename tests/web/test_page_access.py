"""The page for everybody: keyboards, screen readers, light and dark, small and wide, offline."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from tests.web.browser import PHONE, User
from tests.web.conftest import Visit

WIDE = {"viewport": {"width": 1920, "height": 1080}}


def tab_to(user: User, wanted: str, most: int = 60) -> None:
    """Press Tab until an element that a selector matches has the focus."""
    for _ in range(most):
        user.page.keyboard.press("Tab")
        if user.page.locator(wanted).and_(user.page.locator(":focus")).count():
            return
    raise AssertionError(f"{wanted} is not reached by {most} times Tab")


@pytest.mark.parametrize(  # colours depend on the theme alone, places on the size alone
    ("theme", "size"), [("light", PHONE), ("dark", {})], ids=["light-phone", "dark-desk"]
)
def test_axe_finds_nothing_serious(
    visit: Visit, pictures: Path, theme: str, size: dict[str, object]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # Only so that axe can put its script into the page.
    user = visit(color_scheme=theme, bypass_csp=True, **size)

    def assert_fine() -> None:
        found = axe.run(user.page).response
        assert found["passes"]
        serious = [
            (each["id"], [node["html"] for node in each["nodes"]])
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        assert serious == []

    assert_fine()
    user.drop(("none.png", b"no picture"), pictures / "large.png")
    user.wait_for("none.png", "refused")
    user.wait_for("large.png", "running")
    assert_fine()
    user.wait_for("large.png")
    assert_fine()


def test_everything_is_done_with_keys(visit: Visit, pictures: Path) -> None:
    user = visit()
    page = user.page
    # Well before it opens: a chooser that opens while its listener is still on its way is lost.
    page.on("filechooser", lambda chooser: chooser.set_files(pictures / "b.jpg"))
    tab_to(user, "#files")
    page.keyboard.press("Enter")
    user.wait_for("b.jpg")

    tab_to(user, "#task")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    assert page.locator("#task").input_value() == "super-resolution"
    tab_to(user, ".job button:has-text('Again')")
    page.keyboard.press("Enter")
    tab_to(user, "#viewer summary")
    page.keyboard.press("Enter")
    page.locator("#command").get_by_text("scn_x2").or_(
        page.locator("#facts").get_by_text("scn_x2")
    ).first.wait_for()

    tab_to(user, "#stage")
    width = user.rect()[2]
    page.keyboard.press("+")
    assert user.rect()[2] > width
    tab_to(user, "#split")
    page.keyboard.press("End")
    page.locator("#stage[style*='--split: 1']").wait_for()
    page.keyboard.press("Shift+Tab")
    for _ in range(30):
        if page.locator(".job a:focus").count():
            break
        page.keyboard.press("Shift+Tab")
    with page.expect_download() as saved:
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename == "b_x2.jpg"


def test_the_focus_is_seen(visit: Visit) -> None:
    user = visit()
    for wanted in ("#files", "#task", "#format"):
        tab_to(user, wanted)
        marked = "label[for=files]" if wanted == "#files" else wanted
        style = user.page.locator(marked).evaluate("e => getComputedStyle(e).outlineWidth")
        assert style == "3px", wanted


@pytest.mark.parametrize("size", [PHONE, {}, WIDE], ids=["phone", "desk", "wide"])
def test_nothing_sticks_out(visit: Visit, pictures: Path, size: dict[str, object]) -> None:
    user = visit(**size)
    long = f"{'a_very_long_name_of_a_picture' * 4}.png"

    def assert_fits() -> None:
        assert user.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    assert_fits()
    user.drop((long, (pictures / "a.png").read_bytes()), ("none.png", b"no picture"))
    user.wait_for(long)
    user.wait_for("none.png", "refused")
    assert_fits()
    window = user.page.viewport_size
    side, viewer = (user.page.locator(part).bounding_box() for part in (".side", "#viewer"))
    assert viewer["x"] >= 0
    assert viewer["x"] + viewer["width"] <= window["width"]
    if size == PHONE:
        assert viewer["y"] + viewer["height"] <= side["y"]  # above the list and the settings
        buttons = "button:visible, a.button:visible, .drop label:visible"
        for button in user.page.locator(buttons).all():
            box = button.bounding_box()
            assert min(box["width"], box["height"]) >= 24, button.inner_text()
    else:
        assert viewer["x"] + viewer["width"] <= side["x"]  # beside


@pytest.mark.parametrize(("theme", "least", "most"), [("light", 200, 255), ("dark", 0, 60)])
def test_the_theme_is_the_systems(visit: Visit, theme: str, least: int, most: int) -> None:
    from PIL import Image

    user = visit(color_scheme=theme)
    shot = np.asarray(Image.open(io.BytesIO(user.page.screenshot())).convert("L"))
    assert least <= np.median(shot) <= most


def test_the_first_paint_takes_less_than_100_kilobytes(visit: Visit) -> None:
    user = visit()
    sizes: list[int] = []

    def count(request: object) -> None:
        told = request.sizes()  # pyright: ignore
        sizes.append(told["responseBodySize"] + told["responseHeadersSize"])

    user.page.on("requestfinished", count)
    user.page.reload(wait_until="networkidle")
    assert len(sizes) >= 8
    assert 10_000 < sum(sizes) < 100_000


def test_no_script_or_style_but_the_pages_own_is_run(visit: Visit) -> None:
    user = visit(expect="Content Security Policy")
    page = user.page
    policy = page.request.get(page.url).headers["content-security-policy"]
    assert "unsafe" not in policy
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "document.title = 'taken over'";
          document.body.append(script);
        }"""
    )
    assert page.title().startswith("scalewise")


def test_without_scripts_it_says_so(visit: Visit, browser: object, server: object) -> None:
    context = browser.new_context(java_script_enabled=False)  # pyright: ignore
    page = context.new_page()
    page.goto(server.address)  # pyright: ignore
    assert "needs JavaScript" in page.locator("body").inner_text()
    context.close()
