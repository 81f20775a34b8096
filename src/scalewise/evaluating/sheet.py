"""Comparison sheet: images side by side, whole and zoomed in, each with its label.

Below the zoomed crops there may be error maps: differences to the last image, the ground truth.

The sheet is drawn with NumPy alone, without a plotting library and without the machine's fonts.
The letters are in ``letters.png``: DejaVu Sans Mono's ASCII 32 to 126 in a row.  They are large,
because phones show a sheet of five panels at a quarter of its size.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray

from scalewise.files import read
from scalewise.imaging.colour import rgb_to_y
from scalewise.imaging.resize import imresize

Pixels = NDArray[np.uint8]
Crop = tuple[int, int, int]
"""A square: top, left and side."""

PANEL = 256
"""Width of a panel in pixels, and side of its zoomed crop."""

GAP = 12

LONGEST_ROW = 5
"""The most panels beside each other; more go into several rows of about the same length."""

MOST_LINES = 3
"""Full lines of a label's text; dots stand for the middle of a longer one."""

LETTERS = Path(__file__).parent / "letters.png"
PAPER, INK = (255, 255, 255), (30, 30, 30)

LARGEST_ERROR = 64
"""The error, in levels of Y, that maps show in their last colour."""

# From dark blue through grey to yellow, in even steps of lightness: safe for colour-blind readers
# and for print.
_ERROR_COLOURS = np.array(
    [(0, 32, 77), (64, 77, 107), (124, 123, 120), (186, 174, 108), (255, 234, 70)], np.float64
)


@dataclass(frozen=True)
class Panel:
    """One column: an image, (H, W, 3) uint8, and the lines of text under it."""

    image: Pixels
    label: tuple[str, ...]


