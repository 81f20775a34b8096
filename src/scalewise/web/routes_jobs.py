"""HTTP endpoints of jobs: their states, once or as events, and their end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from scalewise.web.endpoints import (
    AppState,
    QueueDependency,
    StateDependency,
    find_job,
    problems,
)
from scalewise.web.job_events import stream_job
from scalewise.web.problems import HttpProblem
from scalewise.web.schemas import JobView

_EVENTS = "text/event-stream"
_EVENT_CONTENT: dict[str, Any] = {_EVENTS: {"schema": {"type": "string"}}}
_MAX_IDS = 500
_RETRY_SECONDS = 5

Ids = Annotated[list[str], Query(max_length=_MAX_IDS, description="Repeat for several jobs.")]

router = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 421, 422))


@router.get("/jobs", response_model=list[JobView], responses=problems(404))
async def jobs(queue: QueueDependency, id: Ids = []) -> list[JobView]:  # noqa: B006
    """Return the states of the named jobs, in this order; or of all jobs, newest first."""
    return [queue.view(find_job(queue, each)) for each in id] if id else queue.views()


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events jobs (all of them, first), job (one that changed), gone (its "
            "id); without end.",
            "content": _EVENT_CONTENT,
        },
        **problems(503),
    },
)
async def events(state: StateDependency) -> Response:
    """Return the states of all jobs, and then each change, as server-sent events."""
    return _EventResponse(state, state.events.stream())


@router.get(
    "/jobs/{id}",
    response_model=JobView,
    responses={
        200: {
            "description": "The job's state; with Accept: text/event-stream, as events.",
            "content": _EVENT_CONTENT,
        },
        **problems(404, 503),
    },
)
async def job(id: str, request: Request, state: StateDependency) -> Response:
    """Return a job's state, once or as server-sent events until it ends."""
    queue = state.queue
    found = find_job(queue, id)
    if _EVENTS in request.headers.get("accept", ""):
        return _EventResponse(state, stream_job(queue, found))
    return JSONResponse(queue.view(found).model_dump())


@router.delete("/jobs/{id}", status_code=204, responses=problems(404))
async def cancel(id: str, queue: QueueDependency) -> Response:
    """Cancel a job, and delete its files."""
    await run_in_threadpool(queue.cancel, find_job(queue, id))
    return Response(status_code=HTTPStatus.NO_CONTENT)


class _EventResponse(StreamingResponse):
    """An event stream, counted while it is open.

    Raises:
        HttpProblem: there are too many.
    """

    def __init__(self, state: AppState, content: AsyncIterator[str]) -> None:
        limit = state.queue.limits.max_streams
        if state.streams >= limit:
            raise HttpProblem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{limit} event streams are open, the limit of this server; close other tabs, or "
                "ask GET /v1/jobs instead",
                _RETRY_SECONDS,
            )
        super().__init__(content, 200, {"X-Accel-Buffering": "no"}, _EVENTS)
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end, or the client leaves (ASGI)."""
        self._state.streams += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._state.streams -= 1
