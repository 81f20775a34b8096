"""Logs that an experiment keeps beside the run's own: validations, gradients, divergence.

A run's own log has the PSNR-Y of each validation.  The document also plots loss and PSNR, and
claims that normalisation stabilises training; so a reproduction keeps ``validation.csv`` and
``gradients.csv`` next to that log.
"""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TypeVar

from scalewise.errors import ScalewiseError

VALIDATION_FILE = "validation.csv"
GRADIENT_FILE = "gradients.csv"
DIVERGED_FILE = "diverged.json"


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


@dataclass(frozen=True)
class GradientLine:
    """Norms of the gradient, before they are clipped, of the steps since the line before.

    Attributes:
        step: optimizer steps done.
        mean: of the norms.
        deviation: their standard deviation.
        largest: the largest of them.
    """

    step: int
    mean: float
    deviation: float
    largest: float


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """End of a run that diverged; it would diverge again from its last checkpoint.

    Attributes:
        step: optimizer steps done when it was seen.
        reason: what diverged, such as ``the loss stopped being finite by step 120``.
    """

    step: int
    reason: str


L = TypeVar("L", ValidationLine, GradientLine)


def read_validations(run: Path) -> list[ValidationLine]:
    """Return the validations of a run, oldest first; none if they were not kept.

    Raises:
        ScalewiseError: the file is damaged.
    """
    return _read(run / VALIDATION_FILE, ValidationLine)


def read_gradients(run: Path) -> list[GradientLine]:
    """Return the gradient norms of a run, oldest first; none if they were not kept.

    Raises:
        ScalewiseError: the file is damaged.
    """
    return _read(run / GRADIENT_FILE, GradientLine)


def append_validation(run: Path, line: ValidationLine) -> None:
    """Write a line into a run's folder, under a header if it is the first."""
    _append(run / VALIDATION_FILE, line)


def append_gradients(run: Path, line: GradientLine) -> None:
    """Write a line into a run's folder, under a header if it is the first."""
    _append(run / GRADIENT_FILE, line)


def _read(path: Path, kind: type[L]) -> list[L]:
    if not path.is_file():
        return []
    values = [each.name for each in fields(kind)][1:]
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = [
                kind(int(row["step"]), *(float(row[x]) for x in values))
                for row in csv.DictReader(file)
            ]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ScalewiseError(f"{path}: not a log of an experiment; delete it") from error
    # A run that was killed repeats what came after its checkpoint.
    return sorted({line.step: line for line in lines}.values(), key=lambda line: line.step)


def _append(path: Path, line: ValidationLine | GradientLine) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [each.name for each in fields(line)])
        if is_new:
            writer.writeheader()
        writer.writerow(asdict(line))
