"""XMP that speaks of pixels, of the way they lie, and of what lies beside the image."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from scalewise.files import open_picture, read, write
from scalewise.files.jpeg import APP2, segment
from scalewise.files.metadata.xmp import changed_xmp, sized_xmp, upright_xmp, without_lost_parts
from scalewise.files.tiff.ifd import UNDEFINED, directory_bytes

PIXELS = np.arange(24 * 32 * 3).reshape(24, 32, 3).astype(np.uint8)
SUFFIXES = [".png", ".tif", ".jpg", ".webp", ".avif"]
SPACES = {
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "GDepth": "http://ns.google.com/photos/1.0/depthmap/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "odd": "http://ns.adobe.com/tiff/1.0/",
    "MiCamera": "http://ns.xiaomi.com/photos/1.0/camera/",
}


def packet(attributes: str = "", elements: str = "") -> bytes:
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in SPACES.items())
    return (
        "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {declared} {attributes}>{elements}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>\n<?xpacket end='w'?>"
    ).encode()


TAGGED = [
    packet('tiff:Orientation="6" xmp:Rating="6"'),
    packet("tiff:Orientation = '6'"),
    packet("", "<tiff:Orientation>6</tiff:Orientation>"),
    packet("", "<odd:Orientation>\n6 </odd:Orientation>"),
]


@pytest.mark.parametrize("xmp", TAGGED)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_orientation_in_xmp_alone_turns_the_picture(
    tmp_path: Path, suffix: str, xmp: bytes
) -> None:
    path = tmp_path / f"a{suffix}"
    save(path, xmp)
    lying = PIXELS
    if suffix not in (".png", ".tif"):  # which Pillow turns too
        with Image.open(path) as image:
            lying = np.asarray(image.convert("RGB"))
    picture = read(path)
    np.testing.assert_array_equal(picture.pixels, lying[::-1].swapaxes(0, 1))
    assert picture.metadata.xmp == upright_xmp(xmp) != xmp
    write(tmp_path / "b.png", picture)
    np.testing.assert_array_equal(read(tmp_path / "b.png").pixels, picture.pixels)


def save(path: Path, xmp: bytes, exif: bytes = b"") -> None:
    if path.suffix == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        Image.fromarray(PIXELS).save(path, pnginfo=info, exif=exif)
    elif path.suffix == ".tif":
        Image.fromarray(PIXELS).save(path, tiffinfo={700: xmp})
    else:
        Image.fromarray(PIXELS).save(path, xmp=xmp, exif=exif)


def test_exif_has_the_last_word(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 1
    save(tmp_path / "a.jpg", TAGGED[0], exif.tobytes())
    picture = read(tmp_path / "a.jpg")
    assert picture.pixels.shape == (24, 32, 3)
    assert picture.metadata.xmp == upright_xmp(TAGGED[0])


def test_decoders_that_turn_by_themselves(tmp_path: Path) -> None:
    save(tmp_path / "a.avif", TAGGED[0])
    picture = read(tmp_path / "a.avif")
    assert picture.pixels.shape == (24, 32, 3)
    assert picture.metadata.xmp == upright_xmp(TAGGED[0])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (packet('tiff:Orientation="3"'), packet('tiff:Orientation="1"')),
        (packet('exif:Orientation="3"'), packet('exif:Orientation="3"')),
        (packet('tiff:Orient="3"'), packet('tiff:Orient="3"')),
        (packet("", "<tiff:Orientation/>"), packet("", "<tiff:Orientation/>")),
    ],
)
def test_only_the_orientation_changes(before: bytes, after: bytes) -> None:
    assert upright_xmp(before) == after


LOST = {
    "motion photo": (
        'GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1" GCamera:MicroVideo="1" '
        'GCamera:MicroVideoOffset="4000"',
        '<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item '
        'Item:Mime="video/mp4" Item:Semantic="MotionPhoto" Item:Length="4000"/></rdf:li></rdf:Seq>'
        "</Container:Directory>",
    ),
    "video": ("", "<MiCamera:MotionPhoto>1</MiCamera:MotionPhoto>"),
    "gain map": (
        'hdrgm:Version="1.0"',
        "<hdrgm:GainMapMax><rdf:Seq><rdf:li>3</rdf:li></rdf:Seq></hdrgm:GainMapMax>",
    ),
    "depth map": ('GDepth:Format="RangeInverse" GDepth:Mime="image/png"', ""),
    "second part of its XMP": ('xmpNote:HasExtendedXMP="0123456789ABCDEF"', ""),
}


@pytest.mark.parametrize("part", LOST)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_xmp_about_what_is_not_read(tmp_path: Path, suffix: str, part: str) -> None:
    attributes, elements = LOST[part]
    kept = '<dc:title xml:lang="de">Schloß &amp; See</dc:title>'
    save(tmp_path / f"a{suffix}", packet(f'xmp:Rating="5" {attributes}', elements + kept))
    with open_picture(tmp_path / f"a{suffix}") as reader:
        (warning,) = reader.warnings
        xmp = (reader.metadata.xmp or b"").decode()
    assert part in warning
    assert "left out" in warning
    assert kept in xmp
    assert 'xmp:Rating="5"' in xmp
    for word in ("MotionPhoto", "MicroVideo", "hdrgm:V", "hdrgm:G", "GDepth:F", "HasExt", "Item:M"):
        assert word not in xmp
    write(tmp_path / f"b{suffix}", read(tmp_path / f"a{suffix}"))
    assert (read(tmp_path / f"b{suffix}").metadata.xmp or b"").decode() == xmp


def test_a_gain_map_that_only_the_file_names(tmp_path: Path) -> None:
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    mark = segment(APP2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4))
    (tmp_path / "a.jpg").write_bytes(data[:20] + mark + data[20:])
    with open_picture(tmp_path / "a.jpg") as reader:
        (warning,) = reader.warnings
    assert "gain map" in warning


PREVIEW, OTHER = b"\x01\0\x01\0", b"\0\0\0\0"


@pytest.mark.parametrize(
    ("kinds", "kept", "with_gain_map", "said"),
    [
        ([OTHER], True, False, "has 2 pictures; the first is read"),
        ([OTHER, PREVIEW], True, False, "has 2 pictures; the first is read"),
        ([OTHER, OTHER], True, True, "has 2 pictures; the first is read"),
        ([OTHER], True, True, ""),
        ([PREVIEW], True, False, ""),
        ([OTHER], False, False, ""),
    ],
)
def test_further_pictures_of_a_jpeg(
    tmp_path: Path, kinds: list[bytes], kept: bool, with_gain_map: bool, said: str
) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(PIXELS).save(path)
    picture = path.read_bytes()
    mark = segment(APP2, b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4)) if with_gain_map else b""

    def index(at: int) -> bytes:
        """A list of the pictures, of which all but the first start at a place of the file."""
        entries = bytes([0, 0, 3, 0]) + bytes(12)
        for kind in kinds:  # places count from that of the list, behind three marks
            entries += kind + struct.pack("<3I", len(picture), at - 10, 0)
        table = {0xB002: (UNDEFINED, len(entries), entries)}
        return segment(APP2, b"MPF\0II*\0\x08\0\0\0" + directory_bytes(table, 8))

    at = len(index(10)) + len(mark) + len(picture)
    others = picture if kept else b""
    path.write_bytes(picture[:2] + index(at) + mark + picture[2:] + others)
    with open_picture(path) as reader:
        found = [line.removeprefix(f"{path}: ") for line in reader.warnings]
    assert [line for line in found if "pictures" in line] == [said] * bool(said)


def test_thumbnails_in_xmp_go_without_a_word() -> None:
    thumbnail = "<xmp:Thumbnails><rdf:Alt><rdf:li>/9j/4AAQ</rdf:li></rdf:Alt></xmp:Thumbnails>"
    assert without_lost_parts(packet("", thumbnail)) == (packet(), [])


def test_sizes_are_true_of_the_larger_picture(tmp_path: Path) -> None:
    panorama = (
        'tiff:ImageWidth="32" exif:PixelYDimension="24" GPano:FullPanoWidthPixels="64" '
        'GPano:FullPanoHeightPixels="32" GPano:CroppedAreaLeftPixels="16" '
        'GPano:CroppedAreaTopPixels="4" GPano:PoseHeadingDegrees="24.0"'
    )
    element = "<GPano:CroppedAreaImageWidthPixels>32</GPano:CroppedAreaImageWidthPixels>"
    save(tmp_path / "a.jpg", packet(panorama, element))
    large = read(tmp_path / "a.jpg").with_pixels(np.zeros((72, 64, 3), np.uint8))
    write(tmp_path / "b.jpg", large)
    expected = packet(
        'tiff:ImageWidth="64" exif:PixelYDimension="72" GPano:FullPanoWidthPixels="128" '
        'GPano:FullPanoHeightPixels="96" GPano:CroppedAreaLeftPixels="32" '
        'GPano:CroppedAreaTopPixels="12" GPano:PoseHeadingDegrees="24.0"',
        element.replace("32", "64"),
    )
    assert read(tmp_path / "b.jpg").metadata.xmp == expected


@pytest.mark.parametrize(
    "xmp", [b"", b"<x", b"<x></y>", b"\xff\xfe<", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>']
)
def test_damaged_packets_stay_as_they_are(xmp: bytes) -> None:
    assert sized_xmp(xmp, (2, 2), (1, 1)) == xmp
    assert without_lost_parts(xmp) == (xmp, [])
    with pytest.raises(ValueError, match="XMP"):
        changed_xmp(xmp, lambda *_: None)
