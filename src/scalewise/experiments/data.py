"""Training, validation and test data of a reproduction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scalewise.arguments import AnyPath, path_of
from scalewise.data.layouts import Dataset, find_dataset
from scalewise.errors import ScalewiseError
from scalewise.evaluating.task_protocols import evaluation_protocol
from scalewise.imaging.protocols import Protocol
from scalewise.tasks import DEJPEG, DENOISE

SCALE = 2
"""Scale of all networks that enlarge."""

DIV2K = "DIV2K"
LENNA = "lenna"
"""The image of the document's single-picture test, from Set14."""

CLEANED_BY: dict[str, tuple[Protocol, str]] = {
    DENOISE.name: (evaluation_protocol(DENOISE.name, sigma=25), "Kodak24"),
    DEJPEG.name: (evaluation_protocol(DEJPEG.name, quality=20), "classic5"),
}
"""Protocol of each cleaning task, and the set on which the field usually measures it."""


SMALL_SETS = ("Set5", "Set14")
"""The sets for ablations, comparators and first trainings, where present."""


@dataclass(frozen=True)
class Data:
    """Data of a reproduction.

    Attributes:
        train: folder of training images, or a packed store.
        valid: folder of the validation images, on which checkpoints are chosen.
        sets: test sets by name.
    """

    train: Path
    valid: Path
    sets: dict[str, Dataset]

    @property
    def single(self) -> Path | None:
        """Return the file of the document's single picture, if a set has it."""
        files = {item.name: item.hr for each in self.sets.values() for item in each.items}
        return files.get(LENNA)


def find_data(folder: AnyPath, train: AnyPath | None = None, valid: AnyPath | None = None) -> Data:
    """Find training, validation and test data in a folder.

    Args:
        folder: DIV2K itself; or a folder with ``train``, and one folder per test set in
            ``eval``.  A DIV2K folder beside these is used for training and as a test set, too.
        train: train on this folder, or packed store, instead.
        valid: validate on this folder.  By default it is the set whose name ends in ``valid``,
            or DIV2K's validation images.

    Raises:
        ScalewiseError: no training, validation or test data found.
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
        valid = named[0] if named else div2k
    if valid is None:
        raise ScalewiseError(
            f"{folder}: no validation set (DIV2K, or eval/NAME_valid); see valid=",
            arguments=["valid"],
        )
    if not sets:
        raise ScalewiseError(f"no test sets in {folder / 'eval'}")
    return Data(train, valid, sets)


def small_sets(sets: dict[str, Dataset]) -> dict[str, Dataset]:
    """Return the small test sets; without them, the first set."""
    chosen = {name: sets[name] for name in SMALL_SETS if name in sets}
    return chosen or dict(list(sets.items())[:1])


def cleaning_sets(sets: dict[str, Dataset], task: str) -> dict[str, Dataset]:
    """Return the small test sets, and the usual set of a cleaning task."""
    usual = CLEANED_BY[task][1]
    return small_sets(sets) | ({usual: sets[usual]} if usual in sets else {})


def _is_div2k(folder: Path) -> bool:
    return (folder / "DIV2K_train_HR").is_dir() and (folder / "DIV2K_valid_HR").is_dir()
