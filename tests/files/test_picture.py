"""Images in memory: channels, alpha and metadata."""

from __future__ import annotations

import numpy as np
import pytest

from scalewise.errors import ScalewiseError
from scalewise.files import Metadata, Picture


@pytest.mark.parametrize(
    ("channels", "colours", "has_alpha"), [(1, 1, False), (2, 1, True), (3, 3, False), (4, 3, True)]
)
def test_channels_are_told_apart(channels: int, colours: int, has_alpha: bool) -> None:
    pixels = np.arange(4 * 5 * channels, dtype=np.uint8).reshape(4, 5, channels)
    picture = Picture(pixels)
    assert picture.is_grey == (colours == 1)
    np.testing.assert_array_equal(picture.colour, pixels[..., :colours])
    if has_alpha:
        np.testing.assert_array_equal(picture.alpha, pixels[..., colours:])
    else:
        assert picture.alpha is None


def test_with_pixels_keeps_the_rest() -> None:
    picture = Picture(
        np.zeros((2, 2, 3), np.uint8), Metadata(b"icc", b"exif", b"xmp", (300.0, 150.0))
    )
    other = picture.with_pixels(np.ones((4, 4, 4), np.uint16))
    assert other.pixels.shape == (4, 4, 4)
    assert other.metadata == picture.metadata
    assert picture.pixels.shape == (2, 2, 3)


def test_with_pixels_drops_a_profile_of_the_other_kind() -> None:
    grey = Picture(np.zeros((2, 2, 1), np.uint8), Metadata(icc=b"grey profile", xmp=b"xmp"))
    colour = grey.with_pixels(np.zeros((2, 2, 3), np.uint8))
    assert colour.metadata.icc is None
    assert colour.metadata.xmp == b"xmp"


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((2, 2), np.uint8),
        np.zeros((2, 2, 5), np.uint8),
        np.zeros((0, 2, 3), np.uint8),
        np.zeros((2, 2, 3), np.float32),
        np.zeros((2, 2, 3), np.int16),
    ],
)
def test_other_arrays_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ScalewiseError, match=r"pixels (must be|is empty)"):
        Picture(pixels)
