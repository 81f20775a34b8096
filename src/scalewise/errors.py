"""Exception and warning classes of the package: the whole tree, in one place.

.. code-block:: text

    ValueError
      ScalewiseError          a mistake in the input, or a failure that the user can mend
        TooSmall              an image is too small for a scale, or to be scored
        OutputExists          there is such a file, and it is not to be replaced
        NothingToRestore      the image needs no restoration
        DiskFullError         nothing more can be written there
        Diverged              a training run's loss or weights are beyond all bounds
        LostWorker            another process of a distributed training is gone
        Interrupted           a series of runs was stopped before its end
    UserWarning
      ScalewiseWarning        the result was made, with something that the user should know

A message names arguments as Python has them (``scale=2``), and the error lists their names; the
command line puts its flags in their place (``--scale 2``), and the server leaves out hints at
arguments that a request cannot have.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager

__all__ = [
    "DiskFullError",
    "Diverged",
    "Interrupted",
    "LostWorker",
    "NothingToRestore",
    "OutputExists",
    "ScalewiseError",
    "ScalewiseWarning",
    "TooSmall",
]


class ScalewiseError(ValueError):
    """A mistake in the input; the message is one line: what, where, and how to mend it.

    Args:
        message: the line.
        arguments: names of the arguments that it is about, and mentions as ``name=value``,
            ``name=True`` or ``name=`` anywhere, or the name alone as the first word; several are
            joined by commas and "and".

    >>> error = ScalewiseError("scale must be above 0, not -1", arguments=["scale"])
    >>> error.with_flags({"scale": "--scale"})
    '--scale must be above 0, not -1'
    """

    def __init__(self, message: object = "", *, arguments: tuple[str, ...] | list[str] = ()):
        super().__init__(message)
        self.arguments = tuple(arguments)

    def with_flags(self, flags: Mapping[str, str]) -> str:
        """Return the message with a command's flags in place of the arguments it mentions.

        Args:
            flags: argument -> flag, as for :func:`put_flags`.
        """
        return put_flags(str(self), self.arguments, flags)

    def for_those_with(self, names: Collection[str]) -> str:
        """Return the message without the hints at arguments that a user does not have.

        A hint is what follows a semicolon.

        Args:
            names: of the arguments that the user has.

        >>> error = ScalewiseError("a and b: choose one; c= is both", arguments=["a", "b", "c"])
        >>> error.for_those_with(["a", "b"])
        'a and b: choose one'
        """
        missing = "|".join(re.escape(each) for each in self.arguments if each not in names)
        what, *hints = str(self).split("; ")
        if missing:
            hints = [hint for hint in hints if not re.search(rf"(?<![\w./\\])({missing})=", hint)]
        return "; ".join([what, *hints])


class TooSmall(ScalewiseError):
    """An image is too small for a scale, a metric, or the border that is not scored."""


class OutputExists(ScalewiseError):
    """A file, folder or link has the name of an output, and is not to be replaced."""


class NothingToRestore(ScalewiseError):
    """The image has no degradation that is worth removing."""


class DiskFullError(ScalewiseError):
    """Nothing more can be written there, whatever it is."""


class Diverged(ScalewiseError):
    """A run's loss or weights stopped being finite, or the loss is beyond all bounds."""


class LostWorker(ScalewiseError):
    """Another process of a distributed training is gone."""


class Interrupted(ScalewiseError):
    """A series of runs, such as a sweep, was stopped before its end."""


class ScalewiseWarning(UserWarning):
    """Something that a user should know, in one line, of a result that was made all the same.

    Args:
        message: the line.
        arguments: as for :class:`ScalewiseError`.
    """

    def __init__(self, message: object = "", *, arguments: tuple[str, ...] | list[str] = ()):
        super().__init__(message)
        self.arguments = tuple(arguments)

    def with_flags(self, flags: Mapping[str, str]) -> str:
        """Return the message with flags; see :meth:`ScalewiseError.with_flags`."""
        return put_flags(str(self), self.arguments, flags)


def put_flags(
    message: str, arguments: tuple[str, ...], flags: Mapping[str, str], *, first_word: bool = True
) -> str:
    """Return a message with flags in place of arguments.

    An argument without a flag of its own goes to the flag of ``settings``, if there is one.

    Args:
        message: the text.
        arguments: names that it mentions.
        flags: argument -> flag.
        first_word: take the first word for an argument, too, as an error that lists it has it.

    >>> put_flags("raise it with limit=9, or overwrite=True", ("limit", "overwrite"),
    ...           {"limit": "--limit", "overwrite": "--overwrite"})
    'raise it with --limit 9, or --overwrite'
    >>> put_flags("output=../a.gif: no such kind; leave out output=.", ("output",),
    ...           {"output": "--output"})
    '--output ../a.gif: no such kind; leave out --output.'
    >>> put_flags("scale and width both give the size", ("scale", "width"),
    ...           {"scale": "--scale", "width": "--width"})
    '--scale and --width both give the size'
    """
    names = "|".join(map(re.escape, arguments))
    if first_word and names and (words := re.match(rf"((?:{names})(, | and |(?=\s)))+", message)):
        start = re.sub(r"\w+", lambda word: flags.get(word[0], word[0]), words[0])
        message = start + message[words.end() :]
    for name in arguments:
        assigned = rf"(?<![\w./\\]){name}="
        if name in flags:
            flag = flags[name]
            message = re.sub(rf"{assigned}True\b", flag, message)
            value = r"(?=[^\s,;:.)]|\.[^\s,;)])"  # which may start with a dot, as "../a" does
            message = re.sub(rf"{assigned}{value}", f"{flag} ", message)
            message = re.sub(assigned, flag, message)
        elif "settings" in flags:
            message = re.sub(assigned, f"{flags['settings']} {name}=", message)
    return message


def warn(message: str, *, arguments: tuple[str, ...] | list[str] = ()) -> None:
    """Issue a :class:`ScalewiseWarning` at the first line of code outside this package."""
    level, frame = 1, inspect.currentframe()
    while frame and str(frame.f_globals.get("__name__")).partition(".")[0] == "scalewise":
        level, frame = level + 1, frame.f_back
    warnings.warn(ScalewiseWarning(message, arguments=arguments), stacklevel=level)


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
