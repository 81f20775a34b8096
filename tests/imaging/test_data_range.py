"""White of an image, and what is refused because it is not known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.imaging.data_range import check_uint8, is_unit_range, scaling_of

Pixels = NDArray[np.uint8]


def followed(expression: str, image: NDArray[np.generic]) -> NDArray[np.generic]:
    """What an error proposes, done."""
    return eval(expression, {"np": np, "image": image})


@pytest.mark.parametrize("offset", [0.5, 0.45])
def test_centred_images_are_not_in_the_unit_range(photo: Pixels, offset: float) -> None:
    image = photo / 255
    for each in (image, image.astype(np.float32), image[..., 0], image[::-1, ::2]):
        assert is_unit_range(each)
        assert not is_unit_range(each - offset)


@pytest.mark.parametrize("sigma", [10, 50, 75])
def test_noise_and_overshoots_may_go_beyond(photo: Pixels, sigma: float) -> None:
    noise = np.random.default_rng(0).normal(0, sigma / 255, photo.shape)
    dark = photo / 2550
    for image in (photo / 255, dark, np.zeros(photo.shape), np.ones(photo.shape)):
        assert is_unit_range(image + noise)
    assert is_unit_range(photo / 255 * 1.03 - 0.01)
    assert is_unit_range(np.zeros((0, 3)))


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [
        (0, 255, "i2"),
        (0, 255, "u4"),
        (0, 255, "f4"),
        (-10, 262, "f4"),
        (-0.5, 0.5, "f4"),
        (-1, 1, "f8"),
        (0, 1.6, "f4"),
        (0, 4095, "i2"),
        (0, 65535, "i4"),
        (-32768, 32767, "i2"),
        (-128, 127, "i1"),
        (-2.118, 2.64, "f2"),
        (0, 2**31 - 1, "i4"),
        (0, 1, "i8"),
    ],
)
def test_a_mend_that_is_followed_gives_the_image(low: float, high: float, dtype: str) -> None:
    ramp = np.linspace(0, 1, 256).reshape(16, 16)
    values = (low + ramp * (high - low)).astype(np.float64)
    image = (np.rint(values) if dtype[0] != "f" else values).astype(dtype)
    found = followed(scaling_of(image), image)
    white = 255 if found.dtype == np.uint8 else 1
    expected = np.rint(ramp) if high == 1 and dtype == "i8" else ramp
    np.testing.assert_allclose(found / white, expected, atol=0.05)


@pytest.mark.parametrize(
    ("white", "dtype"),
    [
        (1, "f4"),
        (255, "f8"),
        (65535, "u2"),
        (65535, ">u2"),
        (255, "i2"),
        (4095, "i2"),
        (65535, "u4"),
    ],
)
def test_eight_bits_are_made_as_the_error_says(white: int, dtype: str) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = (ramp * (white / 255)).astype(dtype)
    with pytest.raises(ScalewiseError, match="image must be uint8, not") as caught:
        check_uint8("image", image)
    made = followed(str(caught.value).partition("such as by ")[2], image)
    assert made.dtype == np.uint8
    assert np.abs(made.astype(int) - ramp).max() <= 1
