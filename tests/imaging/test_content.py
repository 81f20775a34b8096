"""Content: text and graphics told from photographs, on white paper and between bars, too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.imaging.content import classify_content
from scalewise.imaging.jpeg_codec import jpeg
from scalewise.imaging.resize import imresize

Pixels = NDArray[np.uint8]


def page(side: int, seed: int = 0) -> Pixels:
    """Draw lines of glyph-like strokes, halved, so that their edges are shaded."""
    rng = np.random.default_rng(seed)
    image = np.full((2 * side, 2 * side, 3), 255, np.uint8)
    for top in range(8, 2 * side - 24, 40):
        for left in range(8, 2 * side - 24, 18):
            for _ in range(3):
                y, x = rng.integers(0, 16, 2)
                height, width = (16, 3) if rng.random() < 0.5 else (3, 10)
                image[top + y : top + y + height, left + x : left + x + width] = 30
    return imresize(image, 0.5)


def cut_out(photo: Pixels) -> Pixels:
    """Lay a disc of a photograph on white paper."""
    y, x = np.indices(photo.shape[:2]) / len(photo) - 0.5
    inside = np.clip((0.3 - np.hypot(y, x)) * len(photo), 0, 1)[..., None]
    return np.rint(inside * photo + (1 - inside) * 255).astype(np.uint8)


def letterboxed(photo: Pixels) -> Pixels:
    """Lay black bars over three fifths of a photograph."""
    bars = photo.copy()
    third = len(photo) * 3 // 10
    bars[:third] = bars[-third:] = 0
    return bars


def framed(photo: Pixels) -> Pixels:
    """Lay a third of a photograph on white paper."""
    frame = np.full_like(photo, 255)
    low, high = len(photo) // 5, len(photo) * 4 // 5
    frame[low:high, low:high] = photo[low:high, low:high]
    return frame


@pytest.mark.parametrize("side", [64, 96, 181, 256, 512])
def test_drawn_images_of_any_size_are_graphics(side: int) -> None:
    assert classify_content(page(side), 0) == "text or graphics"
    assert classify_content(page(side)[..., :1], 0) == "text or graphics"


@pytest.mark.parametrize("arrange", [np.copy, cut_out, letterboxed, framed])
@pytest.mark.parametrize("halved", [False, True])
def test_photographs_with_empty_parts_are_photographs(
    photo: Pixels, arrange: Callable[[Pixels], Pixels], halved: bool
) -> None:
    image = arrange(photo)
    image = imresize(image, 0.5) if halved else image
    assert classify_content(image, 2) != "text or graphics"


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_a_page_with_a_photograph_on_it_is_graphics(photo: Pixels, share: float) -> None:
    side = int(512 * share**0.5)
    mixed = page(512)
    mixed[100 : 100 + side, 60 : 60 + side] = photo[:side, :side]
    assert classify_content(mixed, 0) == "text or graphics"


@pytest.mark.parametrize("shape", [(34, 90), (90, 34), (18, 180)])
def test_nine_blocks_are_enough(shape: tuple[int, int]) -> None:
    height, width = shape
    assert classify_content(page(192)[4 : 4 + height, :width], 0) == "text or graphics"


@pytest.mark.parametrize(
    ("gain", "offset", "sigma"), [(0.6, -70, 15), (0.5, 150, 20), (1, 100, 10)]
)
def test_clipped_noise_is_not_flat(photo: Pixels, gain: float, offset: float, sigma: float) -> None:
    noise = np.random.default_rng(0).normal(0, sigma, photo.shape[:2])
    noisy = (photo.mean(axis=2) * gain + offset + noise).clip(0, 255).round().astype(np.uint8)
    assert classify_content(noisy[..., None], sigma) != "text or graphics"


def test_a_small_jpeg_with_a_plain_background_is_a_photograph(photo: Pixels) -> None:
    sky = np.broadcast_to(np.linspace(120, 180, 160)[:, None, None], (160, 160, 3))
    bird = imresize(photo, 40 / 512)
    image = sky.round().astype(np.uint8)
    image[60:100, 60:100] = bird
    assert classify_content(jpeg(image, 60), 0, lambda: True) != "text or graphics"


def test_nothing_is_told_of_the_smallest_and_of_empty_images() -> None:
    assert classify_content(page(48), 0) == "too small"
    assert classify_content(np.full((48, 48, 3), 255, np.uint8), 0) == "too small"
    assert classify_content(np.full((256, 256, 3), 255, np.uint8), 0) == "smooth slopes"


@pytest.mark.parametrize("quality", [40, 60, 75, 90])
def test_a_jpeg_of_text_is_told_from_one_of_a_photograph(photo: Pixels, quality: int) -> None:
    for image in (page(256), page(512)):
        assert classify_content(jpeg(image, quality), 0, lambda: True) == "text or graphics"
    for image in (photo, imresize(photo, 0.5), cut_out(photo), framed(photo)):
        assert classify_content(jpeg(image, quality), 0, lambda: True) != "text or graphics"
