"""Uploads as resources: choices, previews, and several results of one image."""

from __future__ import annotations

import shlex
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

import scalewise
from scalewise.files import Picture, read, write
from scalewise.web.app import create_app
from scalewise.web.job_queue import JobQueue
from scalewise.web.limits import Limits
from scalewise.web.result_store import ResultStore
from tests.web.conftest import Server, Start, httpx
from tests.web.test_regions import pixels_of


def upload(server: Server, path: Path) -> dict[str, Any]:
    files = {"file": (path.name, path.read_bytes())}
    answer = httpx.post(server.url("v1/uploads"), files=files, timeout=120)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/uploads/{answer.json()['id']}"
    return answer.json()


def preview(server: Server, id: str, **query: object) -> NDArray[Any]:
    return pixels_of(server.get(f"v1/uploads/{id}/preview", params=query))


def run(server: Server, id: str, **fields: object) -> dict[str, Any]:
    data = {"upload": id, **{name: str(value) for name, value in fields.items()}}
    answer = httpx.post(server.url("v1/restore"), data=data, timeout=120)
    assert answer.status_code == 202, answer.text
    view = server.done(answer.json()["id"])
    assert view["state"] == "done", view
    return view


def result(server: Server, job: dict[str, Any], folder: Path) -> NDArray[Any]:
    path = folder / "result.png"
    path.write_bytes(server.get(f"v1/jobs/{job['id']}/result").content)
    return read(path).pixels


def test_an_upload_is_told_what_can_be_done_with_it(
    start: Start, pictures: Path, models: Path
) -> None:
    server = start("--warm-up", models=models)
    view = upload(server, pictures / "b.jpg")
    assert (view["name"], view["width"], view["height"]) == ("b.jpg", 80, 64)
    assert (view["format"], view["estimate"]["jpeg_quality"]) == ("JPEG", 60)
    choices = {choice["task"]: choice for choice in view["choices"]}
    assert list(choices) == ["photo", "super-resolution", "denoise", "noisy-jpeg", "dejpeg"]
    assert [choice["recommended"] for choice in view["choices"]] == [True, *[False] * 4]
    photo = choices["photo"]
    assert photo["explanation"] == (
        "Enlarged 2x, artifacts removed, because this is a JPEG of quality 60"
    )
    assert (photo["model"], photo["scale"]) == ("photo_x2", 2)
    assert (photo["out_width"], photo["out_height"]) == (160, 128)
    assert (choices["dejpeg"]["out_width"], choices["dejpeg"]["scale"]) == (80, 1)
    end = time.monotonic() + 120
    while time.monotonic() < end:  # until the models were measured on this machine
        view = server.get(f"v1/uploads/{view['id']}").json()
        if all(choice["seconds"] is not None for choice in view["choices"]):
            break
        time.sleep(0.2)
    assert all(choice["seconds"] is not None for choice in view["choices"])
    assert view["id"] in [each["id"] for each in server.get("v1/uploads").json()]
    shown = pixels_of(server.get(f"v1/uploads/{view['id']}/overview?size=40"))
    assert shown.shape == (32, 40, 3)
    server.stop()  # it would go on to measure the other models


