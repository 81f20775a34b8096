"""Previews for browsers: what the reader says, not what libvips alone would take it for."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from scalewise.files import Metadata, Picture, write
from scalewise.files.metadata.colour import StatedColour
from scalewise.files.preview import preview


@pytest.mark.parametrize(("count", "photometric"), [(4, "rgb"), (2, "minisblack")])
def test_bands_are_not_shown_as_transparency(tmp_path: Path, count: int, photometric: str) -> None:
    image = np.full((30, 50, count), 200, np.uint8)
    image[..., -1] = 0
    kind = {"photometric": photometric, "planarconfig": "contig", "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", image, extrasamples=[0], **kind)
    for side, size in ((100, (50, 30)), (20, (16, 10)), (1, (1, 1))):
        shown = Image.open(io.BytesIO(preview(tmp_path / "a.tif", side)))
        assert shown.size == size
        assert shown.mode == ("RGB" if count == 4 else "L")
        assert np.asarray(shown).min() == 200


@pytest.mark.parametrize("shape", [(1, 300, 3), (300, 1, 3)])
def test_a_line(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full(shape, 7000, np.uint16), photometric="rgb")
    shown = Image.open(io.BytesIO(preview(tmp_path / "a.tif", 100)))
    assert max(shown.size) == 100
    assert np.asarray(shown).max() == 27


def test_stated_colours_are_shown_by_a_profile(tmp_path: Path) -> None:
    pixels = np.full((30, 50, 3), 90, np.uint8)
    stated = StatedColour(9, 16)
    write(tmp_path / "a.png", Picture(pixels, Metadata(stated=stated)))
    shown = Image.open(io.BytesIO(preview(tmp_path / "a.png", 10)))
    assert shown.info["icc_profile"] == stated.profile()
