"""WebP files: the quality that a lossy one was written with."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalewise.files import Picture, webp, write


def encoded(image: NDArray[np.uint8], **options: Any) -> bytes:
    """Return a WebP file by PIL, which brings a libwebp of its own."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "WEBP", **options)
    return file.getvalue()


def webp_quality(path: Path) -> int | None:
    with path.open("rb") as file:
        return webp.webp_quality(file)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.webp"


@pytest.mark.parametrize("quality", [1, 10, 30, 50, 60, 75, 80, 90, 95, 100])
def test_the_quality_is_the_encoders(photo: NDArray[np.uint8], path: Path, quality: int) -> None:
    write(path, Picture(photo), quality=quality)
    found = webp_quality(path)
    assert found is not None
    assert abs(found - quality) <= 2
    path.write_bytes(encoded(photo, quality=quality))
    assert webp_quality(path) == found


@pytest.mark.parametrize("options", [{"method": 0}, {"method": 6}, {"exact": True}])
def test_other_settings_change_it_little(
    photo: NDArray[np.uint8], path: Path, options: dict[str, Any]
) -> None:
    path.write_bytes(encoded(photo, quality=75, **options))
    found = webp_quality(path)
    assert found is not None
    assert abs(found - 75) <= 8


def test_alpha_and_further_frames_do_not_hide_it(photo: NDArray[np.uint8], path: Path) -> None:
    alpha = np.dstack([photo, photo[..., 0]])
    path.write_bytes(encoded(alpha, quality=60))
    assert webp_quality(path) in (59, 60, 61)
    turned = Image.fromarray(np.rot90(photo).copy())
    path.write_bytes(encoded(photo, quality=60, save_all=True, append_images=[turned]))
    found = webp_quality(path)
    assert found is not None
    assert abs(found - 60) <= 10


def test_lossless_and_other_files_have_none(photo: NDArray[np.uint8], path: Path) -> None:
    path.write_bytes(encoded(photo, lossless=True))
    assert webp_quality(path) is None
    write(path.with_suffix(".png"), Picture(photo))
    assert webp_quality(path.with_suffix(".png")) is None


def test_damaged_files_have_none_or_any(photo: NDArray[np.uint8], path: Path) -> None:
    whole = encoded(photo, quality=50)
    start = whole.index(b"VP8 ") + 8
    for length in (0, 11, 12, start, start + 9, start + 11):
        path.write_bytes(whole[:length])
        assert webp_quality(path) is None
    path.write_bytes(whole[:start] + b"\x01" + whole[start + 1 :])  # not a key frame
    assert webp_quality(path) is None
    for cut in range(start + 12, start + 30):
        path.write_bytes(whole[:cut])
        assert webp_quality(path) in range(101)
