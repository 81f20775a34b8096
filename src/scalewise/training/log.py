"""Training log: the lines of ``log.csv``, read and written without PyTorch."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from scalewise.arguments import AnyPath, path_of
from scalewise.atomic import write_atomic
from scalewise.errors import ScalewiseError

Notify = Callable[[str], None]
"""Called with one line of text for an event that a run survives."""

LOG_FILE = "log.csv"
"""The log's name in a run's folder."""

FURTHER = "psnr_y/"
"""Start of the names of columns with the scores of further validation sets."""


@dataclass(frozen=True)
class LogLine:
    """One line of the log.

    Attributes:
        step: optimizer steps done.
        seconds: training time so far, without pauses between kill and resume; not in the file
            of a deterministic run, which depends on the recipe alone.
        progress: completed part of the budget, in [0, 1].
        rate: learning rate.
        loss: mean over the steps since the line before; on the first line of a run that starts
            from trained weights, of one batch before the first step.
        psnr_y: PSNR-Y in dB of the averaged weights on the first validation set, if just measured.
        further: the same on the other validation sets, by name.
    """

    step: int
    seconds: float | None
    progress: float
    rate: float
    loss: float
    psnr_y: float | None
    further: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def values(self) -> dict[str, float]:
        """Loss, rate and scores by name, as far as the line has them."""
        scores = {f"{FURTHER}{name}": score for name, score in self.further.items()}
        found = {"loss": self.loss, "rate": self.rate, "psnr_y": self.psnr_y, **scores}
        return {name: value for name, value in found.items() if value is not None}


COLUMNS = [each.name for each in dataclasses.fields(LogLine) if each.name != "further"]
"""Columns that every log has."""


class Listener(Protocol):
    """Receiver of a run's log lines, such as a progress bar or TensorBoard."""

    def on_line(self, line: LogLine) -> None:
        """Receive a line that was logged."""
        ...


def keep_quiet(_: str) -> None:
    """Discard a line."""


class RunLog:
    """Log file of a run that is being trained.

    A line that cannot be written to a full disk is kept and written with the next one.

    Args:
        path: the file.
        timed: whether to write the seconds of the run.
        further: names of the validation sets after the first one.
    """

    def __init__(self, path: Path, timed: bool = True, further: Iterable[str] = ()) -> None:
        self.path = path
        self._timed = timed
        self._columns = [*COLUMNS, *(FURTHER + name for name in further)]
        self._waiting = ""

    def append(self, line: LogLine) -> None:
        """Write a line, under a header if it is the first.

        Raises:
            OSError: it cannot be written yet; the file is unchanged.
        """
        if not self._timed:
            line = dataclasses.replace(line, seconds=None)
        cells = {**{name: getattr(line, name) for name in COLUMNS}, **line.values}
        found = (cells.get(name) for name in self._columns)
        self._waiting += _row("" if value is None else value for value in found)
        size = self.path.stat().st_size if self.path.exists() else 0
        header = "" if size else _row(self._columns)
        try:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                file.write(header + self._waiting)
        except OSError:
            _cut(self.path, size)
            raise
        self._waiting = ""

    def forget_after(self, step: int) -> None:
        """Drop the lines that an interrupted run logged after its checkpoint of ``step``."""
        self._waiting = ""
        if not self.path.exists():
            return
        header, *lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
        kept = [line for line in lines if line.endswith("\n") and int(line.split(",")[0]) <= step]
        if kept:
            header, kept = self._with_columns(header, kept)
        write_atomic(self.path, (header + "".join(kept)).encode() if kept else b"")

    def _with_columns(self, header: str, lines: list[str]) -> tuple[str, list[str]]:
        """Add the columns of new validation sets to old lines, and keep those of old sets."""
        (old,) = csv.reader([header])
        new = [name for name in self._columns if name not in old]
        self._columns = [*old, *new]
        if not new:
            return header, lines
        return _row(self._columns), [line[:-1] + "," * len(new) + "\n" for line in lines]


def read_log(run: AnyPath) -> list[LogLine]:
    """Return the lines of a run's log, oldest first; none if it has not logged yet.

    A last line that is being written is left out.

    Raises:
        ScalewiseError: the file is not such a log.
    """
    run = path_of(run, "run")
    path = run / LOG_FILE
    if not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        return [
            LogLine(
                step=int(row["step"]),
                seconds=float(row["seconds"]) if row["seconds"] else None,
                progress=float(row["progress"]),
                rate=float(row["rate"]),
                loss=float(row["loss"]),
                psnr_y=float(row["psnr_y"]) if row["psnr_y"] else None,
                further={
                    name.removeprefix(FURTHER): float(score)
                    for name, score in row.items()
                    if name.startswith(FURTHER) and score
                },
            )
            for row in csv.DictReader(io.StringIO(whole))
        ]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ScalewiseError(f"{path}: not the log of a training run") from error


def best_psnr_y(lines: Iterable[LogLine]) -> float | None:
    """Return the best PSNR-Y of a log in dB, if any was measured."""
    return max((line.psnr_y for line in lines if line.psnr_y is not None), default=None)


def _cut(path: Path, size: int) -> None:
    """Cut a file to a size, if it exists."""
    if path.exists():
        with path.open("r+b") as file:
            file.truncate(size)


def _row(values: object) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)  # pyright: ignore[reportArgumentType]
    return text.getvalue()
