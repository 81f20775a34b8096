"""Dropped and chosen folders of the page, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.browser import User
from tests.web.conftest import Server, Visit

LOCK = """() => {
  const slice = Blob.prototype.slice;
  Blob.prototype.slice = function (...range) {
    if (this.name === "locked.png") throw new DOMException("not permitted", "NotReadableError");
    return slice.apply(this, range);
  };
}"""
"""Make the browser refuse to read a file, as it does without the permission."""


def names(user: User) -> list[str]:
    return user.page.locator("#jobs .name").all_inner_texts()


def state(user: User, name: str) -> str:
    return user.row(name).locator(".state:visible").inner_text()


@pytest.fixture
def folder(tmp_path: Path, pictures: Path) -> Path:
    """A folder with two images, one of them in a folder of its own, and four other files."""
    folder = tmp_path / "trip"
    (folder / "day 2").mkdir(parents=True)
    (folder / "a.png").write_bytes((pictures / "a.png").read_bytes())
    (folder / "day 2" / "b.jpg").write_bytes((pictures / "b.jpg").read_bytes())
    (folder / "none.png").write_bytes(b"no image at all")
    (folder / "empty.jpg").touch()
    (folder / "notes.txt").write_text("Where we were.")
    (folder / ".DS_Store").write_text("clutter")
    return folder


FROM_CHOOSER = """async given => {
  const { fromChooser } = await import("/page/dropping.js");
  const limits = { max_bytes: 1e6, formats: [{ suffixes: [".png"], reads: true }] };
  const files = Object.entries(given).map(([path, text]) => {
    const bytes = Uint8Array.from(text, letter => letter.charCodeAt(0));
    const file = new File([bytes], path.split("/").pop());
    return Object.defineProperty(file, "webkitRelativePath", { value: path });
  });
  return (await fromChooser(files, limits)).map(({ path, problem }) => [path, problem]);
}"""


def assert_folder(user: User) -> None:
    user.wait_for("a.png")
    assert "trip/day 2" in user.wait_for("b.jpg").locator(".about").inner_text()
    user.wait_for("none.png", "refused")
    assert state(user, "empty.jpg") == "This file is empty"
    assert "not an image" in state(user, "notes.txt").lower()
    assert "not an image" in state(user, "none.png").lower()
    assert ".DS_Store" not in names(user)


def test_a_dropped_folder_is_walked_and_each_failure_is_a_row(
    visit: Visit, folder: Path, tmp_path: Path
) -> None:
    user = visit()
    (tmp_path / "nothing").mkdir()
    user.drop_paths(tmp_path / "nothing", folder)
    assert_folder(user)
    assert state(user, "nothing") == "This folder is empty"
    assert names(user) == ["nothing", "a.png", "b.jpg", "empty.jpg", "none.png", "notes.txt"]


def test_a_folder_is_chosen(visit: Visit, quick_server: Server, folder: Path) -> None:
    user = visit()
    with user.page.expect_file_chooser() as chooser:
        user.page.get_by_text("Choose a folder").click()
    chooser.value.set_files(folder)
    assert_folder(user)
    assert len(names(user)) == 5
    folders = {job["name"]: job["folder"] for job in quick_server.get("v1/jobs").json()}
    assert folders == {"a.png": "trip", "b.jpg": "trip/day 2"}


def test_what_a_folder_holds_is_judged_by_content_and_only_clutter_is_silent(
    visit: Visit,
) -> None:
    """Files of a folder as the chooser returns them; drops take the same ways."""
    user = visit()
    png, bitmap = "\x89PNG\r\n\x1a\n", f"BM{12 * chr(0)}\x28\0\0\0"
    given = {
        **dict.fromkeys(("t/.hidden.png", "t/..png", "t/plain", "t/.git/a.png"), png),
        **dict.fromkeys(("t/.git/objects/b.png", "t/sub/._a.png", "t/__MACOSX/a.png"), png),
        **dict.fromkeys(("t/.DS_Store", "t/Thumbs.db", "t/sub/desktop.ini", "t/notes"), "text"),
        **{"t/sub/photo.old": bitmap, "t/film.mp4": "\0\0\0\x20ftypisom"},
    }
    found = user.page.evaluate(FROM_CHOOSER, given)
    said = dict(found)
    assert len(said) == len(found)
    usable = {path for path, problem in found if not problem}
    assert usable == {"t/.hidden.png", "t/..png", "t/plain", "t/sub/photo.old"}
    assert {path for path, problem in found if problem} == {"t/film.mp4", "t/notes", "t/.git"}
    assert "hidden" in said["t/.git"]
    assert "not an image" in said["t/notes"]


def test_a_file_that_cannot_be_read_or_is_empty_keeps_no_other_back(
    visit: Visit, pictures: Path
) -> None:
    user = visit()
    user.page.evaluate(LOCK)
    content = (pictures / "a.png").read_bytes()
    user.drop(("locked.png", content), ("nothing.png", b""), pictures / "a.png")
    user.wait_for("a.png")
    assert "cannot be read" in state(user, "locked.png")
    assert state(user, "nothing.png") == "This file is empty"
    told = user.page.locator("#news")
    told.get_by_text("a.png is done").wait_for()
