"""Errors, warnings and progress bars of all commands."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import typer
from typer.core import TyperGroup

from scalewise.errors import ScalewiseError, put_flags

_CONTEXT: ContextVar[Any] = ContextVar("context", default=None)
"""The context of the group whose command runs."""


class Update(Protocol):
    """Callback that moves a progress bar.

    Called with what is done and, where it has changed or was not known, the total; ``detail``
    is a short text at the bar's end, such as the loss.
    """

    def __call__(self, done: float, total: float | None = None, *, detail: str = "") -> None:
        """Show it."""
        ...


class PlainGroup(TyperGroup):
    """Group of commands, which are listed without rich and whose errors name flags.

    To import rich takes longer than all else that help needs.  Each command's own help is rich,
    with its options in groups.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.rich_markup_mode = None

    def invoke(self, ctx: Any) -> Any:
        """Run a command; its errors name its flags instead of the library's arguments."""
        token = _CONTEXT.set(ctx)
        try:
            return super().invoke(ctx)
        except ScalewiseError as error:
            error.args = (error.with_flags(flags_in_use()),)
            raise
        finally:
            _CONTEXT.reset(token)


def flags_in_use(*, own_alone: bool = False) -> dict[str, str]:
    """Return argument -> flag for the command that runs, and for the others where they differ.

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

    One that a run over many images survives is a text by now, without the list of its arguments.
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
    """Show a progress bar on stderr with time elapsed and time left; only in a terminal.

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
