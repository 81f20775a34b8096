"""Second-order degradation: each step against its definition, and the whole as a pure function."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.imaging import old_photographs
from scalewise.imaging.jpeg_codec import jpeg
from scalewise.imaging.resize import imresize
from scalewise.imaging.second_order import (
    FIXED_POINT,
    Blur,
    Order,
    SecondOrder,
    Steps,
    apply_steps,
    degrade_at_fixed_point,
    draw_steps,
    gaussian_blur,
    low_pass,
)


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def applied(image: NDArray[np.uint8], first: Order, second: Order = Order()) -> NDArray[Any]:  # noqa: B008
    return apply_steps(image, Steps(orders=(first, second)), random())


@pytest.mark.parametrize("blur", [Blur(along=2, across=2), Blur(along=3, across=1.2, angle=0.5)])
def test_a_point_becomes_the_gaussian(blur: Blur) -> None:
    point = np.zeros((41, 40, 1), np.float32)
    point[20, 20] = 1000
    y, x = np.mgrid[-20:21, -20:20]
    along = np.cos(blur.angle) * x + np.sin(blur.angle) * y
    across = -np.sin(blur.angle) * x + np.cos(blur.angle) * y
    expected = np.exp(-0.5 * ((along / blur.along) ** 2 + (across / blur.across) ** 2))
    expected *= 1000 / (2 * np.pi * blur.along * blur.across)
    np.testing.assert_allclose(gaussian_blur(point, blur)[..., 0], expected, atol=0.01)


def test_edges_are_mirrored_and_brightness_stays(photo: NDArray[np.uint8]) -> None:
    image = photo[:33, :40]
    blur = Blur(along=2.5, across=1)
    mirrored = np.pad(image, ((33, 33), (40, 40), (0, 0)), mode="symmetric")
    inner = gaussian_blur(mirrored, blur)[33:66, 40:80]
    np.testing.assert_allclose(gaussian_blur(image, blur), inner, atol=0.1)
    flat = np.full((9, 8, 3), 77, np.uint8)
    np.testing.assert_allclose(gaussian_blur(flat, blur), 77, rtol=1e-5)
    np.testing.assert_allclose(low_pass(flat, 1.5), 77, rtol=1e-5)


def test_the_sinc_keeps_frequencies_below_its_cutoff_and_rings() -> None:
    x = np.arange(64)
    for frequency, kept in ((4, 1), (24, 0)):
        wave = np.cos(2 * np.pi * frequency * (x + 0.5) / 64)[None, :, None] * np.ones((64, 1, 1))
        middle = low_pass(100 * wave, cutoff=np.pi / 2)[16:48, 16:48]
        np.testing.assert_allclose(middle, 100 * kept * wave[16:48, 16:48], atol=3)
    edge = np.where(x < 32, 0.0, 200.0)[None, :, None] * np.ones((64, 1, 1))
    assert low_pass(edge, cutoff=np.pi / 2).max() > 210


def test_noise_has_its_strength_and_colour() -> None:
    image = np.full((200, 200, 3), 100, np.uint8)
    for order, sigma in ((Order(sigma=7), 7), (Order(poisson=0.5), 5)):
        noise = applied(image, order) - 100
        assert noise.std() == pytest.approx(sigma, rel=0.03)
        assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.03
        grey = applied(image, replace(order, grey=True)) - 100
        assert grey.std() == pytest.approx(sigma, rel=0.03)
        np.testing.assert_allclose(grey, np.repeat(grey[..., :1], 3, axis=2), atol=1e-4)
    dark = applied(np.full((200, 200, 3), 4, np.uint8), Order(poisson=0.5))
    assert dark.std() == pytest.approx(1, rel=0.05)


def test_resizing_and_jpeg_are_ours(photo: NDArray[np.uint8]) -> None:
    image = photo[:60, :48]
    small = imresize(image.astype(np.float32), size=(30, 24), kernel="lanczos3")
    coded = jpeg(np.rint(small).clip(0, 255).astype(np.uint8), 60)
    again = imresize(coded.astype(np.float32), size=(60, 48))
    given = applied(image, Order(size=0.5, kernel="lanczos3", quality=60))
    np.testing.assert_allclose(given, again, atol=1e-3)
    np.testing.assert_array_equal(applied(image, Order()), image)
    assert applied(image[:9, :10], Order(size=0.1), Order(size=3)).shape == (9, 10, 3)


def test_it_is_a_function_of_its_generator(photo: NDArray[np.uint8]) -> None:
    image, ranges = photo[:48, :40], SecondOrder()
    first = ranges(image, 0.1, random(5))
    np.testing.assert_array_equal(first, ranges(image.copy(), 0.9, random(5)))
    assert not np.array_equal(first, ranges(image, 0.1, random(6)))
    assert (first.shape, first.dtype) == (image.shape, np.float32)
    grey = np.repeat(image[..., :1], 3, axis=2)
    for seed in range(8):
        assert all(order.grey for order in draw_steps(ranges, random(seed), grey=True).orders)
    made = SecondOrder(jpeg=(100, 100))(grey, 0.5, random(5))
    assert np.ptp(made, axis=2).max() < 3  # JPEG's rounding


def test_parameters_come_from_their_ranges() -> None:
    ranges = SecondOrder(
        blur=((1, 2), (0.5, 0.6)),
        resize=((0.5, 2), (0.8, 0.9)),
        resized=(0.5, 0.25),
        noise=((3, 4), (5, 6)),
        poisson=((0.1, 0.2), (0.3, 0.4)),
        jpeg=(40, 42),
        blurred=(1, 0.5),
        sinc=0.25,
    )
    drawn = [draw_steps(ranges, random(seed)) for seed in range(400)]
    first, second = ([steps.orders[n] for steps in drawn] for n in range(2))
    assert all(each.blur is not None and 1 <= each.blur.along <= 2 for each in first)
    blurs = [each.blur for each in second if each.blur is not None]
    assert 150 < len(blurs) < 250
    assert all(0.5 <= blur.across <= 0.6 for blur in blurs)
    round_ones = [blur for blur in blurs if blur.along == blur.across]
    assert 0.5 < len(round_ones) / len(blurs) < 0.7
    sizes = np.array([each.size for each in first])
    assert (sizes.min() >= 0.5, sizes.max() <= 2) == (True, True)
    assert 150 < (sizes < 1).sum() < 250 > 130 > (sizes > 1).sum() > 70
    assert {each.quality for each in first} == {40, 41, 42}
    assert {each.quality for each in second} == {None}
    assert {each.kernel for each in first} == {"cubic", "linear", "lanczos3"}
    assert all((5 <= each.sigma <= 6) != (0.3 <= each.poisson <= 0.4) for each in second)
    cutoffs = [steps.sinc for steps in drawn if steps.sinc is not None]
    assert 70 < len(cutoffs) < 130
    assert np.pi / 3 <= min(cutoffs) < max(cutoffs) <= np.pi


def test_the_fixed_point_differs_in_its_noise_alone(photo: NDArray[np.uint8]) -> None:
    image = photo[:48, :40]
    protocol = old_photographs()
    first, truth = protocol.prepare(image, None, 1, "a")
    np.testing.assert_array_equal(truth, image)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, protocol.prepare(image, None, 1, "folder/a")[0])
    assert not np.array_equal(first, protocol.prepare(image, None, 1, "b")[0])
    np.testing.assert_array_equal(
        degrade_at_fixed_point(image, 0.5, random()), apply_steps(image, FIXED_POINT, random())
    )
    only_grey, _ = protocol.prepare(image[..., 0], None, 1, "a")
    assert only_grey.shape == (48, 40)
    assert 15 < protocol.score(first, truth, 1).psnr < 30


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"blur": ((0.2, 2),)}, "blur must be two ranges"),
        ({"blur": ((0.2, 9), (0, 1))}, r"blur must be \(least, largest\), both from 0 to 4"),
        ({"resize": ((0, 1), (1, 1))}, "resize must be"),
        ({"resized": (0.7, 0.6)}, "resized must be two shares, at most 1 in all"),
        ({"blurred": 1}, "blurred must be two shares from 0 to 1, not 1"),
        ({"jpeg": (95, 30)}, "jpeg must be"),
        ({"sinc": 2}, "sinc must be from 0 to 1, not 2"),
    ],
)
def test_wrong_ranges_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ScalewiseError, match=message) as caught:
        SecondOrder(**wrong)
    assert caught.value.arguments == tuple(wrong)
