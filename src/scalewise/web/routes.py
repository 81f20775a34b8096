"""HTTP endpoints below ``/v1``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from scalewise.errors import ScalewiseError
from scalewise.files import format_of, open_picture
from scalewise.files.preview import kind_in_browsers, preview
from scalewise.web.jobs import Busy, Job, Queue, lost, views_of
from scalewise.web.limits import Limits
from scalewise.web.problems import Problem
from scalewise.web.restore_request import Order, order_of, task_views
from scalewise.web.schemas import (
    FINAL,
    JobView,
    LimitsView,
    ModelView,
    ProblemView,
    RestoreForm,
    ScoreView,
    TaskView,
    UploadForm,
)
from scalewise.web.uploads import Upload, drain, read_form
from scalewise.web.zipping import zipped
from scalewise.weights import list_cards

_PREVIEW_SIDE = 4096
_HEARTBEAT = 15.0
_LOOK_EVERY = 0.1
_MOST_IDS = 500
_AT_ONCE = 2**18

_PROBLEM: dict[str, Any] = {
    "model": ProblemView,
    "content": {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemView"}}
    },
}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {**_PROBLEM, "description": HTTPStatus(status).phrase} for status in statuses}


@dataclass
class Service:
    """State that all endpoints of one server share.

    Attributes:
        queue: the job queue.
        uploads: the number of uploads in progress.
        showing: held while an image is decoded for display, which may need much memory.
    """

    queue: Queue
    uploads: int = 0
    showing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))


async def _service_of(request: Request) -> Service:
    return request.app.state.service


TheService = Annotated[Service, Depends(_service_of)]


async def _queue_of(service: TheService) -> Queue:
    return service.queue


TheQueue = Annotated[Queue, Depends(_queue_of)]
Ids = Annotated[list[str], Query(max_length=_MOST_IDS, description="Repeat for several jobs.")]

router = APIRouter(prefix="/v1", responses=_problems(400, 401, 403, 421, 422))
"""Endpoints below ``/v1``; they use the :class:`Service` in ``app.state.service``."""


@router.post(
    "/restore",
    status_code=202,
    response_model=JobView,
    responses={
        200: {"description": "With wait: the restored image.", "content": {"image/*": {}}},
        **_problems(408, 413, 415, 503),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": UploadForm.model_json_schema()}},
        }
    },
)
async def restore(request: Request, service: TheService) -> Response:
    """Restore an image: return a job at once, or with ``wait`` the result."""
    queue = service.queue
    form, upload, name = await _received(request, service)
    try:
        order = order_of(form, name)
        size = await run_in_threadpool(_size_of, order, upload, queue.limits)
        job = queue.submit(order, upload, *size)
    except BaseException as error:
        upload.close()
        if isinstance(error, Busy):
            raise _problem_of(error) from None
        raise
    if form.wait:
        return await _result_of(job, request, queue)
    view = queue.view(job)
    where = {"Location": f"/v1/jobs/{view.id}"}
    return JSONResponse(view.model_dump(), HTTPStatus.ACCEPTED, where)


async def _received(request: Request, service: Service) -> tuple[RestoreForm, Upload, str]:
    """Receive the form and the image of a request, unless the server is busy."""
    try:
        service.queue.check_room()
        if service.uploads >= service.queue.limits.max_uploads:
            raise Busy("the server receives as many uploads as it accepts", 1)
    except Busy as busy:
        await drain(request.receive)
        raise _problem_of(busy) from None
    service.uploads += 1
    try:
        return await read_form(request, service.queue.limits)
    finally:
        service.uploads -= 1


async def _result_of(job: Job, request: Request, queue: Queue) -> Response:
    """Wait for a job as long as the client does, send its result, and delete it."""
    while not job.is_final:
        if await request.is_disconnected():
            queue.cancel(job)
            return Response(status_code=HTTPStatus.NO_CONTENT)
        await asyncio.sleep(_LOOK_EVERY)
    if job.view.state != "done":
        queue.cancel(job)
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, job.view.problem or "the job was cancelled")
    return _file(job, BackgroundTask(queue.cancel, job))


@router.get("/jobs", response_model=list[JobView])
async def jobs(id: Ids, queue: TheQueue) -> list[JobView]:
    """Return the states of jobs; unknown ones are ``lost``."""
    return views_of(queue, id)


@router.get(
    "/jobs/{id}",
    response_model=JobView,
    responses={
        200: {
            "description": "The job's state; with Accept: text/event-stream, as events.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **_problems(404),
    },
)
async def job(id: str, request: Request, queue: TheQueue) -> Response:
    """Return a job's state, once or as server-sent events until it ends."""
    found = _find(queue, id)
    if "text/event-stream" in request.headers.get("accept", ""):
        no_store = {"Cache-Control": "no-store"}
        return StreamingResponse(_events(found, queue), 200, no_store, "text/event-stream")
    return JSONResponse(queue.view(found).model_dump())


async def _events(job: Job, queue: Queue) -> AsyncIterator[str]:
    told, last = None, time.monotonic()
    while True:
        view = queue.view(job)
        if view != told:
            yield f"event: progress\ndata: {view.model_dump_json()}\n\n"
            told, last = view, time.monotonic()
        elif time.monotonic() - last > _HEARTBEAT:
            yield ": still there\n\n"
            last = time.monotonic()
        if view.state in FINAL:
            return
        await asyncio.sleep(_LOOK_EVERY)


