"""The ``scalewise`` command: its parts, and how it fails.

A command's module imports nothing heavy at its top (numpy, pyvips, OpenVINO, torch, rich), only
inside its functions, so that ``scalewise --help`` is immediate.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Annotated, TextIO

import typer

from scalewise.cli import (
    compare,
    data,
    evaluate,
    export,
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
from scalewise.cli.console import PlainGroup, flags_in_use, print_error, print_warning
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
}
"""Package -> the extra of ours that it comes with."""

app = typer.Typer(
    cls=PlainGroup,
    help="Restore images with scale-wise convolutional networks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(upscale.upscale)
app.command()(restore.restore)
app.command()(serve.serve)
app.command()(models.models)
app.command()(compare.compare)
app.command()(evaluate.evaluate)
app.add_typer(data.app, name="data")
app.command()(train.train)
app.command()(runs.runs)
app.command()(plot.plot)
app.command()(sweep.sweep)
app.command()(reproduce.reproduce)
app.command()(release.release)
app.command()(quantize.quantize)
app.command()(export.export)


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
    """Restore images with scale-wise convolutional networks."""


def main() -> None:
    """Run the command line; what the user can mend is one line on stderr and exit code 1.

    Set SCALEWISE_DEBUG=1 to see the traceback instead, also of faults that a run over many images
    survives.
    """
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors="backslashreplace")  # a file name may be no valid text
    _say_warnings_plainly()
    if os.environ.get("SCALEWISE_DEBUG") == "1":
        logging.basicConfig(format="%(name)s: %(message)s")
        logging.getLogger("scalewise").setLevel(logging.DEBUG)
    try:
        app()
    except (ScalewiseError, OSError, ModuleNotFoundError) as error:
        message = _explain(error)
        if message is None or os.environ.get("SCALEWISE_DEBUG") == "1":
            raise
        print_error(message)
        sys.exit(1)


def _say_warnings_plainly() -> None:
    """Print this package's warnings in one line, without the line of code that they are from."""
    shown_otherwise = warnings.showwarning

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
            shown_otherwise(message, category, filename, lineno, file, line)

    warnings.showwarning = show


def _explain(error: Exception) -> str | None:
    """What to tell the user; None where only a traceback helps."""
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            return None
        extra = f"scalewise-restoration[{EXTRAS[package]}]"
        return f"this needs {package}; install it with: pip install '{extra}'"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)
