"""TIFF: which page is the image, what is alpha, and what colours samples stand for."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from skimage.color import lab2rgb

from scalewise.errors import ScalewiseError
from scalewise.files import open_picture, read, write
from scalewise.files.tiff.layout import EXTRA_SAMPLES, read_pages
from scalewise.files.tiff.reading import MOST_BANDS

UNSPECIFIED, ASSOCIATED, ALPHA = 0, 1, 2


def bands(count: int, dtype: Any = np.uint8) -> NDArray[Any]:
    """(H, W, count), every band another, the last 0 on the left."""
    rows, columns = np.mgrid[0:40, 0:56]
    ramps = [columns * 4, rows * 6, rows + columns, 255 - columns * 3, rows * 2 + 7]
    image = np.stack([ramps[index % 5] for index in range(count)], -1)
    image[:, :28, -1] = 0
    return image.astype(dtype) * (257 if dtype == np.uint16 else 1)


def write_tiff(path: Path, image: NDArray[Any], **options: Any) -> None:
    planar = options.get("planarconfig") == "separate"
    tifffile.imwrite(path, np.moveaxis(image, -1, 0) if planar else image, **options, metadata=None)


@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("photometric", "count"),
    [("rgb", 4), ("rgb", 5), ("rgb", 8), *(("minisblack", count) for count in range(2, 6))],
)
def test_bands_that_are_not_alpha_stay_as_they_are(
    tmp_path: Path, photometric: str, count: int, dtype: Any, big: bool, planar: str, tile: Any
) -> None:
    image = bands(count, dtype)
    extra = (UNSPECIFIED,) * (count - (3 if photometric == "rgb" else 1))
    write_tiff(
        tmp_path / "a.tif",
        image,
        photometric=photometric,
        extrasamples=extra,
        bigtiff=big,
        planarconfig=planar,
        tile=tile,
        byteorder=">" if tile else "<",
    )
    picture = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels, image)
    assert picture.alpha is None
    assert picture.is_grey == (photometric == "minisblack")
    write(tmp_path / "b.tif", picture)
    with tifffile.TiffFile(tmp_path / "b.tif") as back:
        page = back.pages.first
        assert tuple(map(int, page.extrasamples)) == extra
        assert page.photometric.name.lower() == photometric
        np.testing.assert_array_equal(page.asarray().reshape(image.shape), image)


def test_a_band_without_a_tag_is_not_alpha(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", bands(4), photometric="rgb", extrasamples=[ALPHA])
    data = (tmp_path / "a.tif").read_bytes()
    entry = struct.pack("<HHI", EXTRA_SAMPLES, 3, 1)
    assert data.count(entry) == 1
    (tmp_path / "b.tif").write_bytes(data.replace(entry, struct.pack("<HHI", 65000, 3, 1)))
    assert read(tmp_path / "a.tif").metadata.bands is None
    found = read(tmp_path / "b.tif").metadata.bands
    assert found is not None
    assert found.extra == (UNSPECIFIED,)


def test_alpha_and_another_band_are_bands(tmp_path: Path) -> None:
    """Colours that count for as much as they are visible must not be divided by alpha then."""
    write_tiff(tmp_path / "a.tif", bands(5), photometric="rgb", extrasamples=[ASSOCIATED, 0])
    picture = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.pixels, bands(5))
    write(tmp_path / "b.tif", picture)
    with tifffile.TiffFile(tmp_path / "b.tif") as back:
        assert back.pages.first.extrasamples == (ASSOCIATED, UNSPECIFIED)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
def test_alpha_is_alpha_however_it_lies(tmp_path: Path, photometric: str, planar: str) -> None:
    count = 4 if photometric == "rgb" else 2
    image = bands(count)
    kind = {"photometric": photometric, "planarconfig": planar}
    write_tiff(tmp_path / "a.tif", image, **kind, extrasamples=[ALPHA])
    picture = read(tmp_path / "a.tif")
    assert picture.metadata.bands is None
    np.testing.assert_array_equal(picture.alpha, image[..., -1:])
    np.testing.assert_array_equal(picture.pixels, image)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_associated_alpha_no_longer_dims_the_colours(tmp_path: Path, planar: str) -> None:
    image = np.full((16, 16, 2), 100, np.uint8)
    image[..., 1] = 128
    kind: dict[str, Any] = {"photometric": "minisblack", "planarconfig": planar}
    write_tiff(tmp_path / "a.tif", image, **kind, extrasamples=[ASSOCIATED])
    np.testing.assert_allclose(read(tmp_path / "a.tif").pixels[0, 0], (199, 128), atol=1)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".avif"])
def test_other_formats_refuse_bands(tmp_path: Path, suffix: str) -> None:
    write_tiff(tmp_path / "a.tif", bands(4), photometric="rgb", extrasamples=[UNSPECIFIED])
    with pytest.raises(ScalewiseError, match="cannot hold 4 bands that are not alpha"):
        write(tmp_path / f"b{suffix}", read(tmp_path / "a.tif"))


def test_too_many_bands(tmp_path: Path) -> None:
    image = np.zeros((4, 4, MOST_BANDS + 1), np.uint8)
    write_tiff(tmp_path / "a.tif", image, photometric="minisblack", planarconfig="contig")
    with pytest.raises(ScalewiseError, match=f"has 65 bands; up to {MOST_BANDS}"):
        read(tmp_path / "a.tif")


def test_a_spot_colour_beside_cmyk_is_left_out_with_a_word(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 5), np.uint8)
    image[..., 4] = 255
    write_tiff(tmp_path / "a.tif", image, photometric="separated", extrasamples=[UNSPECIFIED])
    with open_picture(tmp_path / "a.tif") as reader:
        assert reader.read().pixels[0, 0].tolist() == [255, 255, 255]
        assert reader.warnings == [
            f"{tmp_path / 'a.tif'}: 1 band beyond its colours, not alpha, left out",
            f"{tmp_path / 'a.tif'}: its CMYK colours become sRGB, by a general profile, because it "
            "has none: they may shift",
        ]


def lab_samples(kind: str, deep: bool) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """An image in CIELAB as a TIFF file has it, and in sRGB."""
    rows, columns = np.mgrid[0:32, 0:32]
    lab = np.dstack([20 + columns * 2.0, -30 + rows * 2.0, 20 - columns * 1.0])
    light, a, b = np.moveaxis(lab, -1, 0)
    if kind == "cielab":
        scale, signed = (256, np.int16) if deep else (1, np.int8)
        white, unsigned = (65535, np.uint16) if deep else (255, np.uint8)
        others = [(each * scale).round().astype(signed).view(unsigned) for each in (a, b)]
    else:
        scale, white, unsigned = (256, 65280, np.uint16) if deep else (1, 255, np.uint8)
        others = [((each + 128) * scale).round().astype(unsigned) for each in (a, b)]
    first = (light / 100 * white).round().astype(unsigned)
    return np.dstack([first, *others]), lab2rgb(lab)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("kind", ["cielab", "icclab"])
def test_lab_becomes_srgb(tmp_path: Path, kind: str, deep: bool, planar: str) -> None:
    samples, expected = lab_samples(kind, deep)
    write_tiff(tmp_path / "a.tif", samples, photometric=kind, planarconfig=planar)
    pixels = read(tmp_path / "a.tif").pixels
    white = 65535 if deep else 255
    assert pixels.dtype == samples.dtype
    levels = np.abs(pixels / white - expected) * 255
    assert levels.mean() < 1  # 8 bits of CIELAB are coarser than those of sRGB
    assert levels.max() < (0.5 if deep else 4)


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_a_thumbnail_is_not_the_picture(tmp_path: Path, order: tuple[bool, bool]) -> None:
    picture = bands(3)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for thumbnail in order:
            image = picture[::4, ::4] if thumbnail else picture
            file.write(image, photometric="rgb", subfiletype=int(thumbnail), metadata=None)
    with open_picture(tmp_path / "a.tif") as reader:
        assert reader.warnings == []
        assert reader.frames == 2
        np.testing.assert_array_equal(reader.read().pixels, picture)
    thumbnail = read(tmp_path / "a.tif", page=order.index(True))
    np.testing.assert_array_equal(thumbnail.pixels, picture[::4, ::4])


def test_a_thumbnail_before_two_pages(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for index, step in enumerate((4, 1, 1)):
            image = bands(3)[::step, ::step]
            file.write(image, photometric="rgb", subfiletype=int(index == 0), metadata=None)
    with open_picture(tmp_path / "a.tif") as reader:
        (warning,) = reader.warnings
        assert "has 3 frames; page 1, the first in full, is read" in warning


def with_picture_within(path: Path, photometric: str = "rgb", **options: Any) -> NDArray[Any]:
    """A thumbnail whose image is in a directory within the thumbnail's."""
    picture = bands(3)
    with tifffile.TiffWriter(path) as file:
        kind: dict[str, Any] = {"photometric": "rgb", "metadata": None}
        file.write(picture[::4, ::4], subfiletype=1, subifds=1, **kind, **options)
        inner = picture if photometric == "rgb" else picture[..., 0]
        file.write(inner, subfiletype=0, **kind | {"photometric": photometric})
    return picture


