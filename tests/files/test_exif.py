from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from scalewise.files.exif import upright_exif


def block(orientation: int | None, endian: str) -> bytes:
    exif = Image.Exif()
    exif.endian = endian
    exif[ExifTags.Base.Make] = "Camera"
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Software] = "Darkroom"
    return exif.tobytes()


def tags(exif: bytes) -> dict[int, object]:
    file = io.BytesIO()
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(file, "JPEG", exif=exif)
    return dict(Image.open(file).getexif())


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_only_the_orientation_changes(orientation: int, endian: str) -> None:
    before = block(orientation, endian)
    after = upright_exif(before, orientation)
    expected = tags(before) | {ExifTags.Base.Orientation: 1}
    assert tags(after) == expected
    assert len(after) == len(before)


@pytest.mark.parametrize("endian", ["<", ">"])
def test_without_the_marker(endian: str) -> None:
    bare = block(6, endian).removeprefix(b"Exif\0\0")
    assert upright_exif(bare, 6) == block(1, endian).removeprefix(b"Exif\0\0")


def test_without_an_orientation() -> None:
    assert upright_exif(block(None, "<"), 1) == block(None, "<")


@pytest.mark.parametrize("length", [0, 3, 7, 12, 15, 20, 30])
def test_a_damaged_block_does_no_harm(length: int) -> None:
    damaged = block(6, "<")[:length]
    assert len(upright_exif(damaged, 6)) == length
