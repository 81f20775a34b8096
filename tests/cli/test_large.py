"""The memory of the command with the released network, on large images; minutes each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.files import PictureWriter, open_picture

COMMAND = """
import sys
from scalewise.cli.app import main
try:
    main()
finally:
    with open("/proc/self/status") as file:
        print(next(int(line.split()[1]) * 1024 for line in file if line[:6] == "VmHWM:"))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("side", [5000, 10000])
def test_memory_is_bounded(tmp_path: Path, photo: NDArray[np.uint8], side: int) -> None:
    source, target = tmp_path / "photo.jpg", tmp_path / "large.jpg"
    row = np.tile(photo, (1, side // 512 + 1, 1))[:, :side]
    with PictureWriter(source, side, side, 3, np.uint8) as writer:
        for start in range(0, side, 512):
            writer.write_rows(row[: min(512, side - start)])
    finished = subprocess.run(
        [sys.executable, "-c", COMMAND, "upscale", source, "-o", target, "--device", "cpu"],
        capture_output=True,
        text=True,
        check=True,
    )
    peak = int(finished.stdout.splitlines()[-1])
    with open_picture(target) as reader:
        assert (reader.width, reader.height) == (2 * side, 2 * side)
    assert peak < 1.5e9
