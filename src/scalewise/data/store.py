"""The packed store: images decoded once, into one file that is mapped into memory.

Decoding and shrinking images costs far more than training on them, so it happens once.  A
store holds, for every image, the HR pixels and the LR pixels at each chosen scale, as plain
8-bit RGB; of squashed images, both as squares of one size.  It may also hold what a teacher, a
stronger model, made of each LR image.  The file's layout, so that anything can read it::

    magic (8 bytes) | pixels, image after image | index (JSON, UTF-8) |
    length of the index (uint64, little-endian) | magic (8 bytes)

The index comes last, so that packing streams and a cut-off file is recognised.  No PyTorch.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import AnyPath, check_scales, check_workers, path_of
from scalewise.atomic import naming
from scalewise.data.reading import read_lr, read_rgb
from scalewise.errors import ScalewiseError
from scalewise.imaging import protocols
from scalewise.imaging.colour import is_grey
from scalewise.imaging.protocols import squashing

if TYPE_CHECKING:
    from scalewise.data.layouts import Dataset, Item

MAGIC = b"SCALEW01"
Pixels = NDArray[np.uint8]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Entry:
    """One image's place in a store.

    Attributes:
        name: the image's name, unique in its dataset.
        licence: as the dataset's manifest states it, or empty.
        shape: height and width of the HR image.
        offset: where the HR pixels begin, in bytes.
        lr: for each scale, (height, width, offset) of the LR pixels.
        teacher: (height, width, offset) of the teacher's pixels; None in a store without.
    """

    name: str
    licence: str
    shape: tuple[int, int]
    offset: int
    lr: dict[int, tuple[int, int, int]]
    teacher: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class TeacherInfo:
    """The teacher of a store: who made its images.

    Attributes:
        name: of the model.
        licence: of its images.
        scale: of the LR images that it enlarged.
    """

    name: str
    licence: str
    scale: int


class Teacher(Protocol):
    """Something that gives a stronger model's result for an LR image."""

    @property
    def info(self) -> TeacherInfo:
        """The name and licence of the teacher, as one text."""
        ...

    def image(self, name: str, lr: Pixels) -> Pixels:
        """Return the teacher's image, (H, W, 3) uint8, for a name and its LR pixels.

        Raises:
            ScalewiseError: there is none, or it cannot be read.
        """
        ...


@dataclass(frozen=True)
class PackSummary:
    """The result of :func:`pack`.

    Attributes:
        images: that were packed.
        megapixels: of their HR.
        bytes: that were written.
        skipped: the reasons why images were skipped, one line each.
    """

    images: int
    megapixels: float
    bytes: int
    skipped: list[str]


