"""The page: images go in, results come out."""

from __future__ import annotations

import io
import shlex
import signal
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from scalewise.files import read
from tests.test_tasks import with_sharpen
from tests.web.conftest import Server, Start, Visit, httpx

WATCH = """() => {
  window.told = [];
  new MutationObserver(() => {
    const row = document.querySelector(".job");
    if (row?.dataset.state !== "running") return;
    const part = row.querySelector(".result progress").value;
    told.push([part, row.querySelector(".state").textContent]);
  }).observe(document.getElementById("jobs"), { subtree: true, childList: true, attributes: true });
}"""


@pytest.mark.parametrize(
    ("name", "model", "saved_as"),
    [
        ("a.png", "scn_x2", "a_x2.png"),
        ("deep.png", "scn_x2", "deep_x2.png"),
        ("b.jpg", "photo_x2 (JPEG quality 60, noise about ", "b_x2.jpg"),
    ],
)
def test_a_dropped_picture_is_saved_as_the_command_line_saves_it(
    visit: Visit,
    pictures: Path,
    tmp_path: Path,
    name: str,
    model: str,
    saved_as: str,
    models: Path,
    call: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = visit()
    user.drop(pictures / name)
    row = user.wait_for(name)
    saved, content = user.download(row.get_by_role("link", name="Download"))
    assert saved == saved_as

    (tmp_path / name).write_bytes((pictures / name).read_bytes())
    command = shlex.split(user.page.locator("#command").text_content())
    assert command[0] == "scalewise"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(import_module("scalewise.weights.resolve"), "RELEASES", models)
    assert call(*command[1:])[0] == 0
    made = tmp_path / saved_as
    assert made.read_bytes() == content
    height, width = read(made).pixels.shape[:2]
    assert f"{width} × {height}, " in row.locator(".state").inner_text()
    told = " ".join(user.compared())
    assert f"{width // 2} × {height // 2}" in told
    assert model in told


def test_progress_is_shown_and_never_goes_back(visit: Visit, pictures: Path) -> None:
    user = visit()
    user.page.evaluate(WATCH)
    user.drop(pictures / "large.png")
    user.wait_for("large.png")
    told = user.page.evaluate("() => told")
    parts = [part for part, _ in told]
    assert parts == sorted(parts)
    assert len({part for part in parts if 0 < part < 1}) >= 2
    assert all(text.startswith("Working: ") for _, text in told), told
    user.page.locator("#news").get_by_text("large.png is done", exact=True).wait_for()


def test_pictures_are_chosen_and_pasted(visit: Visit, pictures: Path) -> None:
    user = visit()
    with user.page.expect_file_chooser() as chooser:
        user.page.get_by_text("Choose images").click()
    chooser.value.set_files(pictures / "a.png")
    user.wait_for("a.png")
    user.paste(pictures / "b.jpg")
    user.wait_for("b.jpg")


def test_what_is_wished_for_is_done(visit: Visit, pictures: Path) -> None:
    user = visit()
    page = user.page
    page.get_by_label("Size", exact=True).select_option("3 times")
    page.get_by_label("Save as").select_option("WebP")
    user.drop(pictures / "a.png")
    row = user.wait_for("a.png")
    saved, content = user.download(row.get_by_role("link", name="Download"))
    assert (saved, content[8:12]) == ("a_x3.webp", b"WEBP")
    assert "240 × 192" in row.locator(".state").inner_text()

    page.get_by_label("What to do").select_option("Remove noise, keep the size")
    assert page.get_by_label("Size", exact=True).is_disabled()
    page.get_by_label("Save as").select_option("The image’s own format")
    page.get_by_label("Strength", exact=True).fill("40")
    row.get_by_role("button", name="Again").click()
    second = row.locator(".result").last
    second.get_by_text("80 × 64").wait_for()
    second.get_by_role("button", name="Compare").click()
    assert "--task denoise --strength 0.4" in page.locator("#command").text_content()

    page.get_by_label("What to do").select_option("Enlarge a clean image")
    assert page.get_by_label("Strength", exact=True).is_disabled()
    page.get_by_label("Size", exact=True).select_option("Width in pixels")
    page.get_by_role("textbox", name="Width in pixels").fill("100")
    row.get_by_role("button", name="Again").click()
    user.row("a.png").get_by_text("100 × 80").wait_for()


def test_a_task_of_another_package_is_offered(
    visit: Visit,
    start: Start,
    pictures: Path,
    small_release: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = with_sharpen(tmp_path / "site", small_release)
    monkeypatch.setenv("PYTHONPATH", environment["PYTHONPATH"])
    user = visit(start(fresh=True))
    user.page.get_by_label("What to do").select_option("Sharpen and enlarge")
    assert user.page.locator("#hint").inner_text() == "For soft images."
    user.drop(pictures / "a.png")
    user.wait_for("a.png")
    assert "small" in " ".join(user.compared())


def test_the_command_is_copied(visit: Visit, pictures: Path) -> None:
    user = visit(permissions=["clipboard-read", "clipboard-write"])
    user.drop(pictures / "a.png")
    user.wait_for("a.png")
    user.page.locator("#viewer .details summary").click()
    user.page.get_by_role("button", name="Copy").click()
    user.page.get_by_role("button", name="Copied").wait_for()
    copied = user.page.evaluate("() => navigator.clipboard.readText()")
    assert copied == user.page.locator("#command").text_content()
    assert copied.startswith("scalewise upscale a.png")


def test_many_are_queued_and_saved_as_one_zip(visit: Visit, pictures: Path) -> None:
    user = visit()
    names = ["a.png", "deep.png", "b.jpg"]
    user.drop(*(pictures / name for name in names))
    results = dict(
        user.download(user.wait_for(name).get_by_role("link", name="Download")) for name in names
    )
    saved, content = user.download(user.page.get_by_role("link", name="Download all as one zip"))
    assert saved.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == results
    assert sorted(results) == ["a_x2.png", "b_x2.jpg", "deep_x2.png"]


def test_cancelling_ends_the_job_and_lets_the_next_one_in(
    visit: Visit, quick_server: Server, pictures: Path
) -> None:
    user = visit()
    with user.page.expect_response("**/v1/restore") as sent:
        user.drop(pictures / "large.png")
    job = sent.value.json()["id"]
    row = user.wait_for("large.png", "running")
    user.drop(pictures / "a.png")
    user.wait_for("a.png", "waiting")
    row.get_by_role("button", name="Cancel").click()
    user.wait_for("large.png", "ready")
    user.wait_for("a.png")
    assert quick_server.get(f"v1/jobs/{job}").status_code == 404
    assert quick_server.get(f"v1/jobs/{job}/result").status_code == 404


def test_a_file_that_is_no_picture_is_refused_and_the_others_are_not(
    visit: Visit, pictures: Path
) -> None:
    user = visit()
    named = "<img src=x onerror=alert(1)>.png"
    user.drop((named, b"<svg onload='alert(1)'/>"), pictures / "a.png")
    user.wait_for("a.png")
    refusal = user.wait_for(named, "refused").locator(".state").inner_text()
    assert "not an image in a format known here" in refusal.lower()
    assert user.page.locator("img[src=x]").count() == 0


def test_a_picture_that_ends_too_early_fails_alone(visit: Visit, pictures: Path) -> None:
    user = visit()
    whole = (pictures / "large.png").read_bytes()
    cut = {f"{percent}.png": whole[: percent * len(whole) // 100] for percent in (2, 50)}
    user.drop(*cut.items(), pictures / "a.png")
    user.wait_for("a.png")
    for name in cut:
        row = user.wait_for(name, "refused")
        assert "Truncated" in row.locator(".state").inner_text()
        assert row.get_by_role("link", name="Download").count() == 0


def test_files_too_large_are_refused_before_they_are_sent(
    visit: Visit, start: Start, pictures: Path
) -> None:
    user = visit(start("--max-megabytes", "0.05", "--max-megapixels", "0.004"))
    asked: list[str] = []
    user.page.on("request", lambda request: asked.append(request.method))
    user.drop(("big.png", b"\x89PNG" + bytes(60_000)))
    refusal = user.wait_for("big.png", "refused").locator(".state").inner_text()
    assert "60 KB" in refusal
    assert "limit here is 50 KB" in refusal
    assert "POST" not in asked

    user.drop(pictures / "a.png")  # few bytes, but too many pixels
    refusal = user.wait_for("a.png", "refused").locator(".state").inner_text()
    assert "megapixels" in refusal


def test_a_full_server_is_asked_again_when_it_said(
    visit: Visit, start: Start, models: Path, pictures: Path
) -> None:
    full = start("--max-waiting", "1", models=models)
    user = visit(full)
    user.drop(pictures / "large.png", pictures / "a.png")
    user.row("a.png").get_by_text("The server is busy; trying again in").wait_for()
    user.wait_for("large.png")
    user.wait_for("a.png")


def test_a_reload_loses_nothing(visit: Visit, pictures: Path) -> None:
    user = visit()
    user.drop(pictures / "a.png", pictures / "large.png")
    user.wait_for("a.png")
    user.wait_for("large.png", "running")
    user.page.reload()
    user.wait_for("large.png")
    user.row("a.png").get_by_role("button", name="Compare").click()
    assert user.page.locator("#viewed").inner_text() == "a.png"
    _, content = user.download(user.row("a.png").get_by_role("link", name="Download"))
    assert content[:4] == b"\x89PNG"


def test_a_killed_server_keeps_what_was_done_and_gets_the_rest_again(
    visit: Visit, start: Start, models: Path, pictures: Path, tmp_path: Path
) -> None:
    first = start(folder=tmp_path, models=models)
    user = visit(first)
    user.drop(pictures / "a.png")
    row = user.wait_for("a.png")
    before = user.download(row.get_by_role("link", name="Download"))[1]
    user.drop(pictures / "large.png")
    user.wait_for("large.png", "running")
    first.stop(signal.SIGKILL)
    user.wait_for("large.png", "unreachable")
    port = first.address.rstrip("/").rpartition(":")[2]
    again = start("--port", port, folder=tmp_path, models=models)
    user.wait_for("large.png")
    assert [view["state"] for view in again.get("v1/jobs").json()] == ["done", "done"]
    assert user.page.locator("#others").is_hidden()
    after = user.download(user.row("a.png").get_by_role("link", name="Download"))[1]
    assert after == before
    user.row("a.png").get_by_role("button", name="Compare").click()
    user.page.get_by_text("The original is no longer on the server").wait_for()
    assert user.page.locator("#hold").is_hidden()


def test_a_token_is_asked_once(visit: Visit, start: Start, models: Path, pictures: Path) -> None:
    server = start("--host", "0.0.0.0", models=models)
    user = visit(server)
    assert "token" not in user.page.url
    user.drop(pictures / "a.png")
    user.wait_for("a.png")
    bare = server.address.partition("?")[0]
    assert httpx.get(f"{bare}v1/models").status_code == 401
