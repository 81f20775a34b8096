"""Training, validation and test data of a reproduction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from scalewise.arguments import AnyPath, path_of
from scalewise.data.layouts import Dataset, find_dataset
from scalewise.errors import ScalewiseError
from scalewise.evaluating.task_protocols import evaluation_protocol
from scalewise.imaging.degradations import Degradation
from scalewise.imaging.protocols import FIELD, Protocol
from scalewise.tasks import DEJPEG, DENOISE, PHOTO

SCALE = 2
"""Scale of all networks that enlarge."""

DIV2K = "DIV2K"
LENNA = "lenna"
"""The image of the document's single-image test, from Set14."""

CLEANED_BY: dict[str, tuple[Protocol, str]] = {
    DENOISE.name: (evaluation_protocol(DENOISE.name, sigma=25), "Kodak24"),
    DEJPEG.name: (evaluation_protocol(DEJPEG.name, quality=20), "classic5"),
    PHOTO.name: (evaluation_protocol(PHOTO.name), "Kodak24"),
}
"""Protocol of each cleaning task, and the set on which the field usually measures it."""


HELD_OUT = 8
"""Training images that are held out to choose checkpoints on, where there is no other set."""

LARGE = 20
"""Images above which a set is too large to score every network on it."""

SMALL_SETS = ("Set5", "Set14")
"""The sets for ablations, comparators and first trainings, where present."""


@dataclass(frozen=True)
class Data:
    """Data of a reproduction.

    Attributes:
        train: folder of training images, or a packed store.
        valid: folder of the validation images, on which checkpoints are chosen; None to hold
            out the last training images for that.
        sets: test sets by name.
    """

    train: Path
    valid: Path | None
    sets: dict[str, Dataset]

    @property
    def single(self) -> Path | None:
        """Return the file of the document's single image, if a set has it."""
        files = {item.name: item.hr for each in self.sets.values() for item in each.items}
        return files.get(LENNA)


def find_data(folder: AnyPath, train: AnyPath | None = None, valid: AnyPath | None = None) -> Data:
    """Find training, validation and test data in a folder.

    Args:
        folder: DIV2K itself; or a folder with ``train``, and one folder per test set in
            ``eval``.  A DIV2K folder beside these is used for training and as a test set, too.
        train: train on this folder, or packed store, instead.
        valid: validate on this folder.  By default it is the set whose name ends in ``valid``.
            Without such a set, DIV2K's last training images are held out: networks are scored on
            its validation images, so no checkpoint is chosen on them.

    Raises:
        ScalewiseError: no training or test data found, or the given validation set is missing.
    """
    folder = path_of(folder, "folder")
    train = None if train is None else path_of(train, "train")
    valid = None if valid is None else path_of(valid, "valid")
    if not folder.is_dir():
        raise ScalewiseError(f"data={folder}: no such folder", arguments=["data"])
    div2k = next((each for each in (folder, folder / DIV2K) if _is_div2k(each)), None)
    sets = {DIV2K: find_dataset(div2k, "valid")} if div2k else {}
    if (folder / "eval").is_dir():
        for path in sorted(each for each in (folder / "eval").iterdir() if each.is_dir()):
            sets[path.name] = find_dataset(path)
    train = train or div2k or folder / "train"
    if not train.exists():
        raise ScalewiseError(
            f"{folder}: no training data (DIV2K, or a folder 'train'); see train=",
            arguments=["train"],
        )
    if valid is None:
        named = [each.root for name, each in sets.items() if name.lower().endswith("valid")]
        valid = named[0] if named else None
    if valid is None and (div2k is None or train.is_file()):
        raise ScalewiseError(
            f"{folder}: no validation set (eval/NAME_valid, or images of DIV2K to hold out); "
            "see valid=",
            arguments=["valid"],
        )
    if not sets:
        raise ScalewiseError(f"no test sets in {folder / 'eval'}")
    return Data(train, valid, sets)


def hold_out(dataset: Dataset) -> tuple[Dataset, Dataset]:
    """Divide a dataset into images to train on, and its last ones to choose checkpoints on.

    Raises:
        ScalewiseError: it has too few images.
    """
    count = min(HELD_OUT, len(dataset.items) // 4)
    if count < 1:
        raise ScalewiseError(
            f"{dataset.root}: too few images to hold some out; see valid=", arguments=["valid"]
        )
    return (
        replace(dataset, items=dataset.items[:-count]),
        replace(dataset, items=dataset.items[-count:]),
    )


def small_sets(sets: dict[str, Dataset]) -> dict[str, Dataset]:
    """Return the small test sets; without them, a few images of the first set."""
    if chosen := {name: sets[name] for name in SMALL_SETS if name in sets}:
        return chosen
    name, dataset = next(iter(sets.items()))
    if len(dataset.items) <= LARGE:
        return {name: dataset}
    few = dataset.items[:HELD_OUT]
    return {f"{name}, first {len(few)}": replace(dataset, items=few)}


def cleaning_sets(sets: dict[str, Dataset], task: str) -> dict[str, Dataset]:
    """Return the small test sets, and the usual set of a cleaning task."""
    usual = CLEANED_BY[task][1]
    return small_sets(sets) | ({usual: sets[usual]} if usual in sets else {})


def noisy_enlarging(sigma: float) -> Protocol:
    """Make the protocol of images that were halved, and then got noise."""
    field = FIELD.description.removeprefix(f"protocol {FIELD.name}: ")
    name = f"noise{sigma:g}-x{SCALE}"
    return replace(
        FIELD,
        name=name,
        description=(
            f"protocol {name}: input reduced (bicubic), then Gaussian noise of sigma {sigma:g}, "
            f"seeded by the image's name, not clipped; {field}"
        ),
        only_scale=SCALE,
        degrade=Degradation(sigma),
    )


def _is_div2k(folder: Path) -> bool:
    return (folder / "DIV2K_train_HR").is_dir() and (folder / "DIV2K_valid_HR").is_dir()
