"""Packing of datasets into a store: decode each image, make its LR versions, and write both."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import AnyPath, check_scales, check_workers, path_of, require_new
from scalewise.atomic import atomic_output
from scalewise.data.reading import read_lr, read_rgb
from scalewise.data.store import MAGIC, Store, TeacherInfo
from scalewise.errors import ScalewiseError
from scalewise.imaging import protocols
from scalewise.imaging.colour import is_grey
from scalewise.imaging.protocols import squashing

if TYPE_CHECKING:
    from scalewise.data.layouts import Dataset, Item

Pixels = NDArray[np.uint8]
Progress = Callable[[int, int], None]


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


def pack(
    datasets: Sequence[Dataset],
    out: AnyPath,
    scales: Sequence[int],
    workers: int | None = None,
    progress: Progress | None = None,
    squash: int | None = None,
    teacher: Teacher | None = None,
    *,
    source: str | None = None,
    overwrite: bool = True,
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
        source: what the datasets are, to be kept in the store.
        overwrite: replace a store that is there by the end; if False, that is an error.

    Raises:
        ScalewiseError: not one image could be packed, squashing at another scale, or a
            teacher's image that is missing, unreadable or of the wrong size; or ``out`` is a
            folder, a file that is not a store, or one that may not be replaced.
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
    require_new(out, overwrite=overwrite)
    _require_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    items = [
        (item, dataset.licences.get(item.name, ""))
        for dataset in datasets
        for item in dataset.items
    ]
    # Without a fixed temporary name, or a second packing would write into the same file.
    with (
        atomic_output(out, overwrite=overwrite) as descriptor,
        os.fdopen(os.dup(descriptor), "wb") as file,
    ):
        workers = workers or os.cpu_count() or 1
        return _write(file, items, scales, squash, teacher, workers, progress, source)


def is_packed_from(path: Path, source: str, scales: Sequence[int], squash: int | None) -> bool:
    """Return whether :func:`pack` made a store of this source, scales and squashing."""
    try:
        store = Store(path)
    except ScalewiseError:
        return False
    return (store.source, store.scales, store.squash) == (source, tuple(scales), squash)


def _require_replaceable(out: Path) -> None:
    """Refuse to write a store over anything but another store."""
    if out.is_dir():
        raise ScalewiseError(f"{out}: is a folder; name a file in it, such as {out / 'train.pack'}")
    if not out.exists():
        return
    try:
        Store(out)
    except ScalewiseError:
        raise ScalewiseError(
            f"{out}: exists and is not a packed store, or a damaged one; choose another name"
        ) from None


def _write(
    file: BinaryIO,
    items: list[tuple[Item, str]],
    scales: Sequence[int],
    squash: int | None,
    teacher: Teacher | None,
    workers: int,
    progress: Progress | None,
    source: str | None,
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
    if source is not None:
        held["source"] = source
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
