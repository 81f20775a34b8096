"""Checks of arguments: choices, numbers, flags and paths; errors that name the argument."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from scalewise.errors import OutputExists, ScalewiseError

AnyPath = str | os.PathLike[str]
"""A path as functions take it."""

LARGEST_SCALE = 64
"""The largest output over input size, along an axis; more is a typing mistake."""

MAX_THREADS = 4096
"""More threads than any machine has cores."""

_LONGEST = 60  # letters of a wrong value in a message


@contextmanager
def naming_argument(name: str, *others: str) -> Generator[None, None, None]:
    """Name an argument in errors that name none.

    Args:
        name: the caller's argument.
        others: names of the same argument further down, which it takes the place of.
    """
    try:
        yield
    except ScalewiseError as error:
        error.arguments = tuple(name if each in others else each for each in error.arguments)
        error.arguments = error.arguments or (name,)
        raise


def shown(value: object) -> str:
    """Return a wrong value as a message shows it: in one line, and not too long.

    >>> shown("a" * 100)[-6:]
    'aaa...'
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, as a message has it.

    Args:
        count: the number.
        noun: in the singular.
        plural: of a noun that does not just take an "s".

    >>> counted(1, "step"), counted(4000, "step"), counted(2, "patch", "patches")
    ('1 step', '4,000 steps', '2 patches')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def listed(names: Sequence[str]) -> str:
    """Return names as a list in words.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def is_number(value: object) -> bool:
    """Return whether something is a real number, such as one of NumPy's; True and False are not."""
    return isinstance(value, Real) and value is not True and value is not False


def is_whole(value: object) -> bool:
    """Return whether something is an integer, such as one of NumPy's; True and False are not."""
    return isinstance(value, Integral) and is_number(value)


