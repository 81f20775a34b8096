"""Memory: what is free, what a tile takes, and that a large image needs little."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scalewise.restoring.memory import (
    bytes_per_pixel,
    choose_tile,
    free_memory,
    is_out_of_memory,
)
from scalewise.weights import list_cards


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_what_the_machine_has(tmp_path: Path) -> None:
    write(tmp_path, "proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    5000 kB\n")
    assert free_memory(tmp_path) == 5000 * 1024


def test_what_a_control_group_leaves(tmp_path: Path) -> None:
    write(tmp_path, "proc/meminfo", "MemAvailable:    5000 kB\n")
    write(tmp_path, "proc/self/cgroup", "0::/outer/inner\n")
    write(tmp_path, "sys/fs/cgroup/outer/inner/memory.max", "max\n")
    write(tmp_path, "sys/fs/cgroup/outer/memory.max", "2000000\n")
    write(tmp_path, "sys/fs/cgroup/outer/memory.current", "1500000\n")
    write(tmp_path, "sys/fs/cgroup/outer/memory.stat", "anon 1200000\ninactive_file 300000\n")
    assert free_memory(tmp_path) == 800_000
    write(tmp_path, "sys/fs/cgroup/outer/memory.current", "9000000\n")
    assert free_memory(tmp_path) == 0


def test_a_system_that_does_not_tell(tmp_path: Path) -> None:
    assert free_memory(tmp_path) > 2**24
    assert free_memory() > 2**24


def test_tiles_go_by_memory() -> None:
    sides = [choose_tile(2**power, 1536, 28) for power in range(20, 40)]
    assert sides == sorted(sides)
    assert (sides[0], sides[-1]) == (64, 640)
    for power, side in zip(range(20, 40), sides, strict=True):
        assert side == 64 or (side + 56) ** 2 * 1536 <= 2**power / 2


def test_every_released_network_fits() -> None:
    """The largest tile of any takes less than what a large image may take in all."""
    for card in list_cards():
        per_pixel = bytes_per_pixel(card.architecture, card.settings)
        assert (640 + 56) ** 2 * per_pixel < 1.2e9
    assert bytes_per_pixel("unheard of", {}) > 1000


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("[CPU] std::bad_alloc"), True),
        (RuntimeError("Exception: Failed to allocate 123 bytes of memory"), True),
        (RuntimeError("Invalid buffer size: 9.00 GB"), True),
        (RuntimeError("plugin.cpp:54:\nResource temporarily unavailable"), True),
        (RuntimeError("Check 'shapes' failed"), False),
        (ValueError("allocation"), False),
    ],
)
def test_running_out_is_recognised(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) == expected


LARGE = """
import numpy as np
from scalewise.restoring.restorer import Restorer
from tests.restoring.fakes import Traits

class Cheap:
    device, precision = "cpu", "f32"
    def free_memory(self):
        return 2**34
    def __call__(self, image):
        return np.repeat(np.repeat(image, 2, 2), 2, 3)

class Source:
    height, width, channels, dtype = 5000, 5000, 1, np.dtype(np.uint8)
    def read_rows(self, start, stop):
        return np.full((stop - start, 5000, 1), 7, np.uint8)

class Sink:
    rows = 0
    def write_rows(self, rows):
        assert rows.shape[1:] == (10000, 1) and rows[0, 0, 0] == rows[-1, -1, 0] == 7
        self.rows += len(rows)

sink = Sink()
before = peak()
Restorer("cheap", Traits(channels=1), Cheap()).stream(Source(), sink)
assert sink.rows == 10000
print((peak() - before) / 1e6)
"""

REAL = """
import numpy as np
from scalewise.restoring.memory import bytes_per_pixel
from scalewise.restoring.loading import LoadOptions, load
from scalewise.weights.card import read_card
from scalewise.weights import find_release

restorer = load("scn_x2", LoadOptions(device="cpu", precision="f32", tile=None))
restorer.restore(np.zeros((32, 32, 3), np.uint8))
before = peak()
restorer.restore(np.zeros((256, 256, 3), np.uint8))
card = read_card(find_release("scn_x2"))
expected = 256**2 * bytes_per_pixel(card.architecture, card.settings)
print((peak() - before) / expected)
"""

PEAK = """
def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line[:6] == "VmHWM:")
"""


def run(script: str) -> float:
    finished = subprocess.run(
        [sys.executable, "-c", PEAK + script],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return float(finished.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_25_megapixels_become_100_in_strips() -> None:
    """What the engine itself takes, in MB, beside the network's memory for a tile."""
    assert run(LARGE) < 150


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_networks_memory_is_what_was_measured() -> None:
    assert 0.5 < run(REAL) < 1.5  # compiling takes some, too
