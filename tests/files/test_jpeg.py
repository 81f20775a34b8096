"""JPEG coded in memory, compared with Pillow's, and what is read from a file's header.

The encoded bytes are banked for the encoder that made them.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalewise.errors import ScalewiseError
from scalewise.files import Picture, jpeg, write
from scalewise.files.jpeg import decode_jpeg, encode_jpeg, encoder_name
from scalewise.imaging.jpeg_codec import LUMA_TABLE, quantisation_table
from scalewise.imaging.metrics import psnr

Pixels = NDArray[np.uint8]


def luma_table(path: Path) -> NDArray[np.int64] | None:
    with path.open("rb") as file:
        return jpeg.luma_table(file)


BANKED_FOR = "libvips 8.18.7"
BANK = {
    (10, "4:2:0"): (24.607, "0c012aeab201ca4474f1d310cb76bca1f7b1a95a324bfe08d18b26b0958028e9"),
    (10, "4:4:4"): (26.480, "444b17e4207a5d546f5a90980022078c2ee3bc3933f9bdda301d61c9c6e4d527"),
    (20, "4:2:0"): (26.189, "bf62cc82436c3b8152c0211b2ea093f76344bef3219dc922561dc1fa78e28beb"),
    (30, "4:2:0"): (26.823, "22963cd9b33fac905c6ce42b41ee6eadf552acfb88a673408f58e6f62bbb86ff"),
    (40, "4:2:0"): (27.187, "e5fdd6b109f63717b8d56a0b424c8b94b9cae79cd43dd154872d4b9da593de0c"),
    (40, "4:4:4"): (29.882, "5af49b60bcbb5ca0d5bb82b6b4a75d93d0123d823237fd9cdb7b11b2452925a4"),
    (77, "4:2:0"): (29.341, "d8ea8c58d0ee8e14f0c372d14ae96b64bf9cc3f0559379472726643d01e2a387"),
}


def pattern() -> Pixels:
    """An image (70, 90, 3) with edges and colours, from whole numbers alone."""
    y, x = np.mgrid[:70, :90]
    rings = ((x - 30) ** 2 + (y - 20) ** 2) // 16 % 256
    return np.stack([rings, (2 * x + y) % 256, np.where(x > y, 220, 40)], axis=2).astype(np.uint8)


@pytest.mark.parametrize("case", BANK, ids=str)
def test_the_encoder_is_the_one_that_scores_are_banked_for(case: tuple[int, str]) -> None:
    level, digest = BANK[case]
    encoded = encode_jpeg(pattern(), *case)
    assert psnr(decode_jpeg(encoded), pattern()) == pytest.approx(level, abs=0.02)
    if hashlib.sha256(encoded).hexdigest() != digest:
        assert encoder_name() != BANKED_FOR
        pytest.skip(f"{encoder_name()} yields other bytes than {BANKED_FOR}, and the same pixels")


@pytest.mark.parametrize("quality", [10, 40, 77, 95])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_pixels_are_pillows(photo: Pixels, quality: int, subsampling: str) -> None:
    image = photo[40:101, 190:265]
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=subsampling)
    assert (
        psnr(decode_jpeg(encode_jpeg(image, quality, subsampling)), np.asarray(Image.open(file)))
        > 60
    )


def test_grey_is_coded_as_grey(photo: Pixels) -> None:
    image = photo[:61, 200:250, :1]
    encoded = encode_jpeg(image, 30)
    assert decode_jpeg(encoded).shape == (61, 50, 1)
    assert encode_jpeg(image[..., 0], 30) == encode_jpeg(image, 30, "4:4:4") == encoded
    assert Image.open(io.BytesIO(encoded)).mode == "L"


def test_nothing_is_in_the_file_but_the_picture(photo: Pixels) -> None:
    encoded = encode_jpeg(photo[:16, :16], 50)
    for marker in (b"Exif", b"ICC_PROFILE", b"http"):
        assert marker not in encoded


def test_refuses() -> None:
    with pytest.raises(ValueError, match=r"4:2:0 or 4:4:4, not 4:1:1"):
        encode_jpeg(np.zeros((8, 8, 3), np.uint8), 50, "4:1:1")
    with pytest.raises(ValueError, match="grey or RGB"):
        encode_jpeg(np.zeros((8, 8, 4), np.uint8), 50)
    with pytest.raises(ScalewiseError, match="70000x1 cannot be encoded as JPEG"):
        encode_jpeg(np.zeros((1, 70000), np.uint8), 50)


@pytest.mark.parametrize("quality", [10, 50, 95])
def test_the_table_that_a_file_was_written_with(
    tmp_path: Path, photo: NDArray[np.uint8], quality: int
) -> None:
    expected = quantisation_table(LUMA_TABLE, quality)
    Image.fromarray(photo).save(tmp_path / "pillow.jpg", quality=quality)
    Image.fromarray(photo).save(tmp_path / "progressive.jpg", quality=quality, progressive=True)
    write(tmp_path / "vips.jpg", Picture(photo), quality=quality)
    for path in tmp_path.iterdir():
        found = luma_table(path)
        assert found is not None
        np.testing.assert_array_equal(found, expected)


def test_the_order_of_frequencies(tmp_path: Path) -> None:
    zigzag = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]  # the first ten, ITU-T T.81 figure A.6
    segment = b"\xff\xdb" + (67).to_bytes(2, "big") + b"\0" + bytes(range(64))
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff" + segment)
    found = luma_table(tmp_path / "a.jpg")
    assert found is not None
    assert found.reshape(64)[zigzag].tolist() == list(range(10))
    assert found[7, 7] == 63


def test_files_without_tables(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    write(tmp_path / "a.png", Picture(photo))
    write(tmp_path / "b.jpg", Picture(photo))
    whole = (tmp_path / "b.jpg").read_bytes()
    for length in (0, 1, 2, 3, 20, 30, 60):
        (tmp_path / "cut.jpg").write_bytes(whole[:length])
        assert luma_table(tmp_path / "cut.jpg") is None
    assert luma_table(tmp_path / "a.png") is None
