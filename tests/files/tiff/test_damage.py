"""Damaged, missing and left-out parts of TIFF files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.files import open_picture, read


def overwritten(content: bytes, place: int) -> bytes:
    """Overwrite a hundred bytes of a tile."""
    return content[: place + 20] + b"\xaa" * 100 + content[place + 120 :]


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("tile", [None, (32, 32)])
@pytest.mark.parametrize("cut", [True, False])
def test_damage_is_noticed_in_tiles_as_in_strips(
    tmp_path: Path, photo: NDArray[np.uint8], cut: bool, tile: Any, compression: str | None
) -> None:
    if compression is None and not cut:
        return  # nothing tells that samples are others
    path = tmp_path / "a.tif"
    rows = None if tile else 8
    options: dict[str, Any] = {"tile": tile, "rowsperstrip": rows, "compression": compression}
    tifffile.imwrite(path, photo[:90, :120], photometric="rgb", metadata=None, **options)
    with tifffile.TiffFile(path) as file:
        places = file.pages[0].dataoffsets  # pyright: ignore[reportAttributeAccessIssue]
    content, place = path.read_bytes(), places[len(places) // 2]
    assert read(path).pixels.shape == (90, 120, 3)
    path.write_bytes(content[: place + 100] if cut else overwritten(content, place))
    with pytest.raises(ScalewiseError, match="truncated, damaged"):
        read(path)


def test_tiles_that_a_sparse_file_leaves_out_are_black(tmp_path: Path) -> None:
    tiles = (None if index in (1, 4) else np.full((32, 32), 200, np.uint8) for index in range(6))
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"tile": (32, 32), "compression": "zlib", "metadata": None}
    tifffile.imwrite(path, tiles, shape=(64, 96), dtype=np.uint8, **options)
    with open_picture(path) as reader:
        pixels = reader.read().pixels[..., 0]
    assert pixels[::32, ::32].tolist() == [[200, 0, 200], [200, 0, 200]]
    assert reader.warnings == [
        f"{path}: leaves out tiles (a sparse file), which are black; damage to the others is not "
        "noticed"
    ]
