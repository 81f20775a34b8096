"""The page's list: what is removed, what is said in its rows, and what waits."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.web.browser import PHONE
from tests.web.conftest import Server, Visit

UNDO_SECONDS = 10


def test_a_removal_can_be_undone_before_anything_is_deleted(
    visit: Visit, quick_server: Server, pictures: Path
) -> None:
    user = visit(**PHONE)
    page = user.page
    user.drop(pictures / "a.png")
    user.wait_for("a.png")
    (job,) = quick_server.get("v1/jobs").json()
    result = f"v1/jobs/{job['id']}/result"
    page.clock.install()
    remove = page.get_by_role("button", name="Remove: a.png")
    box = remove.bounding_box()
    assert min(box["width"], box["height"]) >= 44
    remove.click()
    row = user.wait_for("a.png", "removed")
    assert "deleted in 10 s" in row.inner_text()
    undo = row.get_by_role("button", name="Undo")
    assert undo.evaluate("e => e === document.activeElement")
    assert page.locator("#viewer").is_hidden()
    undo.click()
    user.wait_for("a.png").get_by_role("link", name="Download").wait_for()
    page.clock.fast_forward(1000 * (UNDO_SECONDS + 1))
    assert quick_server.get(result).status_code == 200

    # A page that is left before deletes nothing.
    remove.click()
    user.wait_for("a.png", "removed")
    user.reload()
    user.wait_for("a.png").get_by_role("link", name="Download").wait_for()

    other = visit().page  # another browser
    other.clock.install()
    other.locator("#other-jobs").get_by_role("button", name="Remove: a.png").click()
    other.locator("#other-jobs").get_by_role("button", name="Undo").wait_for()
    assert quick_server.get(result).status_code == 200
    with other.expect_response(f"**/v1/jobs/{job['id']}"):  # its upload is deleted separately
        other.clock.fast_forward(1000 * (UNDO_SECONDS + 1))
    assert quick_server.get(result).status_code == 404
    other.locator("#others").wait_for(state="hidden")
    user.wait_for("a.png", "expired")


def test_rows_and_viewer_say_what_was_left_out(visit: Visit, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    user = visit()
    user.drop(tmp_path / "moving.gif")
    row = user.wait_for("moving.gif")
    for place in (row.locator(".note"), user.page.locator("#notes")):
        assert re.fullmatch(r"Note: .*3 frames.*\.", place.inner_text())
    several = "async () => (await import('/page/states.js')).notes({warnings: ['one', 'two.']})"
    assert user.page.evaluate(several) == "2 notes: (1) One. (2) Two."


def test_rows_are_dense_and_the_settings_stay_in_sight(visit: Visit, pictures: Path) -> None:
    user = visit(viewport={"width": 1280, "height": 900})
    content = (pictures / "a.png").read_bytes()
    names = [f"{number}.png" for number in range(6)]
    user.drop(*((name, content) for name in names))
    user.wait_for(names[-1])
    assert user.row(names[0]).bounding_box()["height"] < 135
    page = user.page
    page.locator("#task").select_option("photo")
    page.locator("#size").select_option("width")
    last = page.locator("#start").bounding_box()
    assert last["y"] + last["height"] < 900
    assert page.evaluate("scrollY") == 0
    clipped = """() => ["task", "size"].filter(id => {
      const select = document.getElementById(id);
      const free = select.cloneNode();
      free.append(new Option(select.selectedOptions[0].text));
      select.parentElement.append(free);
      free.style.cssText = "position: absolute; width: max-content";
      const isClipped = free.offsetWidth > select.offsetWidth + 1;
      free.remove();
      return isClipped;
    })"""
    assert page.evaluate(clipped) == []


def test_a_long_list_leaves_the_settings_in_reach_of_a_thumb(visit: Visit) -> None:
    user = visit(**PHONE)
    page = user.page
    summary, fields = page.locator("#options summary"), page.locator("#options .fields")
    user.drop(*((f"{number}.txt", b"no picture") for number in range(30)))
    user.wait_for("29.txt", "refused")
    box = summary.bounding_box()
    assert box["y"] + box["height"] < 844
    assert box["height"] >= 44
    assert box["y"] < user.row("0.txt").bounding_box()["y"]
    assert not fields.is_visible()
    assert summary.inner_text().split("\n")[-1].endswith("Whatever suits the image, 2 times")
    summary.tap()
    page.locator("#size").select_option("width")
    page.locator("#width").fill("900")
    page.locator("#task").select_option("super-resolution")
    summary.tap()
    assert not fields.is_visible()
    assert summary.inner_text().endswith("Enlarge a clean image, 900 pixels wide")
    page.set_viewport_size({"width": 1280, "height": 900})
    fields.wait_for()
    assert summary.bounding_box()["y"] > user.row("0.txt").bounding_box()["y"]
    assert not page.locator("#digest").is_visible()


def test_a_name_is_the_files_own(visit: Visit, pictures: Path) -> None:
    user = visit()
    for name, saved in {
        "a%22b.png": "a%22b_x2.png",
        "a%0Ab%0D%25.png": "a%0Ab%0D%25_x2.png",
        'a"b.png': "a_b_x2.png",  # as Chromium saves it
    }.items():
        user.drop((name, (pictures / "a.png").read_bytes()))
        row = user.wait_for(name)
        assert user.download(row.get_by_role("link", name="Download"))[0] == saved
        row.get_by_role("button", name="Compare").click()
        user.page.locator("#viewed").get_by_text(name, exact=True).wait_for()
        command = user.page.locator("#command").text_content()
        assert command == f"scalewise upscale {shlex.quote(name)}"


def test_the_page_stays_where_a_user_types(visit: Visit, pictures: Path) -> None:
    user = visit(**PHONE)
    page = user.page
    page.locator("#options summary").tap()
    field = page.locator("#quality")
    held: list[Any] = []
    page.route("**/v1/restore", lambda route: held.append(route))
    user.drop(pictures / "a.png")
    field.tap()
    page.keyboard.type("5")
    while not held:
        page.wait_for_timeout(20)
    before = field.bounding_box()["y"]
    held[0].continue_()
    user.wait_for("a.png")
    user.loaded()
    assert field.bounding_box()["y"] == pytest.approx(before, abs=2)
    assert field.evaluate("e => e === document.activeElement")


def test_what_a_part_keeps_waiting_is_said_and_started(visit: Visit, pictures: Path) -> None:
    user = visit()
    page = user.page
    page.locator("#try-file").set_input_files(pictures / "a.png")
    page.locator("#panel:not(.empty)").wait_for()
    user.drop(pictures / "b.jpg", pictures / "deep.png")
    page.locator("#held").get_by_text("2 images wait while a part is tried").wait_for()
    page.locator("#waiting").get_by_text("2 other images wait.").wait_for()
    page.get_by_role("button", name="Start them").click()
    user.wait_for("deep.png")
    assert user.row("a.png").get_attribute("data-state") == "ready"
    page.keyboard.press("Escape")
    page.locator("#panel").wait_for(state="hidden")
    assert user.row("a.png").locator(".name").evaluate("e => e === document.activeElement")
    page.locator("#held").get_by_text("1 image waits to be started").wait_for()

    user.row("a.png").get_by_role("button", name="Try a part").click()
    user.drop(("late.png", (pictures / "a.png").read_bytes()))
    user.wait_for("late.png", "ready")
    page.get_by_role("button", name="Restore the whole image").click()
    user.wait_for("late.png")


def test_the_viewers_keys_work_after_compare(visit: Visit, pictures: Path) -> None:
    user = visit()
    page = user.page
    user.drop(pictures / "a.png")
    user.wait_for("a.png").get_by_role("button", name="Compare").click()
    page.locator("#stage:focus").wait_for()
    width = user.rect()[2]
    page.get_by_role("radio", name="Original pixels").check()
    page.keyboard.press("1")
    assert user.rect()[2] == 160 < width
    page.locator("#quality").fill("")
    page.locator("#quality").press("0")
    assert user.rect()[2] == 160
    page.locator("#quality").blur()
    page.keyboard.down("b")
    page.locator("#stage.held").wait_for()
    page.keyboard.up("b")
    page.locator("#stage:not(.held)").wait_for()
    page.keyboard.press("0")
    assert user.rect()[2] == width


RUN = """async () => {
  const { overall } = await import("/page/overall.js");
  const { imageFrom, makeImage, makeResult, recordOf } = await import("/page/images.js");
  const states = ["done", "done", "running", "waiting"];
  const images = states.map((state, index) => {
    const image = makeImage({ upload: { id: "u" }, state: "ready" });
    const run = index ? 7 : 3; // the first ended before the others began
    image.results.push(makeResult(image, { state, run, view: { id: `${index}`, done: 0 } }));
    return image;
  });
  const kept = images.map((image) => imageFrom(recordOf(image)));
  const of = (all) => overall(all.flatMap((image) => image.results));
  return [of(images), of(kept)].map(({ ended, total }) => `${ended} of ${total}`);
}"""


def test_a_reload_goes_on_counting(visit: Visit) -> None:
    assert visit().page.evaluate(RUN) == ["1 of 3", "1 of 3"]


SIZES = [
    ("desk", 192, 5, 800, 470, 1, (3, 1)),
    ("desk-4x", 384, 5, 800, 470, 1, (2, 1)),
    ("wide", 192, 5, 1900, 850, 1, (5, 2)),
    ("phone", 192, 5, 358, 300, 3, (2, 3)),
    ("dense", 192, 5, 800, 380, 2, (3, 2)),
]


def test_previews_are_shown_in_whole_pixels(visit: Visit, pictures: Path) -> None:
    user = visit(viewport={"width": 1280, "height": 900})
    page = user.page
    call = """async ([pixels, count, width, height, ratio]) => {
      const { arrange } = await import("/page/preview_layout.js");
      const around = { width: 18, height: 104, gap: 11 };
      const previews = { width: pixels, height: pixels, count };
      const { columns, times } = arrange(previews, { width, height }, around, ratio);
      return [columns, times];
    }"""
    for name, *given, wanted in SIZES:
        assert page.evaluate(call, given) == list(wanted), name
    page.locator("#try-file").set_input_files(pictures / "b.jpg")
    page.locator("#panel:not(.empty):not(.fetching)").wait_for()
    sides = """all => all.map(e => [e.width, e.height, e.clientWidth, e.clientHeight])"""
    shown = page.locator("#tried canvas").evaluate_all(sides)
    assert {(wide, high) for *_, wide, high in shown} == {(160, 128)}  # all of the 80 x 64 pixels
    assert {tuple(each[:2]) for each in shown} == {(80, 64), (160, 128)}
    assert "shown at 200 %" in page.locator("#original").inner_text()
    assert page.get_by_text("shown at 100 %").count() == 0


def test_a_long_list_scrolls_alone(visit: Visit, quick_server: Server, pictures: Path) -> None:
    for _ in range(8):
        quick_server.send(pictures / "a.png", wait="false")
    user = visit(viewport={"width": 1280, "height": 900})
    page = user.page
    page.locator("#other-jobs > li").nth(7).wait_for()
    assert page.locator(".desk").evaluate("e => e.scrollHeight > e.clientHeight")
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") == 0