@router.delete("/jobs/{id}", status_code=204, responses=_problems(404))
async def cancel(id: str, queue: TheQueue) -> Response:
    """Cancel a job, and delete its files."""
    await run_in_threadpool(queue.cancel, _find(queue, id))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/jobs/{id}/result", response_class=FileResponse, responses=_problems(404, 409))
async def result(id: str, queue: TheQueue) -> Response:
    """Return the restored image."""
    return _file(_find_done(queue, id))


@router.get("/jobs/{id}/before", response_class=Response, responses=_problems(404))
async def before(id: str, service: TheService) -> Response:
    """Return the uploaded image in a form that browsers display."""
    found = _find(service.queue, id)
    if found.upload is None:
        raise Problem(HTTPStatus.NOT_FOUND, "the server was restarted; only the result is left")
    return await _shown(found.upload.held(), service)


@router.get("/jobs/{id}/after", response_class=Response, responses=_problems(404, 409))
async def after(id: str, service: TheService) -> Response:
    """Return the restored image in a form that browsers display."""
    found = _find_done(service.queue, id)
    assert found.result is not None
    return await _shown(nullcontext(found.result), service)


@router.get("/results.zip", response_class=StreamingResponse, responses=_problems(404))
async def results(id: Ids, queue: TheQueue) -> Response:
    """Return finished results in one zip archive."""
    done = [job for job in map(queue.find, id) if job is not None and job.result is not None]
    if not done:
        raise Problem(HTTPStatus.NOT_FOUND, "none of these jobs has a result")
    files = [(job.view.result_name or job.view.id, job.result) for job in done if job.result]
    headers = {"Content-Disposition": 'attachment; filename="scalewise.zip"'}
    return StreamingResponse(zipped(files), 200, headers, "application/zip")


@router.get("/models")
async def models() -> list[ModelView]:
    """Return the released models."""
    return [
        ModelView(
            name=card.name,
            summary=card.summary,
            task=card.task,
            scale=card.scale,
            parameters=card.parameters,
            scores=[
                ScoreView.model_validate(score, from_attributes=True)
                for score in card.scores
                if score.model == card.name
            ],
        )
        for card in list_cards()
    ]


@router.get("/tasks")
async def tasks() -> list[TaskView]:
    """List what can be done with an image."""
    return task_views()


@router.get("/limits")
async def limits(queue: TheQueue) -> LimitsView:
    """Return the limits of the server."""
    return LimitsView.model_validate(queue.limits, from_attributes=True)


def _find(queue: Queue, id: str) -> Job:
    job = queue.find(id)
    if job is None:
        raise Problem(HTTPStatus.NOT_FOUND, lost(id).problem or "")
    return job


def _find_done(queue: Queue, id: str) -> Job:
    job = _find(queue, id)
    if job.result is not None and not job.result.is_file():
        raise Problem(HTTPStatus.NOT_FOUND, lost(id).problem or "")
    if job.result is None:
        state = job.view.state
        raise Problem(
            HTTPStatus.CONFLICT, job.view.problem or f"the job is {state}; it has no result"
        )
    return job


def _problem_of(busy: Busy) -> Problem:
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(busy), busy.seconds)


def _size_of(order: Order, upload: Upload, limits: Limits) -> tuple[int, int]:
    """Return width and height of an upload, if the image and its result are within the limits."""
    path, name = upload.path, order.name
    try:
        with open_picture(path, max_pixels=None) as reader:
            size = reader.width, reader.height
            pixels = reader.width * reader.height
            if pixels > limits.max_pixels:
                raise Problem(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"{name} has {pixels / 1e6:.1f} megapixels; the limit here is "
                    f"{limits.max_pixels / 1e6:g}",
                )
    except ScalewiseError as error:
        detail = str(error).replace(str(path), name)
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail) from None
    height, width = order.target.size(size[1], size[0], order.native)
    form = format_of(Path(order.result_name)).name
    most = limits.max_result_pixels(form)
    if width * height > most:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the result would have {width * height / 1e6:.0f} megapixels; the limit here is "
            f"{most / 1e6:.3g} for {form}",
        )
    return size


def _file(job: Job, afterwards: BackgroundTask | None = None) -> Response:
    assert job.result is not None
    return FileResponse(
        job.result,
        media_type=f"image/{format_of(job.result).name}",
        filename=job.view.result_name,
        headers={"Cache-Control": "no-store"},
        background=afterwards,
    )


async def _shown(picture: AbstractContextManager[Path], service: Service) -> Response:
    async with service.showing:
        try:
            return await run_in_threadpool(_for_browsers, picture)
        except (FileNotFoundError, ScalewiseError):
            raise Problem(HTTPStatus.NOT_FOUND, "the image cannot be displayed") from None


def _for_browsers(picture: AbstractContextManager[Path]) -> Response:
    headers = {"Cache-Control": "private, max-age=3600"}
    with picture as path:
        kind = kind_in_browsers(path, _PREVIEW_SIDE)
        if kind is None:
            return Response(preview(path, _PREVIEW_SIDE), 200, headers, "image/png")
        file = path.open("rb")
        headers["Content-Length"] = str(path.stat().st_size)
        return StreamingResponse(_content_of(file), 200, headers, kind)


def _content_of(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while content := file.read(_AT_ONCE):
            yield content
