"""The page's comparison: what is before and what is after, by mouse, finger and keyboard."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from scalewise.files import read
from tests.web.browser import PHONE, PLACE, User
from tests.web.conftest import Visit
from tests.web.viewing import (
    HANDLE,
    PART,
    TAG_ROOM,
    Pixels,
    choose,
    drag,
    fingers,
    from_middle,
    inside,
    middle,
    result_of,
    set_split,
    split_of,
    with_picture,
)


@pytest.fixture
def user(visit: Visit, pictures: Path) -> User:
    """Somebody who looks at a.png, before and after."""
    return with_picture(visit(), pictures)


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
    user = with_picture(visit(**window), pictures, "wide.png")
    after = result_of(user, tmp_path, "wide.png")
    before = read(pictures / "wide.png").pixels.repeat(2, 0).repeat(2, 1)
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
    page.locator("#zoom").get_by_text("100 %", exact=True).wait_for()
    assert user.rect()[2:] == (160, 128)
    page.keyboard.press("+")
    page.locator("#zoom").get_by_text("200 %", exact=True).wait_for()
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
    cancelled = {url for url, _ in ended}
    assert cancelled <= set(asked)
    assert cancelled & set(first)
    # None of them is in view, at 100 %.
    left, width = page.locator("#stage").evaluate(PLACE)[0], user.stage()["width"]
    start = user.stage()["x"] - left
    for url in cancelled:
        x = int(parse_qs(urlsplit(url).query)["x"][0])
        assert x + 512 <= start or x >= start + width


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
    page.locator("#viewer summary").click()
    assert page.locator("#facts").get_by_text("80 × 64").is_visible()
    assert page.locator("#command").is_visible()
