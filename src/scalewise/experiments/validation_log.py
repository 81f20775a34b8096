"""Loss, PSNR and PSNR-Y of every validation, for curves against epochs.

A run's own log has the PSNR-Y of each validation.  The document also plots loss and PSNR, so a
reproduction keeps ``validation.csv`` next to that log.
"""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from scalewise.errors import ScalewiseError

VALIDATION_FILE = "validation.csv"


@dataclass(frozen=True)
class ValidationLine:
    """One validation of a run.

    Attributes:
        step: optimizer steps done.
        loss: L1 and SmoothL1 as in training, of whole restored images rounded to 8 bits.
        psnr: mean PSNR over RGB in dB.
        psnr_y: mean PSNR over Y in dB.
    """

    step: int
    loss: float
    psnr: float
    psnr_y: float


def read_validations(run: Path) -> list[ValidationLine]:
    """Return the validations of a run, oldest first; none if they were not kept.

    Raises:
        ScalewiseError: the file is damaged.
    """
    path = run / VALIDATION_FILE
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = [
                ValidationLine(
                    int(row["step"]), *(float(row[x]) for x in ("loss", "psnr", "psnr_y"))
                )
                for row in csv.DictReader(file)
            ]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ScalewiseError(f"{path}: not the validations of a run; delete it") from error
    # A run that was killed repeats what came after its checkpoint.
    return sorted({line.step: line for line in lines}.values(), key=lambda line: line.step)


def append_validation(run: Path, line: ValidationLine) -> None:
    """Write a line into a run's folder, under a header if it is the first."""
    run.mkdir(parents=True, exist_ok=True)
    path = run / VALIDATION_FILE
    is_new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [each.name for each in fields(ValidationLine)])
        if is_new:
            writer.writeheader()
        writer.writerow(asdict(line))
