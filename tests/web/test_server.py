"""The HTTP interface, of a real server."""

from __future__ import annotations

import io
import shlex
import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scalewise.files import read
from tests.web.conftest import Server, Start, httpx


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("deep.png", {"task": "upscale", "scale": 1.5}),
        ("b.jpg", {"strength": 0.5}),
        ("a.png", {"width": 100, "format": "webp", "model": "scn_x2"}),
    ],
)
def test_a_result_is_what_the_command_line_makes(
    server: Server,
    pictures: Path,
    tmp_path: Path,
    name: str,
    fields: dict[str, object],
    call: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = server.send(pictures / name, **fields)
    assert sent.status_code == 202
    job = sent.json()
    assert sent.headers["location"] == f"/v1/jobs/{job['id']}"
    view = server.done(job["id"])
    assert (view["state"], view["done"], view["problem"]) == ("done", 1.0, None)
    answer = server.get(f"v1/jobs/{job['id']}/result")
    assert f'filename="{view["result_name"]}"' in answer.headers["content-disposition"]

    (tmp_path / name).write_bytes((pictures / name).read_bytes())
    command = shlex.split(str(view["command"]))
    assert command[0] == "scalewise"
    monkeypatch.chdir(tmp_path)
    assert call(*command[1:])[0] == 0
    made = tmp_path / str(view["result_name"])
    assert made.read_bytes() == answer.content
    assert view["result_bytes"] == made.stat().st_size
    result = read(made).pixels
    assert (view["out_height"], view["out_width"]) == result.shape[:2]
    if name == "deep.png":
        assert result.dtype == np.uint16


def test_waiting_gives_the_picture_itself(server: Server, pictures: Path) -> None:
    answer = server.send(pictures / "a.png", task="upscale", wait="true")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    job = server.send(pictures / "a.png", task="upscale").json()
    server.done(job["id"])
    assert answer.content == server.get(f"v1/jobs/{job['id']}/result").content
    assert server.get(f"v1/jobs/{job['id']}/before").content == (pictures / "a.png").read_bytes()
    assert server.get(f"v1/jobs/{job['id']}/after").content == answer.content


def test_progress_is_told_and_never_goes_back(quick_server: Server, pictures: Path) -> None:
    import json

    job = quick_server.send(pictures / "large.png", task="upscale").json()
    views: list[dict[str, float | str | None]] = []
    url = quick_server.url(f"v1/jobs/{job['id']}")
    with httpx.stream("GET", url, headers={"Accept": "text/event-stream"}, timeout=300) as told:
        assert told.headers["content-type"].startswith("text/event-stream")
        for line in told.iter_lines():
            if line.startswith("data: "):
                views.append(json.loads(line.removeprefix("data: ")))
    parts = [float(view["done"] or 0) for view in views]
    assert parts == sorted(parts)
    assert any(0 < part < 1 for part in parts)
    assert any(view["seconds_left"] for view in views)
    assert views[-1]["state"] == "done"


def test_cancelling_stops_within_a_tile_and_leaves_nothing(
    quick_server: Server, pictures: Path
) -> None:
    job = quick_server.send(pictures / "large.png", task="upscale", scale=8).json()["id"]
    while (view := quick_server.get(f"v1/jobs/{job}").json())["done"] == 0:
        time.sleep(0.1)
    start = time.monotonic()
    assert httpx.delete(quick_server.url(f"v1/jobs/{job}")).status_code == 204
    assert not (quick_server.folder / f"{job}.json").exists()  # or a kill would bring it back
    assert quick_server.get(f"v1/jobs/{job}").status_code == 404
    assert quick_server.send(pictures / "a.png", task="upscale", wait="true").status_code == 200
    assert time.monotonic() - start < view["seconds_left"] / 3
    assert not list(quick_server.folder.glob(f"{job}*"))


def test_a_waiting_job_can_be_cancelled(quick_server: Server, pictures: Path) -> None:
    first = quick_server.send(pictures / "large.png", task="upscale").json()["id"]
    second = quick_server.send(pictures / "a.png", task="upscale").json()
    assert (second["state"], second["ahead"]) == ("waiting", 1)
    for job in (second["id"], first):
        assert httpx.delete(quick_server.url(f"v1/jobs/{job}")).status_code == 204
    assert quick_server.get(f"v1/jobs?id={first}").status_code == 404


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"task": "polish"}, 422, "task: unknown task 'polish'; known: auto, photo"),
        ({"task": "old-photo"}, 422, "unknown task 'old-photo'; known: auto"),
        ({"scale": -1}, 422, "scale: input should be greater than 0"),
        ({"scale": 2, "width": 100}, 422, "scale and width give the size; choose one"),
        ({"task": "upscale", "strength": 0.5}, 422, "scn_x2 only enlarges"),
        ({"model": "../../etc"}, 422, "unknown model '../../etc'; choose one of "),
        ({"qualty": 80}, 422, "unknown field 'qualty'; did you mean 'quality'?"),
        ({"colour": "red"}, 422, "unknown field 'colour'; known: task, scale, width, "),
        ({"scale": 64}, 413, "megapixels; the limit here is 200 for png"),
        ({"scale": 10, "format": "avif"}, 413, "39 megapixels; the limit here is 28.6 for avif"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(
    server: Server, pictures: Path, fields: dict[str, object], status: int, sentence: str
) -> None:
    picture = pictures / ("large.png" if status == 413 else "a.png")
    answer = server.send(picture, **fields)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert sentence in answer.json()["detail"]
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("v1/jobs?ids=x", "unknown query parameter 'ids'; did you mean 'id'?"),
        ("v1/limits?x=1", "unknown query parameter 'x'; this address takes none"),
        ("v1/uploads/x/preview?strenght=0", "unknown query parameter 'strenght'; did you mean"),
        ("v1/uploads/x?scale=2&scale=3", "scale: given 2 times; give this query parameter once"),
        ("v1/events?id=x", "unknown query parameter 'id'; this address takes none"),
    ],
)
def test_a_query_that_would_be_ignored_is_refused(server: Server, path: str, sentence: str) -> None:
    answer = server.get(path)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]


