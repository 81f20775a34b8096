"""The page's viewer, as its users handle it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalewise.files import read
from tests.web.browser import User

HANDLE = 24
"""Pixels on either side of the line that its handle covers."""

PART = 'stage => stage.style.getPropertyValue("--split")'
"""The place of the line, from 0 to 1."""

TAG_ROOM = 45
"""Pixels at the stage's top that tags may cover."""

Pixels = NDArray[np.uint8]


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
    """Rows and columns of the screen with nothing but image, as shown in the middle."""
    x, y, width, height = user.rect()
    box = user.stage()
    top, bottom = max(y, box["y"] + TAG_ROOM), min(y + height, box["y"] + box["height"])
    left, right = max(x, box["x"]), min(x + width, box["x"] + box["width"])
    return slice(round(top) + 2, round(bottom) - 2), slice(round(left) + 2, round(right) - 2)


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
