"""Lists of jobs, and the event stream of all jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import Server, Start, httpx

Event = tuple[str, Any]


@pytest.fixture(scope="module")
def alone(start: Start) -> Server:
    """A server whose jobs are those of this file."""
    return start()


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
    named = alone.get(f"v1/jobs?id={sent[0]}&id=x").json()
    assert [(view["id"], view["state"]) for view in named] == [(sent[0], "done"), ("x", "lost")]


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