class Store:
    """A packed store, opened read-only and mapped into memory.

    Args:
        path: a file written by :func:`pack`.

    Attributes:
        bytes: the whole file, (n,) uint8; where images lie in it is in ``entries``.
        scales: the scales that LR pixels are held at.
        squash: side of the square that all LR images were squashed to, or None.
        teacher_info: who made the teacher's images, or None.
        entries: the images.

    Raises:
        ScalewiseError: not a store, or cut off.
    """

    def __init__(self, path: AnyPath) -> None:
        self.path = path_of(path, "path")
        try:
            self.bytes: NDArray[np.uint8] = np.memmap(self.path, dtype=np.uint8, mode="r")
        except OSError as error:
            raise ScalewiseError(
                f"{path}: cannot open the packed store ({error.strerror})"
            ) from error
        except ValueError:  # empty
            self.bytes = np.empty(0, np.uint8)
        if len(self.bytes) < 24 or self.bytes[-8:].tobytes() != MAGIC:
            raise ScalewiseError(
                f"{path}: not a packed store, or cut off; make it with 'scalewise data pack'"
            )
        (length,) = struct.unpack("<Q", self.bytes[-16:-8].tobytes())
        index = json.loads(self.bytes[-16 - length : -16].tobytes())
        self.scales: tuple[int, ...] = tuple(index["scales"])
        self.squash: int | None = index.get("squash")
        taught = index.get("teacher")
        self.teacher_info = None if taught is None else TeacherInfo(**taught)
        self.entries = [_entry_from_json(entry) for entry in index["entries"]]

    def __len__(self) -> int:
        return len(self.entries)

    def hr(self, index: int) -> Pixels:
        """Return the HR image, (H, W, 3), a view into the file."""
        entry = self.entries[index]
        return self._view(*entry.shape, entry.offset)

    def lr(self, index: int, scale: int) -> Pixels:
        """Return the LR image at a scale, (H // scale, W // scale, 3), a view into the file."""
        if scale == 1:
            return self.hr(index)
        return self._view(*self.entries[index].lr[scale])

    def teacher(self, index: int) -> Pixels:
        """Return what the teacher made of the LR image: HR's size, a view into the file.

        HR rows and columns beyond a multiple of the scale may be missing.
        """
        place = self.entries[index].teacher
        assert place is not None, "see require_teacher"
        return self._view(*place)

    def require_teacher(self, scale: int) -> None:
        """Raise :class:`ScalewiseError` unless the store has a teacher's images at a scale."""
        if self.teacher_info is None:
            raise ScalewiseError(
                f"{self.path}: holds no teacher's images; pack again with teacher=, "
                "or set loss.teacher=0",
                arguments=["teacher"],
            )
        if self.teacher_info.scale != scale:
            raise ScalewiseError(
                f"{self.path}: its teacher's images are for x{self.teacher_info.scale}, not "
                f"x{scale}; pack again with scale={scale} and teacher=, or set loss.teacher=0",
                arguments=["scale", "teacher"],
            )

    def lr_shapes(self, scale: int) -> list[tuple[int, int]]:
        """Return height and width of every LR image at a scale (1: of the HR images).

        Raises:
            ScalewiseError: the store does not hold that scale.
        """
        if scale == 1:
            return [entry.shape for entry in self.entries]
        if scale not in self.scales:
            held = ", ".join(f"x{held}" for held in self.scales) or "no scale"
            raise ScalewiseError(
                f"{self.path}: holds {held}, not x{scale}; pack again with scale={scale}",
                arguments=["scale"],
            )
        return [entry.lr[scale][:2] for entry in self.entries]

    @cached_property
    def licences(self) -> dict[str, int]:
        """The number of images that each licence covers."""
        counts: dict[str, int] = {}
        for entry in self.entries:
            counts[entry.licence] = counts.get(entry.licence, 0) + 1
        return counts

    def _view(self, height: int, width: int, offset: int) -> Pixels:
        return self.bytes[offset : offset + height * width * 3].reshape(height, width, 3)


def pack(
    datasets: Sequence[Dataset],
    out: AnyPath,
    scales: Sequence[int],
    workers: int | None = None,
    progress: Progress | None = None,
    squash: int | None = None,
    teacher: Teacher | None = None,
) -> PackSummary:
    """Decode datasets into one store.

    Where a dataset brings LR files of a scale they are used; else LR is made from HR by
    :func:`scalewise.imaging.resize.imresize`.  Both are squashed after that, if they are.

    Args:
        datasets: what to pack, in this order.
        out: the store to write; it appears whole or not at all.  Its folder is made if need be.
        scales: LR scales to hold.
        workers: decoding threads; all cores by default.
        progress: called with images done and in all.
        squash: side of the square that LR images are squashed to, HR ones to twice that, as
            :func:`scalewise.imaging.protocols.squashing` does; the only scale is 2 then.
        teacher: a stronger model, whose images go into the store; of the one scale packed, and
            not of squashed images.

    Raises:
        ScalewiseError: not one image could be packed, squashing at another scale, or a
            teacher's image that is missing, unreadable or of the wrong size; or ``out`` is a
            folder, or a file that is not a store.
        OSError: the folder cannot be made or written to.
    """
    check_scales("scales", scales)
    check_workers(workers)
    if squash is not None and list(scales) != [2]:
        raise ScalewiseError("squashed images are for x2 alone; leave squashing or other scales")
    if teacher is not None and (squash is not None or list(scales) != [teacher.info.scale]):
        raise ScalewiseError(
            f"the teacher's images are for x{teacher.info.scale}, not squashed; "
            "pack that one scale, and do not squash"
        )
    out = path_of(out, "out")
    _require_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    items = [
        (item, dataset.licences.get(item.name, ""))
        for dataset in datasets
        for item in dataset.items
    ]
    partial = out.with_name(out.name + ".partial")
    try:
        with naming(out), partial.open("wb") as file:
            workers = workers or os.cpu_count() or 1
            summary = _write(file, items, scales, squash, teacher, workers, progress)
        partial.replace(out)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return summary


def _require_replaceable(out: Path) -> None:
    """Refuse to write a store over anything but another store."""
    if out.is_dir():
        raise ScalewiseError(f"{out}: is a folder; name a file in it, such as {out / 'train.pack'}")
    if not out.exists():
        return
    with out.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ScalewiseError(f"{out}: exists and is not a packed store; choose another name")


