"""Error messages, warnings and progress bars of the command line."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import typer

from scalewise.errors import ScalewiseError, put_flags

_CONTEXT: ContextVar[Any] = ContextVar("context", default=None)
"""The context of the group whose command runs."""


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
def naming_flags(context: Any) -> Generator[None, None, None]:
    """Run a command of a group; its errors name its flags instead of the library's arguments."""
    token = _CONTEXT.set(context)
    try:
        yield
    except ScalewiseError as error:
        error.args = (error.with_flags(flags_in_use()),)
        raise
    finally:
        _CONTEXT.reset(token)


def flags_in_use(*, own_alone: bool = False) -> dict[str, str]:
    """Return the flags of arguments: those of the running command, then those of the others.

    Args:
        own_alone: leave out the other commands.
    """
    context = _CONTEXT.get()
    if context is None:
        return {}
    own = context.command.commands.get(context.invoked_subcommand)
    others = () if own_alone else _commands(context.find_root().command)
    flags: dict[str, str] = {}
    for command in (*others, own):
        for parameter in getattr(command, "params", ()):
            flag = next((each for each in parameter.opts if each.startswith("--")), None)
            if flag is not None and (command is own or parameter.name != "settings"):
                flags[parameter.name] = flag
    return flags


def _commands(group: Any) -> Iterator[Any]:
    for command in group.commands.values():
        if hasattr(command, "commands"):
            yield from _commands(command)
        else:
            yield command


def print_error(message: str) -> None:
    """Print an error on stderr, in one line, with the command's flags for arguments (``name=``).

    The error of one image among many is only a text, without the list of its arguments.
    """
    flags = flags_in_use(own_alone=True)
    _print_line("error:", "red", put_flags(message, tuple(flags), flags, first_word=False))


def print_warning(message: str) -> None:
    """Print a warning on stderr, in one line."""
    _print_line("warning:", "yellow", message)


def _print_line(label: str, colour: str, message: str) -> None:
    line = " ".join(message.splitlines())
    typer.echo(f"{typer.style(label, fg=colour, bold=True)} {line}", err=True)


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
