"""GIF frames that are smaller than their canvas."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import pyvips

from scalewise.files import read
from scalewise.files.preview import preview

RED, BLUE = 1, 2
PALETTE = bytes([0, 0, 0, 255, 0, 0, 0, 0, 255, 9, 9, 9])


def frame(left: int, top: int, width: int, height: int, colour: int) -> bytes:
    """A frame of one colour, whose codes are never packed."""
    bits = "".join(f"{code:03b}"[::-1] for code in _codes(width * height, colour))
    bits += "0" * (-len(bits) % 8)
    data = bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))
    blocks = b"".join(
        bytes([len(data[at : at + 255])]) + data[at : at + 255] for at in range(0, len(data), 255)
    )
    return b"," + struct.pack("<4HB", left, top, width, height, 0) + b"\2" + blocks + b"\0"


def _codes(count: int, colour: int) -> list[int]:
    """LZW of two bits, cleared before codes grow longer than three."""
    clear, end = 4, 5
    codes: list[int] = []
    for at in range(count):
        codes += [clear, colour] if at % 2 == 0 else [colour]
    return [*codes, end]


def gif(*frames: bytes) -> bytes:
    head = b"GIF89a" + struct.pack("<2H3B", 8, 6, 0x81, 0, 0) + PALETTE
    delay = b"!\xf9\4\4" + struct.pack("<HB", 10, 0) + b"\0"  # leaves what is painted
    return head + b"".join(delay + each for each in frames) + b";"


def painted(*areas: tuple[int, int, int, int]) -> np.ndarray:
    alpha = np.zeros((6, 8), np.uint8)
    for left, top, width, height in areas:
        alpha[top : top + height, left : left + width] = 255
    return alpha


@pytest.mark.parametrize("area", [(2, 1, 4, 3), (0, 0, 8, 5), (7, 5, 1, 1)])
def test_what_a_frame_leaves_unpainted_is_transparent(
    tmp_path: Path, area: tuple[int, int, int, int]
) -> None:
    (tmp_path / "a.gif").write_bytes(gif(frame(*area, RED)))
    pixels = read(tmp_path / "a.gif").pixels
    assert pixels.shape == (6, 8, 4)
    np.testing.assert_array_equal(pixels[..., 3], painted(area))
    assert (pixels[painted(area) > 0] == (255, 0, 0, 255)).all()


def test_a_later_frame_shows_what_those_before_have_painted(tmp_path: Path) -> None:
    first, second = (1, 1, 3, 2), (4, 3, 3, 3)
    (tmp_path / "a.gif").write_bytes(gif(frame(*first, RED), frame(*second, BLUE)))
    np.testing.assert_array_equal(read(tmp_path / "a.gif").pixels[..., 3], painted(first))
    later = read(tmp_path / "a.gif", page=1).pixels
    np.testing.assert_array_equal(later[..., 3], painted(first, second))


def test_a_frame_of_the_canvas_has_no_alpha(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(gif(frame(0, 0, 8, 6, BLUE)))
    assert read(tmp_path / "a.gif").pixels.shape == (6, 8, 3)


def test_the_preview_is_transparent_there_too(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(gif(frame(2, 1, 4, 3, RED)))
    shown = pyvips.Image.new_from_buffer(preview(tmp_path / "a.gif", 64), "").numpy()
    np.testing.assert_array_equal(shown, read(tmp_path / "a.gif").pixels)
