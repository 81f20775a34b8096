"""Images as callers have them: arrays, lists, images of PIL, paths; and back in their kind."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import scalewise
from scalewise.arguments import path_of
from scalewise.errors import ScalewiseError
from scalewise.files import Metadata, Picture, read, write
from scalewise.restoring.inputs import read_input, samples_for_file
from scalewise.restoring.restorer import Restorer
from tests.restoring.fakes import FakeRuntime, Traits

Pixels = NDArray[np.uint8]


@pytest.fixture
def doubling() -> Restorer:
    return Restorer("double", Traits(), FakeRuntime(), tile=64)


@pytest.fixture
def small(photo: Pixels) -> Pixels:
    return photo[100:120, 100:130]


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2", "f2", "f4", ">f4", "f8"])
@pytest.mark.parametrize("shape", ["grey", "one", "alpha", "rgb", "rgba"])
def test_arrays_come_back_in_their_kind(
    dtype: str, shape: str, small: Pixels, doubling: Restorer
) -> None:
    image = {
        "grey": small[..., 0],
        "one": small[..., :1],
        "alpha": small[..., :2],
        "rgb": small,
        "rgba": np.dstack([small, small[..., 0]]),
    }[shape]
    kind = np.dtype(dtype)
    white = 1 if kind.kind == "f" else np.iinfo(kind).max
    given = (image * (white / 255)).astype(kind)
    larger = doubling.upscale(given)
    assert larger.dtype == kind
    assert larger.shape == (40, 60, *image.shape[2:])
    np.testing.assert_allclose(
        larger.astype(float) / white, doubling.restore(image) / 255, atol=1.1 / 255
    )


def test_memory_of_any_layout(small: Pixels, doubling: Restorer) -> None:
    expected = doubling.restore(small)
    fixed = small[::-1, ::-1].copy()
    fixed.flags.writeable = False
    for image in (fixed[::-1, ::-1], np.asfortranarray(small)):
        np.testing.assert_array_equal(doubling.upscale(image), expected)


def test_lists_and_masks(small: Pixels, doubling: Restorer) -> None:
    np.testing.assert_array_equal(doubling.upscale(small.tolist()), doubling.restore(small))
    floats = doubling.upscale((small / 255).tolist())
    assert floats.dtype == np.float64
    mask = small[..., 0] > np.median(small[..., 0])
    grey = doubling.upscale(mask)
    assert (grey.dtype, grey.min(), grey.max()) == (np.uint8, 0, 255)
    np.testing.assert_array_equal(grey, doubling.restore(mask.astype(np.uint8) * 255))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (None, "an image is a path, an image of PIL, or an array .* not NoneType"),
        ([[1, 2], [3]], "list cannot become an array: "),
        ([["a"]], "not of <U1"),
        ([[300]], r"not int64, .* from 300 to 300 .* as np.asarray\(image\) / 1023"),
        (
            np.full((8, 8), 9),
            r"which does not define white; .* image.astype\(np.uint8\)",
        ),
        (np.full((8, 8), 900, np.int16), r"not int16, .* from 900 to 900 .* given as image / 1023"),
        (np.zeros((0, 8), np.int64), r"not \(0, 8\)$"),
        (np.full((8, 8), np.inf), r"not finite .* row 0, column 0; replace them"),
        (Image.fromarray(np.full((8, 8), 90, np.float32)), r"np.asarray\(image\) / 255"),
        (np.full((8, 8), 200.0), r"in \[0, 1\], not from 200 to 200; scale .* image / 255"),
        (np.linspace(-1, 1, 64).reshape(8, 8), r"not from -1 to 1; .* \(image \+ 1\) / 2$"),
        (np.zeros((3, 8, 8)), r"channels come last: np.moveaxis\(image, 0, -1\)"),
        (list(np.zeros((3, 8, 8))), r"np.moveaxis\(np.asarray\(image\), 0, -1\)"),
        (np.zeros((2, 8, 8, 3)), "the images of a batch one by one"),
        (np.zeros((0, 8)), r"not \(0, 8\)$"),
        (np.ma.masked_equal(np.zeros((8, 8)), 0), r"fill them first: image.filled\(0\)"),
        (Image.new("CMYK", (8, 8)), r"mode CMYK .* image.convert\('RGB'\)"),
        (Image.new("I", (8, 8), 60000), r"not int32, .* as np.asarray\(image\) / 65535"),
        (b"\x89PNG\r\n\x1a\n\0\0", r"is not a path; open .* PIL.Image.open\(io.BytesIO"),
        ("", "'' is not a path$"),
        (Path("none.png"), r"none\.png: no such file"),
    ],
)
def test_what_is_not_an_image_is_refused_in_one_line(image: Any, message: str) -> None:
    with pytest.raises(ScalewiseError, match=message) as caught:
        read_input(image)
    assert "\n" not in str(caught.value)


def test_images_that_pil_cannot_load(photo: Pixels, tmp_path: Path) -> None:
    Image.fromarray(photo[:200]).save(tmp_path / "a.jpg")
    cut = (tmp_path / "a.jpg").read_bytes()[:-200]
    with pytest.raises(ScalewiseError, match=r"cannot be read: .*truncated"):
        read_input(Image.open(io.BytesIO(cut)))
    image = Image.open(tmp_path / "a.jpg")
    image.close()
    with pytest.raises(ScalewiseError, match=r"cannot be read: .*closed"):
        read_input(image)


def test_noise_may_lead_out_of_the_range(doubling: Restorer) -> None:
    noisy = np.random.default_rng(0).normal(0.5, 0.2, (40, 40)).astype(np.float32)
    assert doubling.upscale(noisy).shape == doubling.restore(noisy).shape == (80, 80)


@pytest.mark.parametrize(("low", "white"), [(-0.5, 0.5), (-1, 1), (0, 255)])
def test_other_ranges_are_refused_everywhere(
    low: float, white: float, photo: Pixels, doubling: Restorer
) -> None:
    image = (low + photo[:64, :64] / 255 * (white - low)).astype(np.float32)
    for restoring in (doubling.upscale, doubling.restore, scalewise.restore, scalewise.upscale):
        with pytest.raises(ScalewiseError, match=r"floating values are in \[0, 1\], not from"):
            restoring(image)


@pytest.mark.parametrize(
    ("mode", "result"),
    [
        ("1", "L"),
        ("L", "L"),
        ("LA", "LA"),
        ("La", "LA"),
        ("P", "RGB"),
        ("PA", "RGBA"),
        ("RGB", "RGB"),
        ("RGBA", "RGBA"),
        ("RGBa", "RGBA"),
        ("YCbCr", "RGB"),
        ("I;16", "I;16"),
        ("F", "F"),
    ],
)
def test_images_of_pil_come_back_as_such(
    mode: str, result: str, small: Pixels, doubling: Restorer
) -> None:
    through = {"La": "LA", "RGBa": "RGBA", "PA": "P"}.get(mode)
    image = Image.fromarray(small)
    if mode == "F":
        image = Image.fromarray((small[..., 0] / 255).astype(np.float32))
    elif mode == "I;16":
        image = Image.fromarray(small[..., 0].astype(np.uint16) * 257)
    else:
        image = (image.convert(through) if through else image).convert(mode)
    larger = doubling.upscale(image)
    assert isinstance(larger, Image.Image)
    assert (larger.mode, larger.size) == (result, (60, 40))
    was = np.asarray(image if mode == result else image.convert(result)).astype(float)
    now = np.asarray(larger).astype(float)
    np.testing.assert_allclose(now.mean((0, 1)), was.mean((0, 1)), rtol=0.05)


def test_transparent_colours_become_alpha(doubling: Restorer, tmp_path: Path) -> None:
    image = Image.new("P", (8, 6), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (4, 0, 8, 6))
    image.save(tmp_path / "p.png", transparency=0)
    larger = doubling.upscale(Image.open(tmp_path / "p.png"))
    assert larger.mode == "RGBA"
    assert "transparency" not in larger.info
    assert np.asarray(larger)[0, 0, 3] == 0
    assert np.asarray(larger)[0, -1].tolist() == [0, 255, 0, 255]


def test_images_of_pil_keep_profile_and_exif(
    small: Pixels, doubling: Restorer, tmp_path: Path
) -> None:
    """Upright, as images of files."""
    exif = Image.Exif()
    exif[0x112], exif[0x10F] = 6, "Maker"
    Image.fromarray(small).save(
        tmp_path / "a.jpg", exif=exif, icc_profile=b"profile", dpi=(300, 300)
    )
    image = Image.open(tmp_path / "a.jpg")
    larger = doubling.upscale(image)
    assert larger.size == (40, 60)
    assert larger.info["icc_profile"] == b"profile"
    assert (larger.getexif()[0x112], larger.getexif()[0x10F]) == (1, "Maker")
    assert image.size == (30, 20)
    assert image.getexif()[0x112] == 6

    given = read_input(image)
    picture = given.to_picture(given.pixels)
    assert picture.metadata.icc == b"profile"
    assert picture.metadata.dpi == (300, 300)
    assert picture.metadata.exif is not None
    kept = Image.Exif()
    kept.load(picture.metadata.exif)
    assert (kept.get(0x112, 1), kept[0x10F]) == (1, "Maker")
    np.testing.assert_array_equal(picture.pixels, read(tmp_path / "a.jpg").pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [{"width": 45}, {"height": 45}, {"fit": (45, 70)}])
def test_sides_of_an_image_of_pil_are_those_of_its_file(
    orientation: int, size: dict[str, Any], small: Pixels, doubling: Restorer, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(small).save(tmp_path / "a.png", exif=exif)
    expected = doubling.upscale(tmp_path / "a.png", **size)
    np.testing.assert_array_equal(
        doubling.upscale(Image.open(tmp_path / "a.png"), **size), expected
    )


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif"])
def test_compression_is_known_also_by_way_of_pil(
    suffix: str, small: Pixels, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{suffix}"
    write(path, Picture(small), quality=60)
    by_path = read_input(path).compression
    assert by_path is not None
    assert abs(by_path.quality - 60) <= 5
    assert read_input(Image.open(path)).compression == by_path
    assert read_input(Image.open(path).rotate(90)).compression is None
    assert read_input(small).compression is None


def test_paths(small: Pixels, tmp_path: Path) -> None:
    write(tmp_path / "a.png", Picture(small))
    for path in (tmp_path / "a.png", str(tmp_path / "a.png"), bytes(tmp_path / "a.png")):
        np.testing.assert_array_equal(read_input(path).pixels, small)
    with pytest.raises(ScalewiseError, match="BytesIO is not a path"):
        path_of(io.BytesIO())


def test_pictures_carry_all_that_they_have(small: Pixels, doubling: Restorer) -> None:
    larger = doubling.upscale(Picture(small, Metadata(icc=b"profile")), width=45)
    assert isinstance(larger, Picture)
    assert (larger.pixels.shape, larger.metadata.icc) == ((30, 45, 3), b"profile")


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ({}, (40, 60)),
        ({"scale": 3}, (60, 90)),
        ({"width": 100}, (67, 100)),
        ({"height": np.int64(10)}, (10, 15)),
        ({"fit": [100, 50]}, (50, 75)),
        ({"max_megapixels": 0.0006}, (20, 30)),
    ],
)
def test_a_restorer_reaches_any_size(
    size: dict[str, Any], shape: tuple[int, int], small: Pixels, doubling: Restorer
) -> None:
    assert doubling.upscale(small, **size).shape == (*shape, 3)


def test_what_cleans_does_so_at_any_size(small: Pixels) -> None:
    class Darkening(FakeRuntime):
        def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
            return image / 2

    cleaning = Restorer("dark", Traits(scale=1), Darkening(), tile=64)
    for scale in (0.5, 1, 1.7):
        made = cleaning.upscale(np.full((20, 30), 200, np.uint8), scale=scale)
        assert abs(int(made[5, 5]) - 100) <= 1


def test_samples_of_files() -> None:
    floats = np.array([[-0.5, 0, 0.25, 1, 1.5]])
    assert samples_for_file(floats, deep=False).tolist() == [[0, 0, 64, 255, 255]]
    assert samples_for_file(floats, deep=True).dtype == np.uint16
    integers = np.array([[3]], np.uint16)
    assert samples_for_file(integers, deep=False) is integers
