"""Tables on stdout, as wide as their content where no terminal limits them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


def print_table(table: Table, notes: Iterable[str] = ()) -> None:
    """Print a table, and lines below it.

    On a terminal the table is fitted to its width.  In a pipe or a file no cell is cut or wrapped.

    Args:
        table: the table, without a caption.
        notes: lines such as the protocol of the scores; each is broken at spaces, as everywhere.
    """
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = console.measure(table, options=console.options.update(width=10**6)).maximum
    console.print(table)
    print_lines(notes)


def print_lines(lines: Iterable[str]) -> None:
    """Print lines, each broken at spaces as everywhere."""
    from rich.console import Console

    from scalewise.evaluating.text_layout import wrapped

    console = Console()
    for line in lines:
        console.print(wrapped(line), soft_wrap=True, markup=False, highlight=False)
