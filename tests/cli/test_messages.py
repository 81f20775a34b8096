"""Errors and warnings in one line, with flags for argument names."""

from __future__ import annotations

import warnings
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from scalewise.cli.help import HelpGroup
from scalewise.cli.messages import flags_in_use, print_error, print_warning
from scalewise.errors import ScalewiseError, ScalewiseWarning, warn


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("über\n.png: is [no] picture at all\n")
    assert capsys.readouterr().err == "error: über\\n.png: is [no] picture at all\n"


def test_control_characters_of_names_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    print_warning("a\x1b[2J\tb\r\n\u2028\udcff\udcfe.png: kept as é")
    assert capsys.readouterr().err == (
        "warning: a\\x1b[2J\\tb\\r\\n\\u2028\\xff\\xfe.png: kept as é\n"
    )


def flagged(*arguments: str) -> str:
    """The message of a command that fails, and of its warning."""
    app = typer.Typer(cls=HelpGroup)
    inner = typer.Typer(cls=HelpGroup)
    app.add_typer(inner, name="data")

    @inner.command()
    def pack(squash: int = 0) -> None:
        raise ScalewiseError("squash must be above 0; leave out squash=0", arguments=["squash"])

    @app.command()
    def train(
        trunk: Annotated[str, typer.Option("--from", "-f")] = "",
        accept_changes: bool = False,
        settings: Annotated[str, typer.Option("--set")] = "",
    ) -> None:
        warn("another number needs levels=3 or the like", arguments=["levels"])
        raise ScalewiseError(
            "trunk=/runs/x: not there; leave out trunk=, add accept_changes=True, or pack "
            "with squash=16; x.trunk=2 and accept_changes are other words",
            arguments=["trunk", "accept_changes", "squash"],
        )

    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: said.append(
            message.with_flags(flags_in_use()) if isinstance(message, ScalewiseWarning) else ""
        )
        said: list[str] = []
        result = CliRunner().invoke(app, list(arguments))
    return " | ".join([*said, str(result.exception)])


def test_errors_and_warnings_name_flags_in_place_of_arguments() -> None:
    assert flagged("train") == (
        "another number needs --set levels=3 or the like | "
        "--from /runs/x: not there; leave out --from, add --accept-changes, or pack "
        "with --squash 16; x.trunk=2 and accept_changes are other words"
    )
    assert flagged("data", "pack") == "--squash must be above 0; leave out --squash 0"
    assert flags_in_use() == {}
