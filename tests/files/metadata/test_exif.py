"""Exif blocks: damaged, turned, resized, and shared between formats."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from scalewise.files import Metadata, Picture, read, write
from scalewise.files.metadata import exif
from scalewise.files.metadata.exif import (
    EXIF_MARK,
    exif_directory,
    exif_of,
    resolution,
    sized_exif,
    smaller_exif,
    upright_exif,
    without_tag,
)


def block(orientation: int | None, endian: str) -> bytes:
    exif = Image.Exif()
    exif.endian = endian
    exif[ExifTags.Base.Make] = "Camera"
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Software] = "Darkroom"
    return exif.tobytes()


def tags(exif: bytes) -> dict[int, object]:
    file = io.BytesIO()
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(file, "JPEG", exif=exif)
    return dict(Image.open(file).getexif())


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_only_the_orientation_changes(orientation: int, endian: str) -> None:
    before = block(orientation, endian)
    after = upright_exif(before, orientation)
    expected = tags(before) | {ExifTags.Base.Orientation: 1}
    assert tags(after) == expected
    assert len(after) == len(before)


@pytest.mark.parametrize("endian", ["<", ">"])
def test_without_the_marker(endian: str) -> None:
    bare = block(6, endian).removeprefix(b"Exif\0\0")
    assert upright_exif(bare, 6) == block(1, endian).removeprefix(b"Exif\0\0")


def test_without_an_orientation() -> None:
    assert upright_exif(block(None, "<"), 1) == block(None, "<")


@pytest.mark.parametrize("length", [0, 3, 7, 12, 15, 20, 30])
def test_a_damaged_block_does_no_harm(length: int) -> None:
    damaged = block(6, "<")[:length]
    assert len(upright_exif(damaged, 6)) == length


def camera(endian: str = "<", note: bytes = b"a note of the maker's own") -> bytes:
    """A camera's block, with a thumbnail at its end."""
    entries = {
        0x010F: (2, b"Maker\0"),
        0x0112: (3, struct.pack(endian + "H", 6)),
        0x011A: (5, struct.pack(endian + "II", 240, 1)),
        0x011B: (5, struct.pack(endian + "II", 240, 1)),
        0x0128: (3, struct.pack(endian + "H", 2)),
        0x8769: (4, b""),
    }
    details = {
        0x9214: (3, struct.pack(endian + "4H", 32, 24, 8, 6)),
        0x927C: (7, note),
        0xA001: (3, struct.pack(endian + "H", 1)),
        0xA002: (4, struct.pack(endian + "I", 64)),
        0xA003: (3, struct.pack(endian + "H", 48)),
        0xA20E: (5, struct.pack(endian + "II", 5000, 2)),
        0xA20F: (5, struct.pack(endian + "II", 5000, 2)),
        0xA214: (3, struct.pack(endian + "2H", 32, 24)),
    }
    small = {0x0103: (3, struct.pack(endian + "H", 6)), 0x0112: (3, struct.pack(endian + "H", 6))}
    small |= {0x0201: (4, b""), 0x0202: (4, struct.pack(endian + "I", len(THUMBNAIL)))}
    first = 8 + len(table(entries, endian, 0, 0))
    second = first + len(table(details, endian, 0, 0))
    thumbnail = second + len(table(small | {0x0201: (4, bytes(4))}, endian, 0, 0))
    entries[0x8769] = 4, struct.pack(endian + "I", first)
    small[0x0201] = 4, struct.pack(endian + "I", thumbnail)
    header = (b"II" if endian == "<" else b"MM") + struct.pack(endian + "HI", 42, 8)
    return (
        EXIF_MARK
        + header
        + table(entries, endian, 8, second)
        + table(details, endian, first, 0)
        + table(small, endian, second, 0)
        + THUMBNAIL
    )


THUMBNAIL = b"\xff\xd8" + b"a small picture, on its side" * 20 + b"\xff\xd9"


def table(entries: dict[int, tuple[int, bytes]], endian: str, at: int, following: int) -> bytes:
    sizes = {2: 1, 3: 2, 4: 4, 5: 8, 7: 1}
    rows = struct.pack(endian + "H", len(entries))
    values = b""
    begin = at + 2 + 12 * len(entries) + 4
    for tag, (kind, value) in sorted(entries.items()):
        value = value or bytes(4)
        rows += struct.pack(endian + "HHI", tag, kind, len(value) // sizes[kind])
        if len(value) > 4:
            rows += struct.pack(endian + "I", begin + len(values))
            values += value + bytes(len(value) % 2)
        else:
            rows += value.ljust(4, b"\0")
    return rows + struct.pack(endian + "I", following) + values


@pytest.mark.parametrize("endian", ["<", ">"])
def test_the_thumbnail_is_gone(endian: str) -> None:
    upright = upright_exif(camera(endian), 6)
    assert b"small picture" not in upright
    assert upright == upright_exif(upright, 1)
    block = Image.Exif()
    block.load(upright)
    assert block.get_ifd(ExifTags.IFD.IFD1) == {}
    assert block[ExifTags.Base.Orientation] == 1
    assert block.get_ifd(ExifTags.IFD.Exif)[0x927C] == b"a note of the maker's own"
    assert upright.index(b"a note of") == camera(endian).index(b"a note of")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".tif"])
