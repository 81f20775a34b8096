"""An image to restore, and what commands print about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.files import Picture, write


@pytest.fixture
def picture(tmp_path: Path, photo: NDArray[np.uint8]) -> Path:
    write(tmp_path / "photo.png", Picture(photo[100:160, 100:170]))
    return tmp_path / "photo.png"


def only_line(text: str) -> str:
    (line,) = text.strip().splitlines()
    return line
