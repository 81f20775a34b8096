"""Error messages and warnings of the command line, with flags for argument names."""

from __future__ import annotations

import unicodedata
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import typer

from scalewise.errors import ScalewiseError, put_flags

_CONTEXT: ContextVar[Any] = ContextVar("context", default=None)
"""The context of the group whose command runs."""

_INVISIBLE = {"Cc", "Cs", "Zl", "Zp"}
"""Categories of characters: control, surrogate, end of a line, end of a paragraph."""
_FIRST_BYTE = 0xDC00
"""Surrogate that stands for the byte 0, as Python decodes names of files (PEP 383)."""


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


def put_own_flags(message: str) -> str:
    """Return a message with the running command's flags for arguments (``name=``).

    What is said of one image among many is only a text, without the list of its arguments.
    """
    flags = flags_in_use(own_alone=True)
    return put_flags(message, tuple(flags), flags, first_word=False)


def print_error(message: str) -> None:
    """Print an error on stderr, in one line, with the command's flags for arguments (``name=``)."""
    _print_line("error:", "red", put_own_flags(message))


def print_warning(message: str) -> None:
    """Print a warning on stderr, in one line."""
    _print_line("warning:", "yellow", message)


def one_line(message: str) -> str:
    r"""Return a message in one line, whatever the names in it.

    Control characters and ends of lines are escaped, and so are the bytes of names that are not
    valid text.

    >>> one_line("a\nb\x1b[2J\udcff.png: no such file")
    'a\\nb\\x1b[2J\\xff.png: no such file'
    """
    return "".join(map(_visible, message.strip()))


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _INVISIBLE:
        return character
    byte = ord(character) - _FIRST_BYTE
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else ascii(character)[1:-1]


def _print_line(label: str, colour: str, message: str) -> None:
    typer.echo(f"{typer.style(label, fg=colour, bold=True)} {one_line(message)}", err=True)
