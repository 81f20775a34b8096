"""Files from the net: what was broken off goes on, and nothing half stands under its name."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from scalewise.errors import ScalewiseError

Tell = Callable[[float, float | None], None]
"""Told how many bytes are there, and how many there will be, if that is known."""

_ATTEMPTS = 3
_SILENCE = 30.0  # seconds
_AT_ONCE = 2**18


def fetch(url: str, target: Path, tell: Tell) -> None:
    """Download a file; what an earlier call has left of it in ``NAME.part`` is not asked for again.

    Args:
        url: where it is, http or https.
        target: what it is called, in a folder that exists.
        tell: told how far it is.

    Raises:
        ScalewiseError: it is not there, or nobody answers; what has come so far is kept.
    """
    partial = target.with_name(target.name + ".part")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _go_on(url, partial, tell)
            break
        except (OSError, HTTPException) as error:
            is_final = (
                isinstance(error, HTTPError) and error.code < HTTPStatus.INTERNAL_SERVER_ERROR
            )
            if is_final or attempt == _ATTEMPTS:
                reason = error.reason if isinstance(error, URLError) else error
                raise ScalewiseError(
                    f"cannot download {url}: {reason}; the same command goes on from there"
                ) from None
    partial.replace(target)


def _go_on(url: str, partial: Path, tell: Tell) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    asked = Request(url, headers={"User-Agent": "scalewise", "Range": f"bytes={have}-"})
    try:
        with urlopen(asked, timeout=_SILENCE) as answer:
            goes_on = answer.status == HTTPStatus.PARTIAL_CONTENT
            _append(answer, partial, have if goes_on else 0, tell)
    except HTTPError as error:
        if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        partial.unlink()  # it is no part of what lies there now
        raise ConnectionError("the file has changed on the server") from None


def _append(answer: HTTPResponse, partial: Path, done: int, tell: Tell) -> None:
    length = answer.headers.get("Content-Length")
    total = None if length is None else done + int(length)
    with partial.open("ab" if done else "wb") as file:
        while content := answer.read(_AT_ONCE):
            file.write(content)
            done += len(content)
            tell(done, total)
    if total is not None and done < total:
        raise ConnectionError("the connection broke off")
