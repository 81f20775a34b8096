"""IPTC records between JPEG, TIFF and PNG."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, IptcImagePlugin

from scalewise.files import open_picture, read, write
from scalewise.files.jpeg import APP13, segment
from scalewise.files.metadata.iptc import iptc_of_resources, plain_iptc, resources_of_iptc

PIXELS = np.full((24, 32, 3), 128, np.uint8)


def record(number: int, value: bytes) -> bytes:
    return struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value


IPTC = (
    record(5, b"Castle") + record(25, b"castle") + record(25, b"lake") + record(120, b"A caption")
)


def resource(number: int, data: bytes, name: bytes = b"") -> bytes:
    label = bytes([len(name)]) + name
    label += bytes(len(label) % 2)
    return b"8BIM" + struct.pack(">H", number) + label + struct.pack(">I", len(data)) + data


def jpeg(path: Path, *segments: bytes) -> Path:
    Image.fromarray(PIXELS).save(path)
    data = path.read_bytes()
    path.write_bytes(data[:20] + b"".join(segments) + data[20:])
    return path


def photoshop(path: Path, iptc: bytes = IPTC) -> Path:
    content = resource(0x03ED, bytes(16)) + resource(0x0404, iptc + bytes(len(iptc) % 2), b"odd")
    parts = [content[at : at + 60000] for at in range(0, len(content), 60000)]
    return jpeg(path, *(segment(APP13, b"Photoshop 3.0\0" + part) for part in parts))


def told(path: Path) -> object:
    with Image.open(path) as image:
        return (IptcImagePlugin.getiptcinfo(image) or {}).get((2, 25))


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_iptc_survives(tmp_path: Path, suffix: str) -> None:
    picture = read(photoshop(tmp_path / "a.jpg"))
    assert write(tmp_path / f"b{suffix}", picture) == []
    assert told(tmp_path / f"b{suffix}") == [b"castle", b"lake"]
    assert (read(tmp_path / f"b{suffix}").metadata.iptc or b"").rstrip(b"\0") == IPTC


def test_png_has_it_as_other_programs_write_it(tmp_path: Path) -> None:
    write(tmp_path / "b.png", read(photoshop(tmp_path / "a.jpg")))
    with Image.open(tmp_path / "b.png") as image:
        image.load()
        text = image.info["Raw profile type iptc"]
    name, length, digits = text.split(maxsplit=2)
    resources = bytes.fromhex("".join(digits.split()))
    assert (name, int(length)) == ("iptc", len(resources))
    assert (iptc_of_resources(resources) or b"").rstrip(b"\0") == IPTC
    write(tmp_path / "c.jpg", read(tmp_path / "b.png"))
    assert told(tmp_path / "c.jpg") == [b"castle", b"lake"]


def test_records_of_more_than_a_segment(tmp_path: Path) -> None:
    long = IPTC + b"".join(record(25, b"keyword" * 1000) for _ in range(20))
    picture = read(photoshop(tmp_path / "a.jpg", long))
    assert (picture.metadata.iptc or b"").rstrip(b"\0") == long
    assert write(tmp_path / "b.jpg", picture) == []
    assert read(tmp_path / "b.jpg").metadata.iptc == picture.metadata.iptc


@pytest.mark.parametrize("suffix", [".webp", ".avif"])
def test_formats_without_a_place_say_so(tmp_path: Path, suffix: str) -> None:
    (warning,) = write(tmp_path / f"b{suffix}", read(photoshop(tmp_path / "a.jpg")))
    assert "IPTC has no place in" in warning


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("tag", "kind"), [(33723, 7), (33723, 1), (33723, 4), (34377, 7)])
def test_tiff(tmp_path: Path, order: str, tag: int, kind: int) -> None:
    data = resource(0x0404, IPTC) if tag == 34377 else IPTC + bytes(-len(IPTC) % 4)
    value = np.frombuffer(data, ">u4").tolist() if kind == 4 else data
    count = len(value) if kind == 4 else len(data)
    tags = [(tag, kind, count, value, True)]
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, PIXELS, byteorder=order, photometric="rgb", metadata=None, extratags=tags
    )
    assert (read(path).metadata.iptc or b"").rstrip(b"\0") == IPTC


def test_paths_are_left_out_with_a_word(tmp_path: Path) -> None:
    content = resource(2000, bytes(26)) + resource(0x0404, IPTC + b"\0")
    with open_picture(jpeg(tmp_path / "a.jpg", segment(APP13, b"Photoshop 3.0\0" + content))) as it:
        assert (it.metadata.iptc or b"").rstrip(b"\0") == IPTC
        (warning,) = it.warnings
    assert "clipping path" in warning


@pytest.mark.parametrize("data", [b"", b"8BIM", b"8BIM\4\4\0", b"8BIM\4\4\xff\0", b"\0" * 40])
def test_damaged_resources_have_none(data: bytes) -> None:
    assert iptc_of_resources(data) is None
    assert plain_iptc(data) is None


def test_resources_have_even_lengths() -> None:
    assert len(resources_of_iptc(IPTC[:-1])) % 2 == 0
    assert iptc_of_resources(resources_of_iptc(IPTC)) == IPTC
