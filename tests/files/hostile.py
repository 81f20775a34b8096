"""Damaged and malicious files, by the thousand: made from a seed, and read in this process.

    python -m tests.files.hostile FIRST COUNT FOLDER

prints each file's number before it is read, so that a crash tells which one it was, and a line
that begins with ``!`` for each one that is met by anything but an image or a one-line error.
"""

from __future__ import annotations

import io
import struct
import sys
import traceback
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms

from scalewise.errors import ScalewiseError
from scalewise.files import Picture, open_picture, read, write

MAX_PIXELS = 4_000_000
_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
_EXTREMES = (0, 1, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_FOREIGN = (
    b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><rect width='9'/></svg>",
    b"%PDF-1.7\n%",
    b"%!PS-Adobe-3.0 EPSF-3.0\n",
    b"SIMPLE  =                    T",
    b"v/1\1\2\0\0\0",
    b"1,2,3\n4,5,6\n",
    b"\xb6\xa6\xf2\x08" + bytes(60),
)


@cache
def samples() -> list[bytes]:
    """One file of every kind, with profile, Exif and XMP where it has a place for them."""
    rows, columns = np.mgrid[0:48, 0:64]
    noise = np.random.default_rng(0).integers(0, 40, (48, 64))
    photo = np.stack([rows * 4, columns * 3, rows + columns + noise], -1).astype(np.uint8)
    rgb = Image.fromarray(photo)
    deep = (photo[..., 0].astype(np.uint16) << 8) + photo[..., 1]
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Camera"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:06 07:08:09"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    every = {"exif": exif.tobytes(), "icc_profile": profile, "xmp": _XMP}
    frames = {"save_all": True, "append_images": [Image.fromarray(255 - photo), rgb.rotate(180)]}
    kinds: list[tuple[Image.Image, str, dict]] = [
        (rgb, "JPEG", every),
        (rgb, "JPEG", {"progressive": True, "dpi": (300, 300)}),
        (rgb.convert("CMYK"), "JPEG", {}),
        (rgb.convert("L"), "JPEG", {}),
        (rgb, "PNG", every),
        (Image.fromarray(deep), "PNG", {}),
        (rgb.convert("RGBA"), "PNG", {}),
        (rgb.quantize(16), "PNG", {"transparency": 3}),
        (rgb, "PNG", frames),
        (rgb, "WEBP", every),
        (rgb.convert("RGBA"), "WEBP", {"lossless": True}),
        (rgb, "WEBP", frames),
        (rgb, "AVIF", every),
        (rgb.convert("RGBA"), "AVIF", {}),
        (rgb, "TIFF", every),
        (rgb, "TIFF", {"compression": "tiff_lzw"}),
        (rgb, "TIFF", {"compression": "jpeg"}),
        (rgb.convert("1"), "TIFF", {"compression": "group4"}),
        (rgb.convert("CMYK"), "TIFF", {"compression": "tiff_deflate"}),
        (Image.fromarray(deep), "TIFF", frames),
        (rgb, "GIF", {}),
        (rgb, "GIF", frames),
        (rgb, "BMP", {}),
    ]
    files = []
    for image, kind, options in kinds:
        file = io.BytesIO()
        image.save(file, kind, **options)
        files.append(file.getvalue())
    return files


def damaged(seed: int) -> bytes:
    """A file that has been cut short, overwritten, spliced or filled with extreme numbers."""
    rng = np.random.default_rng(seed)
    if seed % 50 == 49:
        return _FOREIGN[seed // 50 % len(_FOREIGN)]
    files = samples()
    content = bytearray(files[seed % len(files)])
    for _ in range(rng.integers(1, 5)):
        # Half of the damage goes to where most headers are.
        reach = len(content) if rng.random() < 0.5 else min(len(content), 600)
        at, span = int(rng.integers(reach)), int(rng.integers(1, 40))
        match rng.integers(7):
            case 0:
                del content[max(at, 8) :]
            case 1:
                for place in rng.integers(reach, size=rng.integers(1, 16)):
                    content[place] = rng.integers(256)
            case 2:
                content[at : at + span] = rng.bytes(span)
            case 3:
                content[at : at + span] = bytes(span)
            case 4:
                del content[at : at + span]
            case 5:
                other = files[rng.integers(len(files))]
                content[at:] = other[min(at, len(other) - 1) :]
            case _:
                order = "<>"[rng.integers(2)]
                number = struct.pack(order + "I", rng.choice(_EXTREMES))
                content[at : at + 4] = number
        if len(content) < 12:
            break
    if rng.random() < 0.7:  # else few PNGs would be decoded further than to the first damage
        _mend_sums(content)
    return bytes(content)


def _mend_sums(content: bytearray) -> None:
    """Make the check sums of a PNG right again."""
    at = 8
    while content.startswith(b"\x89PNG") and at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        end = at + 8 + length
        if end + 4 > len(content):
            break
        struct.pack_into(">I", content, end, zlib.crc32(content[at + 4 : end]))
        at = end + 4


def outcome(seed: int, folder: Path) -> str | None:
    """What is wrong with how one file was met; None if nothing."""
    source, target = folder / "in.png", folder / f"out.{('png', 'jpg', 'webp', 'tif')[seed % 4]}"
    source.write_bytes(damaged(seed))
    try:
        picture = read(source, max_pixels=MAX_PIXELS)
        with open_picture(source, max_pixels=MAX_PIXELS) as reader:
            for start in range(0, reader.height, 100):
                reader.read_rows(start, min(start + 100, reader.height))
        write(target, Picture(picture.pixels[:64, :64], picture.metadata))
        read(target)
    except ScalewiseError as error:
        if "\n" in str(error) or str(target) in str(error):
            return f"an error of several lines, or in writing: {error!r}"
    except Exception:
        return traceback.format_exc().replace("\n", " | ")
    left = sorted(path.name for path in folder.iterdir())
    target.unlink(missing_ok=True)
    return None if set(left) <= {source.name, target.name} else f"left behind: {left}"


def main() -> None:
    """Read the files that the command line names."""
    first, count, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    for seed in range(first, first + count):
        sys.stdout.write(f"{seed}\n")
        sys.stdout.flush()
        if complaint := outcome(seed, folder):
            sys.stdout.write(f"! {seed}: {complaint}\n")
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main()
