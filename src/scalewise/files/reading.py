"""Image reading, whole or by strips, with libvips, which keeps 16 bits and metadata.

What a file is goes by its content, not by its name, and only the loaders named here are ever
used: libvips knows others, which were not made for files from strangers.

============================ ==========================================================
in the file                  becomes
============================ ==========================================================
palette, 1 bit               RGB, or grey; with alpha where it has transparent colours
CMYK, CIELAB                 sRGB, by way of the profile if there is one, which is then gone
10 or 12 bits (AVIF)         16 bits, over the full range
grey AVIF of limited range   grey over the full range
floating-point, 32-bit       an error: the file does not say which value is white
10, 12, 14 bits (TIFF)       an error that says so
more than one page or frame  the first, with a warning, or the one that is asked for
TIFF                         see :mod:`scalewise.files.tiff.reading`
animated PNG, animated AVIF, the first, with a warning
JPEG with others behind it
JPEG without its end marker  all of its rows, with a warning; an error if one is missing
BMP                          see :mod:`scalewise.files.bmp`
GIF whose frame leaves some  with alpha, transparent there
of its canvas unpainted
============================ ==========================================================
"""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import pyvips

from scalewise.arguments import AnyPath, path_of
from scalewise.errors import ScalewiseError
from scalewise.files.avif import AvifProperties, over_full_range, properties_of_avif
from scalewise.files.bmp import BmpError, open_bmp
from scalewise.files.formats import detect_format
from scalewise.files.gif import with_clear_canvas
from scalewise.files.jpeg import lacks_end_marker, with_end_marker
from scalewise.files.metadata.reading import read_metadata
from scalewise.files.orientation import UprightRows
from scalewise.files.picture import Picture, Pixels
from scalewise.files.support import supported_formats
from scalewise.files.tiff.reading import TiffPicture, open_tiff
from scalewise.files.unsupported import name_of_unsupported
from scalewise.files.vips_errors import forget_errors, in_brackets, lenient_messages, one_line

MAX_PIXELS = 500_000_000
"""The most pixels of an image, unless the caller says otherwise.

That is more than the largest cameras give, and than 100 million enlarged twofold, which are 400
million; as 8-bit RGB it takes 1.5 GB of memory."""

_PLAIN_SPACES = ("srgb", "rgb", "rgb16", "b-w", "grey16", "multiband")
_KINDS = {
    **{"char": "signed 8-bit", "short": "signed 16-bit", "int": "signed 32-bit"},
    **{"uint": "32-bit", "float": "floating-point", "double": "floating-point"},
}


def read(path: AnyPath, *, page: int | None = None, max_pixels: int | None = MAX_PIXELS) -> Picture:
    """Read an image whole: upright, as grey or RGB, with or without alpha.

    Args:
        path, page, max_pixels: as for :func:`open_picture`.

    Raises:
        ScalewiseError: as :func:`open_picture`, and a file that is truncated or damaged.
    """
    path = path_of(path, "path")
    with open_picture(path, page=page, max_pixels=max_pixels) as reader:
        return reader.read()


@lenient_messages()
def open_picture(
    path: AnyPath,
    *,
    page: int | None = None,
    max_pixels: int | None = MAX_PIXELS,
    header_only: bool = False,
) -> PictureReader:
    """Open an image to read it by strips; a context manager.

    Args:
        path: any format of the table on top, by content and not by name.
        page: which page of a TIFF, or frame of an animation, from 0; None for the first, which
            leaves a warning if there are more.
        max_pixels: refuse larger images, before anything is decoded; None for no limit.
        header_only: read no pixels, not even of a BMP.  The reader is returned closed: it has the
            size, but no rows, and alpha that is 0 everywhere still counts as a channel.

    Raises:
        ScalewiseError: no such file, a folder, not an image, too large, no such page, samples
            that are neither 8 nor 16-bit, or more than four channels.
    """
    path = path_of(path, "path")
    try:
        if path.is_dir():
            raise ScalewiseError(f"{path}: is a folder, not an image file")
        if not path.exists():
            raise ScalewiseError(f"{path}: no such file")
        if not stat.S_ISREG(path.stat().st_mode):
            raise ScalewiseError(f"{path}: not a regular file")
        with path.open("rb") as file:
            return PictureReader(path, file, page, max_pixels, header_only)
    except OSError as error:
        raise ScalewiseError(f"{path}: cannot be read ({one_line(error)})") from None


