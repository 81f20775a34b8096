"""The page's list: many images, several results of one, reloads and restarts."""

from __future__ import annotations

import io
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np

from scalewise.files import read
from tests.web.browser import PHONE, User
from tests.web.conftest import Server, Start, Visit, httpx

DRAGGED = """row => {
  const transfer = new DataTransfer();
  row.dispatchEvent(new DragEvent("dragstart", { dataTransfer: transfer, bubbles: true }));
  return transfer.getData("DownloadURL");
}"""

NOTIFY = """() => {
  window.asked = 0;
  window.notes = [];
  window.Notification = class {
    static permission = "default";
    static async requestPermission() { asked += 1; return (this.permission = "granted"); }
    constructor(text) { notes.push(text); }
  };
  Object.defineProperty(document, "hidden", { get: () => window.isHidden ?? false });
}"""


def names(user: User) -> list[str]:
    return user.page.locator("#jobs .name").all_inner_texts()


def state(user: User, name: str) -> str:
    return user.row(name).locator(".state:visible").inner_text()


def port_of(server: Server) -> str:
    return server.address.rstrip("/").rpartition(":")[2]


def open_another(user: User) -> User:
    """Open the same page in another tab of the same browser."""
    page = user.page.context.new_page()
    page.goto(user.page.url)
    page.locator("#limits:not(:empty)").wait_for()
    return User(page)


def test_screen_readers_hear_of_failures(visit: Visit) -> None:
    user = visit()
    user.drop(("none.png", b"no picture"), ("nothing.png", b""))
    news = user.page.locator("#news")
    news.get_by_text("nothing.png: This file is empty").wait_for()
    news.get_by_text(re.compile("none.png: .*not an image", re.IGNORECASE)).wait_for()


def test_names_of_files_keep_their_letters(visit: Visit, start: Start, pictures: Path) -> None:
    user = visit(start("--max-megapixels", "0.004"))
    user.drop(pictures / "a.png")
    user.wait_for("a.png", "refused")
    assert state(user, "a.png").startswith("a.png has ")


def test_time_left_in_words(visit: Visit) -> None:
    call = "async all => all.map((await import('/page/format.js')).timeLeft)"
    words = ["less than a second left", "about 12 s left", "about 10 min left"]
    assert visit().page.evaluate(call, [0.4, 12, 600]) == words


RUNNING = """async () => {
  const { ImageList } = await import("/page/list.js");
  const { makeImage, makeResult } = await import("/page/images.js");
  const image = makeImage({ name: "a.png", state: "ready" });
  const view = { id: "x", state: "running", done: 0.5, seconds_left: 40 };
  image.results.push(makeResult(image, { state: "running", view, heard: Date.now() }));
  const { results } = image;
  const none = { others: [], done: [], retriable: [], startable: [] };
  const queue = { images: [image], results, underway: results, ...none };
  new ImageList(Object.assign(new EventTarget(), queue), {}).draw();
}"""


def test_the_time_left_goes_down_between_two_tiles(visit: Visit) -> None:
    user = visit()
    user.page.evaluate(RUNNING)
    for seconds in (40, 38):
        user.row("a.png").get_by_text(f"Working: 50 %, about {seconds} s left").wait_for()


def test_many_fill_the_list_from_the_top(visit: Visit, pictures: Path) -> None:
    user = visit()
    page = user.page
    page.evaluate("() => { window.seen = []; }")
    page.evaluate(
        """() => new MutationObserver(() => {
          const text = document.getElementById("overall-text").textContent;
          if (text && text !== seen.at(-1)?.[0]) seen.push([text, document.title]);
        }).observe(document.getElementById("overall-text"), { childList: true })"""
    )
    content = (pictures / "a.png").read_bytes()
    given = [f"{number:02}.png" for number in range(1, 13)]
    user.drop(*((name, content) for name in given))
    user.wait_for(given[-1])
    assert names(user) == given
    zip_link = page.get_by_role("link", name="Download all as one zip").bounding_box()
    assert zip_link["y"] < page.locator("#jobs").bounding_box()["y"]
    assert_thumbnail(user, given[5], pictures / "a.png")

    seen = page.evaluate("() => seen")
    parts = [re.fullmatch(r"(\d+) of 12 done(, .* left)?", text) for text, _ in seen]
    assert all(parts), seen
    counts = [int(part[1]) for part in parts if part]
    assert counts == sorted(counts)
    assert any(part[2] for part in parts if part), "no time was shown"
    assert any(re.match(r"\d+ %, \d+ of 12 · ", title) for _, title in seen), seen
    page.locator("#overall").wait_for(state="hidden")
    assert page.title().startswith("scalewise")

    user.drop(("newest.png", content))
    user.wait_for("newest.png")
    assert names(user)[:2] == ["newest.png", given[0]]


