"""Pictures in and out of files, by libvips, which keeps 16 bits, profiles and Exif.

Reading goes by a file's content, writing by its extension:

========== ============= ============== ===========================================
extension  bits written  alpha          quality
========== ============= ============== ===========================================
.png       8 or 16       kept           lossless
.tif .tiff 8 or 16       kept           lossless (deflate); libvips writes no Exif here
.jpg .jpeg 8             over white     1 to 100, 95 if not given; 4:4:4 from 90 on
.webp      8             kept           1 to 100, 95 if not given; grey becomes RGB
.avif      8             kept           1 to 100, 90 if not given; grey becomes RGB
========== ============= ============== ===========================================
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.files.exif import with_upright_orientation
from scalewise.files.picture import Picture

_DEFAULT_QUALITY = {".jpg": 95, ".jpeg": 95, ".webp": 95, ".avif": 90}
_LOSSLESS: dict[str, dict[str, Any]] = {
    ".png": {},
    ".tif": {"compression": "deflate", "predictor": "horizontal"},
    ".tiff": {"compression": "deflate", "predictor": "horizontal"},
}
_AVIF_EFFORT = 2  # 0.6 s per megapixel; libvips's own choice, 4, takes 5 s to save 1 % in size
_DEEP = frozenset(_LOSSLESS)

IMAGE_SUFFIXES = frozenset(_DEFAULT_QUALITY) | frozenset(_LOSSLESS)
"""The extensions, in lower case, of the formats that are both read and written."""

_PLAIN_SPACES = ("srgb", "rgb", "rgb16", "b-w", "grey16", "multiband")
_MM_PER_INCH = 25.4
_UNSET_PIXELS_PER_MM = 1.0  # what libvips says of a file that does not tell
_UNSET_DPI = (72.0, 72.0)


def read(path: str | Path) -> Picture:
    """Read a picture whole: the first page, upright, as grey or RGB, with or without alpha.

    The Exif orientation is applied to the pixels.  Palette and 1-bit images become RGB or
    grey; CMYK and the like become sRGB, and lose the profile that no longer fits.

    Args:
        path: any format that libvips knows, by content and not by name.

    Raises:
        ScalewiseError: no such file, a folder, not an image, truncated or damaged, samples
            that are neither 8 nor 16-bit, or more than four channels.
    """
    path = Path(path)
    if path.is_dir():
        raise ScalewiseError(f"{path}: is a folder, not an image file")
    if not path.exists():
        raise ScalewiseError(f"{path}: no such file")
    try:
        # By way of a source: libvips would take brackets in a file name for options, and give
        # back the picture it remembers where a file has been written anew.
        source = pyvips.Source.new_from_file(str(path))
        image: Any = pyvips.Image.new_from_source(source, "", access="sequential", fail_on="error")
        image = _plain(image, path)
        if _field(image, "orientation") not in (None, 1):
            image = image.copy_memory().autorot()  # turning needs the pixels out of order
        pixels = np.ndarray(
            (image.height, image.width, image.bands),
            dtype=np.uint16 if image.format == "ushort" else np.uint8,
            buffer=image.write_to_memory(),
        )
    except pyvips.Error as error:
        reason = _reason(error)
        if "not in a known format" in reason:
            raise ScalewiseError(
                f"{path}: not an image in a format known here, or cut short"
            ) from None
        raise ScalewiseError(f"{path}: truncated, damaged or not readable ({reason})") from None
    exif: bytes | None = _field(image, "exif-data")
    return Picture(
        pixels,
        icc=_field(image, "icc-profile-data"),
        exif=with_upright_orientation(exif) if exif else None,
        xmp=_field(image, "xmp-data"),
        dpi=_dpi(image),
    )


def write(
    path: str | Path, picture: Picture, quality: int | None = None, overwrite: bool = True
) -> None:
    """Write a picture, whole or not at all, in the format of the extension.

    16 bits are rounded to 8 and alpha is laid over white where the format has no place for
    them; see the table on top.

    Args:
        path: its folder must exist.
        picture: what to write, with its metadata.
        quality: 1 to 100; None for the format's default. Lossless formats ignore it.
        overwrite: replace a file that is there; if False, that is an error.

    Raises:
        ScalewiseError: an unknown extension, a quality out of range, no such folder, a folder
            that cannot be written to, a picture too large for the format, or a file in the way.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in IMAGE_SUFFIXES:
        known = " ".join(sorted(IMAGE_SUFFIXES))
        raise ScalewiseError(f"{path}: unknown extension {suffix!r}; use one of {known}")
    if quality is not None and not 1 <= quality <= 100:
        raise ScalewiseError(f"{path}: quality must be 1 to 100, not {quality}")
    if not path.parent.is_dir():
        raise ScalewiseError(f"{path}: the folder {path.parent} does not exist; make it first")
    if path.is_dir():
        raise ScalewiseError(f"{path}: is a folder; give a file name in it")
    if path.exists() and not overwrite:
        raise ScalewiseError(f"{path}: exists already; allow overwriting or choose another name")

    image = _to_vips(_fit_to_format(picture, suffix))
    options = _LOSSLESS.get(suffix)
    if options is None:
        options = {"Q": _DEFAULT_QUALITY[suffix] if quality is None else quality}
        if suffix == ".avif":
            options["effort"] = _AVIF_EFFORT
    unfinished = path.with_name(f".scalewise-{secrets.token_hex(4)}{suffix}")
    try:
        image.write_to_file(str(unfinished), **options)
        unfinished.replace(path)
    except (pyvips.Error, OSError) as error:
        raise ScalewiseError(f"{path}: cannot be written ({_reason(error)})") from None
    finally:
        unfinished.unlink(missing_ok=True)


