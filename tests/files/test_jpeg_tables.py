"""The tables in the header of a JPEG file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalewise.errors import ScalewiseError
from scalewise.files import Picture, write
from scalewise.files.jpeg_tables import luma_table
from scalewise.imaging.degradations import LUMA_TABLE, quantisation_table


@pytest.mark.parametrize("quality", [10, 50, 95])
def test_the_table_that_a_file_was_written_with(
    tmp_path: Path, photo: NDArray[np.uint8], quality: int
) -> None:
    expected = quantisation_table(LUMA_TABLE, quality)
    Image.fromarray(photo).save(tmp_path / "pillow.jpg", quality=quality)
    Image.fromarray(photo).save(tmp_path / "progressive.jpg", quality=quality, progressive=True)
    write(tmp_path / "vips.jpg", Picture(photo), quality=quality)
    for path in tmp_path.iterdir():
        found = luma_table(path)
        assert found is not None
        np.testing.assert_array_equal(found, expected)


def test_the_order_of_frequencies(tmp_path: Path) -> None:
    zigzag = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]  # the first ten, ITU-T T.81 figure A.6
    segment = b"\xff\xdb" + (67).to_bytes(2, "big") + b"\0" + bytes(range(64))
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff" + segment)
    found = luma_table(tmp_path / "a.jpg")
    assert found is not None
    assert found.reshape(64)[zigzag].tolist() == list(range(10))
    assert found[7, 7] == 63


def test_files_without_tables(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    write(tmp_path / "a.png", Picture(photo))
    write(tmp_path / "b.jpg", Picture(photo))
    whole = (tmp_path / "b.jpg").read_bytes()
    for length in (0, 1, 2, 3, 20, 30, 60):
        (tmp_path / "cut.jpg").write_bytes(whole[:length])
        assert luma_table(tmp_path / "cut.jpg") is None
    assert luma_table(tmp_path / "a.png") is None
    with pytest.raises(ScalewiseError, match="cannot be read"):
        luma_table(tmp_path / "missing.jpg")
