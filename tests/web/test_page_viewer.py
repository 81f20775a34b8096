"""The page's comparison: what is before and what is after, by mouse, finger and keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.files import Picture, read, write
from scalewise.web.schemas import JobView
from tests.web.browser import PHONE, User
from tests.web.conftest import Server, Start, Visit

HANDLE = 24
"""Pixels on either side of the line that its handle covers."""

PART = 'stage => stage.style.getPropertyValue("--split")'
"""The place of the line, from 0 to 1."""

TAG_ROOM = 45
"""Pixels at the stage's top that tags may cover."""

EXAMPLE = Path(__file__).parents[2] / "examples" / "pictures" / "valid" / "astronaut.png"

Pixels = NDArray[np.uint8]


@pytest.fixture
def user(visit: Visit, pictures: Path) -> User:
    """Somebody who looks at a.png, before and after."""
    return with_picture(visit(), pictures)


def with_picture(user: User, pictures: Path, name: str = "a.png") -> User:
    user.drop(pictures / name)
    user.wait_for(name)
    user.loaded()
    return user


def result_of(user: User, tmp_path: Path, name: str = "a.png") -> Pixels:
    content = user.download(user.row(name).get_by_role("link", name="Download"))[1]
    (tmp_path / "result.png").write_bytes(content)
    return read(tmp_path / "result.png").pixels


def set_split(user: User, percent: int) -> None:
    user.page.get_by_role("slider", name="Dividing line").fill(str(percent))


def split_of(user: User) -> int:
    return int(user.page.get_by_role("slider", name="Dividing line").input_value())


def choose(user: User, name: str) -> None:
    """Choose what is on the left, or an arrangement, by its words."""
    user.page.get_by_role("radio", name=name, exact=True).check()
    user.loaded()


def drag(user: User, start: tuple[float, float], end: tuple[float, float]) -> None:
    mouse = user.page.mouse
    mouse.move(*start)
    mouse.down()
    mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    mouse.move(*end)
    mouse.up()


def fingers(user: User) -> Callable[..., None]:
    """Touch with one or two fingers: their places, step by step, and lift them or not."""
    touch = user.page.context.new_cdp_session(user.page)

    def move(*steps: list[tuple[float, float]], lift: bool = True) -> None:
        for number, points in enumerate(steps):
            kind = "touchMove" if number else "touchStart"
            held = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": held})
        if lift:
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    return move


def middle(user: User) -> tuple[float, float]:
    box = user.stage()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def from_middle(user: User) -> tuple[float, ...]:
    """Left and top from the stage's middle, and the size: what stays if the stage moves."""
    (x, y), (left, top, *size) = middle(user), user.rect()
    return left - x, top - y, *size


def inside(user: User) -> tuple[slice, slice]:
    """Rows and columns of the screen with nothing but picture, as shown in the middle."""
    x, y, width, height = user.rect()
    box = user.stage()
    top, bottom = max(y, box["y"] + TAG_ROOM), min(y + height, box["y"] + box["height"])
    left, right = max(x, box["x"]), min(x + width, box["x"] + box["width"])
    return slice(round(top) + 2, round(bottom) - 2), slice(round(left) + 2, round(right) - 2)