def _write(
    file: BinaryIO,
    items: list[tuple[Item, str]],
    scales: Sequence[int],
    squash: int | None,
    teacher: Teacher | None,
    workers: int,
    progress: Progress | None,
) -> PackSummary:
    entries: list[dict[str, Any]] = []
    skipped: list[str] = []
    pixels = 0
    file.write(MAGIC)
    protocol = None if squash is None else squashing(squash)
    decoded = _decode_all([item for item, _ in items], scales, protocol, teacher, workers)
    for done, ((item, licence), result) in enumerate(zip(items, decoded, strict=True), start=1):
        if isinstance(result, ScalewiseError):
            skipped.append(str(result))
        else:
            hr, lrs, taught = result
            pixels += hr.shape[0] * hr.shape[1]
            place = _append(file, hr)
            lr_places = {scale: _append(file, lr) for scale, lr in lrs.items()}
            entry = {"name": item.name, "licence": licence, "hr": place, "lr": lr_places}
            if taught is not None:
                entry["teacher"] = _append(file, taught)
            entries.append(entry)
        if progress:
            progress(done, len(items))
    if not entries:
        reason = f": {skipped[0]}" if skipped else ""
        raise ScalewiseError(f"nothing to pack: no usable image among {len(items)}{reason}")
    held: dict[str, Any] = {"scales": list(scales), "entries": entries}
    if squash is not None:
        held["squash"] = squash
    if teacher is not None:
        held["teacher"] = asdict(teacher.info)
    index = json.dumps(held).encode()
    file.write(index + struct.pack("<Q", len(index)) + MAGIC)
    return PackSummary(len(entries), pixels / 1e6, file.tell(), skipped)


def _append(file: BinaryIO, pixels: Pixels) -> tuple[int, int, int]:
    place = (pixels.shape[0], pixels.shape[1], file.tell())
    file.write(np.ascontiguousarray(pixels).data)
    return place


Decoded = tuple[Pixels, dict[int, Pixels], Pixels | None]
"""HR, LR at each scale, and the teacher's image."""


def _decode_all(
    items: list[Item],
    scales: Sequence[int],
    protocol: protocols.Protocol | None,
    teacher: Teacher | None,
    workers: int,
) -> Iterator[Decoded | ScalewiseError]:
    """Decode in parallel and yield in order, holding only a few images at a time."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: list[Future[Decoded | ScalewiseError]] = []
        for item in items:
            waiting.append(pool.submit(_decode, item, scales, protocol, teacher))
            if len(waiting) > 2 * workers:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _decode(
    item: Item,
    scales: Sequence[int],
    protocol: protocols.Protocol | None,
    teacher: Teacher | None,
) -> Decoded | ScalewiseError:
    try:
        hr = read_rgb(item.hr)
        lrs = {scale: read_lr(item, hr, scale) for scale in scales}
        if protocol is not None:
            (scale,) = scales
            lrs[scale], hr = protocol.prepare(hr, lrs[scale], scale)
    except ScalewiseError as error:
        return error
    return hr, lrs, None if teacher is None else _taught(teacher, item, hr, lrs)


def _taught(teacher: Teacher, item: Item, hr: Pixels, lrs: dict[int, Pixels]) -> Pixels:
    """Return a teacher's image of HR's size, whose last rows and columns may be missing.

    A wrong one is not skipped as a damaged image is: the whole store would be in doubt.
    """
    scale = teacher.info.scale
    image = teacher.image(item.name, lrs[scale])
    whole = tuple(side // scale * scale for side in hr.shape[:2])
    if image.shape[:2] not in (hr.shape[:2], whole):
        raise ScalewiseError(
            f"{item.name}: the teacher's image is {image.shape[1]}x{image.shape[0]}, but the HR "
            f"image is {hr.shape[1]}x{hr.shape[0]}; make it from the LR image at x{scale}"
        )
    if is_grey(image) and not is_grey(hr):
        raise ScalewiseError(f"{item.name}: the teacher's image is grey, but the HR image is not")
    return image


def _entry_from_json(entry: dict[str, Any]) -> Entry:
    height, width, offset = entry["hr"]
    lr = {int(scale): tuple(place) for scale, place in entry["lr"].items()}
    teacher = tuple(entry["teacher"]) if "teacher" in entry else None
    return Entry(entry["name"], entry["licence"], (height, width), offset, lr, teacher)
