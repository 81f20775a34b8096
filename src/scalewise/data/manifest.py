"""``MANIFEST.csv``: where a dataset's pictures come from and under which licence."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from scalewise.errors import ScalewiseError

MANIFEST = "MANIFEST.csv"


@dataclass(frozen=True)
class ManifestRow:
    """One file of a manifest.

    Attributes:
        file: relative to the manifest's folder, '/'-separated.
        licence: as stated; empty where nothing is.
    """

    file: str
    licence: str


def read_manifest(folder: Path) -> list[ManifestRow]:
    """The rows of a folder's manifest (columns file, width, height, source, licence).

    Returns:
        The rows in their order; none where the folder has no manifest.

    Raises:
        ScalewiseError: not UTF-8, not a table, or without the columns file and licence.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, restval="")
            return [ManifestRow(row["file"], row["licence"].strip()) for row in table]
    except KeyError as error:
        raise ScalewiseError(
            f"{path} has no column {error}; it needs at least file and licence"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ScalewiseError(f"{path} is not a UTF-8 table: {error}") from None
