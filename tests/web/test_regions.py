"""Regions and overviews over HTTP: real pixels of both sides."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from scalewise.files import Picture, read, write
from scalewise.imaging.resize import imresize
from tests.web.conftest import Server, httpx

X, Y, WIDTH, HEIGHT = 33, 21, 90, 70


def pixels_of(answer: Any) -> NDArray[Any]:
    """The pixels of an answer, as libvips reads them."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return np.atleast_3d(pyvips.Image.new_from_buffer(answer.content, "").numpy())


def restored(server: Server, path: Path, **fields: object) -> dict[str, Any]:
    job = server.send(path, **fields).json()
    view = server.done(job["id"])
    assert view["state"] == "done", view
    return view


def region(server: Server, job: str, **query: object) -> Any:
    query = {"x": X, "y": Y, "width": WIDTH, "height": HEIGHT, **query}
    return server.get(f"v1/jobs/{job}/region", params=query)


@pytest.fixture(scope="module")
def job(server: Server, pictures: Path) -> dict[str, Any]:
    return restored(server, pictures / "a.png", task="upscale")


def test_a_region_after_is_the_results_own_pixels(server: Server, job: dict[str, Any]) -> None:
    content = server.get(f"v1/jobs/{job['id']}/result").content
    result = pyvips.Image.new_from_buffer(content, "").numpy()
    assert result.shape == (128, 160, 3)
    shown = pixels_of(region(server, job["id"], side="after"))
    assert np.array_equal(shown, result[Y : Y + HEIGHT, X : X + WIDTH])
    beyond = pixels_of(region(server, job["id"], side="after", width=1000, height=1000))
    assert np.array_equal(beyond, result[Y:, X:])
    half = pixels_of(region(server, job["id"], side="after", x=32, y=20, scale=0.5))
    cut = result[20 : 20 + HEIGHT, 32 : 32 + WIDTH].reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3)
    assert np.abs(half - cut.mean(axis=(1, 3))).max() <= 0.51


@pytest.mark.parametrize("resampler", ["nearest", "bicubic", "lanczos3"])
def test_a_region_before_is_enlarged_by_a_named_resampler(
    server: Server, pictures: Path, job: dict[str, Any], resampler: str
) -> None:
    image = read(pictures / "a.png").pixels
    if resampler == "nearest":
        whole = image.repeat(2, axis=0).repeat(2, axis=1)
    elif resampler == "bicubic":
        whole = imresize(image, 2, round_between=False)
    else:  # Pillow's, an independent one, which rounds between its two passes
        whole = np.asarray(Image.fromarray(image).resize((160, 128), Image.Resampling.LANCZOS))
    expected = whole[Y : Y + HEIGHT, X : X + WIDTH].astype(int)
    shown = pixels_of(region(server, job["id"], side="before", resampler=resampler))
    difference = np.abs(shown - expected)
    assert difference.max() <= {"nearest": 0, "bicubic": 1, "lanczos3": 2}[resampler]
    assert difference.mean() < 0.3
    half = pixels_of(region(server, job["id"], side="before", resampler=resampler, scale=0.5))
    mean = expected.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean(axis=(1, 3))
    # Nothing is rounded, nor clipped, before the mean is taken.
    assert np.abs(half - mean).mean() < 1


@pytest.mark.parametrize("kind", ["cmyk.jpg", "p3.png", "deep.png", "alpha.png", "grey.jpg"])
def test_both_sides_have_the_same_colours(
    server: Server, tmp_path: Path, photo: NDArray[np.uint8], kind: str
) -> None:
    cut = np.ascontiguousarray(photo[40:120, 180:280])
    path = tmp_path / kind
    if kind == "cmyk.jpg":
        image: Any = pyvips.Image.new_from_array(cut).copy(interpretation="srgb")
        image.icc_export(output_profile="cmyk").jpegsave(str(path), Q=98)
    elif kind == "p3.png":
        image = pyvips.Image.new_from_array(cut).copy(interpretation="srgb")
        profile = bytes(pyvips.Operation.call("profile_load", "p3"))
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        image.pngsave(str(path))
    elif kind == "deep.png":
        write(path, Picture(cut.astype(np.uint16) * 257))
    elif kind == "alpha.png":
        alpha = np.full_like(cut[..., :1], 200)
        write(path, Picture(np.concatenate([cut, alpha], axis=2)))
    else:
        write(path, Picture(cut[..., :1]))
    # At strength 0 and the same size, nothing is changed but the file's format.
    view = restored(server, path, task="denoise", strength=0, format="png")
    whole = {"x": 0, "y": 0, "width": 100, "height": 80}
    before = pixels_of(region(server, view["id"], side="before", **whole))
    after = pixels_of(region(server, view["id"], side="after", **whole))
    assert before.shape == after.shape
    assert np.abs(before.astype(int) - after).max() <= 1
    overviews = [
        pixels_of(server.get(f"v1/jobs/{view['id']}/overview?side={side}&size=50"))
        for side in ("before", "after")
    ]
    assert overviews[0].shape[:2] == (40, 50)
    assert np.abs(overviews[0].astype(int) - overviews[1]).max() <= 1


