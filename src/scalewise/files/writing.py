"""Image writing, whole or by strips, atomically: complete under its name, or not at all."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import pyvips

from scalewise.arguments import AnyPath, check_has, path_of
from scalewise.atomic import atomic_output
from scalewise.errors import DiskFullError, ScalewiseError
from scalewise.files.avif import with_properties
from scalewise.files.formats import (
    IMAGE_SUFFIXES,
    Format,
    check_target,
    ignored_options,
    require_folder,
)
from scalewise.files.metadata.exif import tags
from scalewise.files.metadata.writing import (
    EXIF_IN_PLACE,
    complete,
    fitted_metadata,
    kept_by_libvips,
    room_ahead,
    state_colours,
)
from scalewise.files.picture import Metadata, Picture, Pixels
from scalewise.files.temp_files import RowSpool
from scalewise.files.tiff.layout import EXTRA_SAMPLES, overwrite_numbers
from scalewise.files.vips_errors import in_brackets, is_disk_full, lenient_messages, one_line

_MM_PER_INCH = 25.4
_UNSET_DPI = (72.0, 72.0)
_FIELDS = {"icc": "icc-profile-data", "exif": "exif-data", "xmp": "xmp-data"}
_LABELS = {"icc": "the colour profile", "exif": "Exif", "xmp": "XMP"}
_PROBE_SIDE = 8
_CLASSIC_TIFF = 2**32 - 2**26  # bytes of pixels; its offsets end at 4 GiB


def write(
    path: AnyPath,
    picture: Picture,
    quality: int | None = None,
    overwrite: bool = True,
    *,
    format: str | None = None,
    lossless: bool = False,
    strip: bool = False,
) -> list[str]:
    """Write an image, whole or not at all, in the format of the extension.

    16 bits are rounded to 8 and alpha is laid over white where the format has no place for
    them; see the table in :mod:`scalewise.files.formats`.

    Args:
        path: its folder must exist.
        picture: what to write, with its metadata.
        quality: 1 to 100; None for the format's default. Lossless files ignore it.
        overwrite: replace a file that is there; if False, that is an error.
        format: the format's name, such as ``webp``; None for that of the extension.
        lossless: keep every sample exactly, which JPEG cannot; a WebP file of a lossless one
            does so unless a quality is given.
        strip: leave the metadata out, but for the colour profile, without which the colours
            would be others.

    Returns:
        What a user should know, a line each: what was ignored, or could not be kept.

    Raises:
        ScalewiseError: as :func:`scalewise.files.check_target`; no such folder; a full disk;
            something else than a :class:`Picture`.
    """
    path = path_of(path, "path")
    check_has("picture", picture, "with_pixels", "a Picture, such as files.Picture(pixels)")
    height, width, channels = picture.pixels.shape
    writer = PictureWriter(
        path,
        width,
        height,
        channels,
        picture.pixels.dtype,
        picture.metadata,
        quality=quality,
        overwrite=overwrite,
        format=format,
        lossless=lossless,
        strip=strip,
    )
    writer.finish(picture.pixels)
    return writer.warnings


def stays_lossless(form: Format, metadata: Metadata | None, quality: int | None) -> bool:
    """Return whether a result is lossless because the file was, of which it is made."""
    return form.name == "webp" and quality is None and metadata is not None and metadata.lossless


class PictureWriter:
    """An image that is written by strips, from the top down; a context manager.

    The strips wait on the disk, in a file without a name in the same folder, and are encoded
    when the block ends.  After an exception, or when the process dies, nothing is there but what
    was there before.

    Args:
        path: its folder must exist.
        width, height, channels: the image's.
        dtype: of the samples, uint8 or uint16.
        metadata: what to write with the pixels.
        quality, overwrite, format, lossless, strip: as for :func:`write`.

    Attributes:
        warnings: what was ignored, or could not be kept, a line each; complete once the image is
            finished.

    Raises:
        ScalewiseError: as :func:`write`.
    """

    @lenient_messages()
    def __init__(
        self,
        path: AnyPath,
        width: int,
        height: int,
        channels: int,
        dtype: Any,
        metadata: Metadata | None = None,
        *,
        quality: int | None = None,
        overwrite: bool = True,
        format: str | None = None,
        lossless: bool = False,
        strip: bool = False,
    ) -> None:
        self._path = path = path_of(path, "path")
        self._overwrite = overwrite
        self._form = check_target(
            path,
            width,
            height,
            format=format,
            quality=quality,
            lossless=lossless,
            overwrite=overwrite,
        )
        if metadata and metadata.bands and self._form.name != "tiff":
            raise ScalewiseError(
                f"{path}: {self._form.name} cannot hold {channels} bands that are not alpha; "
                "write a TIFF file"
            )
        require_folder(path)
        self.warnings = ignored_options(self._form, quality, lossless=lossless)
        lossless = lossless or stays_lossless(self._form, metadata, quality)
        self._shape = (height, width, channels)
        self._dtype = np.dtype(dtype)
        self._rows = 0
        self._finished = False
        self._options = dict(self._form.options)
        if lossless and self._form.exact is not None:
            self._options |= self._form.exact
        elif self._form.quality is not None:
            self._options["Q"] = quality or self._form.quality
        self._strip = strip
        suffix = path.suffix.lower()
        if suffix in IMAGE_SUFFIXES and suffix not in self._form.suffixes:
            self._warn(f"is written as {self._form.name}, though its name ends in {suffix}")
        # What a strip becomes in this format tells what the whole will be.
        self._separate = metadata.bands if metadata else None
        sample = self._fitted(np.zeros((1, 1, channels), self._dtype))
        self._bands, self._deep = sample.shape[2], sample.dtype == np.uint16
        self._kind = "ushort" if self._deep else "uchar"
        self._spool = RowSpool(path.parent, width, self._bands, self._kind)
        self._transparent = False
        if self._dtype == np.uint16 and not self._form.deep:
            self._warn(
                f"16 bits are rounded to 8, of which {self._form.name} has no more; "
                "png and tiff keep them"
            )
        said = state_colours(metadata or Metadata(), self._form.name, self._bands < 3, lossless)
        for line in said.warnings:
            self._warn(line)
        self._boxes = said.boxes
        self._metadata = self._kept(said.metadata)

    def write_rows(self, rows: Pixels) -> None:
        """Append rows, (n, W, C), below those that are there.

        Raises:
            ScalewiseError: the disk is full.
            ValueError: rows of another shape or dtype, or more than the image has.
        """
        height, width, channels = self._shape
        if rows.ndim != 3 or rows.shape[1:] != (width, channels) or rows.dtype != self._dtype:
            raise ValueError(
                f"rows are (n, {width}, {channels}) {self._dtype}, not {rows.shape} {rows.dtype}"
            )
        if self._rows + len(rows) > height:
            raise ValueError(f"{self._rows + len(rows)} rows; the image has {height}")
        try:
            self._spool.append(self._fitted(self._noting_alpha(rows)))
        except OSError as error:
            self.close()
            raise self._failure(error) from None
        self._rows += len(rows)

    @lenient_messages()
    def finish(self, pixels: Pixels | None = None) -> None:
        """Encode what was written, and put the file in its place.

        Args:
            pixels: the whole image, where no rows were written.

        Raises:
            ScalewiseError: the file cannot be written, the disk is full, or without ``overwrite``
                a file has appeared there.
            ValueError: rows are missing.
        """
        height = self._shape[0]
        try:
            if pixels is not None:
                image = self._image(self._fitted(self._noting_alpha(pixels)))
            elif self._rows == height:
                image = self._spool.image()
            else:
                raise ValueError(f"{self._rows} rows were written; the image has {height}")
            with atomic_output(self._path, overwrite=self._overwrite) as descriptor:
                self._save(image, descriptor)
        except (pyvips.Error, OSError) as error:
            raise self._failure(error) from None
        finally:
            self.close()
        self._finished = True
        if self._transparent:
            self._warn(f"{self._form.name} has no transparency; laid over white")

    def close(self) -> None:
        """Give up what was written, if it is not finished."""
        self._spool.close()

    def __enter__(self) -> PictureWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None and not self._finished:
            self.finish()
        self.close()

    def _fitted(self, pixels: Pixels) -> Pixels:
        """Return rows as the format can hold them."""
        return pixels if self._separate else self._form.fit(pixels)

    def _noting_alpha(self, pixels: Pixels) -> Pixels:
        """Note whether rows are transparent where that is lost, and return them."""
        loses_alpha = not self._separate and not self._form.alpha and pixels.shape[2] in (2, 4)
        if loses_alpha and not self._transparent:
            self._transparent = bool((pixels[..., -1] < np.iinfo(pixels.dtype).max).any())
        return pixels

    def _image(self, pixels: Pixels) -> Any:
        height, width, bands = pixels.shape
        data = np.ascontiguousarray(pixels).data
        return pyvips.Image.new_from_memory(data, width, height, bands, self._kind)

    def _save(self, image: Any, descriptor: int) -> None:
        form, metadata = self._form.name, self._metadata
        with os.fdopen(os.dup(descriptor), "r+b") as file:
            if self._boxes:
                file.write(self._avif(image))
                file.flush()
            else:
                file.seek(room_ahead(metadata, form))
                self._encode(image, pyvips.Target.new_to_descriptor(descriptor), metadata)
            self._complete(file, metadata, pyvips.Source.new_from_descriptor(descriptor))
            if self._separate is not None and not overwrite_numbers(
                file, EXTRA_SAMPLES, self._separate.extra
            ):  # libvips calls all bands alpha that are not colours
                raise OSError(None, "its extra samples cannot be named")

    def _avif(self, image: Any) -> bytes:
        """Encode an AVIF file, and add what libvips does not say of its colours."""
        memory = pyvips.Target.new_to_memory()
        self._encode(image, memory, self._metadata)
        plain: bytes = memory.get("blob")
        avif = with_properties(plain, self._boxes)
        if avif is None:
            self._warn("its colours cannot be stated in this AVIF file: they look wrong")
        return avif or plain

    def _encode(self, image: Any, target: Any, metadata: Metadata) -> None:
        grey = not self._separate.rgb if self._separate else self._bands < 3
        spaces = ("b-w", "grey16") if grey else ("srgb", "rgb16")
        across, down = (dots / _MM_PER_INCH for dots in metadata.dpi or _UNSET_DPI)
        image = image.copy(interpretation=spaces[self._deep], xres=across, yres=down)
        parts = kept_by_libvips(metadata, self._form.name)
        for name, data in parts.items():
            image.set_type(pyvips.GValue.blob_type, name, data)
        options = dict(self._options)
        options["keep"] = "|".join(name.split("-")[0] for name in parts) or "icc"
        if image.width * image.height * self._bands * (1 + self._deep) > _CLASSIC_TIFF:
            options |= {"bigtiff": True} if self._form.name == "tiff" else {}
        getattr(image, self._form.saver + "_target")(target, **options)

    def _complete(self, file: BinaryIO, metadata: Metadata, source: Any) -> None:
        """Put in what libvips does not write."""
        exif: bytes | None = None
        if metadata.exif and self._form.name in EXIF_IN_PLACE:
            file.seek(0)
            exif = _exif_data(getattr(pyvips.Image, self._form.loader + "_source")(source))
        if not complete(file, metadata, self._form.name, exif):
            self._warn(f"Exif cannot be added to this {self._form.name} file; left out")

    def _kept(self, metadata: Metadata) -> Metadata:
        """Return the metadata that this file will hold; warn of each part that it will not.

        Each part that libvips writes is written with a tiny image and read again: it leaves out
        what it takes for damaged or too large without a word, and fails over some.
        """
        if self._strip:
            metadata = Metadata(icc=metadata.icc, bands=metadata.bands, stated=metadata.stated)
        height, width, _ = self._shape
        metadata, lines = fitted_metadata(metadata.sized(width, height), self._form.name)
        for line in lines:
            self._warn(line)
        for name, field in _FIELDS.items():
            data: bytes | None = getattr(metadata, name)
            if data is None or (
                name != "icc" and field not in kept_by_libvips(metadata, self._form.name)
            ):
                continue
            found = self._probe(name, data) if data else None
            if found is None or (name != "exif" and found != data):
                metadata = replace(metadata, **{name: None})
                if data:
                    self._warn(
                        f"{_LABELS[name]} does not fit into {self._form.name}, or is "
                        "damaged; left out"
                    )
            elif name == "exif" and tags(data) - tags(found):
                self._warn(f"not all of Exif fits into {self._form.name}; the rest is left out")
        return metadata

    def _probe(self, name: str, data: bytes) -> bytes | None:
        """Write a part of the metadata with a tiny image, and return it as it is read again."""
        if name == "icc" and self._bands > 2 and self._shape[2] <= 2:
            return None  # made for grey, it says nothing about RGB
        sample = np.zeros((_PROBE_SIDE, _PROBE_SIDE, self._shape[2]), self._dtype)
        part = replace(Metadata(), **{name: data})
        try:
            target = pyvips.Target.new_to_memory()
            self._encode(self._image(self._fitted(sample)), target, part)
            blob: bytes = target.get("blob")
            if name == "exif":
                file = io.BytesIO(blob)
                self._complete(file, part, pyvips.Source.new_from_memory(blob))
                blob = file.getvalue()
            back = getattr(pyvips.Image, self._form.loader + "_buffer")(blob)
            return back.get(_FIELDS[name])
        except pyvips.Error:
            return None

    def _warn(self, line: str) -> None:
        self.warnings.append(f"{self._path}: {line}")

    def _failure(self, error: pyvips.Error | OSError) -> ScalewiseError:
        kind = DiskFullError if is_disk_full(error) else ScalewiseError
        return kind(
            f"{self._path}: cannot be written{in_brackets(one_line(error, self._form.name))}"
        )


def _exif_data(image: Any) -> bytes | None:
    return image.get("exif-data") if image.get_typeof("exif-data") else None
