"""Everything in the file survives, in every format; what cannot is said, and nothing fails."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import ExifTags, Image, ImageCms

from scalewise.files import Metadata, Picture, open_picture, read, write
from scalewise.files.jpeg import segment
from scalewise.files.png import chunk_bytes

SUFFIXES = [".png", ".tif", ".jpg", ".webp", ".avif"]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'
PIXELS = np.full((40, 30, 3), 128, np.uint8)


def exif(endian: str = "<", **more: Any) -> bytes:
    """A camera's block: the main directory, and those of the exposure and the place."""
    block = Image.Exif()
    block.endian = endian
    block[ExifTags.Base.Make] = "Camera"
    block[ExifTags.Base.Artist] = more.get("artist", "Somebody")
    details = block.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = "2024:05:06 07:08:09"
    details[ExifTags.Base.FNumber] = 2.8
    details[ExifTags.Base.MakerNote] = more.get("note", b"a note of the maker's own")
    block.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (51.0, 30.0, 0.2)
    return block.tobytes()


def told(path: Path) -> tuple[Any, ...]:
    """What Pillow finds in a file's Exif."""
    with Image.open(path) as image:
        block = image.getexif()
        details, place = block.get_ifd(ExifTags.IFD.Exif), block.get_ifd(ExifTags.IFD.GPSInfo)
        return (
            block.get(ExifTags.Base.Make),
            block.get(ExifTags.Base.Artist),
            details.get(ExifTags.Base.DateTimeOriginal),
            float(details.get(ExifTags.Base.FNumber, 0)),
            details.get(ExifTags.Base.MakerNote),
            tuple(map(float, place.get(ExifTags.GPS.GPSLatitude, ()))),
        )


EXPECTED = (
    "Camera",
    "Somebody",
    "2024:05:06 07:08:09",
    2.8,
    b"a note of the maker's own",
    (51.0, 30.0, 0.2),
)


@pytest.mark.parametrize("first", SUFFIXES)
@pytest.mark.parametrize("second", SUFFIXES)
def test_all_survives_from_every_format_to_every_other(
    tmp_path: Path, first: str, second: str
) -> None:
    picture = Picture(PIXELS, Metadata(SRGB, exif(), XMP, (300.0, 150.0)))
    assert write(tmp_path / f"1{first}", picture) == []
    assert write(tmp_path / f"2{second}", read(tmp_path / f"1{first}")) == []
    back = read(tmp_path / f"2{second}")
    assert (back.metadata.icc, back.metadata.xmp) == (SRGB, XMP)
    assert back.metadata.dpi == pytest.approx((300, 150), rel=1e-3)
    assert told(tmp_path / f"2{second}") == EXPECTED


@pytest.mark.parametrize("endian", ["<", ">"])
def test_exif_of_a_tiff_of_another_program(tmp_path: Path, endian: str) -> None:
    block = Image.Exif()
    block.load(exif(endian))
    Image.fromarray(PIXELS).save(tmp_path / "a.tif", exif=block)
    assert told(tmp_path / "a.tif")[:1] == ("Camera",)
    write(tmp_path / "b.jpg", read(tmp_path / "a.tif"))
    assert told(tmp_path / "b.jpg") == told(tmp_path / "a.tif")


@pytest.mark.parametrize("endian", ["<", ">"])
def test_exif_in_a_tiff_leaves_the_picture_alone(tmp_path: Path, endian: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (300, 200, 4)).astype(np.uint16)
    picture = Picture(pixels, Metadata(SRGB, exif(endian), XMP, (300.0, 300.0)))
    assert write(tmp_path / "a.tif", picture) == []
    assert told(tmp_path / "a.tif") == EXPECTED
    back = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(back.pixels, pixels)
    assert (back.metadata.icc, back.metadata.xmp) == (SRGB, XMP)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("part", ["icc", "exif", "xmp"])
def test_damaged_metadata_is_left_out_with_a_warning(
    tmp_path: Path, suffix: str, part: str
) -> None:
    intact: dict[str, Any] = {"icc": SRGB, "exif": exif(), "xmp": XMP}
    damaged = {"icc": SRGB[:200], "exif": b"Exif\0\0no such thing", "xmp": bytes(8)}[part]
    (warning, *more) = write(
        tmp_path / f"a{suffix}", Picture(PIXELS, Metadata(**(intact | {part: damaged})))
    ) or [""]
    assert more == []
    if part == "xmp":  # of which some formats take any bytes
        assert warning == "" or "XMP" in warning
    else:
        assert {"icc": "profile", "exif": "Exif"}[part] in warning
        assert "left out" in warning
    back = read(tmp_path / f"a{suffix}")
    for other in {"icc", "xmp"} - {part}:
        assert getattr(back.metadata, other) == intact[other]
    if part != "exif":
        assert told(tmp_path / f"a{suffix}") == EXPECTED


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_empty_metadata_is_none(tmp_path: Path, suffix: str) -> None:
    assert write(tmp_path / f"a{suffix}", Picture(PIXELS, Metadata(b"", b"", b""))) == []
    back = read(tmp_path / f"a{suffix}")
    assert (back.metadata.icc, back.metadata.xmp) == (None, None)


