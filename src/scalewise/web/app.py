"""ASGI application: the page, its HTTP interface, and the guard in front of both."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from scalewise.web.jobs import Queue
from scalewise.web.problems import Problem, explain_problems
from scalewise.web.routes import Service, router
from scalewise.web.security import LOOPBACK, Guard

PAGE = Path(__file__).parent / "page"
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def make_app(
    queue: Queue, *, token: str | None = None, hosts: Iterable[str] | None = LOOPBACK
) -> ASGIApp:
    """Return the application for a queue, which it closes on shutdown.

    Args:
        queue: the job queue.
        token: the token that requests must carry; None for none.
        hosts: the host names that requests may use; None for any.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await run_in_threadpool(queue.close)

    app = FastAPI(
        title="scalewise",
        summary="Restore images with scale-wise convolutional networks.",
        version=version("scalewise-restoration"),
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = Service(queue)
    app.include_router(router)
    files = {path.name: path for path in PAGE.iterdir() if path.suffix in _KINDS}

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return page("index.html")

    @app.get("/page/{name}", include_in_schema=False)
    async def page_file(name: str) -> Response:
        return page(name)

    def page(name: str) -> Response:
        path = files.get(name)
        if path is None:
            raise Problem(HTTPStatus.NOT_FOUND, "there is nothing at this address")
        return FileResponse(
            path, media_type=_KINDS[path.suffix], headers={"Cache-Control": "no-cache"}
        )

    explain_problems(app)
    return Guard(app, hosts, token, queue.limits.max_requests)
