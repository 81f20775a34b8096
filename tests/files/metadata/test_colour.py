"""Colours that a file states otherwise than by a profile: kept, or said by a profile."""

from __future__ import annotations

import io
import struct
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from scalewise.files import Metadata, Picture, open_picture, read, write
from scalewise.files.metadata.colour import PRIMARIES, StatedColour
from scalewise.files.png import chunks_of_colour

PQ = StatedColour(9, 16)
HDR = StatedColour(
    9,
    16,
    mastering=struct.pack(">8HII", *range(30000, 38000, 1000), 10_000_000, 50),
    light=struct.pack(">II", 10_000_000, 4_000_000),
)
CHUNKS = {
    "gAMA": struct.pack(">I", 100_000),
    "cHRM": struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000),
    "sRGB": b"\1",
    "cICP": bytes((9, 16, 0, 1)),
}
OTHERS = [".jpg", ".webp", ".tif"]


@pytest.fixture
def photo() -> NDArray[np.uint8]:
    rows, columns = np.mgrid[0:40, 0:60]
    return np.stack([rows * 6, columns * 4, rows + columns], -1).astype(np.uint8)


def chunk(kind: str, data: bytes) -> bytes:
    name = kind.encode()
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(path: Path, image: NDArray[Any], *chunks: bytes, **options: Any) -> None:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", **options)
    data = file.getvalue()
    path.write_bytes(data[:33] + b"".join(chunks) + data[33:])


def chunks_in(path: Path) -> dict[str, bytes]:
    data, at, found = path.read_bytes(), 8, {}
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + size]
        (check,) = struct.unpack_from(">I", data, at + 8 + size)
        assert check == zlib.crc32(kind + content)
        found[kind.decode()] = content
        at += size + 12
    return found


