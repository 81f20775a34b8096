"""Limits: what is too much is refused with a reason, and what is kept goes in time."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from tempfile import SpooledTemporaryFile, TemporaryFile
from threading import Thread
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi import Request, Response
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from starlette.datastructures import UploadFile
from starlette.types import Message

from scalewise.errors import DiskFullError
from scalewise.files import Picture, write
from scalewise.files.preview import preview
from scalewise.files.support import supported_formats
from scalewise.web import job_queue, result_store, timeouts
from scalewise.web.app import create_app
from scalewise.web.interactive import ClientLeft
from scalewise.web.job_queue import JobQueue, RestoreJob
from scalewise.web.limits import Limits, ServerBusy
from scalewise.web.messages import too_slow
from scalewise.web.problems import HttpProblem
from scalewise.web.result_store import ResultStore
from scalewise.web.schemas import JobView
from scalewise.web.uploads import Upload, receive_form
from tests.web.conftest import Server, Start, httpx


@pytest.fixture(scope="module")
def strict(start: Start) -> Server:
    return start(
        *("--max-megabytes", "0.5", "--max-megapixels", "0.3", "--max-waiting", "2"),
        *("--max-minutes", "0.003", "--keep-minutes", "0.05"),
    )


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory, photo: NDArray[np.uint8]) -> Path:
    """An image for which the strict server has not the time."""
    path = tmp_path_factory.mktemp("long") / "long.jpg"
    write(path, Picture(photo))
    return path


def test_too_many_bytes(strict: Server, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(bytes(2_000_000))
    answer = strict.send(tmp_path / "x.png")
    assert answer.status_code == 413
    assert answer.json()["detail"] == "the file is larger than 0.5 MB, the limit of this server"


def test_too_many_pixels(strict: Server, tmp_path: Path) -> None:
    write(tmp_path / "x.png", Picture(np.zeros((600, 600, 3), np.uint8)))
    answer = strict.send(tmp_path / "x.png")
    assert answer.status_code == 413
    assert answer.json()["detail"] == "x.png has 0.4 megapixels; the limit here is 0.3"


def test_too_many_pictures_and_too_much_time(strict: Server, long: Path) -> None:
    answers = [strict.send(long, task="upscale") for _ in range(6)]
    busy = [answer for answer in answers if answer.status_code == 503]
    assert busy
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in busy)
    assert "try again in" in busy[0].json()["detail"]
    views = [strict.done(answer.json()["id"]) for answer in answers if answer.status_code == 202]
    problems = [str(view["problem"]) for view in views if view.get("state") == "failed"]
    assert problems
    assert problems[0].startswith("it took longer than 0.18 seconds")
    assert "start the server with a larger --max-minutes" in problems[0]
    assert "a smaller size" not in problems[0], "one network runs at any size up to its own"
    assert "choose a smaller size, crop" in too_slow(900, 4, 2)


def test_results_are_kept_for_their_time(strict: Server, pictures: Path) -> None:
    assert strict.get("v1/limits").json()["keep_seconds"] == 3
    job = strict.send(pictures / "a.png", task="upscale", scale=1).json()["id"]
    assert strict.done(job)["state"] == "done"
    assert strict.get(f"v1/jobs/{job}/result").status_code == 200
    end = time.monotonic() + 20
    while list(strict.folder.glob(f"{job}*")) and time.monotonic() < end:
        time.sleep(0.2)
    assert not list(strict.folder.glob(f"{job}*"))
    assert strict.get(f"v1/jobs/{job}").status_code == 404


def test_the_oldest_results_go_when_there_are_too_many(tmp_path: Path) -> None:
    with closing(ResultStore(tmp_path)) as store:
        for age, name in enumerate("abc"):
            view = JobView(id=name * 22, state="done", result_name="x.png", result_bytes=10)
            store.result_path(view.id, ".png").write_bytes(bytes(10))
            store.save_record(view)
            when = time.time() - age / 10
            os.utime(tmp_path / f"{view.id}.json", (when, when))
        queue = JobQueue(Limits(keep_seconds=6, max_kept_bytes=25), store)
        end = time.monotonic() + 5
        while queue.find("c" * 22) and time.monotonic() < end:
            time.sleep(0.05)
        queue.close()
    assert {path.stem for path in tmp_path.glob("*.png")} == {"a" * 22, "b" * 22}


def test_no_job_is_taken_without_memory(tmp_path: Path) -> None:
    with closing(ResultStore(tmp_path)) as store:
        queue = JobQueue(Limits(min_free_memory=10**18), store)
        with pytest.raises(ServerBusy, match="memory is short; try again in 10 seconds"):
            queue.require_capacity()
        queue.close()


def form_of(
    messages: Sequence[Message | Exception], pause: float = 0, **limits: float
) -> HttpProblem:
    """What becomes of a form that comes in so; in place of the end, the client pauses."""
    coming = iter(messages)

    async def receive() -> Message:
        await asyncio.sleep(pause)
        message = next(coming, None)
        if message is None:
            await asyncio.sleep(10)
            raise AssertionError("waited for too long")
        if isinstance(message, Exception):
            raise message
        return message

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    with pytest.raises(HttpProblem) as raised:
        asyncio.run(receive_form(Request(scope, receive), Limits(**limits)))  # pyright: ignore
    return raised.value


BEGUN: Message = {"type": "http.request", "body": b"--x\r\n", "more_body": True}
DRIP: Message = {"type": "http.request", "body": b"", "more_body": True}


def test_an_upload_that_pauses_is_given_up() -> None:
    problem = form_of([BEGUN], idle_seconds=0.1)
    assert (problem.status_code, problem.detail) == (408, "the upload was too slow")
    assert form_of([BEGUN], upload_seconds=0.1).status_code == 408


def test_an_upload_that_trickles_is_given_up() -> None:
    begin = time.monotonic()
    trickle = [BEGUN, *[DRIP] * 40]
    problem = form_of(trickle, idle_seconds=0.5, min_rate=20, pause=0.1)
    assert problem.detail == "the upload was too slow"
    assert 0.5 < time.monotonic() - begin < 3


def test_an_upload_that_is_broken_off_is_no_fault() -> None:
    problem = form_of([BEGUN, {"type": "http.disconnect"}])
    assert (problem.status_code, problem.detail) == (400, "the upload was interrupted")


def test_a_full_disk_is_said_to_be() -> None:
    problem = form_of([BEGUN, OSError(errno.ENOSPC, "No space left on device")])
    assert (problem.status_code, problem.headers) == (503, {"Retry-After": "60"})
    assert problem.detail.startswith("the server's disk is full")


def test_an_upload_that_is_closed_while_it_is_read_stays_what_it_is() -> None:
    with SpooledTemporaryFile() as file:
        file.write(b"a picture")
        upload = Upload(UploadFile(file))  # pyright: ignore
    with upload.keep_open() as path:
        upload.close()
        with TemporaryFile() as other:  # which is given the number that is free now
            other.write(b"somebody else's")
            other.flush()
            assert path.read_bytes() == b"a picture"
    with pytest.raises(FileNotFoundError), upload.keep_open():
        pass


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """The address of a server that looks at its connections often, and says much."""
    monkeypatch.setattr(timeouts, "CHECK_SECONDS", 1.0)
    said = Response(bytes(50_000_000))
    config = uvicorn.Config(
        said, http=timeouts.IdleTimeoutProtocol, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()
        server.should_exit = True
        thread.join()


ASKED = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", ASKED[:20], ASKED])
def test_who_only_connects_or_takes_nothing_is_hung_up_on(
    patient: tuple[str, int], sent: bytes
) -> None:
    with socket.create_connection(patient, timeout=10) as client:
        client.sendall(sent)
        time.sleep(2.5)  # and reads nothing
        taken = 0
        with suppress(ConnectionResetError):
            while content := client.recv(2**20):
                taken += len(content)
        assert taken < 50_000_000


def test_who_asks_again_and_takes_slowly_is_not(patient: tuple[str, int]) -> None:
    address = "http://{}:{}/".format(*patient)
    with httpx.Client() as client:
        for pause in (0.0, 0.25):  # the second answer takes more than twice the server's patience
            with client.stream("GET", address) as answer:
                taken = 0
                for content in answer.iter_bytes(5_000_000):
                    taken += len(content)
                    time.sleep(pause)
            assert taken == 50_000_000


def test_one_slow_client_blocks_nobody(server: Server, pictures: Path) -> None:
    host, _, port = server.address.removeprefix("http://").rstrip("/").partition(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(
            b"POST /v1/restore HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        )
        start = time.monotonic()
        assert server.send(pictures / "a.png", task="upscale", wait="true").status_code == 200
        assert time.monotonic() - start < 25
    assert httpx.get(server.url("v1/limits")).status_code == 200


def test_a_client_that_no_longer_waits_is_no_longer_worked_for(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"task": "upscale", "scale": "4", "wait": "true"}
    picture = {"file": ("large.png", (pictures / "large.png").read_bytes())}
    asked = httpx.Request("POST", "http://localhost/v1/restore", data=form, files=picture)
    scope = {
        **{"type": "http", "method": "POST", "path": "/v1/restore", "query_string": b""},
        "headers": [(name.lower(), value) for name, value in asked.headers.raw],
    }
    messages = iter([{"type": "http.request", "body": asked.read()}])
    jobs: list[RestoreJob] = []
    answered: list[int] = []

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    def submit(*given: Any) -> RestoreJob:
        jobs.append(JobQueue.submit(queue, *given))
        return jobs[-1]

    async def send(message: Message) -> None:
        answered.append(message.get("status", 0))

    with closing(ResultStore(tmp_path)) as store, closing(JobQueue(Limits(), store)) as queue:
        monkeypatch.setattr(queue, "submit", submit)
        asyncio.run(create_app(queue)(scope, receive, send))  # pyright: ignore
        assert answered[0] == 204
        (job,) = jobs
        assert job.cancelled
        assert queue.find(job.view.id) is None
    assert job.view.state == "cancelled"
    assert not list(tmp_path.glob(f"{job.view.id}*"))


@pytest.mark.parametrize("error", [DiskFullError("a_x2.png: disk full"), MemoryError()])
def test_a_job_that_lacks_room_is_a_fault_of_the_server(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def restore_file(*_: object) -> None:
        raise error

    monkeypatch.setattr(job_queue, "restore_file", restore_file)
    app = create_app(JobQueue(Limits(), ResultStore(tmp_path)), hosts=None, warm_up=False)
    image = {"file": ("a.png", (pictures / "a.png").read_bytes())}
    with TestClient(app) as client:
        answer = client.post("/v1/restore", files=image, data={"wait": "true"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert answer.json()["detail"].startswith("a")


def test_a_folder_that_cannot_be_written_is_a_fault_of_the_server(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_atomic(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/secret/x.json")

    monkeypatch.setattr(result_store, "write_atomic", write_atomic)
    app = create_app(JobQueue(Limits(), ResultStore(tmp_path)), hosts=None, warm_up=False)
    image = {"file": ("a.png", (pictures / "a.png").read_bytes())}
    with TestClient(app) as client:
        answer = client.post("/v1/restore", files=image)
        detail = "the server cannot write to its disk (Permission denied); try again later"
        assert (answer.status_code, answer.json()["detail"]) == (503, detail)
        assert client.get("/v1/jobs").json() == client.get("/v1/uploads").json() == []


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_display_that_nobody_waits_for_ends_early(
    tmp_path: Path, photo: NDArray[np.uint8], suffix: str
) -> None:
    path = tmp_path / f"large{suffix}"
    write(path, Picture(np.tile(photo, (6, 6, 1))))
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ClientLeft

    with pytest.raises(ClientLeft):
        preview(path, 4096, check)
    assert 3 <= calls < 30
    assert preview(path, 64).startswith(b"\x89PNG")


def test_formats_are_tried_before_the_first_client_asks(tmp_path: Path) -> None:
    """The server's one event loop does not wait for them."""
    supported_formats.cache_clear()
    coming = iter(["lifespan.startup", "lifespan.shutdown"])
    tried: list[int] = []

    async def receive() -> Message:
        return {"type": next(coming)}

    async def send(message: Message) -> None:
        tried.append(supported_formats.cache_info().currsize)

    with closing(ResultStore(tmp_path)) as store:
        app = create_app(JobQueue(Limits(), store))
        asyncio.run(app({"type": "lifespan", "state": {}}, receive, send))  # pyright: ignore
    assert tried == [1, 1]