class PictureReader:
    """An opened image: what its header says, and its rows from the top down.

    Memory is that of the rows read at once, but for what cannot be decoded in part: WebP, AVIF,
    HEIC, GIF, BMP, interlaced PNG and progressive JPEG are decoded whole.

    Attributes:
        path: of its file.
        width, height: of the upright image.
        channels: 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha); or how many bands.
        separate: whether every band stands for itself, and none is alpha.
        dtype: of the samples, uint8 or uint16.
        metadata: what must survive.
        frames: pages of a TIFF or frames of an animation that can be asked for.
        warnings: what a user should know of how the file was read, a line each.
    """

    def __init__(
        self,
        path: Path,
        file: BinaryIO,
        page: int | None,
        max_pixels: int | None,
        header_only: bool = False,
    ) -> None:
        self.path = path
        self._turned: UprightRows | None = None
        self._tiff: TiffPicture | None = None
        self._memory = b""
        self.warnings: list[str] = []
        content = detect_format(file)
        if content is None:
            name = name_of_unsupported(file)
            known = ", ".join(sorted(each.name for each in supported_formats() if each.reads))
            raise ScalewiseError(
                f"{path}: not an image in a format known here ({known}), "
                f"{f'but {name}' if name else 'or cut short'}"
            )
        self._content = content
        forget_errors()
        try:
            if content.loader == "bmp":
                image = self._load_bmp(file, page, max_pixels, header_only)
            else:
                image = self._load(file, page)
            self._check_size(image, max_pixels)
            with path.open("rb") as own:  # libvips moves about in the other
                is_heif = content.loader == "heifload"
                self._avif = properties_of_avif(own) if is_heif else AvifProperties()
                orientation = self._read_metadata(image, own)
                if content.name == "GIF":
                    image = with_clear_canvas(image, own, page or 0)
            self._image = image = self._plain(image)
            if orientation in range(2, 9):
                self._turned = UprightRows(image, orientation)
        except pyvips.Error as error:
            self.close()
            raise self._failure(error) from None
        except BaseException:
            self.close()
            raise
        self.separate = self.metadata.bands is not None
        sides: tuple[int, int] = (image.width, image.height)
        self.width, self.height = sides[::-1] if orientation in range(5, 9) else sides
        self.channels: int = image.bands
        self.dtype = np.dtype(np.uint16 if image.format == "ushort" else np.uint8)
        self._kept: Any = np.empty((0, self.width, self.channels), self.dtype)
        self._next = 0
        if header_only:
            self.close()

    def read_rows(self, start: int, stop: int) -> Pixels:
        """Return rows ``start`` to ``stop`` (not included), (rows, W, C); not to be written to.

        Windows go down the image: none may start above the one before. They may overlap, and
        may leave rows out.

        Raises:
            ScalewiseError: the file is truncated or damaged there.
            ValueError: no such rows, or rows that were let go already.
        """
        if not 0 <= start < stop <= self.height:
            raise ValueError(f"rows {start} to {stop} of {self.height}")
        first = self._next - len(self._kept)
        if start < first:
            raise ValueError(f"rows from {start} were let go; those from {first} are there")
        parts = [self._kept[start - first : stop - first]]
        if stop > self._next:
            parts.append(self._fetch(max(start, self._next), stop))
            self._next = stop
            self._kept = parts[1] if not len(parts[0]) else np.concatenate(parts)
            self._kept.flags.writeable = False
            return self._kept
        self._kept = self._kept[start - first :]
        return self._kept[: stop - start]

    def read(self) -> Picture:
        """Read the whole image, if no row has been read yet."""
        return Picture(self._fetch(0, self.height), self.metadata)

    def close(self) -> None:
        """Close the file; no row can be read any more."""
        self._image = None
        self._memory = b""
        if self._turned is not None:
            self._turned.close()
        if self._tiff is not None:
            self._tiff.close()

    def __enter__(self) -> PictureReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @lenient_messages()
    def _fetch(self, start: int, stop: int) -> Pixels:
        image: Any = self._image
        if image is None:
            raise ValueError("the image is closed")
        rows = stop - start
        try:
            if self._turned is not None:
                return self._turned.rows(start, stop)
            if rows == self.height:
                data = image.write_to_memory()
            else:  # a region leaves the decoder where it is; any other way sends it ahead
                data = pyvips.Region.new(image).fetch(0, start, self.width, rows)
        except pyvips.Error as error:
            raise self._failure(error) from None
        return np.ndarray((rows, self.width, self.channels), self.dtype, buffer=data)

    def _load(self, file: BinaryIO, page: int | None) -> Any:
        """Open the image as the file has it, not yet decoded."""
        if self._content.loader == "tiffload" and (tiff := self._open_tiff(file, page)):
            self._tiff, self.frames = tiff, tiff.frames
            self.warnings += [f"{self.path}: {line}" for line in tiff.warnings]
            return tiff.image
        image = self._header(file)
        self.frames: int = (_field(image, "n-pages") or 1) if self._content.paged else 1
        if page is not None:
            if not 0 <= page < self.frames:
                raise ScalewiseError(f"{self.path}: no page {page}; it has {self.frames}, from 0")
            return self._header(file, page=page) if self.frames > 1 else image
        if self.frames > 1:
            self.warnings.append(f"{self.path}: has {self.frames} frames; the first is read")
        elif self._content.animated:
            self.warnings.append(f"{self.path}: is animated; its first image is read")
        return image

    def _open_tiff(self, file: BinaryIO, page: int | None) -> TiffPicture | None:
        try:
            return open_tiff(file, page)
        except ScalewiseError as error:
            raise ScalewiseError(f"{self.path}: {error}") from None

    def _load_bmp(
        self, file: BinaryIO, page: int | None, max_pixels: int | None, header_only: bool
    ) -> Any:
        self.frames = 1
        if page:
            raise ScalewiseError(f"{self.path}: no page {page}; it has 1, from 0")
        try:
            bmp = open_bmp(file)
            self._check_size(bmp, max_pixels)
            image = bmp.image(decode=not header_only)
        except BmpError as error:
            raise ScalewiseError(f"{self.path}: {error}") from None
        self.warnings += [f"{self.path}: {line}" for line in bmp.warnings]
        return image

    def _header(self, file: BinaryIO, **options: Any) -> Any:
        # By way of a source: libvips would take brackets in a file name for options, and give
        # back the image it remembers where a file has been overwritten.
        load = getattr(pyvips.Image, self._content.loader + "_source")
        if self._content.loader == "jpegload" and lacks_end_marker(file):
            self.warnings.append(f"{self.path}: has no end marker; something may be missing")
            self._memory = with_end_marker(file)  # libvips reads it where it lies
            source = pyvips.Source.new_from_memory(self._memory)
            # With an end, missing rows are but a warning to the decoder.
            return load(source, access="sequential", fail_on="warning", **options)
        file.seek(0)
        source = pyvips.Source.new_from_descriptor(file.fileno())
        return load(source, access="sequential", fail_on="error", **options)

    def _check_size(self, image: Any, max_pixels: int | None) -> None:
        pixels = image.width * image.height
        if max_pixels is not None and pixels > max_pixels:
            raise ScalewiseError(
                f"{self.path}: {image.width}x{image.height} is more than the limit of "
                f"{max_pixels} pixels; raise it with max_pixels={pixels}",
                arguments=["max_pixels"],
            )

    def _read_metadata(self, image: Any, file: BinaryIO) -> int:
        """Keep what the file says of its image, and return the pixels' orientation."""
        found = read_metadata(image, file, self._content, self._tiff, self._avif)
        self.warnings += [f"{self.path}: {line}" for line in found.warnings]
        self.metadata = found.metadata
        return found.orientation

    def _plain(self, image: Any) -> Any:
        """Convert to grey or RGB with or without alpha, of 8 or 16 bits."""
        if image.format not in ("uchar", "ushort") and image.interpretation != "labs":
            raise ScalewiseError(
                f"{self.path}: has {_KINDS.get(image.format, image.format)} samples; convert it "
                "to 8 or 16 bits"
            )
        if image.interpretation not in _PLAIN_SPACES:
            image = self._to_srgb(image)
            self.metadata = replace(self.metadata, icc=None)
        if not 1 <= image.bands <= 4 and self.metadata.bands is None:
            raise ScalewiseError(f"{self.path}: has {image.bands} channels; 1 to 4 can be read")
        if self._content.loader == "heifload":
            bits = _field(image, "bits-per-sample") or 8
            return over_full_range(image, bits, self._avif)
        return image

    def _to_srgb(self, image: Any) -> Any:
        deep = image.format != "uchar"
        icc = self.metadata.icc
        if image.interpretation == "cmyk":
            assumed = "" if icc else ", by a general profile, because it has none: they may shift"
            self.warnings.append(f"{self.path}: its CMYK colours become sRGB{assumed}")
        if image.interpretation == "cmyk" and icc is not None:
            if _is_profile(icc, b"CMYK"):
                with suppress(pyvips.Error):
                    return image.icc_transform(
                        "srgb",
                        embedded=True,
                        intent="relative",
                        black_point_compensation=True,
                        depth=16 if deep else 8,
                    )
            self.warnings.append(
                f"{self.path}: its CMYK profile is damaged; a general one is used instead"
            )
            image = image.copy()
            image.remove("icc-profile-data")
        return image.colourspace("rgb16" if deep else "srgb")

    def _failure(self, error: pyvips.Error) -> ScalewiseError:
        reason = one_line(error, self._content.name)
        if self._content.name in ("HEIC", "HEIF"):
            return ScalewiseError(
                f"{self.path}: {self._content.name} cannot be decoded here, or the file is "
                f"damaged{in_brackets(reason)}; convert it to JPEG or PNG"
            )
        if self._memory:
            reason = "it has no end marker, and rows are missing"
        return ScalewiseError(
            f"{self.path}: truncated, damaged or not readable{in_brackets(reason)}"
        )


def _field(image: Any, name: str) -> Any:
    return image.get(name) if image.get_typeof(name) else None


def _is_profile(icc: bytes, space: bytes) -> bool:
    """Return whether this is a complete ICC profile of a colour space (ICC.1:2022, 7.2)."""
    return (icc[16:20], icc[36:40]) == (space, b"acsp") and int.from_bytes(icc[:4]) <= len(icc)
