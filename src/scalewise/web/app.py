"""ASGI application: the page, its HTTP interface, and the guard in front of both."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from scalewise.files.support import supported_formats
from scalewise.web import routes, routes_jobs, routes_regions, routes_uploads
from scalewise.web.delivery import DeliveryMiddleware
from scalewise.web.endpoints import AppState, check_query
from scalewise.web.job_queue import JobQueue
from scalewise.web.problems import HttpProblem, add_problem_handlers
from scalewise.web.security import LOOPBACK, AccessMiddleware

PAGE = Path(__file__).parent / "page"
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
_SERVICE_WORKER = "service_worker.js"


def create_app(
    queue: JobQueue,
    *,
    token: str | None = None,
    hosts: Iterable[str] | None = LOOPBACK,
    warm_up: bool = True,
) -> ASGIApp:
    """Return the application for a queue, which it closes on shutdown.

    Args:
        queue: the job queue.
        token: the token that requests must carry; None for none.
        hosts: the host names that requests may use; None for any.
        warm_up: prepare all models for previews as soon as the page is opened.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        await run_in_threadpool(supported_formats)  # tried now, not while a client waits
        yield
        await run_in_threadpool(app.state.shared.close)

    app = FastAPI(
        title="scalewise",
        summary="Restore images with scale-wise convolutional networks.",
        version=version("scalewise-restoration"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # programs would take the empty answer for success
        lifespan=lifespan,
    )
    app.state.shared = AppState(queue, warms_up=warm_up)
    for module in (routes, routes_jobs, routes_regions, routes_uploads):
        app.include_router(module.router, dependencies=[Depends(check_query)])
    files = {path.name: path for path in PAGE.iterdir() if path.suffix in _MEDIA_TYPES}

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return page("index.html")

    @app.get("/page/{name}", include_in_schema=False)
    async def page_file(name: str) -> Response:
        return page(name)

    def page(name: str) -> Response:
        path = files.get(name)
        if path is None:
            raise HttpProblem(HTTPStatus.NOT_FOUND, "there is nothing at this address")
        headers = {"Cache-Control": "no-cache"}
        if name == _SERVICE_WORKER:  # below /page/, but it also answers for the page itself
            headers["Service-Worker-Allowed"] = "/"
        return FileResponse(path, media_type=_MEDIA_TYPES[path.suffix], headers=headers)

    add_problem_handlers(app)
    guarded = AccessMiddleware(app, hosts, token, queue.limits.max_requests)
    return DeliveryMiddleware(guarded)
