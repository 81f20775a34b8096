"""Wrong usage of the command line: one line in the style of all errors, and exit status 2."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from scalewise.cli.app import app, main
from scalewise.cli.usage_errors import OTHER_NAMES, UsageError, explaining_usage


def status_and_line(*arguments: str) -> tuple[int, str]:
    """The exit status of a command line, and the only line that it prints."""
    result = CliRunner().invoke(app, arguments, prog_name="scalewise")
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return result.exit_code, line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("upscale --scal 2 a.png", "no such option: --scal; did you mean --scale? See"),
        ("upscale -scale 2 a.png", "no such option: -scale; did you mean --scale? See"),
        ("upscale --overwite a.png", "no such option: --overwite; did you mean --overwrite? See"),
        ("upscale -z a.png", "no such option: -z; see"),
        ("upscale --frobnicate a.png", "no such option: --frobnicate; see"),
        ("upscale", "missing argument IMAGE; see"),
        ("data pack photos", "missing option --output PACK; see"),
        ("upscale a.png --scale", "--scale needs a value; see"),
        ("upscale a.png --overwrite=yes", "--overwrite takes no value; see"),
        ("upscale a.png --scale big", "--scale must be a number, not big; see"),
        ("upscale a.png --quality 101", "--quality must be 1-100, not 101; see"),
        ("upscale a.png --quality x", "--quality must be a whole number, 1-100, not x; see"),
        ("upscale a.png --tile 8", "--tile must be 32 or more, not 8; see"),
        ("upscale a.png --strength nan", "--strength must be 0-1, not nan; see"),
        (
            "upscale a.png --device gpu",
            "--device must be one of auto, cpu, cuda, mps, not gpu; see",
        ),
        ("upscale a.png --format bmp", "--format: unknown format 'bmp'; use one of png, "),
        ("restore a.png --suffix a/b", "--suffix: 'a/b' must be a part of a name"),
        ("restore a.png --method nlm --sigma 1000", "--sigma must be 0-255, not 1000; see"),
        ("evaluate noisy a --split foo", "--split must be one of train, valid, not foo; see"),
        ("compare a.png --task deblur", "--task: unknown task 'deblur'; known: "),
        (
            "restore a.png --task foo",
            "--task: unknown task 'foo'; known: auto, photo, graphics-jpeg, denoise, noisy-jpeg, "
            "dejpeg; see",
        ),
        ("runs all of them", "unexpected argument of them; see"),
    ],
)
def test_the_command_line_of_a_command(arguments: str, line: str) -> None:
    status, printed = status_and_line(*arguments.split())
    assert status == 2
    assert printed.startswith(f"error: {line}")
    command = "data pack" if "pack" in arguments else arguments.split()[0]
    assert printed.endswith(f" 'scalewise {command} --help'")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("upscal a.png", "no such command: upscal; did you mean upscale? See 'scalewise --help'"),
        ("export", "no such command: export; did you mean convert? See 'scalewise --help'"),
        ("nonesuch", "no such command: nonesuch; see 'scalewise --help'"),
        ("--vers", "no such option: --vers; did you mean --version? See 'scalewise --help'"),
        ("data chek a", "no such command: chek; did you mean check? See 'scalewise data --help'"),
    ],
)
def test_no_such_command(arguments: str, line: str) -> None:
    assert status_and_line(*arguments.split()) == (2, f"error: {line}")


def test_a_file_whose_name_starts_as_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-dash.png").touch()
    line = "error: no such option: -dash.png; for the file of this name write ./-dash.png; see"
    assert status_and_line("upscale", "-dash.png")[1].startswith(line)


def test_names_of_other_tools_lead_to_commands_that_exist() -> None:
    commands = {
        command.callback.__name__ for command in app.registered_commands if command.callback
    }
    assert {*OTHER_NAMES.values()} <= commands
    assert not commands & {*OTHER_NAMES}


@pytest.mark.parametrize("path", [(), ("data",)])
def test_without_a_command_the_help_is_shown(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, path, prog_name="scalewise")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Usage: {' '.join(('scalewise', *path))} COMMAND" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            "compare a.png -m scn_x2 --sigma 20",
            "--sigma is for denoise and noisy-jpeg, not for super-resolution",
        ),
        ("compare a.png -m bicubic", "--model bicubic: always compared, as the baseline of its"),
        ("convert scn.pth -o a.onnx --set foo", "--set foo: write NAME=VALUE, such as levels=3"),
        ("convert scn_x2 -o a.onnx --set a=1", "scn_x2: its card states its settings; leave out"),
        ("data pack a -o x.zip", "--output x.zip: give a name that ends in .pack"),
        ("train missing.yaml batch", "'batch': write KEY=VALUE, such as data.batch=8"),
        ("reproduce --data a --budget x", "--budget: cannot read 'x'; write 90s, 45m or 1h30m"),
    ],
)
def test_what_no_file_could_mend(arguments: str, line: str) -> None:
    status, printed = status_and_line(*arguments.split())
    assert status == 2
    assert printed.startswith(f"error: {line}")


def test_the_name_of_a_conversion_is_usage(tmp_path: Path) -> None:
    status, line = status_and_line("convert", "scn_x2", "-o", str(tmp_path / "x.gif"))
    assert (status, line.partition(": give ")[2]) == (
        2,
        "a name that ends in .pth or .safetensors or .onnx or .xml or .param",
    )


@pytest.mark.parametrize(("words", "status"), [(["--quality", "0"], 2), (["-m", "none"], 1)])
def test_the_program_prints_each_error_once(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
    status: int,
) -> None:
    arguments = ["scalewise", "upscale", str(tmp_path / "missing.png"), *words]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out, said.err.count("\n")) == (status, "", 1)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("101 is not in the range 1<=x<=100.", "--n must be 1-100, not 101"),
        ("'x' is not a valid int.", "--n must be a whole number, 1-100, not x"),
        ("'x' is not one of 'a', 'b'.", "--n must be one of a, b, not x"),
    ],
)
def test_the_words_of_older_parsers(message: str, line: str) -> None:
    param = SimpleNamespace(param_type_name="option", opts=["-n", "--n"], min=1, max=100)
    context = SimpleNamespace(command_path="scalewise")
    error = typer.BadParameter(message)
    error.param = param  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(UsageError, match=line), explaining_usage(context):
        raise error