def test_each_side_of_the_line_shows_its_own_picture(
    user: User, pictures: Path, tmp_path: Path
) -> None:
    choose(user, "Original pixels")
    before, after = read(pictures / "a.png").pixels, result_of(user, tmp_path)
    x, y, width, _ = user.rect()
    scale = width / after.shape[1]
    assert scale > 2.5  # so that pixels are squares
    rows, columns = inside(user)
    line = user.stage()["x"] + user.stage()["width"] / 2
    assert columns.start + HANDLE < line < columns.stop - HANDLE
    seen = user.seen()
    checked = {"before": 0, "after": 0}
    for row in range(2, after.shape[0] - 2):
        for column in range(2, after.shape[1] - 2):
            at = int(y + (row + 0.5) * scale), int(x + (column + 0.5) * scale)
            if not rows.start < at[0] < rows.stop or abs(at[1] - line) < HANDLE:
                continue
            side = "before" if at[1] < line else "after"
            wanted = before[row // 2, column // 2] if side == "before" else after[row, column]
            assert np.abs(seen[at].astype(int) - wanted).max() <= 1, (side, row, column)
            checked[side] += 1
    assert min(checked.values()) > 3000
    assert np.abs(before.repeat(2, 0).repeat(2, 1).astype(int) - after).mean() > 1


def is_shown(
    user: User,
    wanted: Pixels,
    ratio: int = 1,
    *,
    least: int = 3 * 200 * 200,
    tolerance: int = 0,
) -> bool:
    """Whether the screen shows these pixels at 100 %, at their place, give or take one: browsers
    round the place of a box on a scrolled page."""
    seen = user.seen()
    x, y, _, _ = user.rect()
    rows, columns = (slice(each.start * ratio, each.stop * ratio) for each in inside(user))
    seen = seen[rows, columns][:, HANDLE * ratio : -HANDLE * ratio]
    assert seen.size > least
    top, left = rows.start - round(y * ratio), columns.start + HANDLE * ratio - round(x * ratio)
    return any(
        np.abs(part.astype(int) - seen).max() <= tolerance
        for down in (top - 1, top, top + 1)
        for right in (left - 1, left, left + 1)
        if (part := wanted[down:, right:][: seen.shape[0], : seen.shape[1]]).shape == seen.shape
    )


@pytest.mark.parametrize("ratio", [1, 2], ids=["ratio-1", "ratio-2"])
def test_one_pixel_of_the_result_is_one_of_the_screen(
    visit: Visit, pictures: Path, tmp_path: Path, ratio: int
) -> None:
    window = {"viewport": {"width": 900, "height": 700}}
    user = with_picture(visit(device_scale_factor=ratio, **window), pictures, "large.png")
    after = result_of(user, tmp_path, "large.png")
    before = read(pictures / "large.png").pixels
    user.page.get_by_role("button", name="1:1").click()
    assert user.page.locator("#zoom").inner_text() == "100 %"
    assert user.rect()[2] == after.shape[1] / ratio
    choose(user, "Original pixels")
    enlarged = before.repeat(2, 0).repeat(2, 1)
    for percent, wanted in ((0, after), (100, enlarged)):
        set_split(user, percent)
        assert is_shown(user, wanted, ratio)


def test_the_line_is_moved_by_mouse_keys_and_slider(user: User) -> None:
    rows, columns = inside(user)
    set_split(user, 100)
    all_before = user.seen()[rows, columns].astype(int)
    set_split(user, 0)
    all_after = user.seen()[rows, columns].astype(int)
    assert np.abs(all_before - all_after).mean() > 1

    def assert_split() -> None:
        box, seen = user.stage(), user.seen()[rows, columns].astype(int)
        part = float(user.page.locator("#stage").evaluate(PART))  # the slider's is rounded
        line = round(box["x"] + box["width"] * part) - columns.start
        assert HANDLE < line < seen.shape[1] - HANDLE
        left, right = slice(0, line - HANDLE), slice(line + HANDLE, None)
        assert np.array_equal(seen[:, left], all_before[:, left])
        assert np.array_equal(seen[:, right], all_after[:, right])

    set_split(user, 50)
    assert_split()
    x, y = middle(user)
    drag(user, (x, y + 60), (x - 90, y + 20))
    assert split_of(user) < 45
    assert_split()
    user.page.locator("#stage").focus()
    moved = split_of(user)
    for key in "]]]":
        user.page.keyboard.press(key)
    assert split_of(user) == moved + 15
    user.page.keyboard.press("[")
    assert split_of(user) == moved + 10
    assert_split()


def test_the_slider_and_the_tags_say_what_is_seen(user: User) -> None:
    slider = user.page.get_by_role("slider", name="Dividing line")
    line, box = user.page.locator("#line-label"), user.stage()
    left, right = line.locator("span").all()
    places = [each.bounding_box()["x"] for each in (left, slider, right)]
    assert places == sorted(places)

    def tags() -> list[tuple[str, bool]]:
        """The words of the tags that are seen, and whether they are left of the line."""
        user.loaded()
        at = box["x"] + box["width"] * float(user.page.locator("#stage").evaluate(PART))
        seen = user.page.locator("#stage .tag:visible").all()
        places = [(each.inner_text(), each.bounding_box()) for each in seen]
        for _, place in places:
            assert place["x"] + place["width"] <= at or place["x"] >= at
        return [(words, place["x"] < at) for words, place in places]

    # What an end of the slider is called is seen with the handle there.
    set_split(user, 100)
    assert right.inner_text() == "all before"
    assert tags() == [("before: bicubic", True)]
    set_split(user, 0)
    assert left.inner_text() == "all after"
    assert tags() == [("after", False)]
    set_split(user, 70)
    assert tags() == [("before: bicubic", True), ("after", False)]
    assert slider.get_attribute("aria-valuetext") == "70 % before: bicubic, 30 % after"


def test_before_is_seen_as_long_as_something_is_held(visit: Visit, pictures: Path) -> None:
    user = with_picture(visit(viewport={"width": 1280, "height": 720}, has_touch=True), pictures)
    page, button = user.page, user.page.get_by_role("button", name="Hold to see before")
    rows, columns = inside(user)
    set_split(user, 100)
    before = user.seen()[rows, columns]
    set_split(user, 0)
    after = user.seen()[rows, columns]
    safe = (slice(None), slice(HANDLE, -HANDLE))
    assert not np.array_equal(before[safe], after[safe])

    def assert_seen(wanted: Pixels, tag: str) -> None:
        assert np.array_equal(user.seen()[rows, columns][safe], wanted[safe])
        assert page.locator("#stage .tag:visible").all_inner_texts() == [tag]

    box = button.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    assert_seen(before, "before: bicubic")
    assert button.get_attribute("aria-pressed") == "true"
    page.mouse.up()
    assert_seen(after, "after")
    for focused, key in ((button, "Space"), (button, "Enter"), (page.locator("#stage"), "b")):
        focused.focus()
        page.keyboard.down(key)
        assert_seen(before, "before: bicubic")
        page.keyboard.up(key)
        assert_seen(after, "after")
    move, (x, y) = fingers(user), middle(user)
    move([(x, y)], lift=False)
    page.locator("#stage.held").wait_for()
    assert_seen(before, "before: bicubic")
    move(lift=True)
    page.locator("#stage:not(.held)").wait_for()
    assert_seen(after, "after")


@pytest.mark.parametrize("shape", [(1400, 800), (700, 900)], ids=["wide", "narrow"])
def test_side_by_side_both_show_the_same_part(
    visit: Visit, pictures: Path, tmp_path: Path, shape: tuple[int, int]
) -> None:
    window = {"viewport": {"width": shape[0], "height": shape[1]}}
    user = with_picture(visit(**window), pictures, "large.png")
    after = result_of(user, tmp_path, "large.png")
    before = read(pictures / "large.png").pixels.repeat(2, 0).repeat(2, 1)
    choose(user, "Original pixels")
    choose(user, "Side by side")
    user.page.get_by_role("button", name="1:1").click()
    x, y = middle(user)
    drag(user, (x - 40, y - 40), (x - 90, y - 60))
    user.page.locator("#stage").scroll_into_view_if_needed()
    left, top, _, _ = (round(each) for each in user.rect())
    box, seen = {name: round(each) for name, each in user.stage().items()}, user.seen()
    wide, high = box["width"], box["height"]
    half = ((wide - 2) // 2, high) if wide >= high else (wide, (high - 2) // 2)
    apart = (wide - half[0], 0) if wide >= high else (0, high - half[1])
    down_to = min(after.shape[0], box["y"] - top + half[1]) - 12
    right_to = min(after.shape[1], box["x"] - left + half[0]) - 12
    rows = slice(max(0, box["y"] - top) + TAG_ROOM, down_to)
    columns = slice(max(0, box["x"] - left) + 12, right_to)
    for wanted, (right, down) in ((before, (0, 0)), (after, apart)):
        at = (
            slice(rows.start + top + down, rows.stop + top + down),
            slice(columns.start + left + right, columns.stop + left + right),
        )
        assert np.array_equal(seen[at], wanted[rows, columns])
    assert (rows.stop - rows.start) * (columns.stop - columns.start) > 50_000


def test_both_pictures_are_zoomed_and_moved_together(user: User) -> None:
    fitted = user.rect()
    x, y = middle(user)
    page = user.page
    page.mouse.move(x + 50, y + 30)
    page.mouse.wheel(0, -400)
    page.locator("#zoom").get_by_text("%").wait_for()
    zoomed = user.rect()
    factor = zoomed[2] / fitted[2]
    assert factor == pytest.approx(np.e, rel=0.01)
    # What is under the pointer stays there.
    assert zoomed[0] == pytest.approx(x + 50 - (x + 50 - fitted[0]) * factor, abs=1.5)
    assert zoomed[1] == pytest.approx(y + 30 - (y + 30 - fitted[1]) * factor, abs=1.5)

    drag(user, (x + 100, y), (x + 60, y + 25))
    moved = user.rect()
    assert (moved[0] - zoomed[0], moved[1] - zoomed[1]) == (-40, 25)

    page.locator("#stage").focus()
    page.keyboard.press("ArrowRight")
    assert user.rect()[0] == moved[0] - 60
    page.keyboard.press("1")
    assert page.locator("#zoom").inner_text() == "100 %"
    assert user.rect()[2:] == (160, 128)
    page.keyboard.press("+")
    assert page.locator("#zoom").inner_text() == "200 %"
    assert user.rect()[2] == 320
    page.keyboard.press("0")
    assert user.rect() == fitted
    page.get_by_role("button", name="1:1").click()
    assert user.rect()[2] == 160
    page.get_by_role("button", name="Fit").click()
    assert user.rect() == fitted
    page.mouse.dblclick(x + 50, y + 30)
    assert user.rect()[2] == 160
    page.mouse.dblclick(x + 50, y + 30)
    assert user.rect() == fitted


def test_one_finger_slides_and_moves_and_two_zoom(visit: Visit, pictures: Path) -> None:
    user = with_picture(visit(**PHONE), pictures)
    page = user.page
    page.locator("#stage").scroll_into_view_if_needed()
    move = fingers(user)
    x, y = middle(user)
    move([(x, y)], [(x + 40, y)], [(x + 80, y)])
    width = user.stage()["width"]
    assert split_of(user) == pytest.approx(50 + 100 * 80 / width, abs=2)

    fitted = user.rect()
    scrolled = page.evaluate("scrollY")
    # Two fingers apart, upright: the page, which one finger scrolls, stays where it is.
    move([(x, y - 40), (x, y + 40)], [(x, y - 60), (x, y + 60)], [(x, y - 80), (x, y + 80)])
    pinched = user.rect()
    assert pinched[2] / fitted[2] == pytest.approx(2, rel=0.05)

    move([(x - 100, y + 40)], [(x - 90, y + 40)], [(x - 70, y + 40)])
    moved = user.rect()
    assert moved[0] - pinched[0] == pytest.approx(30, abs=1)
    assert page.evaluate("[scrollX, scrollY]") == [0, scrolled]


def test_zoom_and_place_are_kept_for_the_next_picture(user: User, pictures: Path) -> None:
    x, y = middle(user)
    user.page.mouse.move(x + 50, y + 30)
    user.page.mouse.wheel(0, -500)
    set_split(user, 30)
    choose(user, "Original pixels")
    before = from_middle(user)
    user.drop(pictures / "b.jpg")  # as large as a.png
    user.wait_for("b.jpg").get_by_role("button", name="Compare").click()
    user.page.locator("#viewed").get_by_text("b.jpg").wait_for()
    assert from_middle(user) == pytest.approx(before, abs=1)
    assert split_of(user) == 30
    assert user.page.get_by_role("radio", name="Original pixels").is_checked()


def test_tiles_that_are_out_of_view_are_no_longer_asked_for(user: User, pictures: Path) -> None:
    page = user.page
    asked, ended = [], []
    page.on("request", lambda each: asked.append(each.url) if "/region?" in each.url else None)
    page.on(
        "requestfailed",
        lambda each: ended.append((each.url, each.failure)) if "/region?" in each.url else None,
    )
    page.unroute_all()
    page.route(lambda url: "/region?" in url, lambda route: None)  # it never answers
    user.drop(pictures / "large.png")
    user.wait_for("large.png").get_by_role("button", name="Compare").click()
    page.get_by_role("button", name="1:1").click()
    page.locator("#loading").get_by_text("Loading").wait_for()
    assert page.locator("#stage").get_attribute("aria-busy") == "true"
    while len(asked) < 2:
        page.wait_for_timeout(50)
    first = list(asked)
    assert 2 <= len(first) <= 4  # the others wait
    page.locator("#stage").focus()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    while not ended:
        page.wait_for_timeout(50)
    assert {failure for _, failure in ended} == {"net::ERR_ABORTED"}
    assert {url for url, _ in ended} <= set(first)


def test_what_cannot_be_loaded_is_said(user: User, pictures: Path) -> None:
    page = user.page
    page.unroute_all()
    body = '{"detail": "the result is no longer kept", "status": 404, "title": "Not Found"}'
    page.route(lambda url: "/region?" in url, lambda route: route.fulfill(status=404, body=body))
    page.get_by_role("radio", name="Original pixels").check()
    user.loaded()
    said = page.get_by_role("status").filter(has_text="Not everything is shown")
    assert said.inner_text() == "Not everything is shown: the result is no longer kept"
    page.get_by_role("radio", name="Bicubic").check()
    said.wait_for(state="hidden")


def test_the_result_can_be_dragged_out(user: User) -> None:
    dragged = user.page.locator("#save").evaluate(
        """link => {
          const transfer = new DataTransfer();
          link.dispatchEvent(new DragEvent("dragstart", { dataTransfer: transfer, bubbles: true }));
          return transfer.getData("DownloadURL");
        }"""
    )
    address = user.page.locator("#save").evaluate("link => link.href")
    assert dragged == f"image/png:a_x2.png:{address}"
    assert user.download(user.page.locator("#save"))[0] == "a_x2.png"


def test_numbers_are_behind_details(user: User) -> None:
    page = user.page
    assert page.locator("#explanation").inner_text()
    assert not page.locator("#facts").is_visible()
    assert not page.locator("#command").is_visible()
    page.locator("summary").get_by_text("Details").click()
    assert page.locator("#facts").get_by_text("80 × 64").is_visible()
    assert page.locator("#command").is_visible()


def again(user: User, name: str, *, task: str, count: int) -> None:
    """Restore a picture once more, with another task; it has ``count`` results then."""
    user.page.locator("#task").select_option(task)
    row = user.row(name)
    row.get_by_role("button", name="Again").click()
    row.locator(".result[data-state=done]").nth(count - 1).wait_for()


def test_a_result_is_compared_with_another_of_the_same_upload(
    visit: Visit, pictures: Path, server: Server, tmp_path: Path
) -> None:
    user = with_picture(visit(viewport={"width": 1280, "height": 900}), pictures)
    page = user.page
    first = page.locator("#save").get_attribute("href")
    page.get_by_role("button", name="1:1").click()
    page.get_by_role("button", name="Zoom in").click()
    kept = from_middle(user)
    again(user, "a.png", task="photo", count=2)
    page.wait_for_function("first => document.querySelector('#save').href !== first", arg=first)
    assert from_middle(user) == pytest.approx(kept, abs=1)  # the part that was looked at
    again(user, "a.png", task="denoise", count=3)
    page.locator("#right option").nth(2).wait_for(state="attached")

    jobs = {view["id"]: view for view in server.get("v1/jobs").json()}
    upload = next(view["upload"] for view in jobs.values() if first and view["id"] in first)
    ours = [view for view in jobs.values() if view["upload"] == upload]
    pixels = {}
    for view in ours:
        (tmp_path / "any.png").write_bytes(server.get(f"v1/jobs/{view['id']}/result").content)
        pixels[view["model"]] = read(tmp_path / "any.png").pixels
    ids = {view["model"]: view["id"] for view in ours}
    assert set(ids) == {"scn_x2", "photo_x2", "denoise"}

    page.locator("#right").select_option(ids["photo_x2"])
    choose(user, "Result")
    page.locator("#other").select_option(ids["scn_x2"])
    page.get_by_role("button", name="1:1").click()
    for percent, model in ((0, "photo_x2"), (100, "scn_x2")):
        set_split(user, percent)
        assert is_shown(user, pixels[model], least=3 * 80 * 60)
    tags = page.locator("#stage .tag").all_text_contents()
    assert tags == ["A: scn_x2, 160 × 128", "B: photo_x2, 160 × 128"]
    assert page.get_by_role("button", name="Hold to see A").is_visible()

    # One of another size is shown as large.
    page.locator("#other").select_option(ids["denoise"])
    set_split(user, 100)
    assert is_shown(user, pixels["denoise"].repeat(2, 0).repeat(2, 1), least=3 * 80 * 60)
    # What was on the left is chosen for the right: they change places.
    page.locator("#right").select_option(ids["denoise"])
    assert page.locator("#other").input_value() == ids["photo_x2"]
    assert page.locator("#command").text_content().endswith("--task denoise")


def as_displayed(path: Path) -> Pixels:
    """A file's pixels in sRGB with 8 bits, by libvips."""
    import pyvips

    return pyvips.Image.new_from_file(str(path)).colourspace("srgb").numpy()


@pytest.mark.parametrize("name", ["cmyk.jpg", "deep.png"], ids=["cmyk", "16-bit"])
def test_both_sides_have_the_colours_of_their_files(
    visit: Visit, server: Server, tmp_path: Path, name: str
) -> None:
    from PIL import Image

    photo = Image.open(EXAMPLE).convert("RGB").resize((120, 90))
    if name == "cmyk.jpg":
        photo.convert("CMYK").save(tmp_path / name, quality=95)
    else:
        write(tmp_path / name, Picture(np.asarray(photo).astype(np.uint16) * 257))
    user = visit(viewport={"width": 1280, "height": 900})
    page = user.page
    page.locator("#task").select_option("denoise")
    user.drop(tmp_path / name)
    user.wait_for(name)
    page.get_by_role("button", name="1:1").click()
    result = tmp_path / f"result{Path(name).suffix}"
    result.write_bytes(server.get(page.locator("#save").get_attribute("href")).content)
    for percent, path in ((0, result), (100, tmp_path / name)):
        set_split(user, percent)
        assert is_shown(user, as_displayed(path), least=3 * 60 * 60, tolerance=1), percent
    assert not np.array_equal(as_displayed(result), as_displayed(tmp_path / name))


def test_what_is_transparent_is_seen_as_squares(
    visit: Visit, pictures: Path, tmp_path: Path
) -> None:
    colours = read(pictures / "a.png").pixels
    alpha = np.zeros(colours.shape[:2], np.uint8)
    alpha[:, :40] = 255
    write(tmp_path / "clear.png", Picture(np.dstack([colours, alpha])))
    user = visit(viewport={"width": 1280, "height": 900})
    user.drop(tmp_path / "clear.png")
    user.wait_for("clear.png")
    user.page.get_by_role("button", name="1:1").click()
    choose(user, "Original pixels")
    for percent in (0, 100):
        set_split(user, percent)
        rows, columns = inside(user)
        seen = user.seen()[rows, columns]
        through = seen[:, 100:]
        assert {tuple(each) for each in through.reshape(-1, 3)} == {(255,) * 3, (204,) * 3}
        assert len(np.unique(seen[:, :60].reshape(-1, 3), axis=0)) > 100


def look_at_other(user: User, name: str) -> None:
    """Compare a result that another client of the server made."""
    row = user.page.locator("#others").locator(".job").filter(has_text=name)
    row.get_by_role("button", name="Compare").click()
    user.page.locator("#viewed").get_by_text(name).wait_for()
    user.loaded()


def test_a_photograph_of_12_megapixels_is_shown_in_true_pixels(
    visit: Visit, start: Start, tmp_path: Path
) -> None:
    from PIL import Image

    photo = np.asarray(Image.open(EXAMPLE).convert("RGB"))
    Image.fromarray(np.tile(photo, (3, 4, 1))[:1500, :2000]).save(tmp_path / "photo.jpg")
    server = start()
    sent = server.send(tmp_path / "photo.jpg", model="scn_fast_x2", task="super-resolution")
    job = server.done(sent.json()["id"])
    assert (job["state"], job["out_width"], job["out_height"]) == ("done", 4000, 3000)
    (tmp_path / "result.jpg").write_bytes(server.get(f"v1/jobs/{job['id']}/result").content)
    after = read(tmp_path / "result.jpg").pixels
    before = read(tmp_path / "photo.jpg").pixels.repeat(2, 0).repeat(2, 1)
    user = visit(server, viewport={"width": 1280, "height": 900})
    page = user.page
    sizes: dict[str, int] = {}

    def count(request: Any) -> None:
        if "/overview?" in request.url or "/region?" in request.url:
            sizes[request.url] = request.sizes()["responseBodySize"]

    page.on("requestfinished", count)
    look_at_other(user, "photo.jpg")
    choose(user, "Original pixels")
    page.get_by_role("button", name="1:1").click()
    x, y = middle(user)
    drag(user, (x, y + 200), (x - 137, y + 51))
    for percent, wanted in ((0, after), (100, before)):
        set_split(user, percent)
        assert is_shown(user, wanted, least=3 * 700 * 400, tolerance=1)
    # No more than the view needs, though the result is 30 MB as one PNG.
    tiles = [url for url in sizes if "/region?" in url]
    assert 4 <= len(tiles) <= 40
    assert sum(sizes.values()) < 15e6

    # At half the size, each pixel is the average of four.
    page.get_by_role("button", name="Zoom out").click()
    assert page.locator("#zoom").inner_text() == "50 %"
    set_split(user, 0)
    halves = after.reshape(1500, 2, 2000, 2, 3).mean((1, 3)).round()
    assert is_shown(user, halves, least=3 * 700 * 400, tolerance=1)


def test_a_strip_of_40000_pixels_is_sharp_at_every_zoom(
    visit: Visit, start: Start, tmp_path: Path
) -> None:
    """A result that was left by an earlier server, so that nobody has to wait for it."""
    height, width = 40_000, 1000
    rows, columns = np.mgrid[0:height, 0:width]
    strip = np.stack([rows // 160, columns // 4, (rows + columns) % 251], 2).astype(np.uint8)
    name = "a" * 22
    view = JobView(
        id=name, state="done", name="strip.png", width=500, height=20_000,
        out_width=width, out_height=height, model="scn_x2", result_name="strip_x2.png",
        result_bytes=1, seconds=1, format="png", created=1.0,
    )  # fmt: skip
    folder = tmp_path / "served"
    folder.mkdir(mode=0o700)
    write(folder / f"{name}.png", Picture(strip))
    (folder / f"{name}.json").write_text(view.model_dump_json())
    user = visit(start(folder=folder), viewport={"width": 1280, "height": 900})
    page = user.page
    look_at_other(user, "image")
    page.get_by_role("button", name="1:1").click()
    assert is_shown(user, strip, least=3 * 700 * 400)
    # An overview of it is 51 pixels wide; 20 % of it are not made of that.
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_role("button", name="Zoom out").click()
    assert page.locator("#zoom").inner_text() == "25 %"
    rows_, columns_ = inside(user)
    seen = user.seen()[rows_, columns_].astype(int)
    assert len(np.unique(seen[:, :, 1])) > 200  # of 250 levels across
