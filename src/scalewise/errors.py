"""The exceptions that mean: the user can mend this, or wants to know it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Generator
from contextlib import contextmanager


class ScalewiseError(ValueError):
    """A mistake in the input; the message is one line: what, where, and how to mend it."""


class NothingToRestore(ScalewiseError):
    """A picture has no fault that is worth mending."""


class DiskFullError(ScalewiseError):
    """Nothing more can be written there, whatever it is."""


class ScalewiseWarning(UserWarning):
    """Something that a user should know, in one line, of a result that was made all the same."""


def warn(message: str) -> None:
    """Issue a :class:`ScalewiseWarning` at the first line of code outside this package."""
    level, frame = 1, inspect.currentframe()
    while frame and str(frame.f_globals.get("__name__")).partition(".")[0] == "scalewise":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, ScalewiseWarning, stacklevel=level)


@contextmanager
def requiring(package: str, purpose: str, otherwise: str = "") -> Generator[None, None, None]:
    """Turn a package that cannot be imported into a :class:`ScalewiseError`.

    Args:
        package: its name, for ``import`` and for pip.
        purpose: what needs it, the subject of the message.
        otherwise: what to do without the package.

    >>> with requiring("no_such_package", "this example", "leave it out"):
    ...     import no_such_package
    Traceback (most recent call last):
    scalewise.errors.ScalewiseError: this example needs no_such_package: pip install \
no_such_package, or leave it out
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        mend = f"pip install {package}" + (f", or {otherwise}" if otherwise else "")
        raise ScalewiseError(f"{purpose} needs {package}: {mend}") from error
