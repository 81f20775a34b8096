"""Random access to the pixels of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from scalewise.files import Metadata, Picture, read, write
from scalewise.files.raster import Raster, encode_png, to_display

BOXES = [(0, 0, 5, 7), (30, 60, 50, 40), (0, 150, 97, 51), (96, 200, 1, 1), (0, 0, 97, 201)]


def noise(*shape: int, kind: type = np.uint8) -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, np.iinfo(kind).max + 1, shape, kind)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["a.png", "a.tif", "deep.png"])
def test_regions_are_the_files_pixels_in_any_order(
    tmp_path: Path, name: str, channels: int
) -> None:
    kind = np.uint16 if name == "deep.png" else np.uint8
    pixels = noise(201, 97, channels, kind=kind)
    write(tmp_path / name, Picture(pixels))
    raster = Raster(tmp_path / name, tmp_path)
    (tmp_path / name).unlink()
    for x, y, width, height in (*BOXES, *BOXES[::-1]):
        region = raster.read(x, y, width, height)
        assert np.array_equal(region, pixels[y : y + height, x : x + width])
    assert not list(tmp_path.iterdir()), "what is decoded has no name on the disk"
    raster.close()
    with pytest.raises(ValueError, match="closed"):
        raster.read(0, 0, 1, 1)


@pytest.mark.parametrize("orientation", [3, 6])
def test_regions_are_upright(tmp_path: Path, photo: NDArray[np.uint8], orientation: int) -> None:
    image: Any = pyvips.Image.new_from_array(photo[:90, :60])
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    image.jpegsave(str(tmp_path / "a.jpg"))
    upright = read(tmp_path / "a.jpg").pixels
    raster = Raster(tmp_path / "a.jpg")
    assert (raster.height, raster.width) == upright.shape[:2]
    assert np.array_equal(raster.read(10, 20, 30, 25), upright[20:45, 10:40])


def test_only_the_rows_above_a_regions_end_are_decoded(tmp_path: Path) -> None:
    write(tmp_path / "a.png", Picture(noise(4000, 900, 3)))
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    raster = Raster(tmp_path / "a.png")
    assert raster.read(0, 100, 900, 50).shape == (50, 900, 3)
    with pytest.raises(Exception, match="truncated"):
        raster.read(0, 3000, 900, 50)


def test_decoding_stops_when_it_is_told_to(tmp_path: Path) -> None:
    write(tmp_path / "a.png", Picture(noise(4000, 900, 3)))
    raster = Raster(tmp_path / "a.png")
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        raster.read(0, 3990, 900, 10, check)
    assert asked == 2
    expected = read(tmp_path / "a.png").pixels[3990:]
    assert np.array_equal(raster.read(0, 3990, 900, 10), expected)


@pytest.mark.parametrize(("height", "width"), [(40, 4100), (5000, 30), (100, 80)])
def test_an_overview_has_the_mean_of_squares(tmp_path: Path, height: int, width: int) -> None:
    pixels = noise(height, width, 3)
    write(tmp_path / "a.png", Picture(pixels))
    overview = Raster(tmp_path / "a.png").overview()
    step = -(-max(height, width) // 2048)
    assert overview.shape[:2] == (-(-height // step), -(-width // step))
    for row, column in ((0, 0), (overview.shape[0] - 1, overview.shape[1] - 1), (5, 7)):
        square = pixels[row * step :, column * step :][:step, :step]
        mean = square.reshape(-1, 3).mean(axis=0)
        assert np.abs(overview[row, column] - mean).max() <= 0.51


def test_what_is_transparent_has_no_colour_in_an_overview(tmp_path: Path) -> None:
    pixels = np.zeros((10, 4096, 4), np.uint8)
    pixels[:, ::2] = 200, 100, 50, 255
    pixels[:, 1::2] = 0, 255, 0, 0
    write(tmp_path / "a.png", Picture(pixels))
    overview = Raster(tmp_path / "a.png").overview()
    assert (overview[..., :3] == (200, 100, 50)).all()
    assert np.isin(overview[..., 3], (127, 128)).all()


def test_colours_are_converted_to_srgb_as_the_profile_says(photo: NDArray[np.uint8]) -> None:
    blob: Any = pyvips.Operation.call("profile_load", "p3")
    profile = bytes(blob)
    cut = np.ascontiguousarray(photo[60:100, 200:250])
    cut[:20] = 250, 30, 20
    shown = to_display(cut, Metadata(icc=profile))
    image: Any = pyvips.Image.new_from_array(cut)
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    options = {"embedded": True, "intent": "relative", "black_point_compensation": True}
    expected = image.icc_transform("srgb", **options).numpy()
    assert np.abs(expected.astype(int) - cut).max() > 5
    assert np.array_equal(shown, expected)
    alpha = noise(40, 50, 1)
    with_alpha = to_display(np.concatenate([cut, alpha], axis=2), Metadata(icc=profile))
    assert np.array_equal(with_alpha, np.concatenate([expected, alpha], axis=2))
    deep = to_display(cut.astype(np.uint16) * 257, Metadata(icc=profile))
    assert np.abs(deep.astype(int) - expected).mean() < 0.5  # 8 bits are coarse in the dark
    assert np.array_equal(to_display(cut, Metadata(icc=b"damaged")), cut)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_is_without_loss(tmp_path: Path, channels: int) -> None:
    pixels = noise(20, 30, channels)
    (tmp_path / "a.png").write_bytes(encode_png(pixels))
    assert np.array_equal(read(tmp_path / "a.png").pixels, pixels)
