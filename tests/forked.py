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

import pytest

PRELOADED = [
    "scalewise.training.__main__",
    "scalewise.cli.app",
    "scalewise.web.server",  # absent without its extra, which does no harm
    "torch._inductor",
]
"""Modules that are imported once; not OpenVINO, whose threads no fork would have."""

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


def start(
    main: Main,
    arguments: list[str],
    stderr: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdout: Connection | None = None,
) -> BaseProcess:
    """Start a command in a process of its own, in this folder.

    Args:
        main: the command.
        arguments: what it is given.
        stderr: file or named pipe that its errors go to; None for those of this process.
        environment: variables that it has in addition to those of the first process started.
        stdout: a pipe's end that its output goes to, line by line; None for that of this process.
    """
    command = (main, arguments, stdout, stderr, dict(environment or {}), Path.cwd())
    process = context().Process(target=_run, args=command)
    process.start()
    return process


def _run(
    main: Main,
    arguments: list[str],
    stdout: Connection | None,
    stderr: Path | None,
    environment: Mapping[str, str],
    folder: Path,
) -> None:
    if stdout is not None:
        with stdout:
            os.dup2(stdout.fileno(), 1)
        sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    if stderr is not None:
        with stderr.open("ab") as file:
            os.dup2(file.fileno(), 2)
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["command", *arguments]
    sys.exit(main())
