"""Texts of PNG files, comments of JPEG files, and profiles that ImageMagick writes as texts."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from scalewise.files import Metadata, Picture, open_picture, read, write
from scalewise.files.metadata.texts import Text, raw_profile_chunk, read_text
from scalewise.files.png import chunk_bytes

PIXELS = np.full((24, 32, 3), 128, np.uint8)
PARAMETERS = "a castle, steps: 20, seed: 1"


def png(path: Path, *chunks: bytes, behind: bool = False) -> Path:
    """A PNG file with more chunks, ahead of the image or behind it."""
    Image.fromarray(PIXELS).save(path)
    data = path.read_bytes()
    at = len(data) - 12 if behind else 33
    path.write_bytes(data[:at] + b"".join(chunks) + data[at:])
    return path


def captioned(path: Path) -> Path:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", PARAMETERS)
    info.add_text("Author", "Zoë")
    info.add_itxt("Title", "Schloß 城", lang="de", tkey="Titel")
    info.add_text("Comment", "by hand", zip=True)
    info.add_text("workflow", '{"nodes": []}' * 1000)
    Image.fromarray(PIXELS).save(path, pnginfo=info)
    return path


def test_png_keeps_all_texts_ahead_of_the_image(tmp_path: Path) -> None:
    picture = read(captioned(tmp_path / "a.png"))
    assert write(tmp_path / "b.png", picture) == []
    with Image.open(tmp_path / "b.png") as image:  # which has not come to the image yet
        found = dict(image.info)
    assert found["parameters"] == PARAMETERS
    assert (found["Author"], found["Comment"]) == ("Zoë", "by hand")
    assert found["workflow"] == '{"nodes": []}' * 1000
    title = found["Title"]
    assert (str(title), title.lang, title.tkey) == ("Schloß 城", "de", "Titel")
    data = (tmp_path / "b.png").read_bytes()
    assert b"tEXtparameters\0" + PARAMETERS.encode() in data
    assert b"iTXtTitle" in data
    assert len(data) < 5000  # long texts are compressed
    assert read(tmp_path / "b.png").metadata.texts == picture.metadata.texts


def test_texts_behind_the_image_are_found(tmp_path: Path) -> None:
    path = png(tmp_path / "a.png", chunk_bytes(b"tEXt", b"Title\0Castle"), behind=True)
    assert read(path).metadata.texts == (Text("Title", "Castle"),)


def test_generation_parameters_go_where_generators_look(tmp_path: Path) -> None:
    for suffix in (".jpg", ".webp", ".avif"):
        (warning,) = write(tmp_path / f"b{suffix}", read(captioned(tmp_path / "a.png")))
        assert "'Title', 'workflow'" in warning or "'Comment', 'Title', 'workflow'" in warning
        with Image.open(tmp_path / f"b{suffix}") as image:
            exif = image.getexif()
        assert exif[ExifTags.Base.Artist] == "Zoë".encode().decode("latin-1")  # as Pillow takes it
        comment = exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment]
        assert comment == b"ASCII\0\0\0" + PARAMETERS.encode()
        assert ExifTags.Base.ColorSpace not in exif.get_ifd(ExifTags.IFD.Exif)


def test_comments_of_jpeg(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", comment=b"von Hand")
    picture = read(tmp_path / "a.jpg")
    assert picture.metadata.texts == (Text("Comment", "von Hand"),)
    for suffix in (".jpg", ".png"):
        assert write(tmp_path / f"b{suffix}", picture) == []
        with Image.open(tmp_path / f"b{suffix}") as image:
            image.load()
            found = image.info.get("comment", image.info.get("Comment"))
        assert found in (b"von Hand", "von Hand")
    assert write(tmp_path / "b.webp", picture) == []
    with Image.open(tmp_path / "b.webp") as image:
        details = image.getexif().get_ifd(ExifTags.IFD.Exif)
    assert details[ExifTags.Base.UserComment] == b"ASCII\0\0\0von Hand"


def test_comments_that_are_not_utf8(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", comment="Schloß".encode("latin-1"))
    assert read(tmp_path / "a.jpg").metadata.texts == (Text("Comment", "Schloß"),)


@pytest.mark.parametrize("name", ["exif", "APP1"])
def test_exif_that_imagemagick_writes_as_a_text(tmp_path: Path, name: str) -> None:
    block = Image.Exif()
    block[ExifTags.Base.Make] = "Camera"
    block[ExifTags.Base.Orientation] = 6
    path = png(tmp_path / "a.png", raw_profile_chunk(name, block.tobytes()))
    picture = read(path)
    assert picture.pixels.shape == (32, 24, 3)
    assert picture.metadata.texts == ()
    assert write(tmp_path / "b.png", picture) == []
    with Image.open(tmp_path / "b.png") as image:
        assert image.getexif()[ExifTags.Base.Make] == "Camera"
        assert image.getexif()[ExifTags.Base.Orientation] == 1


def test_texts_that_repeat_the_header_do_not_stay(tmp_path: Path) -> None:
    chunks = [
        chunk_bytes(b"tEXt", b"exif:Orientation\0" + b"6"),
        chunk_bytes(b"tEXt", b"exif:ExifImageWidth\0" + b"32"),
        chunk_bytes(b"tEXt", b"Thumb::Image::Width\0" + b"32"),
        chunk_bytes(b"tEXt", b"Title\0Castle"),
    ]
    assert read(png(tmp_path / "a.png", *chunks)).metadata.texts == (Text("Title", "Castle"),)


def test_a_bomb_is_left_out_with_a_word(tmp_path: Path) -> None:
    bomb = chunk_bytes(b"zTXt", b"big\0\0" + zlib.compress(bytes(2**26)))
    with open_picture(png(tmp_path / "a.png", bomb)) as reader:
        (warning,) = reader.warnings
        assert reader.metadata.texts == ()
    assert "'big'" in warning
    assert "left out" in warning


@pytest.mark.parametrize("data", [b"", b"no separator", b"a\0\1\0", b"a\0\0\0de\0\xff\xff\0x"])
def test_damaged_texts(data: bytes) -> None:
    assert read_text(b"iTXt", data) is None


def test_strip_leaves_texts_out(tmp_path: Path) -> None:
    assert write(tmp_path / "b.png", read(captioned(tmp_path / "a.png")), strip=True) == []
    assert read(tmp_path / "b.png").metadata.texts == ()


def test_xmp_of_png_can_be_found_by_scanning(tmp_path: Path) -> None:
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + b" " * 2000 + b"</x:xmpmeta>"
    write(tmp_path / "a.png", Picture(PIXELS, Metadata(xmp=packet)))
    assert b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + packet in (tmp_path / "a.png").read_bytes()
    assert read(tmp_path / "a.png").metadata.xmp == packet