def test_the_picture_within_a_thumbnail(tmp_path: Path) -> None:
    tag = (274, "H", 1, 3, True)
    picture = with_picture_within(tmp_path / "a.tif", extratags=[tag])
    # Upside down is what the first directory says of all that is within.
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, picture[::-1, ::-1])


def test_the_picture_within_a_thumbnail_within_a_thumbnail(tmp_path: Path) -> None:
    path, picture = tmp_path / "a.tif", bands(3)
    with tifffile.TiffWriter(path) as file:
        kind: dict[str, Any] = {"photometric": "rgb", "metadata": None}
        file.write(picture[::4, ::4], subfiletype=1, subifds=1, **kind)
        unused = (331, "I", 1, 0, True)  # tifffile writes one level only: a second is made below
        file.write(picture[::2, ::2], subfiletype=1, extratags=[unused], **kind)
        file.write(picture, subfiletype=1, **kind)
    with tifffile.TiffFile(path) as opened:
        last = opened.pages[1]
        tag = opened.pages[0].pages[0].tags[331]
        first = opened.pages[0].offset
        after_first = first + 2 + 12 * len(opened.pages[0].tags)
    data = bytearray(path.read_bytes())
    struct.pack_into("<HHII", data, tag.offset, 330, 4, 1, last.offset)
    struct.pack_into("<I", data, last.tags[254].valueoffset, 0)
    struct.pack_into("<I", data, after_first, 0)  # so the last is not a page of its own
    path.write_bytes(data)
    with open_picture(path) as reader:
        assert reader.frames == 1
        np.testing.assert_array_equal(reader.read().pixels, picture)