def test_what_is_too_large_for_jpeg(tmp_path: Path) -> None:
    picture = Picture(PIXELS, Metadata(exif=exif(note=bytes(70000)), xmp=XMP + b" " * 70000))
    warnings = write(tmp_path / "a.jpg", picture)
    assert len(warnings) == 2
    assert "not all of Exif fits" in warnings[0]
    assert "XMP does not fit" in warnings[1]
    assert told(tmp_path / "a.jpg")[:4] == EXPECTED[:4]
    assert write(tmp_path / "a.tif", picture) == []
    assert read(tmp_path / "a.tif").metadata.xmp == picture.metadata.xmp
    assert len(read(tmp_path / "a.tif").metadata.exif or b"") > 70000


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_strip_leaves_the_profile_alone(tmp_path: Path, suffix: str) -> None:
    picture = Picture(PIXELS, Metadata(SRGB, exif(), XMP, (300.0, 150.0)))
    assert write(tmp_path / f"a{suffix}", picture, strip=True) == []
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.info["icc_profile"] == SRGB
        assert "exif" not in image.info
        assert not dict(image.getexif()).keys() & {ExifTags.Base.Make, ExifTags.IFD.Exif}
        assert image.info.get("dpi", (72, 72)) == pytest.approx((72, 72), rel=0.01)
    assert read(tmp_path / f"a{suffix}").metadata.xmp is None


def test_a_profile_that_fits_other_channels(tmp_path: Path) -> None:
    (warning,) = write(tmp_path / "a.png", Picture(PIXELS[..., :1], Metadata(icc=SRGB)))
    assert "profile" in warning
    assert read(tmp_path / "a.png").metadata.icc is None


