"""Packing of the data of a reproduction, once, into its folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from scalewise.data.layouts import find_dataset
from scalewise.data.packing import Progress, pack
from scalewise.data.store import Store
from scalewise.errors import ScalewiseError
from scalewise.experiments.closing import FINAL_RUNS
from scalewise.experiments.data import SCALE, Data, hold_out
from scalewise.experiments.plan import full_recipe
from scalewise.experiments.results import Form
from scalewise.training.log import Notify

Packing = Callable[[], AbstractContextManager[Progress]]
"""Open a progress bar for packing; it is called with images done and in total."""


def packed_stores(
    data: Data, folder: Path, form: Form, notify: Notify, packing: Packing
) -> tuple[Path, Path]:
    """Return training and validation data; pack those of training on the first run.

    Args:
        data: of the reproduction; a packed store is taken as it is.
        folder: of the reproduction.
        form: of its recipes, which may squash images.
        notify, packing: as for :func:`scalewise.experiments.runner.reproduce`.

    Raises:
        ScalewiseError: the folder has training data that were packed from others.
    """
    source, valid = data.train, data.valid
    if source.is_file():
        assert valid is not None  # find_data holds nothing out of a packed store
        return source, valid
    store, held_out = folder / "train.pack", folder / "valid.pack"
    here = str(source.resolve())
    if store.is_file():
        packed = Store(store).source
        if packed not in (None, here):
            raise ScalewiseError(
                f"{folder}: a reproduction on {packed}; choose another folder for {source}",
                arguments=["folder"],
            )
    else:
        notify(f"packing {source}")
        dataset = find_dataset(source)
        if valid is None:
            dataset, others = hold_out(dataset)
            pack([others], held_out, [SCALE])
        squash = full_recipe(form, FINAL_RUNS[0]).data.squash
        with packing() as progress:
            summary = pack(
                *([dataset], store, [SCALE]), squash=squash, progress=progress, source=here
            )
        for reason in summary.skipped:
            notify(f"skipped: {reason}")
    return store, valid or held_out


def teacher_of(store: Path) -> str:
    """Return name and licence of a store's teacher; empty without."""
    info = Store(store).teacher_info
    return f"{info.name}, {info.licence}" if info else ""