def assert_thumbnail(user: User, name: str, file: Path) -> None:
    """Compare a thumbnail with its image, both shrunken to their mean colours in a 4 x 4 grid."""
    from PIL import Image

    thumbnail = user.row(name).locator(".thumbnail img")
    thumbnail.evaluate("image => image.decode()")
    assert "/overview?size=96" in thumbnail.get_attribute("src")
    shot = Image.open(io.BytesIO(thumbnail.screenshot())).convert("RGB")
    pixels = read(file).pixels
    excess = (pixels.shape[1] - pixels.shape[0]) // 2  # a square is cut out
    square = Image.fromarray(pixels[:, excess : pixels.shape[1] - excess])
    wanted, seen = (
        np.asarray(image.resize((4, 4), Image.Resampling.BOX)).astype(int)[1:3, 1:3]
        for image in (square, shot)
    )
    assert np.abs(wanted - seen).max() < 12


def test_a_second_setting_is_a_second_result(visit: Visit, pictures: Path, tmp_path: Path) -> None:
    user = visit()
    user.drop(pictures / "a.png")
    row = user.wait_for("a.png")
    user.page.get_by_label("Size", exact=True).select_option("3 times")
    row.get_by_role("button", name="Again").click()
    row.get_by_text("240 × 192").wait_for()
    assert names(user) == ["a.png"]
    command = user.page.locator("#command")
    # It was asked for while the first was shown, and follows it there.
    command.and_(user.page.get_by_text("--scale 3")).wait_for(state="attached")
    links = row.get_by_role("link", name="Download")
    sizes: list[tuple[str, tuple[int, ...]]] = []
    for link in links.all():
        saved, content = user.download(link)
        (tmp_path / saved).write_bytes(content)
        sizes.append((saved, read(tmp_path / saved).pixels.shape[:2]))
    assert sizes == [("a_x2.png", (128, 160)), ("a_x3.png", (192, 240))]

    first = row.locator(".result").first
    first.get_by_role("button", name="Compare").click()
    assert "--scale 3" not in command.text_content()
    first.get_by_role("button", name="Delete").click()
    row.get_by_text("160 × 128").wait_for(state="detached")
    assert row.get_by_text("240 × 192").is_visible()


def test_cancel_all_and_start_all(visit: Visit, quick_server: Server, pictures: Path) -> None:
    user = visit()
    page = user.page
    page.get_by_label("Size", exact=True).select_option("4 times")  # so that it takes a while
    given = [pictures / "large.png", pictures / "a.png", pictures / "b.jpg"]
    user.drop(*given)
    user.wait_for("large.png", "running")
    user.wait_for("b.jpg", "waiting")
    page.get_by_role("button", name="Cancel all").click()
    for path in given:
        user.wait_for(path.name, "ready")
    assert quick_server.get("v1/jobs").json() == []
    page.get_by_role("button", name="Start all (3)").click()
    for path in given:
        user.wait_for(path.name)


def test_retry_all(visit: Visit, start: Start, pictures: Path) -> None:
    user = visit(start("--max-megapixels", "0.006"))
    user.page.get_by_label("Size", exact=True).select_option("3 times")
    given = ["a.png", "b.jpg"]
    user.drop(*(pictures / name for name in given))
    for name in given:
        user.wait_for(name, "failed")
        assert "the result would have" in state(user, name).lower()
    sent: list[int] = []

    def are_both(response: Any) -> bool:
        if response.url.endswith("/v1/restore"):
            sent.append(response.status)
        return len(sent) == 2

    with user.page.expect_response(are_both):
        user.page.get_by_role("button", name="Retry all (2)").click()
    assert sent == [413, 413]
    for name in given:
        user.wait_for(name, "failed")


def test_unsent_files_survive_a_reload_with_their_settings(
    visit: Visit, start: Start, models: Path, pictures: Path, tmp_path: Path
) -> None:
    first = start(folder=tmp_path, models=models)
    user = visit(first)
    page = user.page
    warnings: list[str] = []
    page.on("dialog", lambda dialog: warnings.append(dialog.type))
    page.get_by_label("Size", exact=True).select_option("3 times")
    first.stop(signal.SIGKILL)
    user.drop(pictures / "a.png")
    user.wait_for("a.png", "unreachable")
    page.wait_for_function(
        """() => new Promise(resolve => {
          const request = indexedDB.open("scalewise");
          request.onsuccess = () => {
            const store = request.result.transaction("files").objectStore("files");
            store.count().onsuccess = event => {
              request.result.close();
              resolve(event.target.result === 1);
            };
          };
        })"""
    )
    start("--port", port_of(first), folder=tmp_path, models=models)
    page.locator("header").click()  # browsers ask only users who did something on the page
    page.reload()
    user.wait_for("a.png").get_by_text("240 × 192").wait_for()
    assert warnings == ["beforeunload"]
    page.reload()
    user.wait_for("a.png")
    assert warnings == ["beforeunload"], "nothing was unsent"


def test_after_a_restart_everything_is_sent_again(
    visit: Visit, start: Start, models: Path, pictures: Path, tmp_path: Path
) -> None:
    first = start(folder=tmp_path, models=models)
    user = visit(first)
    user.drop(pictures / "large.png", pictures / "a.png", pictures / "b.jpg")
    user.wait_for("large.png", "running")
    user.wait_for("b.jpg", "waiting")
    user.page.reload()
    user.wait_for("large.png", "running")
    first.stop(signal.SIGKILL)
    user.wait_for("a.png", "unreachable")
    start("--port", port_of(first), folder=tmp_path, models=models)
    for name in ("large.png", "a.png", "b.jpg"):
        user.wait_for(name)
    assert len(names(user)) == 3