def to_8_bit(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Round 16-bit pixels to 8 bits, 65535 to 255; 8-bit ones are returned as they are.

    >>> to_8_bit(np.array([0, 128, 129, 65535], dtype=np.uint16)).tolist()
    [0, 0, 1, 255]
    """
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _plain(image: Any, path: Path) -> Any:
    """Grey or RGB with or without alpha, of 8 or 16 bits, whatever the file holds."""
    if image.interpretation not in _PLAIN_SPACES:
        image = image.colourspace("srgb")
        if image.get_typeof("icc-profile-data"):
            image = image.copy()
            image.remove("icc-profile-data")
    if image.format not in ("uchar", "ushort"):
        raise ScalewiseError(f"{path}: has {image.format} samples; convert it to 8 or 16 bits")
    if image.bands > 4:
        raise ScalewiseError(f"{path}: has {image.bands} channels; 1 to 4 can be read")
    return image


def _fit_to_format(picture: Picture, suffix: str) -> Picture:
    if suffix not in _DEEP:
        picture = picture.with_pixels(to_8_bit(picture.pixels))
    if suffix in (".jpg", ".jpeg") and picture.alpha is not None:
        opacity = picture.alpha / 255.0
        over_white = picture.colour * opacity + 255.0 * (1.0 - opacity)
        picture = picture.with_pixels(over_white.round().astype(np.uint8))
    if suffix in (".webp", ".avif") and picture.is_grey:
        # libvips would make it RGB but keep the grey profile.
        channels = (0, 0, 0) if picture.alpha is None else (0, 0, 0, 1)
        picture = picture.with_pixels(picture.pixels[..., channels])
    return picture


def _to_vips(picture: Picture) -> Any:
    height, width, bands = picture.pixels.shape
    deep = picture.bit_depth == 16
    image: Any = pyvips.Image.new_from_memory(
        np.ascontiguousarray(picture.pixels).data, width, height, bands, ("uchar", "ushort")[deep]
    )
    spaces = ("b-w", "grey16") if picture.is_grey else ("srgb", "rgb16")
    across, down = (dots / _MM_PER_INCH for dots in picture.dpi or _UNSET_DPI)
    image = image.copy(interpretation=spaces[deep], xres=across, yres=down)
    metadata = {
        "icc-profile-data": picture.icc,
        "exif-data": picture.exif,
        "xmp-data": picture.xmp,
    }
    for name, data in metadata.items():
        if data is not None:
            image.set_type(pyvips.GValue.blob_type, name, data)
    return image


def _field(image: Any, name: str) -> Any:
    return image.get(name) if image.get_typeof(name) else None


def _dpi(image: Any) -> tuple[float, float] | None:
    if (image.xres, image.yres) == (_UNSET_PIXELS_PER_MM, _UNSET_PIXELS_PER_MM):
        return None
    return image.xres * _MM_PER_INCH, image.yres * _MM_PER_INCH


def _reason(error: pyvips.Error | OSError) -> str:
    """What went wrong, in one line."""
    if isinstance(error, OSError):
        return str(error)
    # Looking for the end of an AVIF file leaves a trail of these, even in success.
    lines = [line for line in error.detail.splitlines() if line and "bad seek" not in line]
    return lines[0].strip() if lines else error.message
