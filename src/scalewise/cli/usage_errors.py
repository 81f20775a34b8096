"""Usage errors of the command line: one line each, and exit status 2."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer

from scalewise.cli.messages import flags_in_use, print_error
from scalewise.errors import ScalewiseError

OTHER_NAMES = {
    "benchmark": "evaluate",
    "denoise": "restore",
    "enhance": "upscale",
    "enlarge": "upscale",
    "export": "convert",
    "finetune": "train",
    "info": "models",
    "infer": "upscale",
    "list": "models",
    "score": "evaluate",
    "sr": "upscale",
    "test": "evaluate",
    "web": "serve",
}
"""Names that other tools give to what a command here does -> its name."""

_ParserError: Any = typer.BadParameter.__base__
"""Common class of the parser's errors; typer does not export it."""


class UsageError(typer.BadParameter):
    """A command line that cannot be run, whatever the files contain; typer exits with status 2.

    Args:
        message: one line, with flags and not the library's arguments.
    """

    def format_message(self) -> str:
        """Return the line."""
        return self.message

    def show(self, file: Any = None) -> None:
        """Print the line like any other error, without the usage of the command."""
        print_error(self.message)


@contextmanager
def explaining_usage(context: Any, words: Sequence[str] = ()) -> Generator[None, None, None]:
    """Turn the parser's errors into a :class:`UsageError`.

    Args:
        context: that of the command whose line is parsed.
        words: its line.
    """
    try:
        yield
    except UsageError:
        raise
    except _ParserError as error:
        context = error.ctx or context
        message = _explain(error, context, words)
        mark = " See" if message.endswith("?") else "; see"
        raise UsageError(f"{message}{mark} '{context.command_path} --help'") from error


@contextmanager
def refusing_usage() -> Generator[None, None, None]:
    """Turn the library's refusal of options into a :class:`UsageError`, which names flags."""
    try:
        yield
    except ScalewiseError as error:
        raise UsageError(error.with_flags(flags_in_use())) from None


def _explain(error: Any, context: Any, words: Sequence[str]) -> str:
    kind = type(error).__name__
    param: Any = getattr(error, "param", None)
    if kind == "NoSuchOption":
        typed = _as_typed(error.option_name, words)
        if Path(typed).exists():
            return f"no such option: {typed}; for the file of this name write ./{typed}"
        return _unknown("option", typed, _flags(context))
    if kind == "MissingParameter":
        return f"missing {param.param_type_name} {_name(param)}"
    if kind == "BadOptionUsage":
        needs = "needs a" if "requires" in error.message else "takes no"
        return f"{error.option_name} {needs} value"
    if kind == "BadParameter" and param is not None:
        return _bad_value(error, param)
    if found := re.match(r"No such command '(.*?)'", error.message):
        commands = list(context.command.commands)
        meant = OTHER_NAMES.get(found[1])
        if meant in commands:
            return f"no such command: {found[1]}; did you mean {meant}?"
        return _unknown("command", found[1], commands)
    if found := re.match(r"Got unexpected extra arguments?\S* \((.*)\)", error.message):
        return f"unexpected argument {found[1]}"
    return error.format_message()


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    bare = {each.lstrip("-"): each for each in known}
    typed = name.lstrip("-")
    starting = [each for each in bare if len(typed) > 1 and each.startswith(typed)]
    close = starting or get_close_matches(typed, [each for each in bare if len(each) > 1], 1)
    suggestion = f"; did you mean {' or '.join(bare[each] for each in close)}?" if close else ""
    return f"no such {what}: {name}{suggestion}"


def _as_typed(option: str, words: Sequence[str]) -> str:
    """Return an option as the user wrote it: ``-scale``, of which the parser names ``-s``."""
    if option.startswith("--"):
        return option
    typed = (each.partition("=")[0] for each in words)
    return next((each for each in typed if each.startswith(option) and len(each) > 2), option)


def _flags(context: Any) -> list[str]:
    params = context.command.get_params(context)
    return [flag for each in params for flag in (*each.opts, *each.secondary_opts)]


def _name(param: Any) -> str:
    metavar = param.metavar or param.name.upper()
    return metavar if param.param_type_name == "argument" else f"{_flag(param)} {metavar}"


def _flag(param: Any) -> str:
    return next((each for each in param.opts if each.startswith("--")), param.opts[0])


def _bad_value(error: Any, param: Any) -> str:
    """Return the message of a value that an option or an argument cannot have."""
    name = param.metavar if param.param_type_name == "argument" else _flag(param)
    message = error.message.removeprefix("Value error, ").removesuffix(".")
    for pattern, wanted in _WANTED.items():
        if found := re.match(pattern, message):
            parts = found.groupdict()
            value = parts.get("value") or _input(error)
            wanted = wanted.format(range=_range(param), choices=parts.get("choices", ""))
            return f"{name} must be {wanted.replace(chr(39), '').strip(' ,')}, not {value}"
    return f"{name}: {message}"  # what a callback of ours says


_WANTED = {
    "Input should be (less|greater) than": "{range}",
    r"(?P<value>\S+) is not in the range": "{range}",
    "Input should be a valid integer": "a whole number, {range}",
    r"'(?P<value>.*)' is not a valid int": "a whole number, {range}",
    "Input should be a valid number": "a number, {range}",
    r"'(?P<value>.*)' is not a valid float": "a number, {range}",
    "'(?P<value>.*)' is not one of (?P<choices>.*)": "one of {choices}",
}
"""Messages of the parser, in several versions of typer -> the phrase after "must be"."""


def _input(error: Any) -> str:
    """Return the value that pydantic, which newer versions of typer use, has refused."""
    value = error.__cause__.errors()[0]["input"]
    return f"{value:g}" if isinstance(value, float) else str(value) or "empty"


def _range(param: Any) -> str:
    low, high = getattr(param, "min", None), getattr(param, "max", None)
    if high is None:
        return "" if low is None else f"{low:g} or more"
    return f"at most {high:g}" if low is None else f"{low:g}-{high:g}"
