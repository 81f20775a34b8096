"""Round trips through real files; Pillow is the second opinion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageOps

from scalewise.errors import ScalewiseError
from scalewise.files import IMAGE_SUFFIXES, Metadata, Picture, read, write
from scalewise.imaging.metrics import psnr

LOSSLESS = [".png", ".tif", ".tiff"]
LOSSY = [".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif"]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def smooth(channels: int = 3, dtype: type = np.uint8) -> NDArray:
    """(37, 50, channels): a different ramp in each channel, which lossy formats keep well."""
    rows, columns = np.mgrid[0:37, 0:50] / 50.0
    planes = [rows, columns, (rows + columns) / 2, 0.3 + 0.7 * (1 - rows)]
    peak = np.iinfo(dtype).max
    return np.rint(np.stack(planes[:channels], axis=-1) * peak).astype(dtype)


def exif_with(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Camera"
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:06 07:08:09"
    return exif.tobytes()


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossless_formats_keep_every_sample(
    tmp_path: Path, suffix: str, dtype: type, channels: int
) -> None:
    rng = np.random.default_rng(channels)
    pixels = rng.integers(0, np.iinfo(dtype).max, (21, 34, channels), dtype, endpoint=True)
    write(tmp_path / f"a{suffix}", Picture(pixels))
    back = read(tmp_path / f"a{suffix}").pixels
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, pixels)


@pytest.mark.parametrize("suffix", LOSSY)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossy_formats_come_close(tmp_path: Path, suffix: str, channels: int) -> None:
    picture = Picture(smooth(channels))
    write(tmp_path / f"a{suffix}", picture)
    back = read(tmp_path / f"a{suffix}")
    assert back.pixels.dtype == np.uint8
    if suffix.startswith(".j"):
        assert back.alpha is None
        assert back.is_grey == picture.is_grey
    else:
        assert not back.is_grey
        assert (back.alpha is None) == (picture.alpha is None)
    if picture.alpha is None:
        shown = np.broadcast_to(picture.colour, back.colour.shape)
        assert psnr(back.colour, shown) > 38
    elif back.alpha is not None:
        assert np.abs(back.alpha.astype(int) - picture.alpha).max() <= 4


def test_suffixes() -> None:
    assert frozenset(LOSSLESS + LOSSY) == IMAGE_SUFFIXES


def test_pillow_reads_the_same_pixels(tmp_path: Path) -> None:
    write(tmp_path / "a.png", Picture(smooth(4)))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), smooth(4))


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_16_bits_are_rounded_not_cut(tmp_path: Path, suffix: str) -> None:
    deep = np.full((16, 16, 3), 100 * 257 + 200, np.uint16)  # 100.8 of 255
    write(tmp_path / f"deep{suffix}", Picture(deep))
    write(tmp_path / f"flat{suffix}", Picture(np.full((16, 16, 3), 101, np.uint8)))
    deep_back = read(tmp_path / f"deep{suffix}").pixels
    np.testing.assert_array_equal(deep_back, read(tmp_path / f"flat{suffix}").pixels)


def test_alpha_is_laid_over_white_in_jpeg(tmp_path: Path) -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:, :16, 3] = 255
    pixels[:, 16:, 3] = 51  # a fifth opaque black over white: 204
    write(tmp_path / "a.jpg", Picture(pixels), quality=100)
    back = read(tmp_path / "a.jpg").pixels.astype(int)
    assert np.abs(back[:, :16]).max() <= 2
    assert np.abs(back[:, 16:] - 204).max() <= 2


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_the_profile_survives(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"a{suffix}", Picture(smooth(), Metadata(icc=SRGB)))
    assert read(tmp_path / f"a{suffix}").metadata.icc == SRGB
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.info["icc_profile"] == SRGB


@pytest.mark.parametrize("suffix", [".webp", ".avif"])
def test_a_grey_profile_is_left_out_where_grey_becomes_rgb(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"a{suffix}", Picture(smooth(1), Metadata(icc=SRGB)))
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert "icc_profile" not in image.info


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_dpi_survives(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"a{suffix}", Picture(smooth(), Metadata(dpi=(300.0, 150.0))))
    assert read(tmp_path / f"a{suffix}").metadata.dpi == pytest.approx((300, 150), rel=1e-3)


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_xmp_survives(tmp_path: Path, suffix: str) -> None:
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'
    write(tmp_path / f"a{suffix}", Picture(smooth(), Metadata(xmp=packet)))
    assert read(tmp_path / f"a{suffix}").metadata.xmp == packet


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif"])
def test_exif_survives(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(smooth()).save(tmp_path / "camera.jpg", exif=exif_with(6))
    picture = read(tmp_path / "camera.jpg")
    write(tmp_path / f"a{suffix}", picture)
    with Image.open(tmp_path / f"a{suffix}") as image:
        exif = image.getexif()
        assert exif[ExifTags.Base.Make] == "Camera"
        assert exif.get(ExifTags.Base.Orientation, 1) == 1
        details = exif.get_ifd(ExifTags.IFD.Exif)
        assert details[ExifTags.Base.DateTimeOriginal] == "2024:05:06 07:08:09"
        assert (image.width, image.height) == (37, 50)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_every_orientation_is_applied(tmp_path: Path, orientation: int, suffix: str) -> None:
    path = tmp_path / f"turned{suffix}"
    image = Image.fromarray(smooth())
    exact = {".webp": {"lossless": True}}.get(suffix, {})
    if suffix == ".tif":
        image.save(path, tiffinfo={ExifTags.Base.Orientation: orientation})
    else:
        image.save(path, exif=exif_with(orientation), **exact)
    with Image.open(path) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened))
    picture = read(path)
    assert picture.pixels.shape == upright.shape
    if suffix == ".jpg":  # turning must not be mistaken for mirroring, whatever the decoder
        assert psnr(picture.pixels, upright) > 45
    else:
        np.testing.assert_array_equal(picture.pixels, upright)
    # Written and read again, it must not turn a second time.
    write(tmp_path / "again.png", picture)
    np.testing.assert_array_equal(read(tmp_path / "again.png").pixels, picture.pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".gif"])
def test_a_palette_becomes_rgb(tmp_path: Path, suffix: str) -> None:
    palette = Image.fromarray(smooth()).quantize(16)
    palette.save(tmp_path / f"a{suffix}")
    expected = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(read(tmp_path / f"a{suffix}").pixels, expected)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_one_bit_becomes_grey(tmp_path: Path, suffix: str) -> None:
    bits = smooth(1)[..., 0] > 90
    Image.fromarray(bits).save(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(read(tmp_path / f"a{suffix}").pixels[..., 0], bits * 255)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_becomes_srgb(tmp_path: Path, suffix: str) -> None:
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[:, 8:] = (0, 255, 255, 0)  # magenta and yellow in full: red
    Image.fromarray(ink, "CMYK").save(tmp_path / f"a{suffix}", icc_profile=b"")
    picture = read(tmp_path / f"a{suffix}")
    assert picture.pixels.shape == (16, 16, 3)
    assert picture.metadata.icc is None
    assert picture.pixels[:, :6].min() > 245
    red, green, blue = picture.pixels[:, 12:].reshape(-1, 3).mean(axis=0)
    assert red > 200
    assert max(green, blue) < 70


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_quality(tmp_path: Path, suffix: str, photo: NDArray[np.uint8]) -> None:
    sizes = []
    for quality in (1, 40, 90):
        write(tmp_path / f"a{suffix}", Picture(photo[:128, :128]), quality=quality)
        sizes.append((tmp_path / f"a{suffix}").stat().st_size)
    if suffix in LOSSLESS:
        assert sizes[0] == sizes[1] == sizes[2]
    else:
        assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("name", ["größe 图.png", "a[1].jpg", "b[Q=1]", "x=1,y.webp", "UPPER.TIF"])
@pytest.mark.parametrize("kind", [str, Path])
def test_any_name_will_do(tmp_path: Path, name: str, kind: type) -> None:
    folder = tmp_path / "Ördner [2]"
    folder.mkdir()
    if "." in name:
        write(kind(folder / name), Picture(smooth()))
    else:
        write(folder / "a.png", Picture(smooth()))
        (folder / "a.png").rename(folder / name)
    assert read(kind(folder / name)).pixels.shape == (37, 50, 3)
    assert [file.name for file in folder.iterdir()] == [name]


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    write(tmp_path / "a.png", Picture(smooth()))
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read(tmp_path / "a.jpg").pixels, smooth())


def test_a_file_written_anew_is_read_anew(tmp_path: Path) -> None:
    for level in (10, 20):
        write(tmp_path / "a.png", Picture(np.full((4, 4, 3), level, np.uint8)))
        assert read(tmp_path / "a.png").pixels.max() == level


def test_one_pixel(tmp_path: Path) -> None:
    for suffix in IMAGE_SUFFIXES:
        write(tmp_path / f"a{suffix}", Picture(np.full((1, 1, 3), 128, np.uint8)))
        back = read(tmp_path / f"a{suffix}").pixels
        assert back.shape == (1, 1, 3)
        assert np.abs(back.astype(int) - 128).max() <= 3


def test_what_cannot_be_read_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture at all\n" * 9)
    (tmp_path / "empty.png").touch()
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tif")
    cases = {
        "missing.png": "no such file",
        ".": "is a folder",
        "text.png": "not an image",
        "empty.png": "not an image",
        "float.tif": "floating-point samples",
    }
    for name, reason in cases.items():
        with pytest.raises(ScalewiseError, match=reason) as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_an_error(
    tmp_path: Path, suffix: str, part: float, photo: NDArray[np.uint8]
) -> None:
    path = tmp_path / f"a{suffix}"
    write(path, Picture(photo[:200, :200]))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(ScalewiseError, match=r"truncated|cut short") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_written_says_so_in_one_line(tmp_path: Path) -> None:
    picture = Picture(smooth())
    write(tmp_path / "there.png", picture)
    (tmp_path / "folder.png").mkdir()
    cases = {
        "a.bmp": r"\.bmp is read, but not written; use one of",
        "a.pcx": "unknown extension",
        "a": "unknown extension",
        "folder.png": "is a folder",
        "nowhere/a.png": "does not exist",
        "there.png/a.png": "there.png is a file, not a folder",
        "there.png": "exists already",
    }
    for name, reason in cases.items():
        with pytest.raises(ScalewiseError, match=reason) as caught:
            write(tmp_path / name, picture, overwrite=False)
        assert "\n" not in str(caught.value)
    for quality in (0, 101):
        with pytest.raises(ScalewiseError, match="quality"):
            write(tmp_path / "a.jpg", picture, quality=quality)


def test_a_failed_write_leaves_the_old_file_and_no_trace(tmp_path: Path) -> None:
    write(tmp_path / "a.webp", Picture(smooth()))
    before = (tmp_path / "a.webp").read_bytes()
    too_wide = Picture(np.zeros((1, 20000, 3), np.uint8))  # WebP ends at 16383
    with pytest.raises(ScalewiseError, match="too large for webp") as caught:
        write(tmp_path / "a.webp", too_wide)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "a.webp").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.webp"]


def test_pixels_need_not_be_contiguous(tmp_path: Path) -> None:
    pixels = smooth()[::-1, ::2]
    write(tmp_path / "a.png", Picture(pixels))
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_arrays_of_either_byte_order(tmp_path: Path, suffix: str, order: str) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (9, 7, 3)).astype(np.uint16)
    write(tmp_path / f"a{suffix}", Picture(values.astype(order)))
    found = read(tmp_path / f"a{suffix}").pixels
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, values)
