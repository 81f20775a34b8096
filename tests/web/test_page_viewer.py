"""The page's comparison: what is before and what is after, by mouse, finger and keyboard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.files import read
from tests.web.browser import PHONE, User
from tests.web.conftest import Visit

HANDLE = 24
"""Pixels on either side of the line that its handle covers."""

PART = 'stage => stage.style.getPropertyValue("--split")'
"""The place of the line, from 0 to 1."""


@pytest.fixture
def user(visit: Visit, pictures: Path) -> User:
    """Somebody who looks at a.png, before and after."""
    return with_picture(visit(), pictures)


def with_picture(user: User, pictures: Path) -> User:
    user.drop(pictures / "a.png")
    user.wait_for("a.png")
    user.page.locator("#after").evaluate("image => image.decode()")
    return user


def result_of(user: User, tmp_path: Path) -> NDArray[np.uint8]:
    content = user.download(user.row("a.png").get_by_role("link", name="Download"))[1]
    (tmp_path / "result.png").write_bytes(content)
    return read(tmp_path / "result.png").pixels


def set_split(user: User, percent: int) -> None:
    user.page.get_by_role("slider", name="Where before ends").fill(str(percent))


def split_of(user: User) -> int:
    return int(user.page.get_by_role("slider", name="Where before ends").input_value())


def drag(user: User, start: tuple[float, float], end: tuple[float, float]) -> None:
    mouse = user.page.mouse
    mouse.move(*start)
    mouse.down()
    mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    mouse.move(*end)
    mouse.up()


def middle(user: User) -> tuple[float, float]:
    box = user.stage()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def inside(user: User) -> tuple[slice, slice]:
    """Rows and columns of the screen with nothing but picture, as shown in the middle."""
    x, y, width, height = user.rect("after")
    box = user.stage()
    top, bottom = max(y, box["y"] + 45), min(y + height, box["y"] + box["height"])
    left, right = max(x, box["x"]), min(x + width, box["x"] + box["width"])
    return slice(round(top) + 2, round(bottom) - 2), slice(round(left) + 2, round(right) - 2)


def test_each_side_of_the_line_shows_its_own_picture(
    user: User, pictures: Path, tmp_path: Path
) -> None:
    before, after = read(pictures / "a.png").pixels, result_of(user, tmp_path)
    x, y, width, _ = user.rect("after")
    scale = width / after.shape[1]
    assert scale > 3  # so that pixels are squares
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


def test_both_pictures_are_zoomed_and_moved_together(user: User) -> None:
    fitted = user.rect("after")
    assert user.rect("before") == fitted
    x, y = middle(user)
    page = user.page
    page.mouse.move(x + 50, y + 30)
    page.mouse.wheel(0, -400)
    page.locator("#zoom").get_by_text("%").wait_for()
    zoomed = user.rect("after")
    assert user.rect("before") == zoomed
    factor = zoomed[2] / fitted[2]
    assert factor == pytest.approx(np.e, rel=0.01)
    # What is under the pointer stays there.
    assert zoomed[0] == pytest.approx(x + 50 - (x + 50 - fitted[0]) * factor, abs=1.5)
    assert zoomed[1] == pytest.approx(y + 30 - (y + 30 - fitted[1]) * factor, abs=1.5)

    drag(user, (x + 100, y), (x + 60, y + 25))
    moved = user.rect("after")
    assert user.rect("before") == moved
    assert (moved[0] - zoomed[0], moved[1] - zoomed[1]) == (-40, 25)

    page.locator("#stage").focus()
    page.keyboard.press("ArrowRight")
    assert user.rect("before")[0] == moved[0] - 60
    page.keyboard.press("1")
    assert page.locator("#zoom").inner_text() == "100 %"
    assert user.rect("before")[2:] == user.rect("after")[2:] == (160, 128)
    page.keyboard.press("+")
    assert user.rect("before")[2] == user.rect("after")[2] == pytest.approx(240)
    page.keyboard.press("0")
    assert user.rect("before") == user.rect("after") == fitted
    page.get_by_role("button", name="1:1").click()
    assert user.rect("after")[2] == 160
    page.get_by_role("button", name="Fit").click()
    assert user.rect("after") == fitted


def test_one_finger_slides_and_moves_and_two_zoom(visit: Visit, pictures: Path) -> None:
    user = with_picture(visit(**PHONE), pictures)
    page = user.page
    page.locator("#stage").scroll_into_view_if_needed()
    touch = page.context.new_cdp_session(page)

    def fingers(*steps: list[tuple[float, float]]) -> None:
        for number, points in enumerate(steps):
            kind = "touchMove" if number else "touchStart"
            held = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": held})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    x, y = middle(user)
    fingers([(x, y)], [(x + 40, y)], [(x + 80, y)])
    width = user.stage()["width"]
    assert split_of(user) == pytest.approx(50 + 100 * 80 / width, abs=2)

    fitted = user.rect("after")
    fingers([(x - 40, y), (x + 40, y)], [(x - 60, y), (x + 60, y)], [(x - 80, y), (x + 80, y)])
    pinched = user.rect("after")
    assert pinched[2] / fitted[2] == pytest.approx(2, rel=0.05)
    assert user.rect("before") == pinched

    fingers([(x - 100, y + 40)], [(x - 90, y + 40)], [(x - 70, y + 40)])
    moved = user.rect("after")
    assert moved[0] - pinched[0] == pytest.approx(30, abs=1)
    assert user.rect("before") == moved
    assert page.evaluate("scrollX") == 0
