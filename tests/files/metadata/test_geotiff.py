"""GeoTIFF tags: the place of an image on the earth, before and after it is resized."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from scalewise.files import Picture, open_picture, read, write

PIXELS = np.full((24, 32), 128, np.uint8)
AREA, POINT = 1, 2


def geotiff(path: Path, raster: int = AREA, matrix: bool = False, **options: Any) -> Path:
    keys = (1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, raster)
    tags: list[Any] = [(34735, 3, len(keys), keys, True), (42113, 2, 0, "0", True)]
    if matrix:
        numbers = (0.5, 0.1, 0, 400.0, 0.2, -0.5, 0, 5000.0, 0, 0, 0, 0, 0, 0, 0, 1)
        tags.append((34264, 12, 16, numbers, True))
    else:
        tags += [(33550, 12, 3, (0.5, 0.5, 0.0), True)]
        tags += [(33922, 12, 6, (4.0, 8.0, 0.0, 400.0, 5000.0, 0.0), True)]
    tifffile.imwrite(path, PIXELS, metadata=None, extratags=tags, **options)
    return path


def place(path: Path, column: float, row: float, raster: int = AREA) -> tuple[float, float]:
    """Where a point of the image lies, counted in pixels from its upper left corner."""
    with tifffile.TiffFile(path) as file:
        tags = {tag.code: tag.value for tag in file.pages[0].tags}
    if raster == POINT:
        column, row = column - 0.5, row - 0.5
    if 34264 in tags:
        a, b, _, d, e, f, _, h = tags[34264][:8]
        return a * column + b * row + d, e * column + f * row + h
    across, down, _ = tags[33550]
    i, j, _, x, y, _ = tags[33922]
    return x + (column - i) * across, y - (row - j) * down


@pytest.mark.parametrize("raster", [AREA, POINT])
@pytest.mark.parametrize("matrix", [False, True])
@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}])
@pytest.mark.parametrize("size", [(64, 48), (48, 36), (64, 24)])
def test_every_point_stays_where_it_was(
    tmp_path: Path, raster: int, matrix: bool, options: dict[str, Any], size: tuple[int, int]
) -> None:
    picture = read(geotiff(tmp_path / "a.tif", raster, matrix, **options))
    large = picture.with_pixels(np.zeros((size[1], size[0], 1), np.uint8))
    assert write(tmp_path / "b.tif", large) == []
    for column, row in ((0.0, 0.0), (32.0, 24.0), (7.3, 11.9)):
        scaled = column * size[0] / 32, row * size[1] / 24
        now = place(tmp_path / "b.tif", *scaled, raster)
        assert math.dist(now, place(tmp_path / "a.tif", column, row, raster)) < 1e-9
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages[0].tags[42113].value == "0"


def test_other_formats_say_that_they_have_no_place(tmp_path: Path) -> None:
    (warning,) = write(tmp_path / "b.png", read(geotiff(tmp_path / "a.tif")))
    assert "GeoTIFF tags have no place in png" in warning


def test_a_turned_picture_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tags: list[Any] = [(274, 3, 1, 6, True), (33550, 12, 3, (0.5, 0.5, 0.0), True)]
    tifffile.imwrite(path, PIXELS, metadata=None, extratags=tags)
    with open_picture(path) as reader:
        (warning,) = reader.warnings
        assert reader.metadata.geo is None
    assert "GeoTIFF" in warning


def test_a_sensor_model_is_left_out_with_a_word(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", PIXELS, metadata=None, extratags=[(50844, 12, 92, (1.0,) * 92, True)]
    )
    with open_picture(tmp_path / "a.tif") as reader:
        (warning,) = reader.warnings
    assert "RPC" in warning


def test_strip_leaves_them_out(tmp_path: Path) -> None:
    assert write(tmp_path / "b.tif", read(geotiff(tmp_path / "a.tif")), strip=True) == []
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert 33550 not in file.pages[0].tags


def test_no_geotiff_is_none(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", Picture(PIXELS[..., None]))
    assert read(tmp_path / "a.tif").metadata.geo is None