@pytest.mark.parametrize("page", range(3))
def test_a_page_has_its_own_metadata(tmp_path: Path, page: int) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for index in range(3):
            tags = [] if index == 0 else [(315, "s", 0, f"artist {index}", True)]
            options: dict[str, Any] = {"description": f"page {index}", "extratags": tags}
            file.write(bands(3), photometric="rgb", metadata=None, **options)
    exif = read(tmp_path / "a.tif", page=page).metadata.exif
    assert exif is not None
    assert [b"page %d" % index in exif for index in range(3)] == [i == page for i in range(3)]
    assert (b"artist %d" % page in exif) == (page > 0)


def test_a_picture_behind_its_thumbnail_has_the_metadata_of_both(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        kind: dict[str, Any] = {"photometric": "rgb", "metadata": None}
        maker = (271, "s", 0, "of the thumbnail", True)
        file.write(
            bands(3)[::4, ::4], subfiletype=1, description="small", extratags=[maker], **kind
        )
        file.write(bands(3), description="large", **kind)
    exif = read(tmp_path / "a.tif").metadata.exif
    assert exif is not None
    assert b"of the thumbnail" in exif
    assert b"large" in exif
    assert b"small" not in exif


def test_camera_raw_is_refused_by_name(tmp_path: Path) -> None:
    with_picture_within(tmp_path / "a.nef", "cfa")
    with pytest.raises(ScalewiseError, match=r"camera raw .*; develop it"):
        read(tmp_path / "a.nef")
    version = (50706, "B", 4, (1, 4, 0, 0), True)
    with_picture_within(tmp_path / "a.dng", "cfa", extratags=[version])
    with pytest.raises(ScalewiseError, match=r"camera raw \(DNG\)"):
        read(tmp_path / "a.dng")
    assert read(tmp_path / "a.dng", page=0).pixels.shape == (10, 14, 3)


def test_a_transparency_mask_is_left_out_with_a_word(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(bands(3), photometric="rgb", metadata=None)
        file.write(bands(1)[..., 0] > 9, photometric="mask", subfiletype=4, metadata=None)
    with open_picture(tmp_path / "a.tif") as reader:
        (warning,) = reader.warnings
        assert "transparency mask" in warning


@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize(
    ("tag", "value", "photometric", "reason"),
    [
        (259, 6, "rgb", r"old-style JPEG in TIFF \(compression 6\)"),
        (262, 6, "rgb", "YCbCr samples without JPEG compression"),
        (262, 10, "rgb", "ITULab"),
        (262, 77, "rgb", r"unknown kind \(PhotometricInterpretation 77\)"),
        (332, 2, "separated", "inks that are not CMYK"),
    ],
)
def test_what_would_be_read_wrongly_is_refused(
    tmp_path: Path, tag: int, value: int, photometric: str, reason: str, tile: Any
) -> None:
    extra = [(332, "H", 1, 1, True)] if tag == 332 else []
    image = bands(4 if photometric == "separated" else 3)
    write_tiff(tmp_path / "a.tif", image, photometric=photometric, tile=tile, extratags=extra)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        at = file.pages.first.tags[tag].valueoffset
    data = bytearray((tmp_path / "a.tif").read_bytes())
    struct.pack_into("<H", data, at, value)
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(ScalewiseError, match=reason + ".*convert it"):
        read(tmp_path / "a.tif")


def test_directories_that_go_round_end(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", bands(3), photometric="rgb")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    (offset,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, offset)
    struct.pack_into("<I", data, offset + 2 + 12 * count, offset)
    (tmp_path / "a.tif").write_bytes(data)
    with (tmp_path / "a.tif").open("rb") as file:
        assert len(read_pages(file)) == 1
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, bands(3))


P3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)


def colour_tags(curve: NDArray[Any] | None) -> list[tuple[int, str, int, Any, bool]]:
    primaries = [number for value in P3 for number in (round(value * 1000), 1000)]
    tags: list[tuple[int, str, int, Any, bool]] = [
        (318, "2I", 2, (3127, 10000, 3290, 10000), True),
        (319, "2I", 6, tuple(primaries), True),
    ]
    if curve is not None:
        table = tuple((curve * 65535).round().astype(int).tolist())
        tags.append((301, "H", len(table), table, True))
    return tags


def test_primaries_and_curve_of_tags_become_a_profile(tmp_path: Path) -> None:
    tags = colour_tags(np.linspace(0, 1, 256) ** 1.8)
    write_tiff(tmp_path / "a.tif", bands(3), photometric="rgb", extratags=tags)
    picture = read(tmp_path / "a.tif")
    assert picture.metadata.stated is not None
    assert picture.metadata.stated.chromaticities == pytest.approx((0.3127, 0.329, *P3))
    assert picture.metadata.stated.gamma == pytest.approx(1 / 1.8, abs=1e-3)
    assert write(tmp_path / "b.tif", picture) == []
    assert read(tmp_path / "b.tif").metadata.icc == picture.metadata.stated.profile()


def test_a_curve_that_is_not_a_power_is_left_out_with_a_word(tmp_path: Path) -> None:
    tags = colour_tags(np.linspace(1, 0, 256))
    write_tiff(tmp_path / "a.tif", bands(3), photometric="rgb", extratags=tags)
    with open_picture(tmp_path / "a.tif") as reader:
        (warning,) = reader.warnings
        assert "TransferFunction" in warning


def test_floating_point_samples_of_any_size_are_told(tmp_path: Path) -> None:
    for kind in (np.float16, np.float32, np.float64):
        write_tiff(tmp_path / "a.tif", np.zeros((20, 30, 1), kind))
        with pytest.raises(ScalewiseError, match="has floating-point samples"):
            read(tmp_path / "a.tif")
