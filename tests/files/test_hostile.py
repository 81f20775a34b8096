"""Files from strangers: an image or one line, never a traceback, a crash, a hang or a leftover.

The whole run, of which the suite does a tenth: ``pytest tests/files/test_hostile.py -m hostile``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.files.hostile import damaged, samples

BATCH = 100
SECONDS = 120
"""The limit of a batch, which takes one or two: a decoder that hangs is a failure."""


def check_batch(first: int, folder: Path) -> None:
    """Read a batch in a process of its own, which may crash."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.files.hostile", str(first), str(BATCH), str(folder)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    lines = child.stdout.splitlines()
    assert [line for line in lines if line.startswith("!")] == []
    assert child.returncode == 0, f"file {lines[-1]} ended the process: {child.returncode}"
    assert lines[-1] == "done"
    assert "Traceback" not in child.stderr


@pytest.mark.parametrize("first", [0, 100])
def test_damaged_files(tmp_path: Path, first: int) -> None:
    check_batch(first, tmp_path)


@pytest.mark.hostile
@pytest.mark.parametrize("first", range(200, 4000, BATCH))
def test_many_damaged_files(tmp_path: Path, first: int) -> None:
    check_batch(first, tmp_path)


def test_the_damage_is_the_same_every_time() -> None:
    assert [damaged(seed) for seed in range(60)] == [damaged(seed) for seed in range(60)]
    assert sum(damaged(seed) not in samples() for seed in range(200)) > 190
