"""``scalewise runs``: a table of training runs with their progress and scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scalewise.imaging.protocols import Protocol
    from scalewise.training.runs import Run

RUNS = Path("runs")
"""Default folder of runs, which need not exist yet."""

NUMERIC = ("done", "steps", "PSNR-Y", "loss", "trained", "left")
HEADINGS = ("run", "network", "data", *NUMERIC, "state")
STYLES = {"training": "green", "stopped": "yellow", "damaged": "red"}
UNKNOWN = "-"
MARKS = "*+^~#"
"""Marks of protocols other than ``field``, in the order of their occurrence.

Each stands after a PSNR-Y, because scores under different protocols cannot be compared."""


def runs(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of runs, or the folder of one run.")
    ] = RUNS,
) -> None:
    """List training runs with their progress and scores.

    Runs in progress are listed too, and those that are damaged.

    Examples:
        # List the runs in runs/
        scalewise runs

        # Show one run
        scalewise runs runs/tiny

        # Update the list every minute
        watch -n 60 scalewise runs
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from scalewise.cli.tables import print_table
    from scalewise.errors import ScalewiseError
    from scalewise.training.runs import find_runs, read_run
    from scalewise.training.validation_protocol import PROTOCOL, protocol_of

    if not folder.is_dir() and folder != RUNS:
        what = "is a file, not a folder" if folder.exists() else "no such folder"
        raise ScalewiseError(f"{folder}: {what}")
    found = find_runs(folder)
    if not found:
        typer.echo(f"no runs in {folder}; start one with: scalewise train RECIPE")
        return
    table = Table(box=SIMPLE_HEAD, padding=0)  # narrow enough for 80 columns
    for heading in HEADINGS:
        justify = "right" if heading in NUMERIC else "left"
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=heading != "run")
    marks: dict[Protocol, str] = {}
    damaged: list[str] = []
    for path in found:
        name = folder.resolve().name if path == folder else str(path.relative_to(folder))
        try:
            run = read_run(path)
            protocol = protocol_of(run.recipe.data)
            marks.setdefault(protocol, _mark(protocol, marks))
            cells = _cells(run, marks[protocol])
        except ScalewiseError as error:
            cells = [*[UNKNOWN] * (len(HEADINGS) - 2), "damaged"]
            damaged.append(str(error))
        table.add_row(*map(Text, (name, *cells[:-1])), Text(cells[-1], STYLES.get(cells[-1], "")))
    notes = [
        "data: side of a patch in LR pixels x patches per step",
        "done, steps, loss: as last logged",
        "PSNR-Y: the best on the run's own validation images, in dB",
    ]
    for protocol, mark in (marks or {PROTOCOL: ""}).items():
        notes.append(f"{mark or ' '} {protocol.description}")
    notes += [f"damaged: {' '.join(reason.splitlines())}" for reason in damaged]
    print_table(table, notes)


def _mark(protocol: Protocol, marks: Mapping[Protocol, str]) -> str:
    """Return the mark of a protocol that has none yet."""
    from scalewise.training.validation_protocol import PROTOCOL

    if protocol == PROTOCOL:
        return ""
    return MARKS[sum(mark != "" for mark in marks.values()) % len(MARKS)]


def _cells(run: Run, mark: str) -> list[str]:
    """Return the cells of a run's row after its name."""
    from scalewise.training.progress import duration

    last = run.lines[-1] if run.lines else None
    trained, left, best = last and last.seconds, run.left, run.best
    return [
        run.recipe.model.name,
        f"{run.recipe.data.patch}x{run.recipe.data.batch}",
        f"{last.progress:.1%}" if last else "0.0%",
        f"{last.step:,}" if last else "0",
        UNKNOWN if best is None else f"{best:.2f}{mark}",
        f"{last.loss:.4f}" if last else UNKNOWN,
        UNKNOWN if trained is None else duration(trained),
        UNKNOWN if left is None else duration(left),
        run.state,
    ]