def test_no_file_has_it(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(tmp_path / "a.jpg", exif=camera())
    assert write(tmp_path / f"b{suffix}", read(tmp_path / "a.jpg")) == []
    assert b"small picture" not in (tmp_path / f"b{suffix}").read_bytes()
    with Image.open(tmp_path / f"b{suffix}") as image:
        block = image.getexif()
        assert block.get_ifd(ExifTags.IFD.IFD1) == {}
        details = block.get_ifd(ExifTags.IFD.Exif)
    assert (details[0xA002], details[0xA003]) == (48, 64)
    assert 0x9214 not in details  # where the subject was before the image was turned


@pytest.mark.parametrize("endian", ["<", ">"])
def test_what_counts_in_pixels_is_true_of_the_larger_picture(endian: str) -> None:
    large = sized_exif(camera(endian), (128, 144), (64, 48), (300.0, 72.5))
    details = exif_directory(large)[0x8769]
    assert isinstance(details, dict)

    def numbers(tag: int, letter: str) -> tuple[int, ...]:
        value = details[tag]
        assert isinstance(value, tuple)
        return struct.unpack(f"<{value[1]}{letter}", value[2])

    assert numbers(0xA002, "I") + numbers(0xA003, "H") == (128, 144)
    assert numbers(0x9214, "H") == (64, 72, 16, 18)
    assert numbers(0xA214, "H") == (64, 72)
    assert resolution(large) == (300.0, 72.5)
    assert exif.tags(large) == exif.tags(camera(endian))
    # 2500 pixels per unit were one of the sensor; as many of the larger image lie on less of it.
    across, down = details[0xA20E], details[0xA20F]
    assert isinstance(across, tuple)
    assert isinstance(down, tuple)
    assert struct.unpack("<II", across[2]) == (5000, 1)
    assert struct.unpack("<II", down[2]) == (7500, 1)


def test_a_number_that_does_not_fit_goes() -> None:
    details = exif_directory(sized_exif(camera(), (70000, 70000), (64, 48), None))[0x8769]
    assert isinstance(details, dict)
    assert 0xA002 in details
    assert 0xA003 not in details  # 16 bits


@pytest.mark.parametrize("endian", ["<", ">"])
@pytest.mark.parametrize("tag", [0x010F, 0x0112, 0x0128, 0x9214, 0xA001, 0xA214])
def test_only_one_entry_is_taken_out(endian: str, tag: int) -> None:
    before, after = camera(endian), without_tag(camera(endian), tag)
    assert exif.tags(after) == exif.tags(before) - {tag}
    assert len(after) == len(before)
    assert upright_exif(after, 1) is not None


def test_a_smaller_block_loses_its_largest_value() -> None:
    smaller = smaller_exif(camera(note=bytes(70000)), 65533)
    assert smaller is not None
    assert exif.tags(smaller) == exif.tags(camera()) - {0x927C}
    assert smaller_exif(exif_of({1: (7, 99999, bytes(99999))}), 65533) is None


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".tif"])
@pytest.mark.parametrize("dpi", [None, (300.0, 300.0)])
def test_nothing_is_invented(tmp_path: Path, suffix: str, dpi: tuple[float, float] | None) -> None:
    pixels = np.zeros((48, 64, 3), np.uint8)
    write(tmp_path / f"a{suffix}", Picture(pixels, Metadata(dpi=dpi)))
    with Image.open(tmp_path / f"a{suffix}") as image:
        block = image.getexif()
        assert block.get_ifd(ExifTags.IFD.Exif) == {}
        told = image.info.get("dpi")
    resolution_tags = {0x011A, 0x011B, 0x0128}
    if suffix in (".webp", ".avif"):
        assert set(block) == (resolution_tags if dpi else set())
    elif dpi:
        assert told == pytest.approx(dpi, abs=0.01)
    elif suffix == ".tif":  # where a file must tell something: 1 of an unknown unit
        assert (block[0x011A], block[0x0128]) == (1, 1)
    else:
        assert told is None
    assert read(tmp_path / f"a{suffix}").metadata.dpi == (
        pytest.approx(dpi, rel=1e-3) if dpi else None
    )


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif"])
def test_a_block_stays_as_it_is(tmp_path: Path, suffix: str) -> None:
    unknown = exif_of({0x010F: (2, 4, b"Abc\0"), 0xFDE9: (7, 40, bytes(range(40)))})
    write(tmp_path / f"a{suffix}", Picture(np.zeros((48, 64, 3), np.uint8), Metadata(exif=unknown)))
    back = (read(tmp_path / f"a{suffix}").metadata.exif or b"").removeprefix(EXIF_MARK)
    assert back.rstrip(b"\0") == unknown.removeprefix(EXIF_MARK).rstrip(b"\0")
