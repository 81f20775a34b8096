"""Benchmark sets from the net: from a server of our own, which is slow, wrong or not there."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.data import benchmarks
from scalewise.data.benchmarks import BENCHMARKS, Benchmark, fetch_benchmark
from scalewise.data.layouts import find_dataset
from scalewise.errors import ScalewiseError
from scalewise.files import Picture, write


@dataclass
class Site:
    """What a server gives, and what it was asked for."""

    content: bytes = b""
    address: str = ""
    breaks_after: int | None = None
    """Bytes after which the connection breaks off, once."""
    knows_ranges: bool = True
    ranges: list[str | None] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    def __init__(self, *given: object, site: Site) -> None:
        self.site = site
        super().__init__(*given)  # pyright: ignore

    def do_GET(self) -> None:
        site, asked = self.site, self.headers["Range"]
        site.ranges.append(asked)
        if not self.path.startswith("/set."):
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if site.knows_ranges else 0
        if start >= len(site.content):
            self.send_error(416)
            return
        self.send_response(206 if site.knows_ranges else 200)
        content = site.content[start:]
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if site.breaks_after is not None:
            content, site.breaks_after = content[: site.breaks_after], None
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, site=site)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        site.address = f"http://127.0.0.1:{server.server_address[1]}/"
        yield site
        server.shutdown()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCALEWISE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def files(tmp_path: Path, photo: NDArray[np.uint8]) -> dict[str, bytes]:
    """Two images and a text, by name."""
    for name, top in (("b.png", 0), ("a.png", 100)):
        write(tmp_path / name, Picture(photo[top : top + 40, :50]))
    named = {name: (tmp_path / name).read_bytes() for name in ("b.png", "a.png")}
    return {**named, "readme.txt": b"words"}


def tar_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"../../Sample_HR/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"DIV2K_valid_HR/{name}", content)
    return buffer.getvalue()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


@pytest.fixture
def sample(site: Site, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    """A set of two images on the server, known by the MD5s of its files."""
    site.content = tar_of(files)
    digest = md5("".join(md5(files[name]) for name in sorted(files)).encode())
    sample = Benchmark("Sample", site.address + "set.tar.gz", digest, "files")
    monkeypatch.setitem(BENCHMARKS, "sample", sample)
    return sample


def tell(done: float, total: float | None) -> None:
    assert total is None or done <= total


@pytest.mark.usefixtures("sample")
def test_a_set_is_fetched_once(site: Site, cache: Path, files: dict[str, bytes]) -> None:
    told: list[tuple[float, float | None]] = []
    folder = fetch_benchmark("SAMPLE", lambda done, total: told.append((done, total)))
    assert folder == cache / "Sample"
    assert told[-1] == (len(site.content), len(site.content))
    dataset = find_dataset(folder)
    assert [item.name for item in dataset.items] == ["a", "b"]
    assert dataset.items[0].hr.read_bytes() == files["a.png"]
    assert fetch_benchmark("sample", tell) == folder
    assert site.ranges == ["bytes=0-"]
    assert sorted(path.name for path in cache.rglob("*") if path.is_file()) == ["a.png", "b.png"]


def test_a_zip_with_its_own_checksum(
    site: Site, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.content = zip_of(files)
    known = replace(BENCHMARKS["div2k"], url=f"{site.address}set.zip", md5=md5(site.content))
    monkeypatch.setitem(BENCHMARKS, "div2k", known)
    assert len(find_dataset(fetch_benchmark("DIV2K", tell), "valid").items) == 2


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("knows_ranges", [True, False])
def test_what_was_broken_off_goes_on(site: Site, knows_ranges: bool) -> None:
    site.breaks_after, site.knows_ranges = 1000, knows_ranges
    folder = fetch_benchmark("Sample", tell)
    assert site.ranges == ["bytes=0-", "bytes=1000-"]
    assert len(find_dataset(folder).items) == 2


@pytest.mark.usefixtures("sample")
def test_the_next_call_goes_on_too(
    site: Site, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmarks, "_ATTEMPTS", 1)
    site.breaks_after = 1000
    with pytest.raises(ScalewiseError, match="broke off; the same command resumes"):
        fetch_benchmark("Sample", tell)
    assert (cache / "set.tar.gz.part").stat().st_size == 1000
    fetch_benchmark("Sample", tell)
    assert site.ranges[-1] == "bytes=1000-"


@pytest.mark.usefixtures("sample")
def test_a_part_of_something_else_is_begun_anew(site: Site, cache: Path) -> None:
    cache.mkdir()
    (cache / "set.tar.gz.part").write_bytes(bytes(len(site.content) + 5))
    fetch_benchmark("Sample", tell)
    assert site.ranges[-1] == "bytes=0-"


@pytest.mark.parametrize("damage", ["other images", "cut", "no archive"])
@pytest.mark.usefixtures("sample")
def test_what_is_not_the_set_is_not_taken(
    site: Site, cache: Path, files: dict[str, bytes], damage: str
) -> None:
    right = site.content
    site.content = {
        "other images": tar_of({**files, "a.png": files["b.png"]}),
        "cut": right[: len(right) // 2],
        "no archive": b"<html>moved</html>",
    }[damage]
    with pytest.raises(ScalewiseError, match="is not Sample as it is known here") as refusal:
        fetch_benchmark("Sample", tell)
    assert len(str(refusal.value).splitlines()) == 1
    assert list(cache.iterdir()) == []
    site.content = right
    assert fetch_benchmark("Sample", tell).is_dir()


def test_what_is_not_there_is_asked_for_once(
    site: Site, sample: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = replace(sample, url=f"{site.address}moved.tar.gz")
    monkeypatch.setitem(BENCHMARKS, "sample", gone)
    with pytest.raises(ScalewiseError, match="Not Found"):
        fetch_benchmark("Sample", tell)
    assert len(site.ranges) == 1


def test_without_a_net_it_says_so(
    call, sample: Benchmark, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(BENCHMARKS, "sample", replace(sample, url="http://127.0.0.1:9/set.tar.gz"))
    monkeypatch.chdir(tmp_path)
    code, out, err = call("evaluate", "bicubic", "Sample", "--download")
    assert (code, out) == (1, "")
    assert "cannot download http://127.0.0.1:9/set.tar.gz: [Errno 111] Connection refused" in err


def test_a_disk_that_cannot_be_written(
    sample: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("SCALEWISE_CACHE", str(tmp_path / "file"))
    with pytest.raises(ScalewiseError, match=f"cannot keep {sample.name} in"):
        fetch_benchmark("Sample", tell)


@pytest.mark.usefixtures("sample")
def test_evaluate_fetches_what_it_is_told(
    call, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCALEWISE_DATA", raising=False)
    code, _, err = call("evaluate", "bicubic", "sample")
    assert code == 1
    assert "no such folder: sample; to give a set by its name, set SCALEWISE_DATA to" in err
    code, _, err = call("evaluate", "bicubic", "sample", "--download")
    assert code == 0
    assert f"sample: {cache / 'Sample'}" in err
    assert call("evaluate", "bicubic", "sample")[0] == 0  # without a word to download
    code, _, err = call("evaluate", "bicubic", "Set6", "--download")
    assert code == 1
    assert "no folder Set6, and no set of that name is known here: Set5, Set14, BSD100" in err


@pytest.mark.parametrize("below", [".", "eval"])
def test_sets_are_given_by_name(
    call, tmp_path: Path, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    (tmp_path / "sets" / below / "Set5").mkdir(parents=True)
    write(tmp_path / "sets" / below / "Set5" / "a.png", Picture(photo[:40, :50]))
    monkeypatch.setenv("SCALEWISE_DATA", str(tmp_path / "sets"))
    code, out, err = call("evaluate", "bicubic", "set5")
    assert (code, "Set5, x2, 1 image" in out) == (0, True)
    assert f"set5: {tmp_path / 'sets' / below / 'Set5'}" in err
    code, _, err = call("evaluate", "bicubic", "Set5", tmp_path / "sets" / below / "Set5")
    assert code != 0
    assert "given twice" in err
    for name in ("..", "Set14", "a/Set5"):
        code, _, err = call("compare", "--results", tmp_path, "--truth", name)
        assert code != 0
        assert name == ".." or f"no such folder: {name}; nor a set of that name in" in err
    (tmp_path / "Set5").mkdir()
    write(tmp_path / "Set5" / "b.png", Picture(photo[:40, :60]))
    write(tmp_path / "Set5" / "c.png", Picture(photo[:40, :60]))
    monkeypatch.chdir(tmp_path)  # a folder that is there is what is meant
    assert "Set5, x2, 2 images" in call("evaluate", "bicubic", "Set5")[1]


def test_the_known_sets() -> None:
    assert [each.name for each in BENCHMARKS.values()] == [
        *("Set5", "Set14", "BSD100", "Urban100", "DIV2K")
    ]
    for each in BENCHMARKS.values():
        assert each.url.startswith("https://")
        assert len(bytes.fromhex(each.md5)) == 16
