"""Help of every command: 80 columns, three examples that parse, one style of options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import scalewise.cli.help
from scalewise.arguments import listed
from scalewise.cli.app import app
from scalewise.cli.usage_errors import UsageError
from scalewise.tasks import TASKS

ROOT: Any = get_command(app)
PANELS = {
    value for name, value in vars(scalewise.cli.help).items() if name.isupper() and name[0] != "_"
}


def commands(
    command: Any = ROOT, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group, by its words after ``scalewise``."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


COMMANDS = dict(commands())
LEAVES = {path: command for path, command in COMMANDS.items() if not hasattr(command, "commands")}


def help_of(path: tuple[str, ...]) -> str:
    result = CliRunner().invoke(
        app, [*path, "--help"], prog_name="scalewise", env={"COLUMNS": "80"}
    )
    assert result.exit_code == 0, result.output
    return result.output


def examples_of(path: tuple[str, ...]) -> list[str]:
    """The command lines below ``Examples:``, as a shell would split them at pipes."""
    _, _, text = help_of(path).partition("Examples:\n")
    lines = [line.strip() for line in text.splitlines() if line.startswith("  ")]
    return [line for line in lines if line and not line.startswith("#")]


def parse(line: str) -> None:
    """Parse what an example calls of scalewise, as far as to its arguments.

    Raises:
        UsageError: it does not parse.
    """
    part = re.split(r"[|<>]", line[line.index("scalewise ") :])[0]
    words = shlex.split(part)[1:]
    command = ROOT
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_fits_80_columns(path: tuple[str, ...]) -> None:
    text = help_of(path)
    assert max(map(len, text.splitlines())) <= 80
    assert f"Usage: {' '.join(('scalewise', *path))} " in text
    assert "picture" not in text.lower()  # the field's word is image


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_has_three_examples_that_parse(path: tuple[str, ...]) -> None:
    examples = examples_of(path)
    assert len(examples) == 3
    for line in examples:
        parse(line)
    if path:
        assert any(" ".join(("scalewise", *path)) in line for line in examples)


@pytest.mark.parametrize("line", ["scalewise upscale", "scalewise data pack a -o b --nonesuch 1"])
def test_an_example_that_does_not_parse_is_found(line: str) -> None:
    with pytest.raises(UsageError, match=r"missing|no such option"):
        parse(line)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_options_are_described_in_one_style(path: tuple[str, ...]) -> None:
    for param in LEAVES[path].params:
        text, panel = param.help or "", getattr(param, "rich_help_panel", None)
        assert re.fullmatch(r"[A-Z].*\.", text, re.DOTALL), f"{param.name}: a sentence"
        assert panel in {None, *PANELS}, f"{param.name}: a group that other commands do not have"
        if not getattr(param, "is_flag", False):
            assert param.metavar, f"{param.name}: no metavar"
        least, most = getattr(param, "min", None), getattr(param, "max", None)
        if least is not None and most is not None:
            assert f"{least:g}-{most:g}" in text, f"{param.name}: its range"


def test_restore_says_which_tasks_double_the_size() -> None:
    (param,) = (each for each in LEAVES["restore",].params if each.name == "task")
    doubling = [task.name for task in TASKS.values() if task.is_degraded and not task.keeps_size]
    assert f"The size is doubled by {listed(doubling)};" in param.help


def test_the_first_page_says_what_each_command_does_in_a_line() -> None:
    text = help_of(())
    for (name, *rest), command in LEAVES.items():
        if not rest:
            line = command.help.partition("\n")[0]
            assert re.search(rf"^  {name} +{re.escape(line)}$", text, re.MULTILINE), name
            assert line.endswith(".")


def test_the_first_page_ends_with_the_exit_statuses() -> None:
    *_, last = help_of(()).split("\n\n")
    assert re.findall(r"\b\d+(?= if)", last) == ["0", "1", "2", "130"]
    assert "Exit status" not in help_of(("data",))
