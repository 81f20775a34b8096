"""The formats that pictures are written in, and what each has a place for.

====== ============ ============== ======================= ======== ===========================
name   extensions   bits, channels quality, lossless       side     memory while written
====== ============ ============== ======================= ======== ===========================
png    .png         8 or 16, all   lossless                10^7     some rows
tiff   .tif .tiff   8 or 16, all   lossless (deflate)      10^7     some rows
jpeg   .jpg .jpeg   8, alpha laid  1 to 100, else 95;      65500    some rows
                    over white     4:4:4 from 90 on
webp   .webp        8, grey        1 to 100, else 95;      16383    the whole picture
                    becomes RGB    lossless on demand
avif   .avif        8, grey        1 to 100, else 90;      16384    the whole picture, several
                    becomes RGB    lossless on demand               times
====== ============ ============== ======================= ======== ===========================

Profile, Exif, XMP and resolution are kept in all of them; of texts, IPTC and GeoTIFF see the table
in :mod:`scalewise.files.metadata_writing`.  Bands that are not alpha fit into TIFF alone; colours
stated without a profile: see :mod:`scalewise.files.stating`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scalewise.errors import ScalewiseError


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
READ_SUFFIXES = IMAGE_SUFFIXES | {".bmp", ".dib", ".gif", ".heic", ".heif", ".hif"}
"""The extensions, in lower case, of all formats that are read."""


def format_of(path: Path, name: str | None = None) -> Format:
    """The format that a file is written in.

    Args:
        path: the file, whose extension decides,
        name: unless this says otherwise: a format's name or extension, with or without dot.

    Raises:
        ScalewiseError: no such format.

    >>> format_of(Path("a.TIF")).name, format_of(Path("a.png"), "jpg").name
    ('tiff', 'jpeg')
    """
    suffix = path.suffix.lower() if name is None else "." + name.lower().lstrip(".")
    for form in FORMATS:
        if suffix in form.suffixes or suffix == "." + form.name:
            return form
    if name is not None:
        known = ", ".join(form.name for form in FORMATS)
        raise ScalewiseError(f"{path}: unknown format {name!r}; use one of {known}")
    known = " ".join(sorted(IMAGE_SUFFIXES))
    raise ScalewiseError(f"{path}: unknown extension {suffix!r}; use one of {known}")


def check_target(
    path: str | Path,
    width: int,
    height: int,
    *,
    format: str | None = None,
    quality: int | None = None,
    lossless: bool = False,
    overwrite: bool = True,
) -> Format:
    """Find out, before any work, whether a picture can be written.

    The folder need not exist yet; then the one that it would be made in counts.

    Args:
        path: the file to be.
        width, height: the picture's size in pixels.
        format, quality, lossless, overwrite: as for :func:`scalewise.files.write`.

    Returns:
        The format that it would be written in.

    Raises:
        ScalewiseError: an unknown extension or format, a quality out of range, lossless JPEG,
            a picture too large for the format, a file in the way, a folder that cannot be
            written to, or a name that is too long.
    """
    path = Path(path)
    form = format_of(path, format)
    if quality is not None and not 1 <= quality <= 100:
        raise ScalewiseError(f"{path}: quality must be 1 to 100, not {quality}")
    if lossless and form.exact is None:
        raise ScalewiseError(f"{path}: {form.name} is never lossless; use png, webp or avif")
    if max(width, height) > form.max_side:
        raise ScalewiseError(
            f"{path}: {width}x{height} is too large for {form.name}, whose sides end at "
            f"{form.max_side} pixels; use png or tiff"
        )
    try:
        if path.is_dir():
            raise ScalewiseError(f"{path}: is a folder; give a file name in it")
        if os.path.lexists(path) and not overwrite:
            raise ScalewiseError(
                f"{path}: exists already; allow overwriting or choose another name"
            )
        path.lstat()
    except FileNotFoundError:
        pass
    except NotADirectoryError:
        raise ScalewiseError(f"{path}: the folder {path.parent} does not exist") from None
    except OSError as error:
        raise ScalewiseError(f"{path}: cannot be written ({error.strerror})") from None
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise ScalewiseError(f"{path}: {folder} is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ScalewiseError(f"{path}: the folder {folder} cannot be written to")
    return form