def draw_sheet(panels: Sequence[Panel], crop: Crop, errors: bool = False) -> Pixels:
    """Draw panels side by side: the whole image on top, a zoomed crop and the label below.

    More than :data:`LONGEST_ROW` panels are drawn in several rows.

    Args:
        panels: images of one scene with about the same aspect ratio, of any size.  The last one
            is the reference; ``crop`` counts its pixels.
        crop: top, left and side of the square to zoom in on.
        errors: also draw maps of the differences between the crops and the reference's crop.

    Returns:
        The sheet, (H, W, 3) uint8.
    """
    reference = panels[-1].image
    labels = _align([_label(panel, reference, errors) for panel in panels])
    columns = [
        np.concatenate([*_images(panel, crop, reference, errors), *map(_write, lines)])
        for panel, lines in zip(panels, labels, strict=True)
    ]
    rows = -(-len(columns) // LONGEST_ROW)
    length = -(-len(columns) // rows)
    height = max(column.shape[0] for column in columns) + GAP
    width = length * (PANEL + GAP) + GAP
    sheet = np.full((rows * height + GAP, width, 3), PAPER, np.uint8)
    for index, column in enumerate(columns):
        top, left = GAP + index // length * height, GAP + index % length * (PANEL + GAP)
        sheet[top : top + column.shape[0], left : left + PANEL] = column
    return sheet


def drawable(text: str) -> str:
    """Return text in the letters that sheets have: without accents, and ``?`` for the others.

    >>> drawable("Étude 2"), drawable("日本")
    ('Etude 2', '??')
    """
    apart = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" else "?" for letter in plain)


def most_telling_crop(image: Pixels, reference: Pixels, side: int) -> Crop:
    """Return the square with the largest error of an image: top, left and side.

    Args:
        image: (H, W, 3), such as the bicubic enlargement.
        reference: the reference, of the same shape.
        side: side of the square; it is reduced if the image is smaller.
    """
    side = min(side, *reference.shape[:2])
    error = np.abs(rgb_to_y(image) - rgb_to_y(reference))
    sums = np.pad(error, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = np.unravel_index(int(np.argmax(inside)), inside.shape)
    return int(top), int(left), side


def error_map(image: Pixels, reference: Pixels) -> Pixels:
    """Draw the absolute error of Y in colours, from 0 to :data:`LARGEST_ERROR` levels.

    Args:
        image, reference: (H, W, 3) uint8.

    Returns:
        (H, W, 3) uint8.
    """
    error = np.abs(rgb_to_y(image) - rgb_to_y(reference)).reshape(image.shape[:2])
    place = (error / LARGEST_ERROR).clip(0, 1) * (len(_ERROR_COLOURS) - 1)
    before = np.minimum(place.astype(int), len(_ERROR_COLOURS) - 2)
    part = (place - before)[..., None]
    colours = (1 - part) * _ERROR_COLOURS[before] + part * _ERROR_COLOURS[before + 1]
    return np.rint(colours).astype(np.uint8)


def _images(panel: Panel, crop: Crop, reference: Pixels, errors: bool) -> list[Pixels]:
    """Draw what one panel shows: the image, its crop, and its error map if asked for."""
    relative = panel.image.shape[0] / reference.shape[0]
    height = max(1, round(PANEL * panel.image.shape[0] / panel.image.shape[1]))
    whole = _fit(panel.image, (height, PANEL))
    shrink = PANEL / panel.image.shape[1] * relative
    _frame(whole, *(round(value * shrink) for value in crop))
    zoomed = _cut(panel.image, crop, relative)
    gap = np.full((GAP, PANEL, 3), PAPER, np.uint8)
    parts = [whole, gap, _enlarge(zoomed, PANEL), gap]
    if errors:
        is_reference = panel.image is reference
        square = _colour_scale() if is_reference else _error_square(zoomed, reference, crop)
        parts += [square, gap]
    return parts


def _label(panel: Panel, reference: Pixels, errors: bool) -> list[str]:
    """Return the texts under a panel."""
    if errors and panel.image is reference:
        return [*panel.label, f"error: 0 to {LARGEST_ERROR} levels of Y"]
    return list(panel.label)


def _align(labels: Sequence[Sequence[str]]) -> list[list[str]]:
    """Break texts into lines so that the texts of all labels begin on the same lines."""
    lines: list[list[str]] = [[] for _ in labels]
    for texts in zip_longest(*labels, fillvalue=""):
        broken = [_break(text) for text in texts]
        most = max(map(len, broken))
        for column, found in zip(lines, broken, strict=True):
            column += found + [""] * (most - len(found))
    return lines


def _break(text: str) -> list[str]:
    """Break a text into lines as wide as a panel, without the middle of a very long one."""
    width = PANEL // _letters().shape[2]
    text, most = drawable(text), width * MOST_LINES
    if len(text) > most:
        text = f"{text[: most // 2 - 2]}...{text[2 - most // 2 :]}"
    return wrap(text, width)


def _cut(image: Pixels, crop: Crop, relative: float) -> Pixels:
    top, left, side = (round(value * relative) for value in crop)
    return image[top : top + side, left : left + side]


def _colour_scale() -> Pixels:
    """Draw the colours of errors, the largest on top."""
    levels = np.linspace(LARGEST_ERROR / 219 * 255, 0, PANEL)[:, None, None]
    scale = np.rint(np.broadcast_to(levels, (PANEL, PANEL, 3))).astype(np.uint8)
    return error_map(scale, np.zeros_like(scale))


def _error_square(zoomed: Pixels, reference: Pixels, crop: Crop) -> Pixels:
    """Draw the error map of a crop."""
    truth = _cut(reference, crop, 1)
    if zoomed.shape != truth.shape:  # low resolution: there is nothing to compare
        return np.full((PANEL, PANEL, 3), PAPER, np.uint8)
    return _enlarge(error_map(zoomed, truth), PANEL)


def _fit(image: Pixels, size: tuple[int, int]) -> Pixels:
    """Reduce smoothly, but enlarge by repeating pixels, so that a small image is seen as small."""
    return imresize(image, size=size) if image.shape[1] > size[1] else _nearest(image, size)


def _enlarge(image: Pixels, side: int) -> Pixels:
    return _nearest(image, (side, side))


def _nearest(image: Pixels, size: tuple[int, int]) -> Pixels:
    rows = np.arange(size[0]) * image.shape[0] // size[0]
    columns = np.arange(size[1]) * image.shape[1] // size[1]
    return image[rows[:, None], columns]


def _frame(image: Pixels, top: int, left: int, side: int) -> None:
    """Draw a square's outline: white within black, so that it is visible on every image.

    In a panel of a very wide image there is room for a part of it, or for a dot.
    """
    bottom, right = top + max(1, side), left + max(1, side)
    for inset, colour in ((0, 0), (1, 255), (2, 0)):
        square = image[top + inset : bottom - inset, left + inset : right - inset]
        if square.size:
            square[[0, -1]] = colour
            square[:, [0, -1]] = colour


def _write(line: str) -> Pixels:
    """Draw a line of text as (height, PANEL, 3)."""
    letters = _letters()
    codes = [ord(letter) - 32 for letter in line]
    ink = np.zeros((letters.shape[1], PANEL))
    if codes:
        text = np.concatenate([letters[code] for code in codes], axis=1)
        ink[:, : text.shape[1]] = text
    colours = np.array(PAPER) + ink[..., None] * (np.array(INK) - np.array(PAPER))
    return np.rint(colours).astype(np.uint8)


@cache
def _letters() -> NDArray[np.float64]:
    """Read the opacities of the printable ASCII characters: (95, height, width) in [0, 1]."""
    row = read(LETTERS).pixels[..., 0] / 255
    return np.stack(np.split(row, 95, axis=1))
