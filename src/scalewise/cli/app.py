"""Command-line entry point: the list of commands, and error messages in one line.

A command's module imports heavy packages (numpy, pyvips, OpenVINO, torch, rich) only inside its
functions, so that ``scalewise --help`` is immediate.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from scalewise.cli import (
    compare,
    convert,
    data,
    evaluate,
    models,
    plot,
    quantize,
    release,
    reproduce,
    restore,
    runs,
    serve,
    sweep,
    train,
    upscale,
)
from scalewise.cli.help import MEASURE, PUBLISH, RESTORE, TRAIN, HelpCommand, HelpGroup
from scalewise.cli.messages import flags_in_use, print_error, print_warning
from scalewise.errors import ScalewiseError, ScalewiseWarning

EXTRAS = {
    "torch": "train",
    "onnx": "train",
    "tensorboard": "train",
    "matplotlib": "train",
    "jinja2": "train",
    "onnxruntime": "quantize",
    "ray": "cluster",
    "fastapi": "web",
    "uvicorn": "web",
    "starlette": "web",
    "python_multipart": "web",
    "huggingface_hub": "hub",
    "pnnx": "ncnn",
    "ncnn": "ncnn",
    "spandrel": "spandrel",
}
"""Package -> the extra of this distribution that installs it."""

app = typer.Typer(
    cls=HelpGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _add(panel: str, *commands: Callable[..., None]) -> None:
    """Add commands to a group of ``scalewise --help``."""
    for command in commands:
        app.command(cls=HelpCommand, rich_help_panel=panel)(command)


_add(RESTORE, upscale.upscale, restore.restore, serve.serve, models.models)
_add(MEASURE, compare.compare, evaluate.evaluate)
app.add_typer(data.app, name="data", rich_help_panel=TRAIN)
_add(TRAIN, train.train, runs.runs, plot.plot, sweep.sweep, reproduce.reproduce)
_add(PUBLISH, release.release, quantize.quantize, convert.convert)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"scalewise {version('scalewise-restoration')}")
        raise typer.Exit


@app.callback()
def scalewise(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Enlarge images, and remove noise and JPEG artifacts.

    Examples:
        # Enlarge a photo to twice its size
        scalewise upscale photo.jpg

        # Remove noise and JPEG artifacts from every image in a folder
        scalewise restore photos/ --output restored/

        # Open a page in the browser to drop images on
        scalewise serve
    """


def main() -> None:
    """Run the command line.

    An error that the user can mend is one line on stderr, with exit status 1; wrong usage has 2.
    Set SCALEWISE_DEBUG=1 to see a traceback instead, also of errors that a run over many images
    survives.
    """
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors="backslashreplace")  # a file name need not be valid text
        _name_errors(sys.stdout, "standard output")
    _print_warnings_plainly()
    if os.environ.get("SCALEWISE_DEBUG") == "1":
        logging.basicConfig(format="%(name)s: %(message)s")
        logging.getLogger("scalewise").setLevel(logging.DEBUG)
    try:
        app(prog_name="scalewise")
    except (ScalewiseError, OSError, ModuleNotFoundError) as error:
        message = _explain(error)
        if message is None or os.environ.get("SCALEWISE_DEBUG") == "1":
            raise
        print_error(message)
        sys.exit(1)


def _name_errors(stream: TextIO, name: str) -> None:
    """Give the errors of a stream its name, as those of files have one."""

    def naming(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            try:
                return method(*given)
            except OSError as error:
                error.filename = name
                raise

        return call

    for method in ("write", "flush"):
        setattr(stream, method, naming(getattr(stream, method)))


def _print_warnings_plainly() -> None:
    """Print warnings of this package in one line, without the line of code that caused them."""
    showwarning = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if isinstance(message, ScalewiseWarning):
            print_warning(message.with_flags(flags_in_use()))
        else:
            showwarning(message, category, filename, lineno, file, line)

    warnings.showwarning = show


def _explain(error: Exception) -> str | None:
    """Return the message for the user, or None where only a traceback helps."""
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            return None
        extra = f"scalewise-restoration[{EXTRAS[package]}]"
        return f"this needs {package}; install it with: pip install '{extra}'"
    if isinstance(error, OSError) and error.filename is not None:
        is_in_the_way = isinstance(error, FileExistsError) and not Path(error.filename).is_dir()
        return f"{error.filename}: {'is a file, not a folder' if is_in_the_way else error.strerror}"
    return str(error)
