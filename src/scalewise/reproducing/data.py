"""The data of a reproduction: what is learned from, chosen on and measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scalewise.data.layouts import Dataset, find_dataset
from scalewise.errors import ScalewiseError
from scalewise.evaluating.protocols import evaluation_protocol
from scalewise.imaging.protocols import Protocol
from scalewise.tasks import DEJPEG, DENOISE

DIV2K = "DIV2K"
LENNA = "lenna"
"""The picture that the document's test on a single picture uses, from Set14."""

CLEANED_BY: dict[str, tuple[Protocol, str]] = {
    DENOISE.name: (evaluation_protocol(DENOISE.name, sigma=25), "Kodak24"),
    DEJPEG.name: (evaluation_protocol(DEJPEG.name, quality=20), "classic5"),
}
"""What networks that clean are measured by, and the set on which the field measures that, too."""


@dataclass(frozen=True)
class Data:
    """What a folder of data offers.

    Attributes:
        train: what networks learn from: a folder of pictures, or a packed store.
        valid: the folder of the set that checkpoints are chosen on.
        sets: what is measured on, by name.
    """

    train: Path
    valid: Path
    sets: dict[str, Dataset]

    @property
    def single(self) -> Path | None:
        """The document's single picture, where a set has it."""
        files = {item.name: item.hr for each in self.sets.values() for item in each.items}
        return files.get(LENNA)


def find_data(folder: Path, train: Path | None = None, valid: Path | None = None) -> Data:
    """See what a folder has.

    Args:
        folder: DIV2K itself; or a folder with ``train`` and, in ``eval``, one folder for every
            set.  DIV2K beside these is learned from and measured on, too.
        train: learn from this folder, or packed store, instead.
        valid: choose checkpoints on this folder instead of the set whose name ends in
            ``valid``, or of DIV2K's validation pictures.

    Raises:
        ScalewiseError: nothing to learn from, to choose on or to measure on.
    """
    if not folder.is_dir():
        raise ScalewiseError(f"--data: no such folder: {folder}")
    div2k = next((each for each in (folder, folder / DIV2K) if _is_div2k(each)), None)
    sets = {DIV2K: find_dataset(div2k, "valid")} if div2k else {}
    if (folder / "eval").is_dir():
        for path in sorted(each for each in (folder / "eval").iterdir() if each.is_dir()):
            sets[path.name] = find_dataset(path)
    train = train or div2k or folder / "train"
    if not train.exists():
        raise ScalewiseError(f"{folder}: neither DIV2K nor a folder 'train' in it; see --train")
    if valid is None:
        named = [each.root for name, each in sets.items() if name.lower().endswith("valid")]
        valid = named[0] if named else div2k
    if valid is None:
        raise ScalewiseError(
            f"{folder}: no set to choose checkpoints on (DIV2K, or eval/NAME_valid); see --valid"
        )
    if not sets:
        raise ScalewiseError(f"{folder}: nothing to measure on: no sets in {folder / 'eval'}")
    return Data(train, valid, sets)


def _is_div2k(folder: Path) -> bool:
    return (folder / "DIV2K_train_HR").is_dir() and (folder / "DIV2K_valid_HR").is_dir()
