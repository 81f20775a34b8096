"""The panel that tries a part of an image first: its previews, its frame, and what it starts."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.web.browser import PHONE, User
from tests.web.conftest import Server, Visit, httpx

PIXELS = "canvas => canvas.toDataURL('image/png')"
SIDE = 96


@pytest.fixture(scope="module")
def scene(pictures: Path, photo: NDArray[np.uint8]) -> Path:
    """Return a JPEG of 240 x 160 pixels whose artifacts are seen, and that no result clips."""
    path = pictures / "scene.jpg"
    Image.fromarray(photo[:160, :240] // 2 + 64).save(path, quality=40)
    return path


def try_out(user: User, path: Path) -> None:
    """Open the panel for a file, and wait for its previews."""
    user.page.locator("#try-file").set_input_files(path)
    wait_for_previews(user)


def wait_for_previews(user: User) -> None:
    user.page.locator("#panel:not(.empty):not(.fetching)").wait_for()
    user.page.locator("#tried canvas.stale").first.wait_for(state="detached")


def canvas(user: User, title: str) -> NDArray[np.int16]:
    """Return the pixels below a title: the original, or a choice."""
    card = user.page.locator(".choice").filter(has_text=title)
    content = card.locator("canvas").evaluate(PIXELS).partition(",")[2]
    image = Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")
    return np.asarray(image).astype(np.int16)


def part(user: User) -> tuple[int, int]:
    """Return left and top of the part that the original shows."""
    x, y, _, _ = user.page.locator("#original canvas").get_attribute("data-part").split(",")
    return int(x), int(y)


def pixels_of(path: Path | bytes) -> NDArray[np.int16]:
    opened = Image.open(path if isinstance(path, Path) else io.BytesIO(path)).convert("RGB")
    return np.asarray(opened).astype(np.int16)


@pytest.mark.parametrize(("quality", "count"), [(40, 6), (80, 5)])
def test_a_part_is_what_each_choice_makes_of_the_whole(
    visit: Visit, quick_server: Server, scene: Path, tmp_path: Path, quality: int, count: int
) -> None:
    if quality != 40:
        Image.open(scene).save(tmp_path / "better.png")
        scene = tmp_path / "better.jpg"
        Image.open(tmp_path / "better.png").save(scene, quality=quality)
    user = visit()
    try_out(user, scene)
    assert quick_server.get("v1/jobs").json() == []  # nothing was started
    choices = quick_server.get("v1/uploads").json()[0]["choices"]
    assert user.page.locator("#choices .choice").count() == len(choices) == count
    x, y = part(user)
    assert (x, y) == (72, 32)  # the middle
    given = pixels_of(scene)
    np.testing.assert_array_equal(canvas(user, "Original"), given[y : y + SIDE, x : x + SIDE])
    for choice in choices:
        sent = quick_server.send(scene, task=choice["task"], format="png", wait="true")
        whole = pixels_of(sent.content)
        scale = choice["scale"]
        expected = whole[y * scale : (y + SIDE) * scale, x * scale : (x + SIDE) * scale]
        shown = canvas(user, choice["title"])
        assert shown.shape == expected.shape
        assert np.abs(shown - expected).max() <= 1, choice["title"]
        card = user.page.locator(".choice").filter(has_text=choice["title"])
        assert f"240 × 160 → {choice['out_width']} × {choice['out_height']}" in card.inner_text()


def test_what_is_not_there_yet_is_said(visit: Visit, scene: Path) -> None:
    user = visit()
    page = user.page
    held: list[Any] = []
    page.route(re.compile("/preview.*task=photo"), lambda route: held.append(route))
    page.locator("#task").select_option("photo")  # which is asked for first
    page.locator("#try-file").set_input_files(scene)
    page.locator("#panel:not(.empty)").wait_for()
    while not held:
        page.wait_for_timeout(20)
    card = page.locator(".choices .choice[aria-pressed=true]")
    said = "e => getComputedStyle(e, '::before').content"
    assert card.evaluate(said) == '"Restoring this part"'
    box = card.locator("canvas").bounding_box()
    top = {**box, "height": 40}
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=top))).convert("L")).astype(int)
    assert np.ptp(shot) > 150  # white on black, above an empty preview
    held[0].continue_()
    card.locator("canvas:not(.stale)").wait_for()
    assert card.evaluate(said) == "none"


def test_the_frame_is_moved_by_mouse_and_keys(visit: Visit, scene: Path) -> None:
    user = visit()
    try_out(user, scene)
    page = user.page
    box = page.locator("#overview-image").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 50, box["y"] - 50, steps=4)  # beyond the corner
    page.mouse.up()
    page.locator("#original canvas[data-part='144,0,96,96']").wait_for()
    wait_for_previews(user)
    np.testing.assert_array_equal(canvas(user, "Original"), pixels_of(scene)[:96, 144:])

    page.locator("#frame").focus()
    for key in ("ArrowLeft", "ArrowDown", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    page.locator("#original canvas[data-part='24,24,96,96']").wait_for()
    assert page.locator("#place").inner_text() == "96 × 96 pixels\nfrom 24, 24"
    frame, whole = page.locator("#frame").bounding_box(), page.locator("#overview-image")
    box = whole.bounding_box()
    middle = frame["x"] + frame["width"] / 2 - box["x"]
    assert middle / box["width"] * 240 == pytest.approx(24 + 48, abs=1)


def test_the_frame_is_moved_by_a_finger(visit: Visit, scene: Path) -> None:
    user = visit(**PHONE)
    try_out(user, scene)
    page = user.page
    page.locator("#overview").scroll_into_view_if_needed()
    box = page.locator("#overview-image").bounding_box()
    page.touchscreen.tap(box["x"] + 2, box["y"] + 2)
    page.locator("#original canvas[data-part='0,0,96,96']").wait_for()
    frame = page.locator("#frame").bounding_box()
    assert min(frame["width"], frame["height"]) >= 28


def test_a_click_on_a_choice_is_the_setting_that_is_started(
    visit: Visit, quick_server: Server, scene: Path
) -> None:
    user = visit()
    try_out(user, scene)
    uploads = {each["id"] for each in quick_server.get("v1/uploads").json()}
    page = user.page
    pressed = page.locator("#choices .choice[aria-pressed=true]")
    assert "Suggested" in pressed.inner_text()
    why = page.locator("#plan").inner_text()
    assert "JPEG" in why
    assert "because" in why
    page.locator("#choices .choice").filter(has_text="Remove noise, keep").click()
    assert "Remove noise" in pressed.inner_text()
    assert page.locator("#task").input_value() == "denoise"
    assert page.locator("#plan").inner_text() != why

    page.get_by_role("button", name="Restore the whole image").click()
    user.wait_for("scene.jpg")
    (job,) = quick_server.get("v1/jobs").json()
    assert (job["task"], job["out_width"]) == ("denoise", 240)
    assert page.locator("#panel").is_hidden()
    assert page.locator("#viewer").is_visible()
    page.get_by_role("button", name="Other settings").click()
    wait_for_previews(user)
    assert page.locator("#panel-name").inner_text() == "scene.jpg"
    now = {each["id"] for each in quick_server.get("v1/uploads").json()}
    assert now == uploads, "it was sent again"


def test_strength_is_mixed_as_the_server_does_and_asks_nothing(visit: Visit, scene: Path) -> None:
    user = visit()
    try_out(user, scene)
    page = user.page
    photo = "Enlarge a photo"
    full = canvas(user, photo)
    page.locator("#panel-strength").fill("50")
    page.locator("#panel.fetching").wait_for()
    wait_for_previews(user)
    assert page.locator("#strength-shown").inner_text() == "50 %"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for strength in ("20", "80", "40"):
        page.locator("#panel-strength").fill(strength)
    page.wait_for_timeout(300)  # longer than the pause before a request
    assert asked == []

    mixed = canvas(user, photo)
    upload = page.evaluate("async () => (await (await fetch('/v1/uploads')).json())[0].id")
    x, y = part(user)
    query = {"task": "photo", "strength": 0.4, "x": x, "y": y, "width": 96, "height": 96}
    served = httpx.get(f"{page.url}v1/uploads/{upload}/preview", params=query, timeout=120)
    difference = np.abs(mixed - pixels_of(served.content))
    assert difference.max() <= 2
    assert np.abs(mixed - full).max() > 5
    clean = canvas(user, "Enlarge a clean image")  # it has no strength
    page.locator("#panel-strength").fill("0")
    np.testing.assert_array_equal(canvas(user, "Enlarge a clean image"), clean)


def tell_seconds(user: User, **times: object) -> None:
    """Let the server know the time of every choice: it does not until it has measured them."""

    def answer(route: Any) -> None:
        fetched = route.fetch()
        view = fetched.json()
        for choice in view["choices"]:
            choice.update(times)
        route.fulfill(response=fetched, json=view)

    user.page.route(re.compile(r"/v1/uploads/[^/]+\?"), answer)


def test_size_and_time_follow_the_settings(visit: Visit, scene: Path) -> None:
    user = visit()
    try_out(user, scene)
    page = user.page
    tell_seconds(user, seconds=None)
    page.locator("#size").select_option("3")
    page.get_by_text("240 × 160 → 720 × 480").first.wait_for()
    wait_for_previews(user)
    assert "3x" in page.locator("#plan").inner_text()
    assert canvas(user, "Enlarge a photo").shape == (288, 288, 3)
    assert (
        "240 × 160 → 240 × 160" in page.locator(".choice").filter(has_text="noise, k").inner_text()
    )
    page.locator("#choices .time").filter(has_text="Time not known yet").first.wait_for()
    tell_seconds(user, seconds=12)  # which the page asks for again
    page.locator("#choices .time").filter(has_text="About 12 s").first.wait_for()

    page.locator("#size").select_option("width")
    page.locator("#width").fill("")
    page.get_by_role("button", name="Restore the whole image").click()
    page.locator("#alarm").wait_for()
    assert page.evaluate("document.activeElement.id") == "width"
    assert user.row("scene.jpg").get_attribute("data-state") == "ready"


def test_what_takes_longer_than_the_server_allows_is_said_before(visit: Visit, scene: Path) -> None:
    user = visit()
    try_out(user, scene)
    tell_seconds(user, seconds=1200, exceeds_limit=True)
    user.page.locator("#size").select_option("3")
    words = user.page.get_by_text("About 20 min: more than this server allows")
    words.nth(3).wait_for()


def test_settings_of_one_image_leave_the_others_alone(
    visit: Visit, pictures: Path, scene: Path
) -> None:
    user = visit()
    page = user.page
    page.locator("#start").uncheck()
    user.drop(pictures / "a.png", scene)
    wait_for_previews(user)
    assert page.locator("#panel-name").inner_text() == "a.png"
    page.locator("#own").check()
    page.locator("#size").select_option("4")
    assert page.locator("#whose").inner_text() == "for this image only"
    user.row("scene.jpg").get_by_role("button", name="Try a part").click()
    page.locator("#panel-name").get_by_text("scene.jpg").wait_for()
    assert page.locator("#size").input_value() == "2"
    assert not page.locator("#own").is_checked()

    user.reload()
    user.row("a.png").get_by_role("button", name="Try a part").click()
    assert page.locator("#size").input_value() == "4"
    page.get_by_role("button", name="Start all").click()
    user.row("a.png").get_by_text("320 × 256").first.wait_for()
    user.row("scene.jpg").get_by_text("480 × 320").first.wait_for()


def test_what_is_dropped_while_a_part_is_tried_waits(
    visit: Visit, pictures: Path, scene: Path
) -> None:
    user = visit()
    try_out(user, scene)
    user.drop(pictures / "a.png")
    user.wait_for("a.png", "ready")
    assert user.page.locator("#panel-name").inner_text() == "scene.jpg"
    user.page.get_by_role("button", name="Close").click()
    assert user.row("scene.jpg").get_attribute("data-state") == "ready"
    user.drop(pictures / "b.jpg")  # again at once
    user.wait_for("b.jpg")
    assert user.row("a.png").get_attribute("data-state") == "ready"


def test_quality_and_name_are_those_of_the_file(visit: Visit, pictures: Path) -> None:
    user = visit()
    page = user.page
    page.locator("#format").select_option("jpeg")
    page.locator("#quality").fill("30")
    page.locator("#names").fill("{name} {size} (new)")
    assert "photo x2 (new)" in page.locator("#names-shown").inner_text()
    user.drop(pictures / "a.png")
    row = user.wait_for("a.png")
    name, small = user.download(row.get_by_role("link", name="Download"))
    assert name == "a x2 (new).jpg"
    page.locator("#quality").fill("95")
    row.get_by_role("button", name="Again").click()
    page.locator(".result").nth(1).and_(page.locator("[data-state=done]")).wait_for()
    _, large = user.download(row.get_by_role("link", name="Download").nth(1))
    assert len(large) > 2 * len(small)
    page.locator("#format").select_option("png")
    assert page.locator("#quality").is_disabled()


@pytest.mark.parametrize(
    "size",
    [
        PHONE,
        {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 2},
        {"viewport": {"width": 2560, "height": 1440}},
    ],
    ids=["phone", "dense", "wide"],
)
def test_the_panel_fits_every_window(visit: Visit, scene: Path, size: dict[str, Any]) -> None:
    user = visit(**size)
    page = user.page

    def assert_fits() -> None:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        main = page.locator("main").evaluate("e => getComputedStyle(e).paddingLeft")
        assert page.locator("h1").bounding_box()["x"] == pytest.approx(
            page.locator(".work").bounding_box()["x"], abs=1
        ), main
        primary = page.locator(".primary:visible")
        backgrounds = primary.evaluate_all(
            "all => all.map(e => getComputedStyle(e).backgroundColor)"
        )
        accent = page.evaluate(
            """() => {
              const probe = document.createElement("p");
              probe.className = "primary";
              document.body.append(probe);
              const found = getComputedStyle(probe).backgroundColor;
              probe.remove();
              return found;
            }"""
        )
        assert backgrounds.count(accent) == 1
        if size == PHONE:
            return
        shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L")).astype(int)
        lower = shot[-shot.shape[0] // 3 : -shot.shape[0] // 20, : shot.shape[1] * 2 // 3]
        assert np.ptp(lower) > 40  # there is something to see

    assert_fits()
    try_out(user, scene)
    assert_fits()