def test_regions_are_never_sent_twice(server: Server, job: dict[str, Any]) -> None:
    for side in ("before", "after"):
        first = region(server, job["id"], side=side)
        assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
        tag = first.headers["etag"]
        assert tag.startswith('"')
        query = {"side": side, "x": X, "y": Y, "width": WIDTH, "height": HEIGHT}
        again = server.get(
            f"v1/jobs/{job['id']}/region", params=query, headers={"If-None-Match": f'"x", {tag}'}
        )
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert region(server, job["id"], side=side, x=X + 1).headers["etag"] != tag
    tags = {region(server, job["id"], side=side).headers["etag"] for side in ("before", "after")}
    assert len(tags) == 2


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"x": 160}, "x and y: the result has 160x128 pixels, from 0"),
        ({"width": 1025}, "width and height: at most 1024 at scale 1"),
        ({"height": 2049, "scale": 0.5}, "width and height: at most 2048 at scale 0.5"),
        ({"scale": 0.3}, "scale: must be 1, 0.5 or 0.25"),
        ({"width": 0}, "width: input should be greater than or equal to 1"),
        ({"resampler": "linear"}, "resampler: input should be 'nearest', 'bicubic' or 'lanczos3'"),
    ],
    ids=["beyond", "wide", "high", "scale", "empty", "resampler"],
)
def test_what_is_not_in_the_result_is_refused(
    server: Server, job: dict[str, Any], query: dict[str, object], sentence: str
) -> None:
    answer = region(server, job["id"], **{"side": "before", **query})
    assert (answer.status_code, answer.json()["detail"]) == (422, sentence)
    assert region(server, "unknown", side="after").status_code == 404


def test_a_long_narrow_result_is_shown_at_once(
    server: Server, tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    long = np.tile(photo[:400, :250], (25, 1, 1))
    write(tmp_path / "long.png", Picture(long))
    # At strength 0 of a task that keeps the size, the result is the image.
    view = restored(server, tmp_path / "long.png", task="denoise", strength=0)
    where = {"x": 10, "y": 9000, "width": 200, "height": 500}
    shown = pixels_of(region(server, view["id"], side="after", **where))
    assert np.array_equal(shown, long[9000:9500, 10:210])
    overview = pixels_of(server.get(f"v1/jobs/{view['id']}/overview?side=after"))
    assert overview.shape[:2] == (1024, 26)


def test_what_is_left_before_it_is_made_blocks_nobody(
    server: Server, tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    write(tmp_path / "a.png", Picture(np.tile(photo, (8, 8, 1))))
    files = {"file": ("a.png", (tmp_path / "a.png").read_bytes())}
    upload = httpx.post(server.url("v1/uploads"), files=files, timeout=120).json()
    path = f"v1/uploads/{upload['id']}/overview"
    start = time.monotonic()
    pixels_of(server.get(f"{path}?size=1024"))
    alone = time.monotonic() - start
    second = httpx.post(server.url("v1/uploads"), files=files, timeout=120).json()

    query = "task=denoise&x=32&y=0&width=32&height=32"  # which loads the network
    server.get(f"v1/uploads/{second['id']}/preview?{query}")

    def leave(size: int) -> None:
        query = f"task=photo&x={size}&y=3900&width=160&height=160"
        url = server.url(f"v1/uploads/{second['id']}/preview?{query}")
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(url, timeout=0.3)

    threads = [threading.Thread(target=leave, args=[size]) for size in range(16, 32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    start = time.monotonic()
    query = "task=denoise&x=0&y=0&width=32&height=32"
    answer = server.get(f"v1/uploads/{second['id']}/preview?{query}")
    assert pixels_of(answer).shape == (32, 32, 3)
    taken = time.monotonic() - start
    start = time.monotonic()
    query = "task=denoise&x=64&y=0&width=32&height=32"
    server.get(f"v1/uploads/{second['id']}/preview?{query}")
    single = time.monotonic() - start
    assert taken < 8 * single + alone, "sixteen previews were made for nobody"


def test_deleting_frees_what_was_decoded(server: Server, pictures: Path) -> None:
    def unnamed() -> set[int]:
        """Return the inodes of open files without a name; sockets and the rest come and go."""
        found: set[int] = set()
        for each in Path(f"/proc/{server.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                if "(deleted)" in str(each.readlink()):
                    found.add(each.stat().st_ino)
        return found

    others = unnamed()
    view = restored(server, pictures / "a.png", task="denoise", strength=0)
    upload = unnamed() - others
    assert upload
    for side in ("before", "after"):
        region(server, view["id"], side=side, x=0, y=0)
    own = unnamed() - others
    assert own > upload
    assert httpx.delete(server.url(f"v1/jobs/{view['id']}")).status_code == 204
    end = time.monotonic() + 10
    while unnamed() & own and time.monotonic() < end:
        time.sleep(0.1)
    assert not unnamed() & own
