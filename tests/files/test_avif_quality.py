"""AVIF files: the quality that one was written with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from scalewise.files import Picture, avif, write
from scalewise.files.av1 import base_quantiser


def avif_quality(path: Path) -> int | None:
    with path.open("rb") as file:
        return avif.avif_quality(file)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.avif"


@pytest.fixture
def small(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(photo[:120, :90])


def save(image: NDArray[np.uint8], path: Path, **options: Any) -> None:
    """Write an AVIF file by libheif."""
    made: Any = pyvips.Image.new_from_array(image)
    made.heifsave(str(path), compression="av1", effort=1, **options)


@pytest.mark.parametrize("quality", [1, 10, 30, 50, 75, 90, 95])
def test_the_quality_is_the_encoders(small: NDArray[np.uint8], path: Path, quality: int) -> None:
    write(path, Picture(small), quality=quality)
    assert avif_quality(path) == quality
    Image.fromarray(small).save(path, quality=quality)  # by libavif
    assert avif_quality(path) == quality


@pytest.mark.parametrize("options", [{"bitdepth": 10}, {"bitdepth": 12}, {"subsample_mode": "off"}])
def test_other_settings_do_not_hide_it(
    small: NDArray[np.uint8], path: Path, options: dict[str, Any]
) -> None:
    save(small, path, Q=60, **options)
    assert avif_quality(path) == 60


def test_grey_and_alpha_do_not_hide_it(small: NDArray[np.uint8], path: Path) -> None:
    save(small[..., 0], path, Q=50)
    assert avif_quality(path) == 50
    save(np.dstack([small, small[..., 0]]), path, Q=50)
    assert avif_quality(path) == 50


@pytest.mark.parametrize("shape", [(64, 64), (300, 1000), (130, 4500), (2300, 70)])
def test_tiles_of_large_images_do_not_hide_it(path: Path, shape: tuple[int, int]) -> None:
    save(np.zeros((*shape, 3), np.uint8), path, Q=50)
    assert avif_quality(path) == 50


def test_lossless_files_have_the_best(small: NDArray[np.uint8], path: Path) -> None:
    save(small, path, lossless=True)
    assert avif_quality(path) == 100


def test_damaged_and_other_files_have_none(small: NDArray[np.uint8], path: Path) -> None:
    save(small, path, Q=50)
    whole = path.read_bytes()
    data = whole.index(b"mdat") + 4
    for length in (0, 7, 8, 60, data, data + 2, data + 12):
        path.write_bytes(whole[:length])
        assert avif_quality(path) is None
    path.write_bytes(whole.replace(b"pitm", b"pitx"))
    assert avif_quality(path) is None
    write(path.with_suffix(".png"), Picture(small))
    assert avif_quality(path.with_suffix(".png")) is None


def test_any_bytes_have_a_quantiser_or_none() -> None:
    random = np.random.default_rng(0)
    for _ in range(300):
        assert base_quantiser(random.bytes(40)) in {None, *range(256)}
        # Units of their right kinds, with other content.
        units = b"\x0a\x0b" + random.bytes(11) + b"\x32\x18" + random.bytes(24)
        assert base_quantiser(units) in {None, *range(256)}