def test_settings_that_would_be_ignored_are_refused(server: Server, pictures: Path) -> None:
    content = (pictures / "a.png").read_bytes()
    image = {"file": ("a.png", content)}
    answer = httpx.post(server.url("v1/restore?quality=80"), files=image)
    detail = "unknown query parameter 'quality'; this address takes none"
    assert (answer.status_code, answer.json()["detail"]) == (422, detail)
    twice = {"quality": ["80", "90"]}
    answer = httpx.post(server.url("v1/restore"), files=image, data=twice)
    detail = "quality: given 2 times; give this field once"
    assert (answer.status_code, answer.json()["detail"]) == (422, detail)
    answer = httpx.post(server.url("v1/uploads"), files=image, data={"task": "denoise"})
    detail = "unknown field 'task'; known: file_name, file"
    assert (answer.status_code, answer.json()["detail"]) == (422, detail)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"<html><script>alert(1)</script>",
        b"\x89PNG\r\n\x1a\nrubbish",
    ],
)
def test_what_is_no_picture_is_refused(server: Server, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.png").write_bytes(content)
    answer = server.send(tmp_path / "x.png", name="holiday.png")
    assert answer.status_code == 415
    assert answer.json()["detail"].startswith("holiday.png: ")
    assert "/dev/fd" not in answer.text


@pytest.mark.parametrize("path", ["v1/restore", "v1/uploads"])
def test_an_empty_file_is_refused_by_its_name(server: Server, path: str) -> None:
    answer = httpx.post(server.url(path), files={"file": ("holiday.png", b"")})
    detail = "holiday.png: the file is empty (0 bytes); choose another"
    assert (answer.status_code, answer.json()["detail"]) == (415, detail)


def test_heic_is_neither_offered_nor_taken_where_it_is_not_decoded(server: Server) -> None:
    from scalewise.files.support import supported_formats

    formats = {each["name"]: each for each in server.get("v1/limits").json()["formats"]}
    assert set(formats) == {"PNG", "TIFF", "JPEG", "WebP", "AVIF", "HEIC", "GIF", "MPO", "BMP"}
    assert formats["JPEG"] == {
        "name": "JPEG",
        "suffixes": [".jpg", ".jpeg", ".jpe", ".jfif"],
        "reads": True,
        "writes": True,
        "quality": 95,
    }
    heic = next(each for each in supported_formats() if each.name == "HEIC")
    assert formats["HEIC"]["reads"] == heic.reads
    content = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + bytes(200)
    for path in ("v1/restore", "v1/uploads"):
        answer = httpx.post(server.url(path), files={"file": ("IMG_1.heic", content)})
        assert answer.status_code == 415
        if not heic.reads:
            assert answer.json()["detail"] == (
                "IMG_1.heic: this installation cannot decode HEIC; convert it to JPEG or PNG"
            )


def test_a_damaged_picture_fails_and_says_so(
    server: Server, pictures: Path, tmp_path: Path
) -> None:
    content = (pictures / "a.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    answer = server.send(tmp_path / "cut.png", task="upscale", wait="true")
    assert answer.status_code in (415, 422)
    assert "cut.png" in answer.json()["detail"]
    assert "/dev/fd" not in answer.text


def test_requests_without_a_form(server: Server) -> None:
    assert httpx.post(server.url("v1/restore"), content=b"x").status_code == 415
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = httpx.post(server.url("v1/restore"), content=b"--x\r\nrubbish", headers=kind)
    assert answer.status_code in (400, 422)
    kind = {"Content-Type": "multipart/form-data"}
    answer = httpx.post(server.url("v1/restore"), content=b"--x--", headers=kind)
    assert answer.status_code == 400
    assert answer.json()["detail"] == "the form cannot be read (Missing boundary in multipart)"
    two = [("file", ("a.png", b"x")), ("file", ("b.png", b"x"))]
    answer = httpx.post(server.url("v1/restore"), files=two)
    assert answer.status_code == 400
    assert "the form cannot be read (Too many files" in answer.json()["detail"]
    answer = httpx.post(server.url("v1/restore"), files={"other": b"x"})
    detail = "unknown field 'other'; known: "
    assert (answer.status_code, answer.json()["detail"][: len(detail)]) == (422, detail)
    answer = httpx.post(server.url("v1/restore"), data={"scale": "2"})
    assert (answer.status_code, answer.json()["detail"]) == (422, "file: the image is missing")
    assert server.get("nowhere").json()["detail"] == "there is nothing at this address"
    assert server.get("page/..%2fapp.py").status_code == 404


def test_an_image_without_a_form_is_told_how_to_be_sent(server: Server, pictures: Path) -> None:
    """Such as by curl --data-binary, which calls anything a form."""
    detail = "send a form (multipart/form-data) whose field file is the image, as curl -F file=@"
    contents = [(pictures / name).read_bytes() for name in ("a.png", "b.jpg")]
    contents += [bytes(range(256)) * 16_000, b'{"upload": "x"}']
    for path in ("v1/restore", "v1/uploads"):
        for kind in ("application/x-www-form-urlencoded", "image/png"):
            for content in contents:
                sent = {"content": content, "headers": {"Content-Type": kind}}
                answer = httpx.post(server.url(path), **sent)
                assert answer.status_code == 415, (kind, content[:9])
                assert answer.json()["detail"].startswith(detail)
    parts = iter([contents[2]] * 3)  # without a declared size
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.post(server.url("v1/restore"), content=parts, headers=kind).status_code == 415


def test_all_results_in_one_archive(server: Server, pictures: Path) -> None:
    path = pictures / "a.png"
    views = [server.send(path, task="upscale", folder=each).json() for each in ("", "", "../my/b")]
    jobs = [view["id"] for view in views]
    assert (views[2]["folder"], views[2]["options"]) == ("my/b", {"task": "super-resolution"})
    for job in jobs:
        server.done(job)
    answer = server.get(f"v1/results.zip?{'&'.join(f'id={id}' for id in jobs)}&id=unknown")
    assert answer.headers["scalewise-missing"] == "1"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["a_x2.png", "a_x2 (2).png", "my/b/a_x2.png"]
        result = server.get(f"v1/jobs/{jobs[0]}/result").content
        assert [archive.read(name) for name in archive.namelist()] == [result] * 3
    saved = server.get(f"v1/jobs/{jobs[2]}/result").headers["content-disposition"]
    assert saved == 'attachment; filename="a_x2.png"'
    assert server.get("v1/results.zip?id=unknown").status_code == 404


def test_names_come_back_as_browsers_escaped_them(server: Server, pictures: Path) -> None:
    content = (pictures / "a.png").read_bytes()
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; '
        b'filename="my %22best%22%0Ashot 100%.png"\r\n\r\n' + content + b"\r\n--x--\r\n"
    )
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    view = httpx.post(server.url("v1/restore"), content=body, headers=kind).json()
    assert view["name"] == 'my "best"shot 100%.png'
    assert view["command"] == "scalewise upscale $'my \"best\"\\nshot 100%.png'"


def test_before_and_after_are_shown_by_any_browser(
    server: Server, pictures: Path, tmp_path: Path
) -> None:
    from scalewise.files import write

    picture = read(pictures / "deep.png")
    write(tmp_path / "deep.tif", picture)
    job = server.send(tmp_path / "deep.tif", task="upscale", scale=1).json()["id"]
    assert server.done(job)["state"] == "done"
    for which in ("before", "after"):
        answer = server.get(f"v1/jobs/{job}/{which}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        (tmp_path / "shown.png").write_bytes(answer.content)
        shown = read(tmp_path / "shown.png").pixels
        assert shown.dtype == np.uint8
        assert np.array_equal(shown, picture.pixels >> 8)


def test_models_and_limits(server: Server) -> None:
    models = {model["name"]: model for model in server.get("v1/models").json()}
    assert models["scn_x2"]["scale"] == 2
    assert any(score["dataset"] == "Set5" for score in models["scn_x2"]["scores"])
    assert server.get("v1/limits").json()["max_bytes"] == 100_000_000


def test_names_are_kept_in_records_only(server: Server, pictures: Path) -> None:
    job = server.send(pictures / "a.png", name="../unmistakable.png", task="upscale").json()
    assert (job["name"], job["result_name"]) == ("unmistakable.png", "unmistakable_x2.png")
    server.done(job["id"])
    files = list(server.folder.iterdir())
    assert {path.name for path in files} >= {f"{job['id']}.png", f"{job['id']}.json"}
    assert not any("unmistakable" in path.name for path in files)
    named = [path for path in files if b"unmistakable" in path.read_bytes()]
    assert [path.name for path in named] == [f"{job['id']}.json"]
    assert named[0].stat().st_mode & 0o077 == 0
    httpx.delete(server.url(f"v1/jobs/{job['id']}"))
    assert not named[0].exists()


def test_messages_name_no_path_of_the_server(server: Server, tmp_path: Path) -> None:
    from scalewise.files import Picture, write

    write(tmp_path / "clear.png", Picture(np.zeros((40, 50, 4), np.uint8)))
    job = server.send(tmp_path / "clear.png", task="upscale", format="jpeg").json()["id"]
    warnings = server.done(job)["warnings"]
    assert warnings == ["clear_x2.jpg: jpeg has no transparency; laid over white"]
    whole = (tmp_path / "clear.png").read_bytes()
    (tmp_path / "torn.png").write_bytes(whole[:60])
    told = server.send(tmp_path / "torn.png", task="upscale")
    said = str(told.json().get("detail") or server.done(told.json()["id"])["problem"])
    assert "torn.png: " in said
    assert "/" not in said


def test_a_kill_loses_no_finished_result_and_leaves_nothing_else(
    start: Start, models: Path, pictures: Path
) -> None:
    server = start(models=models)
    done = server.send(pictures / "a.png", name="mine.png", task="upscale").json()["id"]
    server.done(done)
    result = server.get(f"v1/jobs/{done}/result").content
    running = server.send(pictures / "large.png", task="upscale", scale=4).json()["id"]
    while server.get(f"v1/jobs/{running}").json()["done"] == 0:
        time.sleep(0.1)
    server.stop(signal.SIGKILL)
    left = {path.name for path in server.folder.iterdir()}
    assert left == {"lock", f"{done}.json", f"{done}.png", f"{running}.json"}

    stray, holiday = server.folder / f"{'x' * 22}.png", server.folder / "holiday.png"
    stray.write_bytes(b"of a system without files that have no name")
    holiday.write_bytes(b"of somebody who chose a folder in use")
    again = start(folder=server.folder, models=models)
    views = again.get(f"v1/jobs?id={done}&id={running}").json()
    assert [view["state"] for view in views] == ["done", "lost"]
    assert (views[0]["name"], views[0]["result_name"]) == ("mine.png", "mine_x2.png")
    assert "mine_x2.png" in again.get(f"v1/jobs/{done}/result").headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(again.get(f"v1/results.zip?id={done}").content)) as archive:
        assert archive.namelist() == ["mine_x2.png"]
    assert "send the image again" in views[1]["problem"]
    assert again.get(f"v1/jobs/{done}/result").content == result
    assert again.get(f"v1/jobs/{done}/before").status_code == 404
    assert (stray.exists(), holiday.exists()) == (False, True)
    assert again.stop() == 0
