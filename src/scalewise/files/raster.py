"""Random access to an image's pixels: any region, an overview, and both as browsers show them.

Image files are read from the top down.  A raster decodes as many rows as somebody needs, and
keeps them on the disk, so that the next region costs nothing but its own pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import Any, BinaryIO

import numpy as np
import pyvips
from numpy.typing import NDArray

from scalewise.files.picture import Metadata, to_8_bit
from scalewise.files.reading import PictureReader, open_picture
from scalewise.files.vips_errors import lenient_messages

OVERVIEW_SIDE = 2048
"""Pixels of an overview's longest side at most."""

_STRIP_BYTES = 2**22  # of pixels decoded at once
_DISPLAYED_ROWS_BYTES = 2**24


class Raster:
    """An open image, any region of which can be read; threads may share it.

    Memory is that of the overview, which has at most 2048 pixels along a side, and of the regions
    that are read.  The decoded pixels are in a file without a name: it vanishes with the process.

    Args:
        path: the image; it may be deleted as soon as the raster is made.
        folder: where the decoded pixels are kept; None for the system's temporary folder.

    Raises:
        ScalewiseError: the image cannot be read.
    """

    def __init__(self, path: Path, folder: Path | None = None) -> None:
        self._reader: PictureReader = open_picture(path, max_pixels=None)
        reader = self._reader
        self.width, self.height, self.channels = reader.width, reader.height, reader.channels
        self.dtype: np.dtype[Any] = reader.dtype
        self.metadata: Metadata = reader.metadata
        self.separate: bool = reader.separate
        self._row_bytes = self.width * self.channels * self.dtype.itemsize
        has_alpha = not self.separate and self.channels in (2, 4)
        self._overview = _Overview(self.width, self.height, self.channels, self.dtype, has_alpha)
        self._done = 0
        self._lock = Lock()
        self._closed = False
        try:
            self._file: BinaryIO = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        except BaseException:
            reader.close()
            raise

    @property
    def bytes(self) -> int:
        """Disk space of the whole image, decoded."""
        return self._row_bytes * self.height

    def read(
        self, x: int, y: int, width: int, height: int, check: Callable[[], None] | None = None
    ) -> NDArray[Any]:
        """Return the pixels of a region as the file has them, (height, width, C).

        Args:
            x, y, width, height: the region, which must lie in the image.
            check: called between strips while rows are decoded; it may raise to stop that.

        Raises:
            ScalewiseError: the file is truncated or damaged there.
            ValueError: the region is not in the image, or the raster is closed.
        """
        if not (0 <= x < x + width <= self.width and 0 <= y < y + height <= self.height):
            raise ValueError(f"region {x}, {y}, {width}x{height} of {self.width}x{self.height}")
        size = self.channels * self.dtype.itemsize
        self._decode(y + height, check)
        with self._lock:
            if self._closed:
                raise ValueError("the raster is closed")
            rows = [(y * self.width + x) * size + row * self._row_bytes for row in range(height)]
            parts = [self._read_bytes(start, width * size) for start in rows]
        return np.frombuffer(b"".join(parts), self.dtype).reshape(height, width, self.channels)

    def display(
        self, x: int, y: int, width: int, height: int, check: Callable[[], None] | None = None
    ) -> NDArray[np.uint8]:
        """Return a region as browsers show it; arguments and errors are those of :meth:`read`."""
        return to_display(self.read(x, y, width, height, check), self.metadata)

    def overview(self, check: Callable[[], None] | None = None) -> NDArray[np.uint8]:
        """Return the whole image as browsers show it, with at most 2048 pixels along a side.

        Every pixel is the mean of a square of the image's.

        Args:
            check: as for :meth:`read`.

        Raises:
            ScalewiseError: the file is truncated or damaged.
            ValueError: the raster is closed.
        """
        self._decode(self.height, check)
        return to_display(np.stack(self._overview.rows), self.metadata)

    def close(self) -> None:
        """Give the disk space back; nothing can be read any more."""
        with self._lock:
            self._closed = True
            self._reader.close()
            self._file.close()

    def _read_bytes(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        content = self._file.read(length)
        while len(content) < length:  # a system call may give less than it is asked for
            content += self._file.read(length - len(content))
        return content

    def _decode(self, stop: int, check: Callable[[], None] | None) -> None:
        """Decode rows until ``stop``; other threads read what is there between two strips."""
        while True:
            if check is not None:
                check()
            with self._lock:
                if self._closed:
                    raise ValueError("the raster is closed")
                if self._done >= stop:
                    return
                self._decode_strip()

    def _decode_strip(self) -> None:
        strip = max(1, _STRIP_BYTES // self._row_bytes)
        rows: NDArray[Any] = self._reader.read_rows(
            self._done, min(self._done + strip, self.height)
        )
        data = np.ascontiguousarray(rows).view(np.uint8).reshape(-1)
        self._file.seek(self._done * self._row_bytes)
        while len(data):
            data = data[self._file.write(data.data) :]
        self._overview.add(rows)
        self._done += len(rows)
        if self._done == self.height:
            self._reader.close()


class _Overview:
    """Means of the squares of an image, whose rows come from the top down.

    Args:
        width, height, channels, dtype: of the image.
        has_alpha: whether the last channel is alpha; colours count for as much as they are visible.

    Attributes:
        rows: the means, rounded, in rows (W, C).
    """

    def __init__(
        self, width: int, height: int, channels: int, dtype: np.dtype[Any], has_alpha: bool
    ) -> None:
        self.rows: list[NDArray[Any]] = []
        self._dtype = dtype
        self._width, self._height = width, height
        self._has_alpha = has_alpha
        self._step = -(-max(width, height) // OVERVIEW_SIDE)
        kind = np.uint64 if has_alpha else np.uint32
        self._sum: NDArray[Any] = np.zeros((width, channels), kind)
        self._summed = 0
        self._rows = 0

    def add(self, rows: NDArray[Any]) -> None:
        """Take the next rows, (n, W, C)."""
        for row in rows:
            if self._has_alpha:
                row = row.astype(np.uint64)
                row[..., :-1] *= row[..., -1:]
            self._sum += row  # row by row, which stays in the processor's cache
            self._summed += 1
            self._rows += 1
            if self._summed == self._step or self._rows == self._height:
                self.rows.append(self._mean())
                self._sum[:] = 0
                self._summed = 0

    def _mean(self) -> NDArray[Any]:
        total = self._sum[:: self._step].astype(np.float64)
        for offset in range(1, self._step):  # much faster than NumPy's reduceat
            part = self._sum[offset :: self._step]
            total[: len(part)] += part
        if self._has_alpha:
            total[..., :-1] /= total[..., -1:].clip(1)
        counts = np.minimum(self._step, self._width - np.arange(0, self._width, self._step))
        averaged = total[..., -1:] if self._has_alpha else total
        averaged /= counts[:, None] * self._summed
        return np.rint(total).astype(self._dtype)


@lenient_messages()
def to_display(pixels: NDArray[Any], metadata: Metadata) -> NDArray[np.uint8]:
    """Convert pixels to what browsers show: 8-bit sRGB or grey, with or without alpha.

    Args:
        pixels: (H, W, C), uint8 or uint16, as :class:`PictureReader` reads them.
        metadata: of their image; bands that stand for themselves are left out, and colours are
            converted by the profile that the file has or states.
    """
    if metadata.bands is not None:
        pixels, alpha = pixels[..., : 3 if metadata.bands.rgb else 1], pixels[..., :0]
    else:
        colours = pixels.shape[2] - (pixels.shape[2] in (2, 4))
        pixels, alpha = pixels[..., :colours], pixels[..., colours:]
    grey = pixels.shape[2] == 1
    icc = metadata.icc or (metadata.stated.profile(grey) if metadata.stated else None)
    shown = None if icc is None else _to_srgb(pixels, icc)
    shown = to_8_bit(pixels) if shown is None else shown
    return np.concatenate([shown, to_8_bit(alpha)], axis=2) if alpha.shape[2] else shown


def _to_srgb(pixels: NDArray[Any], icc: bytes) -> NDArray[np.uint8] | None:
    """Convert colours by their profile; None if it is damaged, or for other colours."""
    height, width, bands = pixels.shape
    deep = pixels.dtype == np.uint16
    kind = {(1, False): "b-w", (1, True): "grey16", (3, False): "srgb", (3, True): "rgb16"}
    rows = max(1, _DISPLAYED_ROWS_BYTES // (width * bands))
    parts: list[NDArray[np.uint8]] = []
    with suppress(pyvips.Error):
        for top in range(0, height, rows):
            strip = np.ascontiguousarray(pixels[top : top + rows])
            image: Any = pyvips.Image.new_from_memory(
                strip.data, width, len(strip), bands, "ushort" if deep else "uchar"
            ).copy(interpretation=kind[bands, deep])
            image.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
            image = image.icc_transform(
                "srgb", embedded=True, intent="relative", black_point_compensation=True, depth=8
            )
            data = image.write_to_memory()
            parts.append(np.frombuffer(data, np.uint8).reshape(len(strip), width, image.bands))
        return np.concatenate(parts)
    return None


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode pixels (H, W, C) of sRGB or grey, with or without alpha, as PNG, fast."""
    height, width, bands = pixels.shape
    data = np.ascontiguousarray(pixels).data
    image: Any = pyvips.Image.new_from_memory(data, width, height, bands, "uchar")
    image = image.copy(interpretation="b-w" if bands <= 2 else "srgb")
    return image.pngsave_buffer(compression=1)
