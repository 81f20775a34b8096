"""The command line's frame: help is quick, mistakes get one line, bugs keep their traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from scalewise import __main__
from scalewise.cli.app import main
from scalewise.files import Picture, write

HEAVY = ("torch", "numpy", "pyvips", "openvino", "pydantic", "yaml", "safetensors", "rich")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of a command line."""
    monkeypatch.setattr(sys, "argv", ["scalewise", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make ``scalewise data check`` run into an error."""

    def find_dataset(*_: object) -> None:
        raise error

    monkeypatch.setattr("scalewise.data.layouts.find_dataset", find_dataset)


def loaded_by(statement: str, packages: Sequence[str]) -> str:
    """Which of the packages a fresh interpreter has loaded after a statement."""
    code = f"import sys; {statement}; print(*sorted(set({packages!r}) & set(sys.modules)))"
    return subprocess.check_output([sys.executable, "-c", code], text=True).strip()


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("scalewise 0.")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "b.png"), "b.png: Permission denied"),
        (OSError("disk is gone"), "disk is gone"),
        (ModuleNotFoundError(name="torch"), "this needs torch; install it with: pip install "),
        (
            ModuleNotFoundError(name="jinja2"),
            "this needs jinja2; install it with: pip install 'scalewise-restoration[train]'",
        ),
        (
            ModuleNotFoundError(name="ray"),
            "this needs ray; install it with: pip install 'scalewise-restoration[cluster]'",
        ),
    ],
)
def test_mistakes_get_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    line: str,
) -> None:
    fail_with(monkeypatch, error)
    assert run(monkeypatch, "data", "check", "folder") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error: {line}")
    assert said.err.count("\n") == 1


def test_a_mistake_found_by_the_library(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "data", "check", "no\nsuch") == 1
    assert capsys.readouterr().err == "error: no such folder: no\\nsuch\n"


@pytest.mark.parametrize("error", [TypeError("a bug"), ModuleNotFoundError(name="nonesuch")])
def test_bugs_keep_their_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    fail_with(monkeypatch, error)
    monkeypatch.setattr(sys, "argv", ["scalewise", "data", "check", "folder"])
    with pytest.raises(type(error)) as raised:
        main()
    assert raised.value is error


def test_debugging_shows_the_traceback_of_mistakes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALEWISE_DEBUG", "1")
    fail_with(monkeypatch, OSError("disk is gone"))
    monkeypatch.setattr(sys, "argv", ["scalewise", "data", "check", "folder"])
    with pytest.raises(OSError, match="disk is gone"):
        main()


def test_interrupting_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(monkeypatch, KeyboardInterrupt())
    assert run(monkeypatch, "data", "check", "folder") == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_ctrl_c_while_modules_are_imported_leaves_no_traceback() -> None:
    code = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells ignore it in the background

class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == "scalewise.cli.app":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
from scalewise.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


def test_ctrl_c_while_the_command_line_is_built_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scalewise.cli.app.main", interrupted)
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 130


def test_ctrl_c_in_a_run_over_many_images_says_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> Iterator[object]:
        raise KeyboardInterrupt
        yield

    write(tmp_path / "a.png", Picture(np.zeros((8, 8, 3), np.uint8)))
    monkeypatch.setattr("scalewise.restoring.batch.restore_files", interrupted)
    monkeypatch.setattr("scalewise.restoring.selection.load_networks", lambda *_: None)
    assert run(monkeypatch, "upscale", str(tmp_path), "-o", str(tmp_path / "large")) == 130
    assert "stopped: finished images are kept; the same command" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_sigterm_ends_a_run_as_ctrl_c_does(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name in "ab":
        write(images / f"{name}.png", Picture(np.zeros((8, 8, 3), np.uint8)))
    code = """
import os, signal
from scalewise.restoring import batch
from scalewise.__main__ import main

def terminated(*_):
    os.kill(os.getpid(), signal.SIGTERM)
    yield

batch.restore_files = terminated
main()
"""
    command = [sys.executable, "-c", code, "upscale", str(images), "-o", str(tmp_path / "large")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 128 + signal.SIGTERM
    last = done.stderr.splitlines()[-1]
    assert last == "stopped: finished images are kept; the same command restores the others"


def test_the_package_imports_without_torch() -> None:
    assert loaded_by("import scalewise", ["torch"]) == ""


def test_the_command_line_imports_nothing_heavy() -> None:
    assert loaded_by("import scalewise.cli.app", HEAVY) == ""


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs the child's CPU time")
def test_help_is_immediate() -> None:
    code = "import sys; from scalewise.cli.app import main; sys.argv[1:] = ['--help']; main()"
    seconds: list[float] = []
    for _ in range(5):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        seconds.append(usage.ru_utime + usage.ru_stime)
    assert min(seconds) < 0.5  # CPU time: the machine may have other work


@pytest.mark.parametrize(
    ("line", "names"),
    [("ups", ["upscale"]), ("", ["restore", "upscale", "data"]), ("data ", ["check", "pack"])],
)
def test_a_shell_completes_names_of_commands(
    line: str,
    names: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = f"scalewise {line}"
    monkeypatch.setenv("_SCALEWISE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    assert run(monkeypatch) == 0
    out, err = capsys.readouterr()
    assert set(names) <= set(out.split())
    assert "Usage:" not in out
    assert err == ""
