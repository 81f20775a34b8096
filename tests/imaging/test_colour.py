"""Colour conversion, against published values."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import rgb2ycbcr

from scalewise.imaging.colour import BT601, ROUNDED_BT601, rgb_to_y, to_rgb


def test_luma_is_scikit_images(photo: NDArray[np.uint8]) -> None:
    np.testing.assert_allclose(rgb_to_y(photo), rgb2ycbcr(photo)[..., 0], atol=1e-9)


def test_luma_weights() -> None:
    red = np.array([255, 0, 0], np.uint8)
    assert rgb_to_y(red) == pytest.approx(65.481 + 16)
    assert rgb_to_y(red, ROUNDED_BT601) == pytest.approx(0.257 * 255 + 16)
    assert sum(BT601[:3]) == pytest.approx(219)


def test_luma_needs_rgb() -> None:
    with pytest.raises(ValueError, match="3 channels"):
        rgb_to_y(np.zeros((4, 4, 1)))


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3)])
def test_to_rgb(shape: tuple[int, ...]) -> None:
    image = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    rgb = to_rgb(image)
    assert rgb.shape == (4, 5, 3)
    np.testing.assert_array_equal(rgb[..., 0], image.reshape(4, 5, -1)[..., 0])
    np.testing.assert_array_equal(rgb[..., 2], image.reshape(4, 5, -1)[..., -1])


@pytest.mark.parametrize("channels", [2, 4])
def test_to_rgb_refuses_alpha(channels: int) -> None:
    with pytest.raises(ValueError, match="1 or 3 channels"):
        to_rgb(np.zeros((4, 4, channels)))
