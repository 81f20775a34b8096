"""Help texts of the command line: plain text that fits 80 columns.

A command's docstring is its help: what a user gets in the first line, short paragraphs, and under
``Examples:`` lines for a shell.  Rich is not used, because importing it takes longer than all else
that help needs.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from scalewise.cli.messages import naming_flags
from scalewise.cli.usage_errors import explaining_usage

RESTORE, MEASURE, TRAIN, PUBLISH = "Restore", "Measure", "Train", "Publish"
"""Groups of commands."""

SIZE, DEGRADATION, INPUT, DATA = "Size", "Degradation", "Input", "Data"
TEACHER, OUTPUT, COMPUTE, LIMITS = "Teacher", "Output", "Compute", "Limits"
"""Groups of options, with the same names in every command; the others are under ``Options``."""

EXIT_STATUS = """
Exit status: 0 if all was done, 1 if a file or a value was refused, 2 if the
command line was wrong, 130 if interrupted. Errors are lines on stderr.
"""
"""End of the main help."""

Rows = list[tuple[str, str]]
"""Commands, arguments or options, each with its description."""

_ORDER = (SIZE, DEGRADATION, INPUT, DATA, TEACHER, OUTPUT, COMPUTE, LIMITS)
_COLUMN = 26
"""The column of descriptions; longer options have a line of their own."""


class HelpCommand(TyperCommand):
    """A command with plain help, and errors in one line."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of a command line."""
        with explaining_usage(ctx, tuple(args)):
            return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the command's name in its usage."""
        return ["[OPTIONS]", *map(_usage_of, _arguments(self.params))]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        sections = [("Arguments", [_row(each) for each in _arguments(self.params)])]
        params: list[Any] = list(self.get_params(ctx))
        for panel in (None, *_ORDER):
            rows = [
                _row(each)
                for each in params
                if each.param_type_name == "option"
                and getattr(each, "rich_help_panel", None) == panel
                and not each.hidden
            ]
            sections.append((panel or "Options", rows))
        formatter.write(_help(self, ctx, sections, formatter.width))


class HelpGroup(TyperGroup):
    """A group of commands with plain help, and errors in one line that name flags."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.rich_markup_mode = None  # also of the errors, which rich would put into boxes

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words before the command; without any word, show the help.

        A shell that completes names parses a line without words, too, resiliently.
        """
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(2)
        with explaining_usage(ctx, tuple(args)):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        with explaining_usage(ctx), naming_flags(ctx):
            return super().invoke(ctx)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the group's name in its usage."""
        return ["COMMAND [OPTIONS]"]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        panels: dict[str, Rows] = {each: [] for each in (RESTORE, MEASURE, TRAIN, PUBLISH)}
        for name in sorted(self.list_commands(ctx), key=self._is_command):
            command: Any = self.get_command(ctx, name)
            panel = command.rich_help_panel if isinstance(command.rich_help_panel, str) else ""
            line = (command.help or "").strip().partition("\n")[0]
            panels.setdefault(panel or "Commands", []).append((name, line))
        options = [_row(each) for each in self.get_params(ctx)]
        text = _help(self, ctx, [*panels.items(), ("Options", options)], formatter.width)
        formatter.write(f"{text}\nRun '{ctx.command_path} COMMAND --help' for a command's help.\n")
        if ctx.parent is None:
            formatter.write(EXIT_STATUS)

    def _is_command(self, name: str) -> bool:
        return not isinstance(self.commands[name], TyperGroup)


def _help(command: Any, ctx: Any, sections: Sequence[tuple[str, Rows]], width: int) -> str:
    about, _, examples = (command.help or "").partition("\nExamples:\n")
    parts = [_fill(each, width) for each in about.strip().split("\n\n")]
    usage = f"Usage: {ctx.command_path} {' '.join(command.collect_usage_pieces(ctx))}"
    parts.append(_fill(usage, width, " " * 7))
    for title, rows in sections:
        if rows:
            # The options of a command are aligned with each other, in all of its groups.
            aligned = (
                rows if isinstance(command, HelpGroup) else [row for _, r in sections for row in r]
            )
            column = min(_COLUMN, max(len(term) for term, _ in aligned) + 4)
            lines = "\n".join(_columns(term, text, column, width) for term, text in rows)
            parts.append(f"{title}:\n{lines}")
    if examples:
        lines = textwrap.indent(textwrap.dedent(examples).strip(), "  ")
        parts.append(f"Examples:\n{lines}")
    return "\n\n".join(parts) + "\n"


def _fill(text: str, width: int, indent: str = "") -> str:
    return textwrap.fill(text, width, subsequent_indent=indent, break_on_hyphens=False)


def _columns(term: str, text: str, column: int, width: int) -> str:
    lines = _fill(text, width - column).splitlines() or [""]
    first = f"  {term}"
    if len(first) + 2 > column:
        return "\n".join([first, *(" " * column + line for line in lines)])
    return "\n".join([f"{first:{column}}{lines[0]}", *(" " * column + line for line in lines[1:])])


def _arguments(params: Iterable[Any]) -> list[Any]:
    return [each for each in params if each.param_type_name == "argument"]


def _usage_of(argument: Any) -> str:
    name = _name_of(argument)
    return name if argument.required else f"[{name}]"


def _name_of(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return f"{name}..." if argument.nargs == -1 else name


def _row(param: Any) -> tuple[str, str]:
    """Return an argument or an option, and what it is for."""
    if param.param_type_name == "argument":
        term = _name_of(param)
    else:
        names = sorted([*param.opts, *param.secondary_opts], key=lambda name: name[:2] == "--")
        term = ", ".join(names)
        if not param.is_flag:
            term += f" {param.metavar or param.name.upper()}"
    return term, _with_default(param)


def _with_default(param: Any) -> str:
    """Return a description with the default value, unless it says that or there is none."""
    text, value = param.help or "", param.default
    if param.param_type_name == "option" and param.required:
        note = "required"
    elif (
        value is None
        or isinstance(value, bool | list | tuple)
        or not param.show_default
        or "default" in text
    ):
        return text
    else:
        note = f"default: {value:g}" if isinstance(value, float) else f"default: {value}"
    return f"{text.removesuffix('.')} ({note})."
