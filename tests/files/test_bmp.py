"""BMP files of every kind, against Pillow where it writes or reads them, else by hand."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalewise.errors import ScalewiseError
from scalewise.files import open_picture, read
from scalewise.files.preview import kind_in_browsers, preview

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
MASKS = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
TEN_BITS = (0x3FF00000, 0xFFC00, 0x3FF)


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)


def bmp(
    width: int,
    height: int,
    bits: int,
    data: bytes,
    *,
    compression: int = 0,
    palette: bytes = b"",
    masks: bytes = b"",
    size: int = 40,
    rest: bytes = b"",
    used: int = 0,
) -> bytes:
    """A file; ``rest`` is what its header has beyond 40 bytes, ``masks`` come after it."""
    header = struct.pack(
        "<IiiHHIIiiII", size, width, height, 1, bits, compression, 0, 0, 0, used, 0
    )
    header += rest.ljust(size - 40, b"\0") + masks + palette
    return struct.pack("<2sIHHI", b"BM", 0, 0, 0, 14 + len(header)) + header + data


def written(folder: Path, data: bytes) -> Path:
    (folder / "a.bmp").write_bytes(data)
    return folder / "a.bmp"


def rows(*colours: tuple[int, int, int]) -> list[list[list[int]]]:
    return [[list(colour) for colour in colours]]


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P"])
@pytest.mark.parametrize("width", range(1, 6))
def test_what_pillow_writes(tmp_path: Path, pixels: NDArray[Any], mode: str, width: int) -> None:
    image = Image.fromarray(pixels[:, :width]).convert(mode)
    image.save(tmp_path / "a.bmp", dpi=(300, 200))
    expected = np.asarray(image.convert("L" if mode in ("L", "1") else "RGB"))
    picture = read(tmp_path / "a.bmp")
    np.testing.assert_array_equal(
        picture.pixels.squeeze(2) if mode in "L1" else picture.pixels, expected
    )
    assert picture.metadata.dpi == pytest.approx((300, 200), abs=0.1)


def test_from_the_top_down(tmp_path: Path) -> None:
    data = bytes([0, 0, 255, 0, 255, 0, 0, 0, 255, 0, 0, 9, 9, 9, 0, 0])
    down, up = bmp(2, -2, 24, data), bmp(2, 2, 24, data)
    expected = [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 9, 9]]]
    assert read(written(tmp_path, down)).pixels.tolist() == expected
    assert read(written(tmp_path, up)).pixels.tolist() == expected[::-1]


def test_the_header_of_os2(tmp_path: Path) -> None:
    head = struct.pack("<2sIHHIIHHHH", b"BM", 0, 0, 0, 32, 12, 3, 1, 1, 1)
    data = head + bytes([255, 0, 0, 0, 0, 255]) + bytes([0b01000000, 0, 0, 0])
    assert read(written(tmp_path, data)).pixels.tolist() == rows(BLUE, RED, BLUE)


@pytest.mark.parametrize(("bits", "data"), [(2, b"\x18\0\0\0"), (4, b"\x01\x20\0\0")])
def test_few_bits(tmp_path: Path, bits: int, data: bytes) -> None:
    palette = bytes([0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0])
    found = read(written(tmp_path, bmp(3, 1, bits, data, palette=palette, used=3)))
    assert found.pixels.tolist() == rows(RED, GREEN, BLUE)


def test_a_palette_that_is_too_short_is_black_beyond(tmp_path: Path) -> None:
    found = read(written(tmp_path, bmp(2, 1, 8, b"\0\xc8\0\0", palette=b"\0\0\xff\0", used=1)))
    assert found.pixels.tolist() == rows(RED, (0, 0, 0))


def test_run_lengths_of_8_bits(tmp_path: Path) -> None:
    grey = b"".join(bytes([i, i, i, 0]) for i in range(256))
    # three times 7; a jump of (1, 1); 1, 2 and 3 as they are; a run over the edge; the end
    data = bytes([3, 7, 0, 2, 1, 1, 2, 5, 0, 0, 0, 3, 1, 2, 3, 0, 9, 8, 0, 1])
    found = read(written(tmp_path, bmp(6, 3, 8, data, compression=1, palette=grey)))
    assert found.pixels[::-1, :, 0].tolist() == [
        [7, 7, 7, 0, 0, 0],
        [0, 0, 0, 0, 5, 5],
        [1, 2, 3, 8, 8, 8],
    ]


def test_run_lengths_of_4_bits(tmp_path: Path) -> None:
    grey = b"".join(bytes([i, i, i, 0]) for i in range(16))
    data = bytes([5, 0x12, 0, 0, 0, 5, 0x34, 0x56, 0x70, 0, 0, 1])
    found = read(written(tmp_path, bmp(5, 2, 4, data, compression=2, palette=grey)))
    assert found.pixels[::-1, :, 0].tolist() == [[1, 2, 1, 2, 1], [3, 4, 5, 6, 7]]


@pytest.mark.parametrize("masks", [(0x7C00, 0x3E0, 0x1F), (0xF800, 0x7E0, 0x1F)])
def test_16_bits(tmp_path: Path, masks: tuple[int, ...]) -> None:
    data = struct.pack("<4H", *masks, sum(masks))
    after = struct.pack("<3I", *masks)
    found = read(written(tmp_path, bmp(4, 1, 16, data, compression=3, masks=after)))
    assert found.pixels.tolist() == rows(RED, GREEN, BLUE, (255, 255, 255))
    if masks[0] == 0x7C00:  # what is meant where nothing is said
        np.testing.assert_array_equal(
            read(written(tmp_path, bmp(4, 1, 16, data))).pixels, found.pixels
        )


def test_masks_of_ten_bits_are_kept(tmp_path: Path) -> None:
    masks = struct.pack("<4I", 0x3FF00000, 0xFFC00, 0x3FF, 0)
    data = struct.pack("<2I", 512 << 20 | 1023 << 10 | 1, 0)
    found = read(written(tmp_path, bmp(2, 1, 32, data, compression=3, size=56, rest=masks)))
    assert found.pixels.dtype == np.uint16
    assert found.pixels[0, 0].tolist() == [round(512 / 1023 * 65535), 65535, 64]


def test_what_is_alpha(tmp_path: Path) -> None:
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    data = bytes([1, 2, 3, 128, 4, 5, 6, 255])
    by_mask = bmp(2, 1, 32, data, compression=3, size=108, rest=masks)
    assert read(written(tmp_path, by_mask)).pixels.tolist() == [[[3, 2, 1, 128], [6, 5, 4, 255]]]
    opaque = bytes([1, 2, 3, 0, 4, 5, 6, 0])  # as screenshots have it
    none = bmp(2, 1, 32, opaque, compression=3, size=108, rest=masks)
    assert read(written(tmp_path, none)).pixels.tolist() == rows((3, 2, 1), (6, 5, 4))
    for fourth, said in ((data, 1), (opaque, 0)):
        with open_picture(written(tmp_path, bmp(2, 1, 32, fourth))) as reader:
            assert reader.read().pixels.tolist() == rows((3, 2, 1), (6, 5, 4))
            assert len(reader.warnings) == said


def test_profiles(tmp_path: Path) -> None:
    icc = bytes(range(200))
    embedded = bytes(16) + b"DEBM" + bytes(52) + struct.pack("<III", 124 + 4, len(icc), 0)
    found = bmp(1, 1, 24, bytes(4) + icc, size=124, rest=embedded)
    assert read(written(tmp_path, found)).metadata.icc == icc
    for kind, words in ((b"DEBM", "damaged"), (b"KNIL", "another file"), (b"\0\0\0\0\1", "gamma")):
        rest = bytes(16) + kind.ljust(56, b"\0") + struct.pack("<II", 9, 99999)
        with open_picture(
            written(tmp_path, bmp(1, 1, 24, bytes(4), size=124, rest=rest))
        ) as reader:
            (warning,) = reader.warnings
            assert words in warning
            assert reader.metadata.icc is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (bmp(4, 4, 24, bytes(30)), "cut short: 2 of 4 rows"),
        (bmp(4, 4, 8, bytes([4, 0, 0, 0, 4, 0]), compression=1), "cut short: 1 of 4 rows"),
        (bmp(4, 4, 24, bytes(48))[:40], "its header is not whole"),
        (bmp(0, 4, 24, b""), "tells no size"),
        (bmp(4, 4, 7, bytes(64)), "7 bits a pixel"),
        (bmp(4, 4, 0, bytes(64), compression=5), "compression 5"),
        (bmp(4, 4, 24, bytes(64), compression=4, size=64), "compression 4"),
        (bmp(4, 4, 32, bytes(64), compression=3, masks=bytes(12)), "masks for no colour"),
        (bmp(4, 4, 16, bytes(64), compression=3, masks=bytes([5] * 12)), "mask 0x5050505"),
        (bmp(30000, 30000, 24, b""), "limit of 500000000"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, data: bytes, message: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(ScalewiseError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_text_is_not_taken_for_it(tmp_path: Path) -> None:
    with pytest.raises(ScalewiseError, match="not an image"):
        read(written(tmp_path, b"BMW and other makers of cars\n" * 9))


def test_the_last_rows_filling_may_be_missing(tmp_path: Path, pixels: NDArray[Any]) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.bmp")
    written(tmp_path, (tmp_path / "a.bmp").read_bytes()[:-1])
    np.testing.assert_array_equal(read(tmp_path / "a.bmp").pixels, pixels)


def test_by_strips_and_as_a_preview(tmp_path: Path, pixels: NDArray[Any]) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.bmp")
    with open_picture(tmp_path / "a.bmp") as reader:
        strips = [reader.read_rows(0, 3).copy(), reader.read_rows(3, 7)]
    np.testing.assert_array_equal(np.concatenate(strips), pixels)
    with pytest.raises(ScalewiseError, match="no page 1"):
        open_picture(tmp_path / "a.bmp", page=1)
    assert kind_in_browsers(tmp_path / "a.bmp", 100) is None
    assert preview(tmp_path / "a.bmp", 100).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("data", "channels", "dtype"),
    [
        (bmp(4, 3, 24, b""), 3, np.uint8),
        (bmp(4, 3, 8, b"", palette=b"\5\5\5\0", used=1), 1, np.uint8),
        (bmp(4, 3, 8, b"", palette=b"\5\6\7\0", used=1), 3, np.uint8),
        (bmp(4, -3, 16, b""), 3, np.uint8),
        (bmp(4, 3, 32, b"", compression=6, masks=struct.pack("<4I", *MASKS)), 4, np.uint8),
        (bmp(4, 3, 32, b"", compression=3, masks=struct.pack("<3I", *TEN_BITS)), 3, np.uint16),
    ],
)
def test_a_header_is_read_without_the_pixels(
    tmp_path: Path, data: bytes, channels: int, dtype: type
) -> None:
    path = written(tmp_path, data)
    with open_picture(path, header_only=True) as reader:
        assert (reader.width, reader.height) == (4, 3)
        assert (reader.channels, reader.dtype) == (channels, dtype)
        with pytest.raises(ValueError, match="closed"):
            reader.read()
    with pytest.raises(ScalewiseError, match="cut short"):
        open_picture(path)
    path.write_bytes(data.ljust(len(data) + 48, b"\1"))
    assert read(path).pixels.shape[2] == channels
    assert read(path).pixels.dtype == dtype
