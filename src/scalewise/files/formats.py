"""Image formats: detection by content, the table of written formats, output checks.

====== ============ ============== ======================= ======== ===========================
name   extensions   bits, channels quality, lossless       side     memory while written
====== ============ ============== ======================= ======== ===========================
png    .png         8 or 16, all   lossless                10^7     some rows
tiff   .tif .tiff   8 or 16, all   lossless (deflate)      10^7     some rows
jpeg   .jpg .jpeg   8, alpha laid  1 to 100, else 95;      65500    some rows
                    over white     4:4:4 from 90 on
webp   .webp        8, grey        1 to 100, else 95;      16383    the whole image
                    becomes RGB    lossless on demand,
                                   and of a lossless WebP
avif   .avif        8, grey        1 to 100, else 90;      16384    the whole image, several
                    becomes RGB    lossless on demand               times
====== ============ ============== ======================= ======== ===========================

Profile, Exif, XMP and resolution are kept in all of them; of texts, IPTC and GeoTIFF see the table
in :mod:`scalewise.files.metadata.writing`.  Bands that are not alpha fit into TIFF alone; colours
stated without a profile: see :mod:`scalewise.files.metadata.writing`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from scalewise.arguments import AnyPath, path_of, require_new, shown
from scalewise.errors import ScalewiseError
from scalewise.files.bmp import HEADERS
from scalewise.files.picture import Pixels, to_8_bit
from scalewise.files.png import SIGNATURE, is_animated


def _no_options() -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Format:
    """A format that can be written.

    Attributes:
        name: what users call it.
        suffixes: the extensions that stand for it.
        loader, saver: libvips's operations for it.
        max_side: the most pixels that a side may have.
        deep, grey, alpha: whether it holds 16 bits, one colour channel, transparency.
        quality: the default; None for a format that is always lossless.
        exact: libvips's options for lossless files; None where there are none.
        options: libvips's options in any case.
    """

    name: str
    suffixes: tuple[str, ...]
    loader: str
    saver: str
    max_side: int
    deep: bool = False
    grey: bool = True
    alpha: bool = True
    quality: int | None = None
    exact: dict[str, Any] | None = field(default_factory=_no_options)
    options: dict[str, Any] = field(default_factory=_no_options)

    def fit(self, pixels: Pixels) -> Pixels:
        """Return rows as the format can hold them: of 8 bits, over white, as RGB."""
        if not self.deep:
            pixels = to_8_bit(pixels)
        is_grey, has_alpha = pixels.shape[2] <= 2, pixels.shape[2] in (2, 4)
        if has_alpha and not self.alpha:
            opacity = pixels[..., -1:].astype(np.float32) / 255
            over_white = pixels[..., :-1] * opacity + 255 * (1 - opacity)
            return over_white.round().astype(np.uint8)
        if is_grey and not self.grey:  # libvips would make it RGB, but keep the grey profile
            return pixels[..., (0, 0, 0, 1) if has_alpha else (0, 0, 0)]
        return pixels


_SIDE = 10_000_000  # libvips goes no further
_DEFLATE = {"compression": "deflate", "predictor": "horizontal"}
_PAETH = {"filter": "paeth"}  # enlarged photographs become half as large as without, no slower
_AVIF_EFFORT = 2  # 0.6 s per megapixel; libvips's own choice, 4, takes 5 s to save 1 % in size

FORMATS = (
    Format("png", (".png",), "pngload", "pngsave", _SIDE, deep=True, options=_PAETH),
    Format("tiff", (".tif", ".tiff"), "tiffload", "tiffsave", _SIDE, deep=True, options=_DEFLATE),
    Format(
        "jpeg",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        "jpegload",
        "jpegsave",
        65500,
        alpha=False,
        quality=95,
        exact=None,
    ),
    Format(
        "webp",
        (".webp",),
        "webpload",
        "webpsave",
        16383,
        grey=False,
        quality=95,
        exact={"lossless": True, "exact": True},
    ),
    Format(
        "avif",
        (".avif",),
        "heifload",
        "heifsave",
        16384,
        grey=False,
        quality=90,
        exact={"lossless": True},
        options={"compression": "av1", "effort": _AVIF_EFFORT},
    ),
)

IMAGE_SUFFIXES = frozenset(suffix for form in FORMATS for suffix in form.suffixes)
"""The extensions, in lower case, of the formats that are both read and written."""
READ_SUFFIXES = IMAGE_SUFFIXES | {".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".mpo"}
"""The extensions, in lower case, of all formats that are read."""


def format_of(path: AnyPath, name: str | None = None) -> Format:
    """Return the format that a file is written in.

    Args:
        path: the file, whose extension decides,
        name: unless this says otherwise; as for :func:`get_format`.

    Raises:
        ScalewiseError: no such format.

    >>> format_of("a.TIF").name, format_of("a.png", "jpg").name
    ('tiff', 'jpeg')
    """
    path = path_of(path, "path")
    if name is not None:
        try:
            return get_format(name)
        except ScalewiseError as error:
            raise ScalewiseError(f"{path}: {error}", arguments=error.arguments) from None
    suffix = path.suffix.lower()
    for form in FORMATS:
        if suffix in form.suffixes:
            return form
    known = " ".join(sorted(IMAGE_SUFFIXES))
    problem = f"{suffix} is read, but not written" if suffix in READ_SUFFIXES else ""
    raise ScalewiseError(
        f"{path}: {problem or f'unknown extension {suffix!r}'}; use one of {known}"
    )


def get_format(name: str) -> Format:
    """Return the format that a user names: by its name or an extension, with or without dot.

    Raises:
        ScalewiseError: no such format.
    """
    given: Any = name
    if not isinstance(given, str):
        raise ScalewiseError(f"format must be a name, not {shown(given)}", arguments=["format"])
    plain = name.lower().lstrip(".")
    for form in FORMATS:
        if plain == form.name or "." + plain in form.suffixes:
            return form
    known = ", ".join(form.name for form in FORMATS)
    raise ScalewiseError(f"unknown format {name!r}; use one of {known}", arguments=["format"])


def require_folder(path: AnyPath) -> None:
    """Raise :class:`ScalewiseError` unless the folder of an output file exists."""
    path = path_of(path, "path")
    if not path.parent.is_dir():
        raise ScalewiseError(f"{path}: the folder {path.parent} does not exist; make it first")


def check_target(
    path: AnyPath,
    width: int,
    height: int,
    *,
    format: str | None = None,
    quality: int | None = None,
    lossless: bool = False,
    overwrite: bool = True,
) -> Format:
    """Find out, before any work, whether an image can be written.

    The folder need not exist yet; then the one that it would be made in counts.

    Args:
        path: the file to be.
        width, height: the image's size in pixels.
        format, quality, lossless, overwrite: as for :func:`scalewise.files.write`.

    Returns:
        The format that it would be written in.

    Raises:
        ScalewiseError: an unknown extension or format, a quality out of range, lossless JPEG,
            an image too large for the format, a file in the way, a folder that cannot be
            written to, or a name that is too long.
    """
    path = path_of(path, "path")
    form = format_of(path, format)
    if quality is not None and not 1 <= quality <= 100:
        raise ScalewiseError(
            f"{path}: quality must be 1 to 100, not {quality}", arguments=["quality"]
        )
    if lossless and form.exact is None:
        raise ScalewiseError(
            f"{path}: {form.name} is never lossless; use png, webp or avif", arguments=["lossless"]
        )
    if max(width, height) > form.max_side:
        raise ScalewiseError(
            f"{path}: {width}x{height} is too large for {form.name}, whose sides end at "
            f"{form.max_side} pixels; use png or tiff"
        )
    try:
        if path.is_dir():
            raise ScalewiseError(f"{path}: is a folder; give a file name in it")
        require_new(path, overwrite=overwrite)
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise ScalewiseError(f"{path}: cannot be written ({error.strerror})") from None
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise ScalewiseError(f"{path}: {folder} is a file, not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ScalewiseError(f"{path}: the folder {folder} cannot be written to")
    return form


def ignored_options(
    form: Format, quality: int | None, *, lossless: bool, copied: bool = False
) -> list[str]:
    """Return a line on the options that a result does not follow; none if it follows all.

    Args:
        form: the result's format.
        quality, lossless: as for :func:`scalewise.files.write`.
        copied: whether the result is a copy of the image's file.

    >>> ignored_options(get_format("png"), 80, lossless=False)
    ['quality=80: ignored for png, which is always lossless']
    """
    given = [] if quality is None else [f"quality={quality}"]
    if form.quality is None:
        why = f"for {form.name}, which is always lossless"
    elif copied:
        given += ["lossless=True"] * lossless
        why = "for an image that stays as it is: its file is copied"
    elif lossless:
        why = "beside lossless=True"
    else:
        return []
    return [f"{' and '.join(given)}: ignored {why}"] if given else []


@dataclass(frozen=True)
class DetectedFormat:
    """A kind of file that is read.

    Attributes:
        name: what people call it.
        loader: libvips's operation for it; ``bmp`` for what it does not read.
        paged: whether that operation can be asked for pages or frames.
        animated: whether it holds others that cannot be asked for.
    """

    name: str
    loader: str
    paged: bool = False
    animated: bool = False


_STARTS = {
    b"\xff\xd8\xff": DetectedFormat("JPEG", "jpegload"),
    b"GIF87a": DetectedFormat("GIF", "gifload", paged=True),
    b"GIF89a": DetectedFormat("GIF", "gifload", paged=True),
    b"II*\0": DetectedFormat("TIFF", "tiffload", paged=True),
    b"MM\0*": DetectedFormat("TIFF", "tiffload", paged=True),
    b"II+\0": DetectedFormat("TIFF", "tiffload", paged=True),
    b"MM\0+": DetectedFormat("TIFF", "tiffload", paged=True),
}
_AVIF = frozenset({b"avif", b"avis"})
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF = frozenset({b"mif1", b"mif2", b"msf1", b"miaf", b"avci", b"avcs", b"jpeg", b"j2ki", b"vvic"})
_MOST_BRANDS = 1024  # bytes of them
_META = 2**16  # bytes from the start in which the kind of coding is named


def detect_format(file: BinaryIO) -> DetectedFormat | None:
    """Detect the format of an open file; None for one that is not read here."""
    file.seek(0)
    start = file.read(18)
    for prefix, content in _STARTS.items():
        if start.startswith(prefix):
            return content
    if start.startswith(SIGNATURE):
        return DetectedFormat("PNG", "pngload", animated=is_animated(file))
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return DetectedFormat("WebP", "webpload", paged=True)
    if start[4:8] == b"ftyp":
        return _heif(file, int.from_bytes(start[:4]))
    if start.startswith(b"BM") and int.from_bytes(start[14:18], "little") in HEADERS:
        return DetectedFormat("BMP", "bmp")
    return None


def _heif(file: BinaryIO, size: int) -> DetectedFormat | None:
    """Tell AVIF from HEIC: by any of its brands, or else by the codec that it names.

    ISO/IEC 23008-12 (HEIF), 10: a file's first brand may be one that says nothing of the coding.
    """
    file.seek(8)
    named = file.read(max(min(size, _MOST_BRANDS) - 8, 4))
    first, brands = named[:4], {named[place : place + 4] for place in range(0, len(named), 4)}
    if not brands & (_AVIF | _HEIC | _HEIF):
        return None
    by_brand = brands & (_AVIF | _HEIC)
    if first in by_brand:
        by_brand = {first}
    if not by_brand:
        file.seek(0)
        meta = file.read(_META)
        by_brand = {name for code, name in ((b"av01", b"avif"), (b"hvc1", b"heic")) if code in meta}
    name = "AVIF" if by_brand & _AVIF else "HEIC" if by_brand else "HEIF"
    animated = name == "AVIF" and first in (b"avis", b"msf1")
    return DetectedFormat(name, "heifload", paged=True, animated=animated)
