"""Names of query parameters and of form fields: unknown and repeated ones are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from http import HTTPStatus

from scalewise.arguments import nearest_name, shown
from scalewise.web.problems import HttpProblem


def check_names(
    kind: str, given: Iterable[str], known: Collection[str], lists: Collection[str] = ()
) -> None:
    """Refuse a name that nothing reads, and one of which only the last value would be read.

    Args:
        kind: of the names, in words.
        given: the names that a client sent, as often as it sent them.
        known: the names that are read.
        lists: those of them that may be repeated.

    Raises:
        HttpProblem: a name is unknown (the error suggests the nearest one), or repeated.
    """
    names = list(given)
    for name in names:
        if name not in known:
            hint = nearest_name(name, known) if known else "this address takes none"
            _refuse(f"unknown {kind} {shown(name)}; {hint}")
        if name not in lists and names.count(name) > 1:
            _refuse(f"{name}: given {names.count(name)} times; give this {kind} once")


def _refuse(detail: str) -> None:
    raise HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