def test_results_are_listed_after_the_tab_was_closed(visit: Visit, pictures: Path) -> None:
    user = visit()
    user.drop(pictures / "a.png")
    wanted = user.download(user.wait_for("a.png").get_by_role("link", name="Download"))
    context = user.page.context
    url = user.page.url
    user.page.close()
    again = User(context.new_page())
    again.page.goto(url)
    row = again.wait_for("a.png")
    assert user_download(again, row) == wanted

    other = visit()  # another browser, which knows nothing of it
    other.page.get_by_text("Other results on this server (1)").wait_for()
    row = other.page.locator("#other-jobs .job")
    row.get_by_text("160 × 128").wait_for()
    assert user_download(other, row) == wanted
    assert names(other) == []


def user_download(user: User, row: Any) -> tuple[str, bytes]:
    return user.download(row.get_by_role("link", name="Download"))


def test_another_tab_sends_nothing_twice(
    visit: Visit, quick_server: Server, pictures: Path
) -> None:
    user = visit()
    user.drop(pictures / "large.png", pictures / "a.png")
    other = open_another(user)
    user.wait_for("a.png")
    other.page.get_by_text("Other results on this server (2)").wait_for()
    assert names(other) == []
    assert len(quick_server.get("v1/jobs").json()) == 2


def test_results_that_are_gone_do_not_say_done(
    visit: Visit, quick_server: Server, pictures: Path
) -> None:
    user = visit()
    user.drop(pictures / "a.png")
    row = user.wait_for("a.png")
    (job,) = quick_server.get("v1/jobs").json()
    httpx.delete(quick_server.url(f"v1/jobs/{job['id']}"))
    user.wait_for("a.png", "expired")
    assert state(user, "a.png") == "No longer kept on the server"
    assert row.get_by_role("link", name="Download").count() == 0
    row.get_by_role("button", name="Retry").click()
    user.wait_for("a.png")


def test_one_stream_of_events_serves_all(visit: Visit, pictures: Path) -> None:
    user = visit()
    asked: list[str] = []
    user.page.on("request", lambda request: asked.append(request.url))
    user.reload()
    user.drop(pictures / "a.png", pictures / "deep.png", pictures / "b.jpg")
    for name in ("a.png", "deep.png", "b.jpg"):
        user.wait_for(name)
    asked = asked[asked.index(user.page.url) :]  # without late requests of the page before
    assert sum(url.endswith("/v1/events") for url in asked) == 1
    assert [url for url in asked if re.search(r"/v1/jobs(/[\w-]+)?($|\?)", url)] == []


def test_a_job_that_ended_before_the_stream_of_events_began_is_done(
    visit: Visit, quick_server: Server, pictures: Path
) -> None:
    user = visit()
    held: list[Any] = []
    user.page.route("**/v1/events", lambda route: held.append(route))
    user.reload()
    user.drop(pictures / "a.png")
    accepted = ", ".join(f"[data-state={state}]" for state in ("waiting", "running", "done"))
    user.row("a.png").and_(user.page.locator(accepted)).wait_for()
    (job,) = quick_server.get("v1/jobs").json()
    assert quick_server.done(job["id"])["state"] == "done"
    held.pop().continue_()
    user.wait_for("a.png")


def test_a_result_is_dragged_out(visit: Visit, pictures: Path) -> None:
    user = visit()
    user.drop(pictures / "a.png")
    row = user.wait_for("a.png")
    dragged = row.locator(".result").evaluate(DRAGGED)
    kind, name, address = dragged.split(":", 2)
    assert (kind, name) == ("image/png", "a_x2.png")
    assert httpx.get(address).content == user_download(user, row)[1]


def test_a_notification_is_asked_for_by_a_click_only(visit: Visit, pictures: Path) -> None:
    user = visit()
    page = user.page
    page.add_init_script(f"({NOTIFY})()")
    user.reload()
    user.drop(pictures / "a.png")
    user.wait_for("a.png")
    assert page.evaluate("() => [asked, notes.length]") == [0, 0]
    page.get_by_role("button", name="Notify me").click()
    page.locator("#notify[aria-pressed=true]").wait_for()
    assert page.evaluate("() => asked") == 1
    page.evaluate("() => { window.isHidden = true; }")
    user.drop(pictures / "b.jpg", pictures / "deep.png")
    user.wait_for("deep.png")
    page.wait_for_function("() => notes.length")
    assert page.evaluate("() => notes") == ["2 images are finished"]
    assert page.title().startswith("Finished")


def test_a_phone_scrolls_to_the_first_finished_image(visit: Visit, pictures: Path) -> None:
    user = visit(**PHONE)
    user.drop(pictures / "a.png")
    user.wait_for("a.png")
    user.page.wait_for_function("() => scrollY > 0")
    stage = user.stage()
    assert stage["y"] >= 0
    assert stage["y"] + stage["height"] <= PHONE["viewport"]["height"]
