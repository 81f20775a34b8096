"""Fifty clients at once: every one gets a right image, or is told when to come again."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.web.conftest import Start, httpx

CLIENTS = 50
MOST_MEMORY = 2 * 2**30


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc for memory")
def test_fifty_clients_at_once(start: Start, pictures: Path) -> None:
    server = start("--max-waiting", "10")
    right = server.send(pictures / "a.png", task="upscale", wait="true").content

    def ask(_: int) -> httpx.Response:
        return server.send(pictures / "a.png", task="upscale", wait="true")

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(ask, range(CLIENTS)))
    served = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(served) + len(refused) == CLIENTS
    assert len(served) >= 10
    assert all(answer.content == right for answer in served)
    assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in refused)
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak * 1024 < MOST_MEMORY
    assert server.stop() == 0
    assert [path.name for path in server.folder.iterdir()] == ["lock"]