def test_cards_are_read_once_for_any_number_of_uploads(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a list of 100 takes five seconds, and the page asks for it at each connection."""
    resolving = import_module("scalewise.weights.resolve")
    looks: list[Path] = []
    read_card = resolving.read_card
    monkeypatch.setattr(resolving, "read_card", lambda at: looks.append(at) or read_card(at))
    app = create_app(JobQueue(Limits(), ResultStore(tmp_path)), hosts=None, warm_up=False)
    image = {"file": ("b.jpg", (pictures / "b.jpg").read_bytes())}
    with TestClient(app) as client:
        assert client.post("/v1/uploads", files=image).status_code == 201
        assert len(looks) > 0
        looks.clear()
        assert client.post("/v1/uploads", files=image).status_code == 201
        assert len(client.get("/v1/uploads").json()) == 2
        assert looks == []


def test_a_name_is_exact_if_it_is_stated_so(server: Server, pictures: Path) -> None:
    def name_of(path: str, **data: str) -> str:
        files = {"file": ("a%22b.png", (pictures / "a.png").read_bytes())}
        answer = httpx.post(server.url(path), files=files, data=data, timeout=120)
        assert answer.is_success, answer.text
        return answer.json()["name"]

    for path in ("v1/uploads", "v1/restore"):
        assert name_of(path) == 'a"b.png'  # as browsers escape a quote
        assert name_of(path, file_name="a%2522b%2F%C3%A9%2522.png") == "é%22.png"
    kept = upload(server, pictures / "a.png")["id"]
    both = {"upload": kept, "file_name": "a.png"}
    answer = httpx.post(server.url("v1/restore"), data=both, timeout=120)
    assert answer.status_code == 422
    assert "file and upload name the image" in answer.text


@pytest.mark.parametrize("task", ["photo", "denoise"])
def test_a_preview_is_what_the_whole_will_be(
    server: Server, pictures: Path, tmp_path: Path, task: str
) -> None:
    image = read(pictures / "large.png").pixels[:128, :704]
    write(tmp_path / "tiles.png", Picture(np.ascontiguousarray(image)))
    id = upload(server, tmp_path / "tiles.png")["id"]
    part = preview(server, id, task=task, x=600, y=40, width=96, height=80)
    job = run(server, id, task=task)
    scale = 1 if task == "denoise" else 2
    whole = result(server, job, tmp_path)
    expected = whole[40 * scale : 120 * scale, 600 * scale : 696 * scale]
    difference = np.abs(part.astype(int) - expected)
    assert difference.max() <= 3  # bfloat16 or 8-bit integers, in tiles of another size
    assert difference.mean() < 0.3


def test_any_strength_is_a_mixture_of_none_and_full(server: Server, pictures: Path) -> None:
    id = upload(server, pictures / "b.jpg")["id"]
    for task in ("photo", "dejpeg"):
        none, half, full = (
            preview(server, id, task=task, x=5, y=5, width=50, height=50, strength=s).astype(float)
            for s in (0, 0.3, 1)
        )
        assert np.abs(none - full).max() > 5
        assert np.abs(0.7 * none + 0.3 * full - half).max() <= 1.01
    plain = preview(server, id, task="dejpeg", x=5, y=5, width=50, height=50, strength=0)
    assert np.array_equal(plain, read(pictures / "b.jpg").pixels[5:55, 5:55])


def test_a_network_of_which_nothing_is_kept_is_left_out_of_previews_as_of_the_whole(
    server: Server, tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    cut = photo[60:160, 100:200].astype(float)
    noisy = (cut + np.random.default_rng(0).normal(0, 25, cut.shape)).clip(0, 255)
    write(tmp_path / "noisy.png", Picture(np.rint(noisy).astype(np.uint8)))
    id = upload(server, tmp_path / "noisy.png")["id"]
    setting = {"scale": 1.04, "strength": 0}  # so small that no network enlarges after it
    whole = run(server, id, **setting)
    assert whole["model"] == "no network"
    part = preview(server, id, x=0, y=0, width=100, height=100, **setting)
    assert np.array_equal(part, result(server, whole, tmp_path))


def test_a_clean_image_has_a_preview_at_any_strength(
    server: Server, tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    """Its model only enlarges, so the strength is not used, as by the whole."""
    write(tmp_path / "clean.png", Picture(np.ascontiguousarray(photo[::2, ::2])))
    view = upload(server, tmp_path / "clean.png")
    assert view["choices"][0]["model"] == "scn_x2"
    weak, full = (
        preview(server, view["id"], x=0, y=0, width=40, height=40, strength=s) for s in (0.5, 1)
    )
    assert np.array_equal(weak, full)


def test_previews_are_within_the_image(server: Server, pictures: Path) -> None:
    id = upload(server, pictures / "a.png")["id"]
    assert preview(server, id, x=70, y=60, width=160, height=160).shape == (8, 20, 3)
    assert preview(server, id, x=0, y=0, width=20, height=10, scale=1.5).shape == (15, 30, 3)
    beyond = server.get(f"v1/uploads/{id}/preview?x=80&y=0&width=9&height=9")
    assert "the image has 80x64 pixels" in beyond.json()["detail"]
    large = server.get(f"v1/uploads/{id}/preview?x=0&y=0&width=161&height=9")
    assert (beyond.status_code, large.status_code) == (422, 422)
    no_strength = "task=upscale&strength=0.5&x=0&y=0&width=9&height=9"
    refused = server.get(f"v1/uploads/{id}/preview?{no_strength}")
    assert "only enlarges" in refused.json()["detail"]


def test_errors_name_only_what_a_request_can_have(server: Server, pictures: Path) -> None:
    """No field is called fit, and a preview has no model."""
    id = upload(server, pictures / "a.png")["id"]
    sizes, part = {"width": 9, "height": 9}, {"x": 0, "y": 0, "width": 9, "height": 9}
    keeping = {"task": "denoise", "scale": 2}
    contradiction = "width and height give the size; choose one"
    for answer, detail in (
        (server.send(pictures / "a.png", **sizes), contradiction),
        (server.get(f"v1/uploads/{id}", params=sizes), contradiction),
        (
            server.send(pictures / "a.png", **keeping),
            "task denoise keeps the size: leave the size out; or name the model in its place, "
            "model=denoise, which others follow that enlarge",
        ),
        (
            server.get(f"v1/uploads/{id}/preview", params={**part, **keeping}),
            "task denoise keeps the size: leave the size out",
        ),
    ):
        assert (answer.status_code, answer.json()["detail"]) == (422, detail)


def test_a_second_setting_is_a_second_result(
    server: Server,
    pictures: Path,
    tmp_path: Path,
    call: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    id = upload(server, pictures / "b.jpg")["id"]
    first = run(server, id, task="photo")
    second = run(
        server, id, task="dejpeg", strength=0.5, format="jpeg", quality=70, output_name="x.png"
    )
    assert first["upload"] == second["upload"] == id
    assert second["options"] == {
        **{"task": "dejpeg", "strength": 0.5, "format": "jpeg", "quality": 70},
        "output_name": "x.png",
    }
    assert second["explanation"] == (
        "Artifacts removed at strength 0.5, as chosen; this is a JPEG of quality 60"
    )
    assert (second["result_name"], second["quality"]) == ("x.jpg", 70)
    assert abs(second["created"] - time.time()) < 300
    content = server.get(f"v1/jobs/{second['id']}/result").content
    (tmp_path / "b.jpg").write_bytes((pictures / "b.jpg").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert call(*shlex.split(second["command"])[1:])[0] == 0
    assert (tmp_path / "x.jpg").read_bytes() == content
    assert httpx.delete(server.url(f"v1/jobs/{first['id']}")).status_code == 204
    assert server.get(f"v1/jobs/{second['id']}/result").content == content
    assert server.get(f"v1/uploads/{id}").status_code == 200
    assert httpx.delete(server.url(f"v1/uploads/{id}")).status_code == 204
    answer = httpx.post(server.url("v1/restore"), data={"upload": id})
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "the server no longer has this image; send it again",
    )
    before = server.get(f"v1/jobs/{second['id']}/region?side=before&x=0&y=0&width=9&height=9")
    assert before.status_code == 200


def test_an_upload_that_came_with_a_job_goes_with_it(server: Server, pictures: Path) -> None:
    job = server.send(pictures / "a.png", task="denoise").json()
    server.done(job["id"])
    again = run(server, job["upload"], task="dejpeg")
    for each in (job, again):
        assert server.get(f"v1/uploads/{job['upload']}").status_code == 200
        httpx.delete(server.url(f"v1/jobs/{each['id']}"))
    assert server.get(f"v1/uploads/{job['upload']}").status_code == 404
    assert server.send(pictures / "a.png", upload="x").status_code == 422


def test_noise_is_seen_in_any_file_everywhere(
    server: Server,
    tmp_path: Path,
    photo: NDArray[np.uint8],
    call: Callable[..., tuple[int, str, str]],
) -> None:
    name = "deep.tif"
    cut = photo[60:160, 100:200] / 255
    noisy = (cut + np.random.default_rng(0).normal(0, 25 / 255, cut.shape)).clip(0, 1)
    write(tmp_path / name, Picture(np.rint(noisy * 65535).astype(np.uint16)))
    view = upload(server, tmp_path / name)
    first, *others = view["choices"]
    assert (first["task"], first["title"]) == ("auto", "Restore, then enlarge")
    assert [first["recommended"], *(each["recommended"] for each in others)] == [True, *[False] * 5]
    assert (first["model"], first["scale"], first["out_width"]) == ("denoise", 2, 200)
    said = first["explanation"]
    assert said.startswith("Enlarged 2x, noise removed, because noise of about 2")
    job = server.done(server.send(tmp_path / name).json()["id"])
    assert (job["model"], job["out_width"]) == ("denoise, scn_x2", 200)
    assert job["explanation"] == said
    code, out, err = call("upscale", tmp_path / name, "-o", tmp_path / "cli.png")
    assert code == 0
    assert "denoise, scn_x2" in out + err
    library = scalewise.upscale(scalewise.restore(str(tmp_path / name)), model="scn_x2")
    found = scalewise.upscale(str(tmp_path / name)).astype(int)
    assert np.abs(found - library).max() <= 257


def test_graphics_are_seen_and_offered_beside_a_clean_photo(
    server: Server, tmp_path: Path, call: Callable[..., tuple[int, str, str]]
) -> None:
    stripes = (np.indices((200, 200)).sum(axis=0) // 9 % 2 * 255).astype(np.uint8)
    write(tmp_path / "stripes.png", Picture(stripes[..., None]))
    choices = upload(server, tmp_path / "stripes.png")["choices"]
    assert [each["task"] for each in choices] == [
        *("graphics", "photo", "super-resolution", "denoise", "noisy-jpeg", "dejpeg")
    ]
    assert choices[0]["explanation"] == (
        "Enlarged 2x, nothing else, because this seems to be text or graphics, and neither noise "
        "nor artifacts of compression are visible"
    )
    job = server.done(server.send(tmp_path / "stripes.png").json()["id"])
    assert job["model"] == "graphics_x2"
    code, out, _ = call("upscale", tmp_path / "stripes.png", "-o", tmp_path / "cli.png")
    assert (code, "graphics_x2 (text or graphics, noise about 0" in out) == (0, True)


def test_a_bad_jpeg_saved_once_more_is_still_a_bad_one(
    server: Server, tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    write(tmp_path / "a.jpg", Picture(photo[60:260, 100:300]), quality=30)
    write(tmp_path / "b.jpg", read(tmp_path / "a.jpg"), quality=98)
    view = upload(server, tmp_path / "b.jpg")
    assert view["estimate"]["has_pattern"] is False
    assert abs(view["estimate"]["jpeg_quality"] - 30) <= 1
    assert view["choices"][0]["model"] == "dejpeg"


def test_a_kill_leaves_nothing_of_uploads_and_what_was_decoded(
    start: Start, pictures: Path
) -> None:
    server = start()
    id = upload(server, pictures / "large.png")["id"]
    assert server.get(f"v1/uploads/{id}/overview").status_code == 200
    descriptors = Path(f"/proc/{server.process.pid}/fd")
    held: list[str] = []
    for path in descriptors.iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            held.append(str(path.readlink()))
    assert any(str(server.folder) in each and "deleted" in each for each in held)
    server.stop(signal.SIGKILL)
    assert [path.name for path in server.folder.iterdir()] == ["lock"]
