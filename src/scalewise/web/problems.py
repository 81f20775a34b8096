"""HTTP errors after RFC 9457: ``application/problem+json`` with a plain sentence."""

from __future__ import annotations

import errno
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match

from scalewise.errors import ScalewiseError
from scalewise.files.vips_errors import is_disk_full
from scalewise.web.messages import without_paths
from scalewise.web.schemas import ProblemDetails, RestoreForm

_DISK_SECONDS = 60
"""Time after which a disk may have room again."""


class HttpProblem(HTTPException):
    """A request that cannot be answered.

    Args:
        status: the HTTP status.
        detail: one plain sentence that says what is wrong, and how to mend it.
        retry_after: seconds after which the client may try again.
    """

    def __init__(self, status: HTTPStatus, detail: str, retry_after: int | None = None) -> None:
        headers = None if retry_after is None else {"Retry-After": str(retry_after)}
        super().__init__(status, detail, headers)


def disk_problem(error: OSError) -> Exception:
    """Return a disk that is full, or cannot be written, as a 503 problem; other errors as they are.

    >>> disk_problem(OSError(errno.EROFS, "Read-only file system")).detail
    'the server cannot write to its disk (Read-only file system); try again later'
    """
    if is_disk_full(error):
        what = "the server's disk is full"
    elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        what = f"the server cannot write to its disk ({error.strerror})"
    else:
        return error
    return HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, f"{what}; try again later", _DISK_SECONDS)


def problem_response(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Return a problem as a response."""
    phrase = HTTPStatus(status).phrase
    view = ProblemDetails(title=phrase, status=status, detail=detail)
    content = view.model_dump_json()
    return Response(content, status, headers, media_type="application/problem+json")


def add_problem_handlers(app: FastAPI) -> None:
    """Make an application report every error in this form."""

    async def explain_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = error.detail
        if detail == HTTPStatus(error.status_code).phrase:
            detail = _SENTENCES.get(error.status_code, detail)
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_allowed_methods(app, request))
            if request.method == "OPTIONS":
                return Response(None, HTTPStatus.NO_CONTENT, headers)
        return problem_response(error.status_code, detail, headers)

    async def explain_disk(request: Request, error: Exception) -> Response:
        assert isinstance(error, OSError)
        problem = disk_problem(error)
        if isinstance(problem, HttpProblem):
            return await explain_http(request, problem)
        raise error

    async def explain_validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(
            HTTPStatus.UNPROCESSABLE_ENTITY, format_validation_errors(error.errors())
        )

    async def explain_input(request: Request, error: Exception) -> Response:
        assert isinstance(error, ScalewiseError)
        detail = without_paths(error.for_those_with(_names_taken(request)))
        return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, detail)

    async def explain_bug(_: Request, error: Exception) -> Response:
        what = f"{type(error).__name__}: a bug in scalewise; please report it"
        return problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, what)

    app.add_exception_handler(HTTPException, explain_http)
    app.add_exception_handler(OSError, explain_disk)
    app.add_exception_handler(RequestValidationError, explain_validation)
    app.add_exception_handler(ScalewiseError, explain_input)
    app.add_exception_handler(Exception, explain_bug)


def _names_taken(request: Request) -> set[str]:
    """Return the names of what a request's endpoint takes: parameters, and fields of its form."""
    route = request.scope.get("route")
    names = {*RestoreForm.model_fields} if request.method == "POST" else set[str]()
    if isinstance(route, APIRoute):
        names |= {field.alias for field in route.dependant.query_params}
    return names


def _allowed_methods(app: FastAPI, request: Request) -> list[str]:
    """Return all methods of an address: each has a route of its own, which knows only itself."""
    methods: list[str] = []
    for method, others in (("GET", ["HEAD"]), ("POST", []), ("DELETE", [])):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in app.routes):
            methods += [method, *others]
    return [*methods, "OPTIONS"]


_SENTENCES = {
    404: "there is nothing at this address",
    405: "this address does not take that method",
}


def format_validation_errors(errors: list[dict[str, object]] | object) -> str:
    """Return the errors that pydantic found in parameters, as a sentence.

    >>> format_validation_errors([{"loc": ("scale",), "msg": "Input should be greater than 0"}])
    'scale: input should be greater than 0'
    """
    assert isinstance(errors, list | tuple)
    parts: list[str] = []
    for error in errors:  # pyright: ignore[reportUnknownVariableType]
        where = ".".join(str(part) for part in error["loc"] if part not in ("query", "body"))  # pyright: ignore
        message = str(error["msg"]).removeprefix("Value error, ")  # pyright: ignore[reportUnknownArgumentType]
        parts.append(f"{where}: {message[:1].lower()}{message[1:]}")
    return "; ".join(parts)
