"""Answer with a job's result: its file, and headers that say how it was made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi.responses import FileResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from scalewise.arguments import counted
from scalewise.files import format_of
from scalewise.files.temp_files import DESCRIPTORS_HAVE_NAMES
from scalewise.web.endpoints import RESULT_DELETED
from scalewise.web.problems import HttpProblem
from scalewise.web.schemas import JobView

_MAX_BYTES = 2000
"""Length of the header of warnings: proxies take some kilobytes for all headers together."""

RESULT_HEADERS: dict[str, Any] = {
    "Scalewise-Model": {
        "description": "The networks that the image went through: a JSON string in ASCII.",
        "schema": {"type": "string"},
    },
    "Scalewise-Warnings": {
        "description": "The job's warnings, if any: a JSON array of strings in ASCII, of up to "
        f"{_MAX_BYTES} bytes; its last string counts those that have no room.",
        "schema": {"type": "string"},
    },
}
"""Description of the headers for OpenAPI."""


class ResultResponse(FileResponse):
    """A result as a file to download.

    The file is opened before the answer begins, and what is sent is what was opened: jobs are
    deleted at any time.

    Args:
        path: the file.
        view: the job.
        background: what is done once the file was sent.
    """

    def __init__(self, path: Path, view: JobView, background: BackgroundTask | None = None) -> None:
        headers = {"Cache-Control": "private, no-cache", "Scalewise-Model": _in_ascii(view.model)}
        if view.warnings:
            headers["Scalewise-Warnings"] = warnings_header(view.warnings)
        super().__init__(
            path,
            media_type=f"image/{format_of(path).name}",
            filename=view.result_name,
            headers=headers,
            background=background,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file (ASGI).

        Raises:
            HttpProblem: it was deleted.
        """
        try:
            file = await run_in_threadpool(Path(self.path).open, "rb")
        except FileNotFoundError:
            raise HttpProblem(HTTPStatus.NOT_FOUND, RESULT_DELETED) from None
        with file:
            if DESCRIPTORS_HAVE_NAMES:
                self.path = f"/dev/fd/{file.fileno()}"
            await super().__call__(scope, receive, send)


def warnings_header(warnings: Sequence[str]) -> str:
    r"""Return warnings as a JSON array in ASCII; those that have no room are only counted.

    >>> warnings_header(["ü.png: has 2 frames; the first is read"])
    '["\\u00fc.png: has 2 frames; the first is read"]'
    """
    kept = len(warnings)
    header = _in_ascii(list(warnings))
    while len(header) > _MAX_BYTES and kept:
        kept -= 1
        more = f"{counted(len(warnings) - kept, 'more warning')}: ask the job, without wait=true"
        header = _in_ascii([*warnings[:kept], more])
    return header


def _in_ascii(value: object) -> str:
    """Return JSON that a header can hold; it leaves only one control character as it is."""
    return json.dumps(value).replace("\x7f", r"\u007f")