def test_no_resolution_is_none_of_webp(tmp_path: Path) -> None:
    pyvips.Image.black(8, 8).copy(xres=1, yres=1).webpsave(str(tmp_path / "a.webp"), keep="none")
    assert read(tmp_path / "a.webp").metadata.dpi is None


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_the_shape_of_a_pixel_is_no_resolution(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(PIXELS).save(path, dpi=(300, 300))
    data = path.read_bytes()
    if suffix == ".jpg":
        data = data[:13] + b"\0\0\2\0\1" + data[18:]
    else:
        begin = data.index(b"pHYs") - 4
        data = (
            data[:begin] + chunk_bytes(b"pHYs", struct.pack(">IIB", 2, 1, 0)) + data[begin + 21 :]
        )
    path.write_bytes(data)
    with open_picture(path) as reader:
        assert reader.metadata.dpi is None
        (warning,) = reader.warnings
    assert "left out: the shape of its pixels (1:2), now taken for square" in warning


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_square_pixels_are_not_worth_a_word(tmp_path: Path, suffix: str) -> None:
    for name, options in {"a": {}, "b": {"dpi": (300, 300)}, "c": {"dpi": (300, 150)}}.items():
        path = tmp_path / f"{name}{suffix}"
        Image.fromarray(PIXELS).save(path, **options)
        with open_picture(path) as reader:
            assert reader.warnings == []


@pytest.mark.parametrize(
    ("kind", "data", "part"),
    [
        (b"sCAL", b"\1" + b"0.5\x000.5", "the physical size of its subject (sCAL)"),
        (b"oFFs", struct.pack(">iiB", 10, 20, 0), "its position on a page (oFFs)"),
    ],
)
def test_chunks_that_are_left_out_are_named(
    tmp_path: Path, kind: bytes, data: bytes, part: str
) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    png = (tmp_path / "a.png").read_bytes()
    begin = png.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(png[:begin] + chunk_bytes(kind, data) + png[begin:])
    with open_picture(tmp_path / "a.png") as reader:
        assert reader.warnings == [f"{tmp_path / 'a.png'}: left out: {part}"]


def test_a_resolution_in_centimetres(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", dpi=(100, 100))
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[:13] + b"\2" + data[14:])
    assert read(tmp_path / "a.jpg").metadata.dpi == pytest.approx((254, 254))


def tiff(path: Path, description: str, pages: int = 1, **options: Any) -> Path:
    image = np.zeros((pages, 24, 32), np.uint16)
    tifffile.imwrite(path, image, description=description, metadata=None, **options)
    return path


OME = '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org"/>'


@pytest.mark.parametrize(
    ("description", "program"),
    [
        ("ImageJ=1.11a\nimages=5\nslices=5\n", "ImageJ"),
        ("ImageJ=1.54f\nunit=um\n", "ImageJ"),
        (OME, "OME"),
        ("Aperio Image Library v11\n46000x32914 |AppMag = 20|MPP = 0.499", "Aperio"),
    ],
)
@pytest.mark.parametrize("bigtiff", [False, True])
def test_descriptions_of_the_file_itself(
    tmp_path: Path, description: str, program: str, bigtiff: bool
) -> None:
    tiff(tmp_path / "a.tif", description, bigtiff=bigtiff, software="Microscope")
    with open_picture(tmp_path / "a.tif") as reader:
        (warning,) = reader.warnings
    assert program in warning
    assert write(tmp_path / "b.tif", read(tmp_path / "a.tif")) == []
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert "ImageDescription" not in file.pages[0].tags
        assert file.pages[0].tags["Software"].value == "Microscope"
        assert file.asarray().shape == (24, 32)


def test_real_stacks_become_one_page_that_opens(tmp_path: Path) -> None:
    stack = np.zeros((5, 24, 32), np.uint16)
    tifffile.imwrite(
        tmp_path / "imagej.tif", stack, imagej=True, resolution=(5, 5), metadata={"unit": "um"}
    )
    tifffile.imwrite(tmp_path / "ome.tif", stack, ome=True, metadata={"axes": "ZYX"})
    tifffile.imwrite(tmp_path / "shaped.tif", stack, metadata={"axes": "ZYX", "name": "cells"})
    for name in ("imagej", "ome", "shaped"):
        picture = read(tmp_path / f"{name}.tif")
        assert picture.metadata.dpi is None
        write(tmp_path / "b.tif", picture.with_pixels(np.zeros((48, 64, 1), np.uint16)))
        with tifffile.TiffFile(tmp_path / "b.tif") as file:
            assert file.asarray().shape == (48, 64)
            told = file.pages[0].tags.get("ImageDescription")
        assert (told and told.value) == ('{"name": "cells"}' if name == "shaped" else None)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tags_of_bigtiff(tmp_path: Path, order: str, suffix: str) -> None:
    tags = [(271, 2, 0, "Maker", True), (315, 2, 0, "An artist", True), (18246, 3, 1, 4, True)]
    tiff(tmp_path / "a.tif", "A castle", bigtiff=True, byteorder=order, extratags=tags)
    picture = read(tmp_path / "a.tif")
    lines = write(tmp_path / f"b{suffix}", picture)
    assert [line for line in lines if "16 bits" not in line] == []
    with Image.open(tmp_path / f"b{suffix}") as image:
        block = image.getexif()
    found = [block.get(tag) for tag in (0x010E, 0x010F, 0x013B, 0x4746)]
    assert found == ["A castle", "Maker", "An artist", 4]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_a_format_cannot_show_is_said(tmp_path: Path, suffix: str) -> None:
    pixels = np.full((24, 32, 4), 65535, np.uint16)
    opaque = write(tmp_path / f"a{suffix}", Picture(pixels))
    pixels[5, 5, 3] = 0
    lines = write(tmp_path / f"a{suffix}", Picture(pixels), strip=True)
    assert len(opaque) == (suffix in (".jpg", ".webp", ".avif"))
    assert lines[: len(opaque)] == opaque
    assert all("16 bits are rounded to 8" in line for line in opaque)
    assert ["no transparency" in line for line in lines[len(opaque) :]] == [True] * (
        suffix == ".jpg"
    )


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".gif"])
def test_no_resolution_is_none(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(PIXELS).save(tmp_path / f"a{suffix}")
    assert read(tmp_path / f"a{suffix}").metadata.dpi is None
    assert read(tmp_path / f"a{suffix}").metadata.exif is None


@pytest.mark.parametrize(
    ("marker", "start", "part"),
    [(0xEB, b"JP\0\1", "C2PA"), (0xE1, b"FLIR\0\1", "thermal"), (0xE1, b"http://other\0", None)],
)
def test_what_else_lies_in_a_jpeg(
    tmp_path: Path, marker: int, start: bytes, part: str | None
) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[:20] + segment(marker, start + bytes(40)) + data[20:])
    with open_picture(tmp_path / "a.jpg") as reader:
        assert [part in line and "left out" in line for line in reader.warnings if part] == (
            [True] if part else []
        )


def test_layers_are_left_out_with_a_word(tmp_path: Path) -> None:
    tiff(tmp_path / "a.tif", "", extratags=[(37724, 7, 8, b"8BIMLayr", True)])
    with open_picture(tmp_path / "a.tif") as reader:
        (warning,) = reader.warnings
    assert "layers" in warning
