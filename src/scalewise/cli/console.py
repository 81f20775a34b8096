"""What every command says the same way: errors, and how far it is."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Protocol

import typer
from typer.core import TyperGroup


class Update(Protocol):
    """Tells a progress bar how much is done.

    Called with what is done and, where it has changed or was not known, the total; ``detail``
    is a short text at the bar's end, such as the loss.
    """

    def __call__(self, done: float, total: float | None = None, *, detail: str = "") -> None:
        """Show it."""
        ...


class PlainGroup(TyperGroup):
    """Commands listed without rich, which takes longer to import than all else that help needs.

    Each command's own help is rich, with its options in groups.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.rich_markup_mode = None


def print_error(message: str) -> None:
    """Say on stderr, in one line, what went wrong."""
    _print_line("error:", "red", message)


def print_warning(message: str) -> None:
    """Say on stderr, in one line, what is not as one might think."""
    _print_line("warning:", "yellow", message)


def _print_line(label: str, colour: str, message: str) -> None:
    line = " ".join(message.splitlines())
    typer.echo(f"{typer.style(label, fg=colour, bold=True)} {line}", err=True)


def is_watched() -> bool:
    """Whether stderr is a terminal, where progress bars show."""
    from rich.console import Console

    return Console(stderr=True).is_terminal


@contextmanager
def progress_bar(
    description: str, total: float | None = None, *, percent: bool = False
) -> Generator[Update, None, None]:
    """A progress bar on stderr with time elapsed and time left; silent where nobody watches.

    The time left comes from the speed of the last minute, not from the start, so that it stays
    true for work that was resumed or gets slower; until it is known no time is shown.

    Args:
        description: what is being done.
        total: how much there is to do, if known.
        percent: say how much is done in percent, on a short bar that leaves room for a detail;
            by default it is counted.
    """
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
