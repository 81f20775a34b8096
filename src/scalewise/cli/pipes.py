"""Standard input and output of the command line, under the name ``-``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from scalewise.errors import ScalewiseError

PIPE = "-"
"""The name of standard input and output; a file with that name is given as ``./-``."""


@dataclass(frozen=True)
class Places:
    """Files to read and write; temporary ones stand for standard input and output.

    Attributes:
        inputs: images, and folders of images.
        output: a file or a folder; None for the folder of each image.
        names: the names of temporary files in messages.
        result: the file that is sent to standard output; None if nothing is.
    """

    inputs: list[Path]
    output: str | None
    names: dict[Path, str]
    result: Path | None = None

    def named(self, message: str) -> str:
        """Return a message in which temporary files have the names that users know."""
        for path, name in self.names.items():
            message = message.replace(str(path), name)
        return message

    def deliver(self) -> None:
        """Send the result to standard output, if it is to go there.

        Raises:
            ScalewiseError: the reader closed the pipe early, or the disk is full.
        """
        if self.result is not None:
            _send(self.result)


@contextmanager
def places(
    inputs: Sequence[str], output: str | None, *, format: str | None, cluster: str | None
) -> Generator[Places]:
    """Provide the files to work with: temporary ones for standard input and output.

    An image from standard input goes to standard output, unless another output is given.  In a
    folder its name is ``stdin``.  Without a format it keeps its own, or becomes PNG where that
    cannot be written.

    Yields:
        The files.

    Raises:
        ScalewiseError: several images for a pipe, a terminal in place of one, or none, a cluster,
            or an empty name.
    """
    if "" in inputs or output == "":  # which would be the current folder
        raise ScalewiseError("a name is empty: give a file or a folder")
    paths = [Path(each) for each in inputs]
    reads = PIPE in inputs
    writes = output == PIPE or (reads and output is None)
    if not reads and not writes:
        yield Places(paths, output, {})
        return
    if len(inputs) > 1 or paths[0].is_dir():
        raise ScalewiseError(f"{PIPE}: standard input and output take one image at a time")
    if cluster is not None:
        raise ScalewiseError(f"{PIPE}: a cluster needs files that all of its machines can read")
    if reads:
        _require_pipe(sys.stdin, "standard input", "send an image to it")
    if writes:
        _require_pipe(sys.stdout, "standard output", "redirect it to a file, or give -o FILE")
    with TemporaryDirectory(prefix="scalewise-") as folder:
        names: dict[Path, str] = {}
        if reads:
            paths = [_received(Path(folder))]
            names[paths[0]] = "standard input"
        result = None
        if writes:
            suffix = _suffix_of(format) if format else format_by_content(paths[0]) or ".png"
            result = Path(folder, "result").with_suffix(suffix)
            names[result] = "standard output"
        found = Places(paths, str(result) if result else output, names, result)
        try:
            yield found
        except ScalewiseError as error:
            message = found.named(str(error))
            raise type(error)(message, arguments=error.arguments) from None


def format_by_content(path: Path) -> str | None:
    """Return an image's extension by its content; None if the format cannot be read or written."""
    from scalewise.files.formats import detect_format

    try:
        with path.open("rb") as file:
            content = detect_format(file)
        return _suffix_of(content.name) if content is not None else None
    except (OSError, ScalewiseError):  # reported later, when the file is opened
        return None


def _suffix_of(format: str) -> str:
    from scalewise.files import format_of

    return format_of(Path("standard output"), format).suffixes[0]


def _require_pipe(stream: TextIO | None, name: str, instead: str) -> None:
    """Refuse a standard stream that is closed (None in Python) or a terminal."""
    if stream is None or stream.isatty():
        state = "closed" if stream is None else "a terminal"
        raise ScalewiseError(f"{name}: is {state}; {instead}")


def _received(folder: Path) -> Path:
    """Write standard input to a file, and return it."""
    path = folder / "stdin"
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ScalewiseError(f"standard input: cannot be written to {folder} ({reason})") from None
    return path.rename(path.with_suffix(format_by_content(path) or ".png"))


def _send(path: Path) -> None:
    try:
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except OSError as error:
        # The rest of the buffer would cause another error at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        closed = isinstance(error, BrokenPipeError)
        what = "was closed before the end of the image" if closed else error.strerror or error
        raise ScalewiseError(f"standard output: {what}") from None
