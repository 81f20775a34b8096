"""Every kind of file that comes along: what becomes of it is defined, and is this."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import pyvips.error
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from scalewise.errors import ScalewiseError
from scalewise.files import MAX_PIXELS, open_picture, read
from scalewise.files.formats import detect_format
from scalewise.imaging.metrics import psnr

FOREIGN = {
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'></svg>",
    "xml": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'></svg>",
    "pdf": b"%PDF-1.7\n%\xe2\xe3\n",
    "csv": b"1,2,3\n4,5,6\n",
    "matrix": b"3 1 1 0\n1 2 3\n",
    "vips": b"\xb6\xa6\xf2\x08" + bytes(80),
    "script": b"#!/bin/sh\necho\n",
}


@pytest.fixture
def photo() -> NDArray[np.uint8]:
    rows, columns = np.mgrid[0:40, 0:60]
    return np.stack([rows * 6, columns * 4, rows + columns], -1).astype(np.uint8)


def frames_of(photo: NDArray[np.uint8]) -> list[Image.Image]:
    return [Image.fromarray(shade) for shade in (photo, photo[::-1].copy(), 255 - photo)]


@pytest.mark.parametrize(("kind", "exact"), [("GIF", {}), ("WEBP", {"lossless": True})])
def test_an_animation_gives_its_first_frame_and_any_other(
    tmp_path: Path, kind: str, exact: dict, photo: NDArray[np.uint8]
) -> None:
    path = tmp_path / "moving"
    first, *others = frames_of(photo)
    first.save(path, kind, save_all=True, append_images=others, **exact)
    with open_picture(path) as reader:
        assert reader.frames == 3
        (warning,) = reader.warnings
        assert "3 frames; the first is read" in warning
    with Image.open(path) as moving:
        for index in range(3):
            moving.seek(index)
            expected = np.asarray(moving.convert("RGB"))
            with open_picture(path, page=index) as reader:
                assert reader.warnings == []
                np.testing.assert_array_equal(reader.read().colour, expected)
    for page in (3, -1):
        with pytest.raises(ScalewiseError, match=f"no page {page}"):
            open_picture(path, page=page)


def test_pages_of_a_tiff(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    first, *others = frames_of(photo)
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, photo)
    np.testing.assert_array_equal(read(tmp_path / "a.tif", page=2).pixels, 255 - photo)


@pytest.mark.parametrize("kind", ["PNG", "AVIF"])
def test_animations_whose_frames_are_out_of_reach(
    tmp_path: Path, kind: str, photo: NDArray[np.uint8]
) -> None:
    first, *others = frames_of(photo)
    first.save(tmp_path / "a", kind, save_all=True, append_images=others)
    with open_picture(tmp_path / "a") as reader:
        assert any("is animated; its first image is read" in line for line in reader.warnings)
        assert psnr(reader.read().colour, photo) > 30


def test_one_picture_has_no_warning(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    for kind in ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF"):
        Image.fromarray(photo).save(tmp_path / "a", kind)
        with open_picture(tmp_path / "a") as reader:
            assert (reader.frames, reader.warnings) == (1, [])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_of_16_bits(tmp_path: Path, kind: str, photo: NDArray[np.uint8]) -> None:
    deep = photo[..., 0].astype(np.uint16) * 257 + 3
    Image.fromarray(deep).save(tmp_path / "a", kind)
    np.testing.assert_array_equal(read(tmp_path / "a").pixels[..., 0], deep)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_with_alpha(tmp_path: Path, kind: str, photo: NDArray[np.uint8]) -> None:
    Image.fromarray(photo[..., :2], "LA").save(tmp_path / "a", kind)
    np.testing.assert_array_equal(read(tmp_path / "a").pixels, photo[..., :2])


def test_a_palette_with_a_transparent_colour(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    for kind in ("PNG", "GIF"):
        image = Image.fromarray(photo).quantize(8)
        image.save(tmp_path / "a", kind, transparency=3)
        with Image.open(tmp_path / "a") as back:
            expected = np.asarray(back.convert("RGBA"))
        picture = read(tmp_path / "a")
        np.testing.assert_array_equal(picture.alpha, expected[..., 3:])
        opaque = expected[..., 3] > 0
        np.testing.assert_array_equal(picture.colour[opaque], expected[opaque][:, :3])


def cmyk_profile() -> bytes:
    return pyvips.Image.profile_load("cmyk")


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_goes_through_its_profile(tmp_path: Path, kind: str) -> None:
    steps = np.linspace(0, 230, 32).astype(np.uint8)
    ink = np.zeros((32, 32, 4), np.uint8)
    ink[..., 0], ink[..., 1], ink[..., 3] = steps, steps[:, None], 20
    Image.fromarray(ink, "CMYK").save(
        tmp_path / "a",
        kind,
        icc_profile=cmyk_profile(),
        **({"quality": 100} if kind == "JPEG" else {}),
    )
    expected = ImageCms.profileToProfile(
        Image.fromarray(ink, "CMYK"),
        io.BytesIO(cmyk_profile()),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    picture = read(tmp_path / "a")
    assert picture.metadata.icc is None
    assert psnr(picture.pixels, np.asarray(expected)) > 38


def test_cmyk_with_a_damaged_profile(tmp_path: Path) -> None:
    ink = np.full((16, 16, 4), (0, 255, 255, 0), np.uint8)
    damaged = cmyk_profile()[:200] + bytes(300)
    Image.fromarray(ink, "CMYK").save(tmp_path / "a", "TIFF", icc_profile=damaged)
    with open_picture(tmp_path / "a") as reader:
        picture = reader.read()
        assert any("profile is damaged" in line for line in reader.warnings)
    assert picture.metadata.icc is None
    red, green, blue = picture.pixels.reshape(-1, 3).mean(axis=0)
    assert red > 180
    assert max(green, blue) < 90


def test_12_bits_reach_white(tmp_path: Path) -> None:
    levels = np.repeat(np.uint16([0, 2048 * 16, 65535]), 16)
    image = pyvips.Image.new_from_array(np.tile(levels, (16, 1))).cast("ushort")
    image.copy(interpretation="grey16").heifsave(
        str(tmp_path / "a.avif"), compression="av1", bitdepth=12, lossless=True
    )
    pixels = read(tmp_path / "a.avif").pixels
    assert pixels.dtype == np.uint16
    assert (pixels.min(), pixels.max()) == (0, 65535)
    assert abs(int(pixels[0, 20, 0]) - 32768) < 40


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("float", "floating-point"),
        ("int", "signed 32-bit"),
        ("uint", "32-bit"),
        ("short", "signed 16-bit"),
        ("char", "signed 8-bit"),
    ],
)
def test_samples_whose_white_is_unknown(tmp_path: Path, kind: str, named: str) -> None:
    image = pyvips.Image.black(8, 8, bands=3).cast(kind)
    image.copy(interpretation="scrgb" if kind == "float" else "srgb").tiffsave(
        str(tmp_path / "a.tif")
    )
    with pytest.raises(ScalewiseError, match=f"has {named} samples; convert it to 8 or 16 bits"):
        open_picture(tmp_path / "a.tif")


def test_heic_says_what_it_is(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "AVIF")
    renamed = file.getvalue().replace(b"ftypavif", b"ftypheic")
    (tmp_path / "a.heic").write_bytes(renamed.replace(b"av01", b"hvc1").replace(b"av1C", b"hvcC"))
    with pytest.raises(ScalewiseError, match="HEIC cannot be decoded here") as caught:
        read(tmp_path / "a.heic")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", sorted(FOREIGN))
def test_no_other_loader_is_ever_asked(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.png").write_bytes(FOREIGN[kind])
    with pytest.raises(ScalewiseError, match="not an image in a format known here"):
        open_picture(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"", "an empty file"),
        (b"\xff\x0a\1\2", "JPEG XL"),
        (b"8BPS\0\1", "Photoshop"),
        (b"\n <!DOCTYPE HTML><html>", "a web page"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "camera raw"),
        (b"\0\0\0\x18ftypqt  ", "a video"),
        (b"\0\x05\x16\x07\0\2\0\0Mac OS X", "AppleDouble"),
        (b"RIFF\0\0\0\0WAVE", "cut short"),
    ],
)
def test_what_is_often_taken_for_a_picture_is_named(
    tmp_path: Path, start: bytes, name: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(start)
    with pytest.raises(ScalewiseError, match=f"a.jpg: not an image .*{name}"):
        open_picture(tmp_path / "a.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ScalewiseError, match="not a regular file"):
        open_picture(tmp_path / "a.png")


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises a great image, and that holds little of it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def test_bombs_are_refused_by_their_header(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    (tmp_path / "a.png").write_bytes(bomb(60000, 60000))
    with pytest.raises(ScalewiseError, match=r"max_pixels=3600000000$") as caught:
        read(tmp_path / "a.png")
    assert f"60000x60000 is more than the limit of {MAX_PIXELS}" in str(caught.value)
    open_picture(tmp_path / "a.png", max_pixels=None).close()
    Image.fromarray(photo).save(tmp_path / "b.png")
    with pytest.raises(ScalewiseError, match="raise it with max_pixels=2400"):
        read(tmp_path / "b.png", max_pixels=2399)
    assert read(tmp_path / "b.png", max_pixels=2400).pixels.shape == (40, 60, 3)


def jpeg(pixels: NDArray[np.uint8], **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90, **options)
    return file.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("left", [b"", b"\xff", bytes(700)])
def test_a_jpeg_without_its_end_marker_is_read_with_a_warning(
    tmp_path: Path, photo: NDArray[np.uint8], progressive: bool, left: bytes
) -> None:
    whole = jpeg(photo, progressive=progressive)
    (tmp_path / "whole.jpg").write_bytes(whole)
    (tmp_path / "a.jpg").write_bytes(whole[:-2] + left)
    with open_picture(tmp_path / "a.jpg") as reader:
        np.testing.assert_array_equal(reader.read().pixels, read(tmp_path / "whole.jpg").pixels)
        (warning,) = reader.warnings
    assert "a.jpg: has no end marker" in warning


def test_a_jpeg_that_goes_on_after_its_end_is_whole(
    tmp_path: Path, photo: NDArray[np.uint8]
) -> None:
    """Phones append videos; and a thumbnail's end, within the header, is not the image's."""
    thumbnail = jpeg(photo[:8, :8])
    whole = jpeg(photo, exif=b"Exif\0\0" + b"II*\0\x08\0\0\0\0\0\0\0\0\0" + thumbnail)
    (tmp_path / "a.jpg").write_bytes(whole + bytes(3000) + b"ftypmp42")
    with open_picture(tmp_path / "a.jpg") as reader:
        reader.read()
        assert reader.warnings == []
    (tmp_path / "b.jpg").write_bytes(whole[:-2])
    with open_picture(tmp_path / "b.jpg") as reader:
        assert len(reader.warnings) == 1


@pytest.mark.parametrize("missing", [12, 40, 200])
def test_a_jpeg_that_lacks_rows_is_an_error(tmp_path: Path, missing: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    (tmp_path / "a.jpg").write_bytes(jpeg(noise)[:-missing])
    with pytest.raises(ScalewiseError, match="truncated, damaged"):
        read(tmp_path / "a.jpg")


def heif(first: bytes, *others: bytes, coding: bytes = b"") -> bytes:
    brands = first + bytes(4) + b"".join(others)
    return struct.pack(">I4s", 8 + len(brands), b"ftyp") + brands + b"\0\0\0\x30meta" + coding * 9


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (heif(b"heic", b"mif1", b"heic"), "HEIC"),
        (heif(b"mif1", b"mif1", b"heic"), "HEIC"),
        (heif(b"msf1", b"hevc"), "HEIC"),
        (heif(b"hevm"), "HEIC"),
        (heif(b"mif1", coding=b"....hvc1"), "HEIC"),
        (heif(b"MiHE", b"mif1", b"heix"), "HEIC"),
        (heif(b"mif1", coding=b"....avc1"), "HEIF"),
        (heif(b"avci", b"mif1"), "HEIF"),
        (heif(b"avif", b"mif1", b"miaf"), "AVIF"),
        (heif(b"mif1", b"avif"), "AVIF"),
        (heif(b"mif1", coding=b"....av01"), "AVIF"),
        (heif(b"isom", b"mp42"), None),
    ],
)
def test_heif_by_all_of_its_brands(data: bytes, name: str | None) -> None:
    content = detect_format(io.BytesIO(data))
    assert (content and content.name) == name


def test_heic_of_a_brand_that_says_nothing(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "AVIF")
    data = file.getvalue().replace(b"avif", b"mif1")
    (tmp_path / "a.heic").write_bytes(data.replace(b"av01", b"hvc1").replace(b"av1C", b"hvcC"))
    with pytest.raises(ScalewiseError, match="HEIC cannot be decoded here"):
        read(tmp_path / "a.heic")


def tiff_of(bits: int, samples: int = 1) -> bytes:
    """16x8 pixels of so many bits, all of them 1."""
    data = b"\xff" * (16 * 8 * bits * samples // 8)
    numbers = {256: 16, 257: 8, 258: bits, 259: 1, 262: 1 + (samples > 1), 273: 8}
    numbers |= {277: samples, 278: 8, 279: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, n) for tag, n in numbers.items())
    head = struct.pack("<4sI", b"II*\0", 8 + len(data))
    return head + data + struct.pack("<H", len(numbers)) + entries + bytes(4)


@pytest.mark.parametrize("bits", [3, 6, 10, 12, 14, 20, 24])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_tiff_of_odd_depths_says_so(tmp_path: Path, bits: int, samples: int) -> None:
    (tmp_path / "a.tif").write_bytes(tiff_of(bits, samples))
    with pytest.raises(
        ScalewiseError, match=f"a.tif: has samples of {bits} bits, which are not read; "
    ):
        read(tmp_path / "a.tif")


def test_big_tiff_of_an_odd_depth(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4, 3), np.uint8), bigtiff=True)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        file.pages[0].tags["BitsPerSample"].overwrite((12, 12, 12))
    with pytest.raises(ScalewiseError, match="samples of 12 bits"):
        read(tmp_path / "a.tif")


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_tiff_of_usual_depths(tmp_path: Path, bits: int) -> None:
    (tmp_path / "a.tif").write_bytes(tiff_of(bits))
    pixels = read(tmp_path / "a.tif").pixels
    assert (pixels == np.iinfo(pixels.dtype).max).all()


def test_an_error_speaks_of_its_own_file(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    """What libvips notes down of a file that it reads in the end is not said of another."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = jpeg(noise)
    tables = data.index(b"\xff\xdb")
    (tmp_path / "noted.jpg").write_bytes(data[:tables] + b"\x12\x34\x56" + data[tables:])
    Image.fromarray(noise).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:5000])
    (tmp_path / "cut.jpg").write_bytes(data[:2000])
    open_cut = open_picture(tmp_path / "cut.png"), open_picture(tmp_path / "cut.jpg")
    read(tmp_path / "noted.jpg")
    assert b"extraneous" in pyvips.ffi.string(pyvips.vips_lib.vips_error_buffer())
    for reader in open_cut:
        with reader, pytest.raises(ScalewiseError) as caught:
            reader.read()
        assert "extraneous" not in str(caught.value)
        read(tmp_path / "noted.jpg")
    with pytest.raises(ScalewiseError) as caught:
        read(tmp_path / "cut.png")
    assert "jpeg" not in str(caught.value).lower()
