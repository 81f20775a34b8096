"""``scalewise serve``: its address, its token, its end."""

from __future__ import annotations

import resource
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.web.conftest import PROGRAM, Server, Start, httpx


def refused(*options: object) -> str:
    """The one line that a server says that does not start."""
    command = [*PROGRAM, "serve", "--no-open", *map(str, options)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    lines = ended.stderr.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_addresses_and_folders_that_are_taken(server: Server, tmp_path: Path) -> None:
    port = server.address.rstrip("/").rpartition(":")[2]
    line = refused("--port", port, "--folder", tmp_path)
    assert f"cannot listen at 127.0.0.1, port {port}" in line
    assert "--port" in line
    line = refused("--port", "0", "--folder", server.folder)
    assert "another scalewise serve is using it" in line


@pytest.mark.parametrize("host", ["nosuchhost.invalid", "192.0.2.1"])
def test_an_address_of_no_machine_or_another_one(host: str, tmp_path: Path) -> None:
    line = refused("--host", host, "--folder", tmp_path)
    assert f"--host {host}: not an address of this machine (" in line
    assert "--port" not in line


@pytest.mark.parametrize("token", ["", "short", "a b;secret&x"])
def test_tokens_that_keep_nobody_out_or_fit_no_address(token: str, tmp_path: Path) -> None:
    from scalewise.errors import ScalewiseError
    from scalewise.web.limits import Limits
    from scalewise.web.server import serve

    with pytest.raises(ScalewiseError, match="token: use at least 8 characters: letters"):
        serve("127.0.0.1", 0, Limits(), token=token, folder=tmp_path, notify=print)


@pytest.mark.parametrize("package", ["uvicorn", "fastapi", "python_multipart"])
def test_what_is_missing_is_said(package: str) -> None:
    code = f"import sys; sys.modules['{package}'] = None; {PROGRAM[-1]}"
    command = [sys.executable, "-c", code, "serve", "--no-open", "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"error: this needs {package}; install it with: pip install 'scalewise-restoration[web]'"
    ]


def test_other_commands_do_without() -> None:
    code = (
        "import sys, scalewise.cli.app; "
        "print(*({'fastapi', 'uvicorn', 'starlette'} & {*sys.modules}))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == ""


def test_others_need_the_token_that_is_printed(start: Start) -> None:
    from scalewise.web.server import own_addresses

    server = start("--host", "0.0.0.0")
    address, _, token = server.address.partition("?token=")
    assert len(token) >= 24
    assert server.process.stdout is not None
    for own in own_addresses("0.0.0.0"):
        line = server.process.stdout.readline().strip()
        url = f"http://{own}:{port_of(server)}/"
        assert line == f"{url}?token={token} on other machines"
        assert httpx.get(f"{url}v1/models").status_code == 401
    assert "in place of localhost" in server.process.stdout.readline()
    assert httpx.get(f"{address}v1/models").status_code == 401
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{address}v1/models", headers=bearer).status_code == 200
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(server.address)
        assert page.status_code == 200
        assert "token" not in str(page.url)
        assert "<title>scalewise" in page.text
    assert server.stop() == 0


@pytest.mark.parametrize(("own", "found"), [("192.168.1.5", ["192.168.1.5"]), ("127.0.0.1", [])])
def test_a_machine_without_a_network_has_no_other_address(
    own: str, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from scalewise.web.server import own_addresses

    class Probe:
        def __init__(self, family: int, kind: int) -> None:
            self.family = family

        def __enter__(self) -> Probe:
            return self

        def __exit__(self, *_: object) -> None: ...

        def connect(self, address: tuple[str, int]) -> None:
            if self.family == socket.AF_INET6:
                raise OSError(101, "Network is unreachable")

        def getsockname(self) -> tuple[str, int]:
            return own, 12345

    monkeypatch.setattr(socket, "socket", Probe)
    assert own_addresses("0.0.0.0") == own_addresses("::") == found


def port_of(server: Server) -> str:
    """The port of a server."""
    return server.address.partition("?")[0].rstrip("/").rpartition(":")[2]


needs_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")


@needs_ipv6
def test_this_machine_has_an_address_of_the_new_protocol(start: Start) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("::1 is not an address of this machine")
    server = start("--host", "::1")
    assert server.address == f"http://[::1]:{port_of(server)}/"
    assert server.get("v1/limits").status_code == 200
    evil = {"Host": f"evil.example:{port_of(server)}"}
    assert httpx.get(server.url("v1/limits"), headers=evil).status_code == 421
    assert server.stop() == 0


@needs_ipv6
def test_all_addresses_are_those_of_both_protocols(start: Start) -> None:
    server = start("--host", "::")
    port, token = port_of(server), server.address.partition("?token=")[2]
    bearer = {"Authorization": f"Bearer {token}"}
    for host in ("localhost", "127.0.0.1", "[::1]"):
        answer = httpx.get(f"http://{host}:{port}/v1/models", headers=bearer)
        assert answer.status_code == 200, host
    assert server.stop() == 0


def test_a_server_may_open_as_many_files_as_it_lets_clients_in(start: Start) -> None:
    given = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, given[1]))
        server = start(fresh=True)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, given)
    soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    assert soft == min(hard, 4096)
    assert server.get("v1/limits").status_code == 200
    assert server.stop() == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_is_told_to_stop_says_so(start: Start, how: signal.Signals) -> None:
    server = start(fresh=True)
    assert server.get("v1/limits").status_code == 200
    assert server.stop(how) == 0
    assert server.process.stdout is not None
    assert server.process.stdout.read().splitlines()[-1] == "stopped"


def test_a_client_that_waits_is_told_that_the_server_stops(
    start: Start, models: Path, pictures: Path
) -> None:
    server = start(models=models)
    with ThreadPoolExecutor() as threads:
        sent = threads.submit(server.send, pictures / "large.png", scale=8, wait="true")
        while not any(view["done"] > 0 for view in server.get("v1/jobs").json()):
            time.sleep(0.1)
        assert server.stop() == 0
        answer = sent.result()
    detail = "the server stops; send this again once it is back"
    assert (answer.status_code, answer.json()["detail"]) == (503, detail)
    again = start(folder=server.folder, models=models)
    assert again.get("v1/jobs").json() == []  # whoever sends it again does not need it