def is_list(value: object, of: Callable[[Any], bool]) -> bool:
    """Return whether something is a list or tuple, and all that is in it passes a test."""
    items: Any = value
    return isinstance(value, list | tuple) and all(of(item) for item in items)


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Check that an argument is one of some words.

    >>> check_choice("device", "gpu", ["cpu", "cuda"])
    Traceback (most recent call last):
    scalewise.errors.ScalewiseError: device must be one of cpu, cuda, not 'gpu'
    """
    if not isinstance(value, str) or value not in choices:
        raise ScalewiseError(
            f"{name} must be one of {', '.join(choices)}, not {shown(value)}", arguments=[name]
        )


def check_flag(name: str, value: object) -> None:
    """Check that an argument is True or False: any text, even ``"no"``, would count as True."""
    if type(value).__name__ not in ("bool", "bool_"):  # the latter of NumPy before version 2
        raise ScalewiseError(f"{name} must be True or False, not {shown(value)}", arguments=[name])


def check_number(name: str, value: object, low: float, high: float, *, whole: bool = False) -> None:
    """Check that an argument is a number in a range, both ends included.

    Args:
        name, value: the argument.
        low, high: the ends; a ``high`` of ``sys.maxsize`` means that there is no upper limit.
        whole: whether it must be an integer.

    >>> check_number("weight", -1, 0, sys.maxsize)
    Traceback (most recent call last):
    scalewise.errors.ScalewiseError: weight must be 0 or more, not -1
    """
    given: Any = value
    if not (is_whole if whole else is_number)(given) or not low <= given <= high:
        limits, join = f"from {low:g} to {high:g}", " "
        if high >= sys.maxsize:
            limits, join = f"{low:g} or more", ", "
        kind = f"a whole number{join}" if whole else ""
        raise ScalewiseError(f"{name} must be {kind}{limits}, not {shown(value)}", arguments=[name])


def check_seed(name: str, value: object) -> None:
    """Check that an argument is a seed that the generators of NumPy and PyTorch take as it is.

    >>> check_seed("seed", -1)
    Traceback (most recent call last):
    scalewise.errors.ScalewiseError: seed must be a whole number from 0 to 2^63 - 1, not -1
    """
    given: Any = value
    if not is_whole(given) or not 0 <= given < 2**63:
        raise ScalewiseError(
            f"{name} must be a whole number from 0 to 2^63 - 1, not {shown(value)}",
            arguments=[name],
        )


def check_range(name: str, value: object, low: float, high: float, *, whole: bool = False) -> None:
    """Check that an argument is a pair (least, largest) of numbers in a range.

    >>> check_range("sigma", (5, 1), 0, 255)
    Traceback (most recent call last):
    scalewise.errors.ScalewiseError: sigma must be (least, largest), both from 0 to 255, not (5, 1)
    """
    ends: Any = value
    fits = is_list(value, is_whole if whole else is_number) and len(ends) == 2
    if not fits or not low <= ends[0] <= ends[1] <= high:
        kind = "whole numbers" if whole else "both"
        raise ScalewiseError(
            f"{name} must be (least, largest), {kind} from {low:g} to {high:g}, not {shown(value)}",
            arguments=[name],
        )


def check_array(name: str, value: object, axes: Sequence[int] = ()) -> None:
    """Check that an argument is an array of NumPy that holds real numbers and is not empty.

    Args:
        name, value: the argument.
        axes: how many axes it may have; any number by default.
    """
    array: Any = value
    kind = type(array).__name__
    if not hasattr(array, "shape") or not hasattr(getattr(array, "dtype", None), "kind"):
        raise ScalewiseError(
            f"{name} must be an array, such as numpy.asarray({name}), not {kind}", arguments=[name]
        )
    if 0 in array.shape:
        raise ScalewiseError(f"{name} is empty: its shape is {array.shape}", arguments=[name])
    if axes and array.ndim not in axes:
        raise ScalewiseError(
            f"{name} must have {' or '.join(map(str, axes))} axes, not shape {array.shape}",
            arguments=[name],
        )
    if array.dtype.kind not in "uif":
        mend = f"; convert it: {name}.astype(np.uint8) * 255" if array.dtype.kind == "b" else ""
        raise ScalewiseError(
            f"{name} must hold integers or floating numbers, not {array.dtype}{mend}",
            arguments=[name],
        )


def check_has(name: str, value: object, attribute: str, what: str) -> None:
    """Check that an argument is of a kind, by an attribute that only the kind has.

    >>> check_has("networks", None, "restore_rows", "a loaded network")
    Traceback (most recent call last):
    scalewise.errors.ScalewiseError: networks must be a loaded network, not None
    """
    if not hasattr(value, attribute):
        raise ScalewiseError(f"{name} must be {what}, not {shown(value)}", arguments=[name])


def check_progress(progress: object) -> None:
    """Check that an argument ``progress`` is a function, or None."""
    if progress is not None:
        check_has("progress", progress, "__call__", "a function or None")


def check_scales(name: str, value: object) -> None:
    """Check that an argument is a list of scales, whole numbers from 1 to 64; it may be empty."""
    if not is_list(value, lambda scale: is_whole(scale) and 1 <= scale <= LARGEST_SCALE):
        raise ScalewiseError(
            f"{name} must be whole numbers from 1 to {LARGEST_SCALE}, not {shown(value)}",
            arguments=[name],
        )


def check_workers(workers: object) -> None:
    """Check that an argument ``workers`` is a number of threads, or None."""
    if workers is not None:
        check_number("workers", workers, 1, MAX_THREADS, whole=True)


def path_of(path: Any, name: str = "") -> Path:
    """Return a path given as text, bytes or path-like.

    Args:
        path: what was given.
        name: the argument, for errors.

    Raises:
        ScalewiseError: something else, or text that cannot be a path.
    """
    names = [name] if name else []
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise ScalewiseError(
            f"{name or type(path).__name__} is not a path: {shown(path)}", arguments=names
        ) from None
    if "\0" in text or not text:
        hint = "; open the content of a file with PIL.Image.open(io.BytesIO(content))"
        raise ScalewiseError(f"{shown(path)} is not a path{hint if text else ''}", arguments=names)
    return Path(text)


def paths_of(paths: Any, name: str) -> list[Path]:
    """Return a list of paths, each as :func:`path_of` takes it; a single path is refused."""
    given: object = paths
    if isinstance(paths, str | bytes | os.PathLike) or not isinstance(paths, Iterable):
        raise ScalewiseError(
            f"{name} must be a list of paths, not {shown(given)}", arguments=[name]
        )
    return [path_of(path, name) for path in paths]  # pyright: ignore[reportUnknownVariableType]


def require_new(path: Path, *, overwrite: bool) -> None:
    """Refuse an output that is there already, unless it may be replaced.

    Raises:
        OutputExists: there is such a file, folder or link, and ``overwrite`` is False.
    """
    if not overwrite and os.path.lexists(path):
        raise OutputExists(
            f"{path}: exists already; choose another name, or replace it by overwrite=True",
            arguments=["overwrite"],
        )


def nearest_name(word: str, known: Iterable[str]) -> str:
    """Return a hint at the name that is meant: the most similar one, or all if none is similar.

    >>> nearest_name("scn_x22", ["scn_x2", "denoise"])
    "did you mean 'scn_x2'?"
    >>> nearest_name("sharpen", ["scn_x2", "denoise"])
    'known: scn_x2, denoise'
    """
    names = list(known)
    match = get_close_matches(word, names, n=1)
    return f"did you mean '{match[0]}'?" if match else f"known: {', '.join(names)}"
