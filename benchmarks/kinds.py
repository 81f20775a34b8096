"""Images of many kinds, drawn or made from scikit-image's photographs.

Each is a reference of 512x512 pixels, from which a network's input of half the size is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from scalewise.imaging.resize import imresize

Pixels = NDArray[np.uint8]

SIDE = 512
PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket", "camera")


@dataclass(frozen=True)
class Sample:
    """An image and what it is to become.

    Attributes:
        kind: such as ``text``.
        image: (H, W, 3), the input of a network.
        reference: (2 H, 2 W, 3), its ideal result.
    """

    kind: str
    image: Pixels
    reference: Pixels


def samples() -> Iterator[Sample]:
    """Yield images of all kinds."""
    for name in PHOTOGRAPHS:
        yield reduced("photographs", getattr(data, name)())
    for kind, draw in _DRAWN.items():
        yield reduced(kind, draw())
    for kind, pattern in _PATTERNS.items():
        yield Sample(kind, pattern, pattern.repeat(2, axis=0).repeat(2, axis=1))
    photo = reduced("", data.astronaut())
    for sigma in (10, 25, 50):
        noisy = photo.image + np.random.default_rng(0).normal(0, sigma, photo.image.shape)
        grains = np.rint(noisy).clip(0, 255).astype(np.uint8)
        yield Sample(f"noise, sigma {sigma}", grains, photo.reference)


def reduced(kind: str, reference: NDArray[Any]) -> Sample:
    """Return an image that is half of a reference, which is cropped to 512x512 at most."""
    colour = np.atleast_3d(reference)[..., :3]
    colour = colour.repeat(3, axis=2) if colour.shape[2] == 1 else colour
    (top, height), (left, width) = (_middle(side) for side in colour.shape[:2])
    cut = np.ascontiguousarray(colour[top : top + height, left : left + width])
    half = imresize(cut / 255, 0.5)
    return Sample(kind, np.rint(half.clip(0, 1) * 255).astype(np.uint8), cut)


def _middle(length: int) -> tuple[int, int]:
    """Return start and length of the middle of an axis: up to 512 pixels, a multiple of 8."""
    used = min(length, SIDE) // 8 * 8
    return (length - used) // 2, used


def _text(size: int, colour: str = "black", paper: str = "white") -> Pixels:
    page, letters = Image.new("RGB", (SIDE, SIDE), paper), np.random.default_rng(size)
    for y in range(4, SIDE, round(1.35 * size)):
        codes = letters.integers(97, 123, 80)
        line = "".join(" " if code % 6 == 0 else chr(code) for code in codes)
        ImageDraw.Draw(page).text((6, y), line, colour, ImageFont.load_default(size))
    return np.asarray(page)


def _window() -> Pixels:
    """Draw a window of a program: bars, fields, letters and round buttons."""
    page, font = Image.new("RGB", (SIDE, SIDE), "#eceff1"), ImageFont.load_default(15)
    pen = ImageDraw.Draw(page)
    pen.rectangle((0, 0, SIDE, 36), fill="#2196f3")
    pen.text((12, 8), "Settings - Preferences", "white", font)
    for row in range(12):
        y = 50 + 40 * row
        pen.rounded_rectangle((12, y, SIDE - 12, y + 32), 6, "white", "#c8c8c8")
        pen.text((50, y + 7), f"Option {row}: value {row * 37 % 11}", "#3c3c3c", font)
        pen.ellipse((20, y + 6, 40, y + 26), fill=(row * 53 % 255, row * 97 % 255, row * 31 % 255))
    return np.asarray(page)


def _shapes() -> Pixels:
    """Draw flat discs and boxes with smooth edges."""
    large, random = 4 * SIDE, np.random.default_rng(0)
    page = Image.new("RGB", (large, large), "#d8c8a0")
    pen = ImageDraw.Draw(page)
    for number in range(30):
        x, y, side = map(int, random.integers((0, 0, 200), (large, large, 700)))
        red, green, blue = map(int, random.integers(0, 256, 3))
        draw = pen.ellipse if number % 2 else pen.rectangle
        draw((x, y, x + side, y + side // 2), fill=(red, green, blue))
    return np.asarray(page.resize((SIDE, SIDE), Image.Resampling.BOX))


def _gradient() -> Pixels:
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    return np.rint(255 * np.stack([x, y, (x + y) / 2], axis=2)).astype(np.uint8)


def _outlines() -> Pixels:
    steps = np.abs(np.diff(data.astronaut().mean(axis=2), axis=0, append=0))
    return _grey(steps < 12)


def _grey(is_white: NDArray[np.bool_]) -> Pixels:
    return np.where(is_white, 255, 0).astype(np.uint8)[..., None].repeat(3, axis=2)


def _palette(colours: int) -> Callable[[], Pixels]:
    def draw() -> Pixels:
        indexed = Image.fromarray(data.astronaut()).quantize(colours)
        return np.asarray(indexed.convert("RGB"))

    return draw


def _pixel_art() -> Pixels:
    random = np.random.default_rng(3)
    colours = random.integers(0, 256, (8, 3)).astype(np.uint8)
    return colours[random.integers(0, 8, (64, 64))].repeat(4, axis=0).repeat(4, axis=1)


_DRAWN: dict[str, Callable[[], Pixels]] = {
    "photograph of 64 colours": _palette(64),
    "text, 10 pixels": lambda: _text(10),
    "text, 14 pixels": lambda: _text(14),
    "text, 24 pixels": lambda: _text(24),
    "text, light on dark": lambda: _text(14, "#dcdcdc", "#1e1e1e"),
    "window of a program": _window,
    "flat graphics": _shapes,
    "gradient": _gradient,
    "outlines": _outlines,
}
_ROW, _COLUMN = np.indices((SIDE // 2, SIDE // 2))
_PATTERNS = {
    "chessboard of pixels": _grey((_ROW + _COLUMN) % 2 == 0),
    "pixel art": _pixel_art(),
    "dithered photograph": np.asarray(
        Image.fromarray(data.astronaut()[::2, ::2]).convert("1").convert("RGB")
    ),
    "white noise": np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8),
}
