"""Real servers, each a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.__main__ import main
from tests import forked
from tests.web import quick_models
from tests.web.browser import PATIENCE, User, find_chromium

pytest.importorskip("fastapi", reason="needs the web extra")
pytest.importorskip("uvicorn", reason="needs the web extra")
httpx = pytest.importorskip("httpx", reason="needs the test extra")

PLAIN: dict[str, Any] = {"timeout": 120, "verify": False}
"""Options of requests: nothing is encrypted, and loading certificates takes 40 ms each time."""

PROGRAM = [sys.executable, "-c", "from scalewise.__main__ import main; main()"]


class ForkedProcess:
    """A forked process with what tests need of ``subprocess.Popen``'s interface."""

    def __init__(self, main: forked.Main, arguments: list[str]) -> None:
        self.stdout, stdout = forked.pipe()
        environment = dict(os.environ)
        self._process = forked.start(main, arguments, stdout=stdout, environment=environment)
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, timeout: float) -> int | None:
        self._process.join(timeout)
        return self._process.exitcode


@dataclass
class Server:
    """A running ``scalewise serve``."""

    address: str
    folder: Path
    process: subprocess.Popen[str] | ForkedProcess

    def url(self, path: str) -> str:
        return self.address + path.lstrip("/")

    def send(self, path: Path, name: str | None = None, **fields: object) -> httpx.Response:
        files = {"file": (name or path.name, path.read_bytes())}
        data = {key: str(value) for key, value in fields.items()}
        return httpx.post(self.url("v1/restore"), files=files, data=data, **PLAIN)

    def get(self, path: str, **options: object) -> httpx.Response:
        return httpx.get(self.url(path), **PLAIN, **options)  # pyright: ignore[reportArgumentType]

    def done(self, job: str) -> dict[str, object]:
        """Wait for a job's end, by its events."""
        import json

        url = self.url(f"v1/jobs/{job}")
        last: dict[str, object] = {}
        with httpx.stream("GET", url, headers={"Accept": "text/event-stream"}, **PLAIN) as told:
            for line in told.iter_lines():
                if line.startswith("data: "):
                    last = json.loads(line.removeprefix("data: "))
        return last

    def forget_jobs(self) -> None:
        """Delete all jobs."""
        for job in self.get("v1/jobs").json():
            httpx.delete(self.url(f"v1/jobs/{job['id']}"), **PLAIN)

    def stop(self, how: int = signal.SIGINT) -> int | None:
        self.process.send_signal(how)
        return self.process.wait(timeout=30)


Start = Callable[..., Server]


@contextmanager
def starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a server with options; all are stopped at the end.

    None warms up its models but those with ``--warm-up``: it takes six seconds of every core.
    All are forked, but those that are to be ``fresh``: new processes, of the released models.
    """
    servers: list[Server] = []

    def start(
        *options: object,
        folder: Path | None = None,
        models: Path | None = None,
        fresh: bool = False,
    ) -> Server:
        folder = folder or tmp_path_factory.mktemp("served")
        arguments = ["serve", "--no-open", "--no-warm-up", "--folder", str(folder)]
        arguments += [] if "--port" in options else ["--port", "0"]
        arguments += map(str, options)
        if fresh:
            command = [*PROGRAM, *arguments]
            environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        else:
            program = main if models is None else partial(quick_models.run, models)
            process = ForkedProcess(program, arguments)
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), address
        servers.append(Server(address, folder, process))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a server with options; all are stopped at the end of the file."""
    with starting(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One with the released models, for all tests that change nothing about it."""
    with starting(tmp_path_factory) as start:
        yield start()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small models, for what does not depend on what a network makes of an image."""
    folder = tmp_path_factory.mktemp("models")
    quick_models.make_models(folder)
    return folder


@pytest.fixture(scope="session")
def quick_server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One with small models, for all tests of the page that change nothing about it."""
    with starting(tmp_path_factory) as start:
        yield start(models=models)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory, photo: NDArray[np.uint8]) -> Path:
    """``a.png`` (RGB), ``deep.png`` (16 bits), ``b.jpg`` (quality 60), ``wide.png`` and more.

    ``wide.png`` fills a window; ``large.png`` (4 tiles) takes a while.
    """
    from scalewise.files import Picture, write

    folder = tmp_path_factory.mktemp("pictures")
    write(folder / "a.png", Picture(photo[60:124, 100:180]))
    write(folder / "deep.png", Picture(photo[60:110, 100:160].astype(np.uint16) * 257))
    write(folder / "b.jpg", Picture(photo[60:124, 100:180]), quality=60)
    write(folder / "wide.png", Picture(photo[:192]))
    write(folder / "large.png", Picture(np.tile(photo[:192], (1, 4, 1))))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, as the system has it, preferably without the parts that show windows.

    It is gone after the module, since no other event loop can run beside Playwright's.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the test extra")
    program = find_chromium()
    with playwright.sync_playwright() as driver:
        # A container's root has no sandbox, and too small a /dev/shm.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = driver.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


Visit = Callable[..., User]


@pytest.fixture
def visit(browser: Any, quick_server: Server) -> Iterator[Visit]:
    """Open the page of a server, in a window with Playwright's options for contexts.

    Service workers are blocked by default: each would fetch the whole page once more.
    In the end nothing may have been asked of other servers, and no script have failed; what
    contains the text ``expect`` is the test's own doing.
    """
    quick_server.forget_jobs()  # pages list what other tests left
    contexts = ExitStack()
    asked: list[str] = []
    wrong: list[str] = []
    homes: list[str] = []

    def visit(at: Server = quick_server, expect: str = "", **options: object) -> User:
        context = browser.new_context(**{"service_workers": "block", **options})
        contexts.callback(context.close)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        contexts.callback(leave_routes, page)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: answer(dialog, wrong))
        page.on("console", lambda said: wrong.append(said.text) if is_wrong(said, expect) else None)
        homes.append(at.address.partition("?")[0])
        page.goto(at.address)
        page.locator("#limits:not(:empty)").wait_for()
        return User(page)

    with contexts:
        yield visit
    quick_server.forget_jobs()
    assert not wrong
    local = (*homes, "blob:", "data:")
    assert [url for url in asked if not url.startswith(local)] == []


def leave_routes(page: Any) -> None:
    """Let a request that a test answers itself fail quietly where the test has ended before it."""
    if not page.is_closed():
        page.unroute_all(behavior="ignoreErrors")


def answer(dialog: Any, wrong: list[str]) -> None:
    """Leave the page where it asks about that; any other dialog is wrong."""
    if dialog.type != "beforeunload":
        wrong.append(f"dialog: {dialog.message}")
    dialog.accept()


def is_wrong(said: Any, expect: str) -> bool:
    """Whether a message of the console is an error; refusals of the server are told there, too."""
    if said.type != "error" or said.text.startswith("Failed to load resource"):
        return False
    return not expect or expect not in said.text
