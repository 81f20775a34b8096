"""Lists of jobs, and the event stream of all jobs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from scalewise.web.job_events import JobEvents
from scalewise.web.job_queue import JobQueue
from scalewise.web.limits import Limits
from scalewise.web.result_store import ResultStore
from scalewise.web.schemas import JobView
from tests.web.conftest import Server, Start, httpx

Event = tuple[str, Any]


@pytest.fixture(scope="module")
def alone(start: Start, models: Path) -> Server:
    """A server whose jobs are those of this file."""
    return start(models=models)


def events_of(answer: httpx.Response) -> Iterator[Event]:
    """The events of a stream as they come."""
    kind = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))


def until(events: Iterator[Event], kind: str, **values: object) -> list[Event]:
    """The events up to one of a kind with these values."""
    seen: list[Event] = []
    for event in events:
        seen.append(event)
        if event[0] == kind and values.items() <= event[1].items():
            return seen
    raise AssertionError("the stream has ended")


def test_all_jobs_are_listed_newest_first(alone: Server, pictures: Path) -> None:
    sent = [alone.send(pictures / "a.png", task="upscale").json()["id"] for _ in range(3)]
    listed = [view["id"] for view in alone.get("v1/jobs").json()]
    assert listed[:3] == sent[::-1]
    for job in sent:
        alone.done(job)
    assert {view["state"] for view in alone.get("v1/jobs").json()[:3]} == {"done"}
    named = alone.get(f"v1/jobs?id={sent[0]}&id={sent[2]}").json()
    assert [view["id"] for view in named] == [sent[0], sent[2]]
    unknown = alone.get(f"v1/jobs?id={sent[0]}&id=made-up")
    assert unknown.status_code == 404
    assert unknown.json()["detail"].startswith("there is no job 'made-up': ")


def test_one_stream_tells_of_all_jobs(alone: Server, pictures: Path) -> None:
    before = alone.send(pictures / "a.png", task="upscale").json()["id"]
    with httpx.stream("GET", alone.url("v1/events"), timeout=120) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        events = events_of(answer)
        kind, listed = next(events)
        assert kind == "jobs"
        assert before in [view["id"] for view in listed]
        first = alone.send(pictures / "large.png", task="upscale").json()["id"]
        second = alone.send(pictures / "a.png", task="upscale").json()["id"]
        told = until(events, "job", id=second, state="done")
        for job in (first, second):
            states = [view["state"] for kind, view in told if kind == "job" and view["id"] == job]
            assert states[-1] == "done"
            assert states == sorted(states, key=["waiting", "running", "done"].index)
        done = [view["done"] for kind, view in told if kind == "job" and view["id"] == first]
        assert done == sorted(done)
        httpx.delete(alone.url(f"v1/jobs/{second}"))
        told = until(events, "gone", id=second)
        assert [kind for kind, _ in told] == ["gone"]
    assert second not in [view["id"] for view in alone.get("v1/jobs").json()]


def test_a_restarted_server_lists_what_it_still_has(
    start: Start, models: Path, pictures: Path
) -> None:
    server = start(models=models)
    job = server.send(pictures / "b.jpg", name="mine.jpg", scale=1.5).json()["id"]
    view = server.done(job)
    assert server.stop() == 0
    again = start(folder=server.folder, models=models)
    (listed,) = again.get("v1/jobs").json()
    assert listed["id"] == job
    for same in ("state", "created", "options", "explanation", "model", "out_width", "seconds"):
        assert listed[same] == view[same], same
    assert listed["name"] == "mine.jpg"
    with httpx.stream("GET", again.url("v1/events"), timeout=60) as answer:
        assert next(events_of(answer)) == ("jobs", [listed])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_restarted_server_tells_which_jobs_are_lost(
    start: Start, models: Path, pictures: Path, how: int
) -> None:
    server = start(models=models)
    (server.folder / "cut.png").write_bytes((pictures / "a.png").read_bytes()[:3000])
    failed = server.send(server.folder / "cut.png", task="upscale").json()["id"]
    reason = server.done(failed)["problem"]
    running = server.send(pictures / "large.png", task="upscale", scale=4).json()["id"]
    waiting = server.send(pictures / "a.png", folder="trip").json()
    while server.get(f"v1/jobs/{running}").json()["done"] == 0:
        time.sleep(0.1)
    server.stop(how)
    again = start(folder=server.folder, models=models)
    first, second, third = again.get("v1/jobs").json()
    assert [first["id"], second["id"], third["id"]] == [waiting["id"], running, failed]
    assert (first["state"], second["state"]) == ("lost", "lost")
    assert (third["state"], third["problem"]) == ("failed", reason)
    assert "restarted before this job was finished; send the image again" in first["problem"]
    assert (first["name"], first["folder"], first["upload"]) == ("a.png", "trip", None)
    assert first["created"] == waiting["created"]
    answer = again.get(f"v1/jobs/{running}/result")
    assert (answer.status_code, answer.json()["detail"]) == (409, second["problem"])
    for path in ("before", "overview?side=before"):
        assert again.get(f"v1/jobs/{running}/{path}").status_code == 404
    assert httpx.delete(again.url(f"v1/jobs/{running}")).status_code == 204
    again.stop()
    last = start(folder=server.folder, models=models)
    assert [view["state"] for view in last.get("v1/jobs").json()] == ["lost", "failed"]
    assert last.get(f"v1/jobs?id={running}").status_code == 404


def test_many_streams_shut_nobody_out(start: Start, pictures: Path) -> None:
    server = start()
    limit = Limits().max_streams
    with ExitStack() as streams:
        many = httpx.Limits(max_connections=None)
        client = streams.enter_context(httpx.Client(limits=many, timeout=60))
        opened = [
            streams.enter_context(client.stream("GET", server.url("v1/events")))
            for _ in range(limit + 2)
        ]
        assert [each.status_code for each in opened] == [200] * limit + [503] * 2
        told = json.loads(opened[-1].read())["detail"]
        assert told.startswith(f"{limit} event streams are open, the limit of this server; close")
        assert opened[-1].headers["retry-after"] == "5"
        assert server.get("v1/jobs").status_code == 200
        assert server.send(pictures / "a.png", task="upscale", wait="true").status_code == 200
    end = time.monotonic() + 30
    while True:  # their places are free again
        with httpx.stream("GET", server.url("v1/events"), timeout=60) as answer:
            if answer.status_code == 200:
                break
        assert time.monotonic() < end
        time.sleep(0.2)
    assert server.stop() == 0


def test_a_server_that_stops_ends_its_streams(start: Start) -> None:
    server = start()
    with httpx.stream("GET", server.url("v1/events"), timeout=60) as answer:
        events = events_of(answer)
        assert next(events)[0] == "jobs"
        assert server.stop() == 0
        assert list(events) == []  # a stream that is cut off would raise an error


def stored(folder: Path, name: str, age: float = 0) -> str:
    """A finished job of an earlier server; its id."""
    view = JobView(id=name * 22, state="done", result_name="x.png", result_bytes=10)
    (folder / f"{view.id}.png").write_bytes(bytes(10))
    (folder / f"{view.id}.json").write_text(view.model_dump_json())
    when = time.time() - age
    os.utime(folder / f"{view.id}.json", (when, when))
    return view.id


def test_expired_results_leave_the_list_and_are_told_as_gone(tmp_path: Path) -> None:
    soon, later = stored(tmp_path, "a", age=57), stored(tmp_path, "b")

    async def told(queue: JobQueue) -> list[str]:
        events = JobEvents(queue).stream()
        seen = [await anext(events)]
        async with asyncio.timeout(30):
            while "gone" not in seen[-1]:
                seen.append(await anext(events))
        await events.aclose()  # pyright: ignore
        return seen

    with (
        closing(ResultStore(tmp_path)) as store,
        closing(JobQueue(Limits(keep_seconds=60), store)) as queue,
    ):
        seen = asyncio.run(told(queue))
        assert soon in seen[0]
        assert later in seen[0]
        assert seen[-1] == f'event: gone\ndata: {{"id": "{soon}"}}\n\n'
        assert [view.id for view in queue.views()] == [later]
        assert queue.find(soon) is None


def test_a_slow_reader_gets_the_last_state_alone(tmp_path: Path) -> None:
    known = stored(tmp_path, "a")

    async def told(queue: JobQueue) -> str:
        job = queue.find(known)
        assert job is not None
        events = JobEvents(queue).stream()
        await anext(events)
        for percent in range(5):
            job.update(done=percent / 100)
            await asyncio.sleep(0.25)
        async with asyncio.timeout(30):
            return await anext(events)

    with closing(ResultStore(tmp_path)) as store, closing(JobQueue(Limits(), store)) as queue:
        late = asyncio.run(told(queue))
    assert late.count("event: job") == 1
    assert '"done":0.04' in late


def test_nobody_watches_when_nobody_listens(tmp_path: Path) -> None:
    async def watchers(queue: JobQueue) -> list[int]:
        events = JobEvents(queue)
        counts: list[int] = []
        for _ in range(2):
            streams = [events.stream() for _ in range(3)]
            for stream in streams:
                await anext(stream)
            counts.append(len(asyncio.all_tasks()) - 1)
            for stream in streams:
                await stream.aclose()  # pyright: ignore
            await asyncio.sleep(0.5)
            counts.append(len(asyncio.all_tasks()) - 1)
        return counts

    with closing(ResultStore(tmp_path)) as store, closing(JobQueue(Limits(), store)) as queue:
        assert asyncio.run(watchers(queue)) == [1, 0, 1, 0]


def test_what_a_killed_server_left_is_removed(tmp_path: Path) -> None:
    for name in (".scalewise-0a1b2c3d", f"{'x' * 22}.png", "notes.txt", ".scalewise-notes.txt"):
        (tmp_path / name).touch()
    with closing(ResultStore(tmp_path)) as store:
        assert store.recover(60.0) == []
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"lock", "notes.txt", ".scalewise-notes.txt"}