def in_srgb(image: NDArray[np.uint8], icc: bytes | None) -> NDArray[Any]:
    source: Any = ImageCms.createProfile("sRGB") if icc is None else io.BytesIO(icc)
    return np.asarray(
        ImageCms.profileToProfile(
            Image.fromarray(image),
            source if icc is None else ImageCms.ImageCmsProfile(source),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
    )


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("kind", sorted(CHUNKS))
def test_png_to_png(tmp_path: Path, kind: str, grey: bool, photo: NDArray[np.uint8]) -> None:
    image = photo[..., 0] if grey else photo
    png(tmp_path / "a.png", image, chunk(kind, CHUNKS[kind]))
    assert write(tmp_path / "b.png", read(tmp_path / "a.png")) == []
    assert chunks_in(tmp_path / "b.png")[kind] == CHUNKS[kind]
    with Image.open(tmp_path / "b.png") as back:
        np.testing.assert_array_equal(np.asarray(back), image)


def test_hdr_between_png_and_avif(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    write(tmp_path / "a.png", Picture(photo, Metadata(stated=HDR)))
    names = ("a.png", "b.avif", "c.png", "d.avif", "e.png")
    for before, name in pairwise(names):
        picture = read(tmp_path / before)
        assert write(tmp_path / name, picture, lossless=name != "d.avif") == []
        assert read(tmp_path / name).metadata.stated == HDR
        if name == "b.avif":
            with Image.open(tmp_path / name) as back:  # libavif's view
                np.testing.assert_array_equal(np.asarray(back), photo)
    assert chunks_in(tmp_path / "e.png")["mDCV"] == HDR.mastering
    assert chunks_in(tmp_path / "e.png")["cLLI"] == HDR.light


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("profile", [False, True])
def test_code_points_in_avif_leave_the_pixels(
    tmp_path: Path, profile: bool, lossless: bool, alpha: bool, photo: NDArray[np.uint8]
) -> None:
    """The matrix that made luma and chroma stays, and what lies behind moves with the boxes."""
    image = np.dstack([photo, photo[..., :1]]) if alpha else photo
    icc = StatedColour(12, 13).profile() if profile else None
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x0f\0\2\0\0\0\4abc\0\0\0\0\0"
    plain = Picture(image, Metadata(icc=icc, exif=exif))
    write(tmp_path / "a.avif", plain, lossless=lossless)
    write(tmp_path / "b.avif", Picture(image, Metadata(icc, exif, stated=PQ)), lossless=lossless)
    found = read(tmp_path / "b.avif")
    assert (found.metadata.stated, found.metadata.icc) == (PQ, icc)
    np.testing.assert_array_equal(found.pixels, read(tmp_path / "a.avif").pixels)
    with Image.open(tmp_path / "a.avif") as a, Image.open(tmp_path / "b.avif") as b:
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
        assert b.getexif()[0x010F] == "abc"


@pytest.mark.parametrize("suffix", OTHERS)
@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_elsewhere_is_a_profile_and_a_warning(
    tmp_path: Path, suffix: str, transfer: int, photo: NDArray[np.uint8]
) -> None:
    path = tmp_path / f"a{suffix}"
    (warning,) = write(path, Picture(photo, Metadata(stated=StatedColour(9, transfer))))
    assert "HDR" in warning
    assert "BT.2020" in warning
    icc = read(path).metadata.icc
    assert icc is not None
    at = icc.index(b"cicp", 128 + 4 + 12 * icc[131])
    assert icc[at + 8 : at + 12] == bytes((9, transfer, 0, 1))


def expected_in_srgb(image: NDArray[Any], where: tuple[float, ...], light: Any) -> NDArray[Any]:
    """By definition: to light, through XYZ, and to sRGB."""

    def matrix(numbers: tuple[float, ...]) -> NDArray[Any]:
        x, y = np.array(numbers[::2]), np.array(numbers[1::2])
        xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
        return xyz[:, 1:] * np.linalg.solve(xyz[:, 1:], xyz[:, 0])

    change = np.linalg.inv(matrix(PRIMARIES[1][1])) @ matrix(where)
    linear = (light(image / 255) @ change.T).clip(0, 1)
    encoded = np.where(linear < 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return encoded * 255


def srgb_light(value: NDArray[Any]) -> NDArray[Any]:
    return np.where(value < 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("suffix", [*OTHERS, ".avif"])
@pytest.mark.parametrize(
    ("stated", "light"),
    [
        (StatedColour(gamma=1.0), lambda value: value),
        (StatedColour(gamma=0.55), lambda value: value ** (1 / 0.55)),
        (StatedColour(chromaticities=PRIMARIES[12][1]), srgb_light),
        (StatedColour(12, 13), srgb_light),
        (StatedColour(9, 8), lambda value: value),
    ],
)
def test_other_formats_get_a_profile_that_says_the_same(
    tmp_path: Path, suffix: str, stated: StatedColour, light: Any, photo: NDArray[np.uint8]
) -> None:
    path = tmp_path / f"a{suffix}"
    assert write(path, Picture(photo, Metadata(stated=stated))) == []
    back = read(path)
    if suffix == ".avif" and stated.has_code:
        assert back.metadata.stated == stated
        return
    assert back.metadata.stated is None
    where = PRIMARIES[stated.primaries][1] if stated.has_code else stated.chromaticities
    expected = expected_in_srgb(photo, where or PRIMARIES[1][1], light)
    assert np.abs(in_srgb(photo, back.metadata.icc) - expected).max() <= 1


def test_grey_gets_a_grey_profile(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    for suffix in (".jpg", ".tif"):
        picture = Picture(photo[..., :1], Metadata(stated=StatedColour(gamma=1.0)))
        assert write(tmp_path / f"a{suffix}", picture) == []
        icc = read(tmp_path / f"a{suffix}").metadata.icc
        assert icc is not None
        assert icc[16:20] == b"GRAY"


@pytest.mark.parametrize("suffix", OTHERS)
@pytest.mark.parametrize(
    "stated", [StatedColour(gamma=0.45455), StatedColour(intent=0), StatedColour(1, 1)]
)
def test_what_is_srgb_needs_no_profile(
    tmp_path: Path, suffix: str, stated: StatedColour, photo: NDArray[np.uint8]
) -> None:
    assert write(tmp_path / f"a{suffix}", Picture(photo, Metadata(stated=stated))) == []
    assert read(tmp_path / f"a{suffix}").metadata.icc is None


@pytest.mark.parametrize(
    "stated", [StatedColour(9, 9), StatedColour(99, 13), StatedColour(9, 13, full_range=False)]
)
def test_colours_without_a_profile_are_told_of(
    tmp_path: Path, stated: StatedColour, photo: NDArray[np.uint8]
) -> None:
    (warning,) = write(tmp_path / "a.jpg", Picture(photo, Metadata(stated=stated)))
    assert "jpeg cannot state its colours" in warning
    assert write(tmp_path / "a.png", Picture(photo, Metadata(stated=stated))) == []
    assert read(tmp_path / "a.png").metadata.stated == stated


def test_a_profile_outranks_all_but_code_points(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    icc = StatedColour(12, 13).profile()
    png(tmp_path / "a.png", photo, chunk("gAMA", CHUNKS["gAMA"]), icc_profile=icc)
    assert read(tmp_path / "a.png").metadata.stated is None
    png(tmp_path / "b.png", photo, chunk("cICP", CHUNKS["cICP"]), icc_profile=icc)
    picture = read(tmp_path / "b.png")
    assert (picture.metadata.stated, picture.metadata.icc) == (PQ, icc)
    write(tmp_path / "c.png", picture)
    assert {"cICP", "iCCP"} < chunks_in(tmp_path / "c.png").keys()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("gAMA", bytes(4)),
        ("gAMA", b"\xff" * 4),
        ("gAMA", b"\1"),
        ("cHRM", bytes(32)),
        ("cHRM", struct.pack(">8I", *[30000] * 8)),
    ],
)
def test_damaged_chunks_say_nothing(
    tmp_path: Path, kind: str, data: bytes, photo: NDArray[np.uint8]
) -> None:
    png(tmp_path / "a.png", photo, chunk(kind, data))
    assert read(tmp_path / "a.png").metadata.stated is None


def test_stripping_keeps_the_colours(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    picture = Picture(photo, Metadata(stated=StatedColour(12, 13)))
    write(tmp_path / "a.png", picture, strip=True)
    write(tmp_path / "a.jpg", picture, strip=True)
    assert read(tmp_path / "a.png").metadata.stated == picture.metadata.stated
    assert read(tmp_path / "a.jpg").metadata.icc == StatedColour(12, 13).profile()
    assert Metadata(stated=PQ).stated == PQ


def avif(path: Path, image: NDArray[Any], code: tuple[int, int] = (1, 13), **options: Any) -> None:
    """As libavif writes it; the code points are put in afterwards."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "AVIF", quality=100, **options)
    old, new = (struct.pack(">4s2H", b"nclx", *each) for each in ((1, 13), code))
    assert file.getvalue().count(old) == 1
    path.write_bytes(file.getvalue().replace(old, new))


def test_code_points_of_avif_become_chunks(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    avif(tmp_path / "a.avif", photo, (9, 18))
    write(tmp_path / "a.png", read(tmp_path / "a.avif"))
    assert chunks_in(tmp_path / "a.png")["cICP"] == bytes((9, 18, 0, 1))
    avif(tmp_path / "b.avif", photo)
    assert read(tmp_path / "b.avif").metadata.stated is None


@pytest.mark.parametrize("span", ["limited", "full"])
def test_grey_avif_is_grey_over_the_full_range(tmp_path: Path, span: str) -> None:
    ramp = np.tile(np.linspace(0, 255, 60).round().astype(np.uint8), (40, 1))
    avif(tmp_path / "a.avif", ramp, range=span, subsampling="4:0:0")
    pixels = read(tmp_path / "a.avif").pixels
    assert pixels.shape == (40, 60, 1)
    assert np.abs(pixels[..., 0].astype(int) - ramp).max() <= 2


def test_alpha_of_grey_avif_has_the_full_range(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 255, 60).round().astype(np.uint8), (40, 1))
    image = np.dstack([ramp, ramp, ramp, 255 - ramp])
    avif(tmp_path / "a.avif", image, range="limited", subsampling="4:0:0")
    pixels = read(tmp_path / "a.avif").pixels
    assert np.abs(pixels[..., 0].astype(int) - ramp).max() <= 2
    assert np.abs(pixels[..., -1].astype(int) - (255 - ramp)).max() <= 2


def test_chunks_of_nothing() -> None:
    assert chunks_of_colour(StatedColour(), has_profile=False) == b""


def test_no_warning_while_reading(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    png(tmp_path / "a.png", photo, chunk("cICP", CHUNKS["cICP"]))
    with open_picture(tmp_path / "a.png") as reader:
        assert reader.warnings == []


@pytest.mark.parametrize("index", ["R98", "R03"])
def test_adobe_rgb_of_cameras_becomes_a_profile(
    tmp_path: Path, index: str, photo: NDArray[np.uint8]
) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 65535
    exif.get_ifd(0x8769)[0xA005] = {1: index}
    Image.fromarray(photo).save(tmp_path / "a.jpg", exif=exif)
    picture = read(tmp_path / "a.jpg")
    if index == "R98":
        assert picture.metadata.stated is None
        return
    write(tmp_path / "b.webp", Picture(photo, Metadata(stated=picture.metadata.stated)))
    expected = expected_in_srgb(photo, ADOBE[0], lambda value: value ** ADOBE[1])
    assert np.abs(in_srgb(photo, read(tmp_path / "b.webp").metadata.icc) - expected).max() <= 1


ADOBE = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 563 / 256
