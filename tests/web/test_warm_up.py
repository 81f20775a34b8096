"""Warm-up of the networks: when it happens, in which order, and whom it gives way to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs the web extra")

from fastapi.testclient import TestClient

from scalewise.web import server, warm_up
from scalewise.web.app import create_app
from scalewise.web.catalogue import default_models
from scalewise.web.interactive import Precedence
from scalewise.web.job_queue import JobQueue
from scalewise.web.limits import Limits
from scalewise.web.previews import Previewer
from scalewise.web.result_store import ResultStore
from scalewise.web.speed import Speeds
from scalewise.web.warm_up import WarmUp
from scalewise.weights import read_card


class Recorder:
    """A previewer that only notes what it is asked for, and threads that nobody waits for."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.quiet = 60.0

    def prepare(self, model: str) -> None:
        self.calls.append(("prepare", model))

    def measure(self, model: str) -> None:
        self.calls.append(("measure", model))

    def quiet_seconds(self) -> float:
        return self.quiet


def wait_until(is_true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.02)


def make(recorder: Any) -> WarmUp:
    return WarmUp(recorder, recorder, Precedence())


def test_all_are_prepared_before_any_is_measured_and_the_needed_one_first() -> None:
    recorder = Recorder()
    warming = make(recorder)
    names = list(default_models())
    warming.start(names[-1])
    wait_until(lambda: len(recorder.calls) == 2 * len(names))
    warming.start()  # a second page
    warming.close()
    ordered = [names[-1], *names[:-1]]
    expected = [(what, name) for what in ("prepare", "measure") for name in ordered]
    assert recorder.calls == expected


def test_a_model_that_a_task_names_by_its_folder_is_measured(
    small_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_up, "default_models", lambda: [str(small_release)])
    speeds = Speeds()
    recorder = Recorder()
    warming = WarmUp(Previewer(speeds), recorder, Precedence())  # type: ignore[arg-type]
    name = read_card(small_release).name
    warming.start(name)
    wait_until(lambda: speeds.knows(name))
    warming.close()


def test_it_waits_while_somebody_waits_for_a_preview() -> None:
    recorder = Recorder()
    recorder.quiet = 0.0
    warming = make(recorder)
    warming.start()
    time.sleep(0.5)
    assert recorder.calls == []
    recorder.quiet = 60.0
    wait_until(lambda: len(recorder.calls) > 0)
    warming.close()


def test_it_starts_with_the_page_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "scn_fast_x2"
    monkeypatch.setattr(warm_up, "default_models", lambda: [name])
    queue = JobQueue(Limits(), ResultStore(tmp_path))
    with TestClient(create_app(queue, hosts=None)) as client:
        assert client.get("/v1/jobs").status_code == 200
        assert "warm-up" not in [thread.name for thread in threading.enumerate()]
        assert client.get("/v1/limits").status_code == 200  # which the page asks for first
        wait_until(lambda: queue.speeds.knows(name))


def test_a_server_can_leave_it_out(tmp_path: Path) -> None:
    app = create_app(JobQueue(Limits(), ResultStore(tmp_path)), hosts=None, warm_up=False)
    with TestClient(app) as client:
        assert client.get("/v1/limits").status_code == 200
        assert "warm-up" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize(("options", "warm_up"), [([], True), (["--no-warm-up"], False)])
def test_the_command_passes_the_option_on(
    options: list[str],
    warm_up: bool,
    call: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(server, "serve", lambda *_, **options: given.update(options))
    assert call("serve", "--no-open", *options)[0] == 0
    assert given["warm_up"] is warm_up
