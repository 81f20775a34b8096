"""Processes forked from a server that has the program and PyTorch loaded already.

To load them, and what the first optimizer needs, takes longer than most runs of a test.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TextIO

import pytest

PRELOADED = [
    "scalewise.training.__main__",
    "scalewise.cli.app",
    "scalewise.web.server",  # absent without its extra, which does no harm
    "torch._inductor",
]
"""Modules that are imported once; not OpenVINO, whose threads no fork would have."""

Output = Connection | Path | None
"""A pipe's end, a file to append to, or None for that of the process that starts others."""

Main = Callable[[], object]
"""A command: it reads ``sys.argv``; a number that it returns is the exit code."""


def context() -> ForkServerContext:
    """Return what starts processes, and starts their server at the first; it has one thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # which the server reads when it loads PyTorch
        ensure_running()
    return context


def pipe() -> tuple[TextIO, Connection]:
    """Return where the output of a process can be read, and its other end, for :func:`start`.

    It ends when the process does.
    """
    reading, writing = multiprocessing.Pipe(duplex=False)
    with reading:
        return os.fdopen(os.dup(reading.fileno()), encoding="utf-8"), writing


def start(
    main: Main,
    arguments: list[str],
    *,
    stdout: Output = None,
    stderr: Output = None,
    environment: Mapping[str, str] | None = None,
) -> BaseProcess:
    """Start a command in a process of its own, in this folder.

    Args:
        main: the command.
        arguments: what it is given.
        stdout: what its output goes to.
        stderr: what its errors go to.
        environment: variables that it has in addition to those of the first process started.
    """
    command = (main, arguments, stdout, stderr, dict(environment or {}), Path.cwd())
    process = context().Process(target=_run, args=command)
    process.start()
    for output in (stdout, stderr):
        if isinstance(output, Connection):
            output.close()
    return process


def _run(
    main: Main,
    arguments: list[str],
    stdout: Output,
    stderr: Output,
    environment: Mapping[str, str],
    folder: Path,
) -> None:
    for descriptor, output in ((1, stdout), (2, stderr)):
        if output is not None:
            with output.open("ab") if isinstance(output, Path) else output as file:
                os.dup2(file.fileno(), descriptor)
    if stdout is not None:  # a program's own would be written line by line to a terminal alone
        sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["command", *arguments]
    sys.exit(main())
