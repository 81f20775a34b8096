"""Progress bar of a command: the time elapsed and left, shown on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol


class Update(Protocol):
    """Progress callback of a bar."""

    def __call__(self, done: float, total: float | None = None, *, detail: str = "") -> None:
        """Show progress.

        Args:
            done: the amount of work that is done.
            total: the whole amount; None to leave it as it is.
            detail: a short text at the bar's end, such as the loss.
        """
        ...


@contextmanager
def progress_bar(
    description: str, total: float | None = None, *, percent: bool = False
) -> Generator[Update, None, None]:
    """Show a progress bar on stderr with the time elapsed and left; nothing if not a terminal.

    The time left is estimated from the speed of the last minute.  So it stays right for work that
    was resumed or gets slower.  Until it is known no time is shown.

    Args:
        description: the text before the bar.
        total: the whole amount of work, if known.
        percent: show percent, on a short bar that leaves room for a detail; by default, counts.

    Yields:
        The callback to report progress to.
    """
    if not (sys.stderr.isatty() or os.environ.get("FORCE_COLOR")):  # rich takes time to import
        yield _ignore
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=12 if percent else 40),
        TaskProgressColumn() if percent else MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
        console=console,
        disable=not console.is_terminal,
        transient=True,
        speed_estimate_period=60.0,
    )
    with bar:
        task = bar.add_task(description, total=total, detail="")

        def update(done: float, total: float | None = None, *, detail: str = "") -> None:
            bar.update(task, completed=done, total=total, detail=detail)

        yield update


def _ignore(done: float, total: float | None = None, *, detail: str = "") -> None:
    """Show no progress."""
