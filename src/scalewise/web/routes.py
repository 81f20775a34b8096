"""HTTP endpoints below ``/v1``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool

from scalewise.errors import ScalewiseError
from scalewise.files import format_of
from scalewise.files.preview import kind_in_browsers, preview
from scalewise.files.support import supported_formats
from scalewise.web.delivery import STOPPING
from scalewise.web.endpoints import (
    AppState,
    QueueDependency,
    StateDependency,
    busy_problem,
    file_of,
    find_done_job,
    find_job,
    find_upload,
    immutable_headers,
    png_response,
    problems,
)
from scalewise.web.interactive import Check
from scalewise.web.job_queue import JobQueue, RestoreJob
from scalewise.web.limits import Limits, ServerBusy
from scalewise.web.messages import without_paths
from scalewise.web.names import clean_name
from scalewise.web.problems import HttpProblem
from scalewise.web.restore_request import RestoreRequest, parse_request, task_views
from scalewise.web.result_response import RESULT_HEADERS, ResultResponse
from scalewise.web.routes_jobs import Ids
from scalewise.web.schemas import (
    FormatView,
    JobView,
    LimitsView,
    ModelView,
    RestoreForm,
    ScoreView,
    TaskView,
    UploadForm,
)
from scalewise.web.upload_store import KeptUpload, size_of_upload
from scalewise.web.uploads import Upload, drain, receive_form
from scalewise.web.zip_stream import stream_zip
from scalewise.weights import list_cards

_PREVIEW_SIDE = 4096
_Source = Callable[[], AbstractContextManager[Path]]
_POLL_SECONDS = 0.1
_ROOM_SECONDS = 60
_CHUNK_BYTES = 2**18
_NOT_OPTIONS = {"wait", "upload", "folder", "file_name"}  # of the fields of a form
_LIMITS = ("max_bytes", "max_pixels", "max_waiting", "max_seconds", "keep_seconds")

router = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 421, 422))
"""Endpoints below ``/v1``; they use the :class:`AppState` in ``app.state.shared``."""


@router.post(
    "/restore",
    status_code=202,
    response_model=JobView,
    responses={
        200: {
            "description": "With wait: the restored image.",
            "content": {"image/*": {}},
            "headers": RESULT_HEADERS,
        },
        **problems(408, 413, 415, 503),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": UploadForm.model_json_schema()}},
        }
    },
)
async def restore(request: Request, state: StateDependency) -> Response:
    """Restore an image: return a job at once, or with ``wait`` the result."""
    queue = state.queue
    try:
        queue.require_capacity()
    except ServerBusy as busy:
        await drain(request)
        raise busy_problem(busy) from None
    form, kept = await receive_image(request, state)
    try:
        restore_request = parse_request(form, kept.given_name)
        _check_result_size(restore_request, kept, queue.limits)
        if kept.of_jobs and queue.uploads.find(kept.id) is None:
            queue.uploads.add(kept)
        options = form.model_dump(exclude_unset=True, exclude=_NOT_OPTIONS)
        job = await run_in_threadpool(queue.submit, restore_request, kept, options)
    except BaseException as error:
        if kept.of_jobs and not kept.jobs:
            queue.uploads.delete(kept)
        if isinstance(error, ServerBusy):
            raise busy_problem(error) from None
        if isinstance(error, FileNotFoundError):
            find_upload(queue, kept.id)
        raise
    if form.wait:
        return await _wait_for_result(job, request, queue)
    view = queue.view(job)
    where = {"Location": f"/v1/jobs/{view.id}"}
    return JSONResponse(view.model_dump(), HTTPStatus.ACCEPTED, where)


async def receive_image(
    request: Request, state: AppState, schema: type[BaseModel] = UploadForm
) -> tuple[RestoreForm, KeptUpload]:
    """Receive a form, and the image that it brings or names.

    Args:
        request: of the client.
        state: of the server.
        schema: the fields that may be sent.

    Raises:
        HttpProblem: the server is busy, the form is wrong, or the image is not one or too large.
    """
    queue = state.queue
    if state.uploads >= queue.limits.max_uploads:
        await drain(request)
        raise busy_problem(ServerBusy("the server receives as many uploads as it accepts", 1))
    state.uploads += 1
    try:
        form, upload, name = await receive_form(request, queue.limits, schema)
    finally:
        state.uploads -= 1
    if upload is None:
        return form, find_upload(queue, form.upload or "")
    given_name, name = name, clean_name(name)
    try:
        width, height = await run_in_threadpool(_accepted_size, upload, name, queue.limits)
    except BaseException:
        upload.close()
        raise
    return form, KeptUpload(name, given_name, upload, width, height, of_jobs=True)


async def _wait_for_result(job: RestoreJob, request: Request, queue: JobQueue) -> Response:
    """Wait for a job as long as the client does, send its result, and delete it."""
    while not job.is_final:
        if await request.is_disconnected():
            queue.cancel(job)
            return Response(status_code=HTTPStatus.NO_CONTENT)
        if queue.is_stopping:
            queue.cancel(job)
            raise HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, STOPPING)
        await asyncio.sleep(_POLL_SECONDS)
    if job.view.state != "done":
        queue.cancel(job)
        problem = job.view.problem or "the job was cancelled"
        if job.lacked_room:
            raise HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, problem, _ROOM_SECONDS)
        raise HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, problem)
    assert job.result is not None
    return ResultResponse(job.result, job.view, BackgroundTask(queue.cancel, job))


@router.get(
    "/jobs/{id}/result",
    response_class=FileResponse,
    responses={
        200: {
            "description": "The restored image.",
            "content": {"image/*": {}},
            "headers": RESULT_HEADERS,
        },
        **problems(404, 409),
    },
)
async def result(id: str, queue: QueueDependency) -> Response:
    """Return the restored image."""
    job = find_done_job(queue, id)
    assert job.result is not None
    return ResultResponse(job.result, job.view)


@router.get("/jobs/{id}/before", response_class=Response, responses=problems(404))
async def before(id: str, request: Request, state: StateDependency) -> Response:
    """Return the uploaded image in a form that browsers display."""
    upload = file_of(find_job(state.queue, id))
    return await _display_response(request, state, f"{id}:before", upload.keep_open)


@router.get("/jobs/{id}/after", response_class=Response, responses=problems(404, 409))
async def after(id: str, request: Request, state: StateDependency) -> Response:
    """Return the restored image in a form that browsers display."""
    found = find_done_job(state.queue, id)
    assert found.result is not None
    return await _display_response(
        request, state, f"{id}:after", partial(nullcontext, found.result)
    )


@router.get(
    "/results.zip",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The results in an archive.",
            "content": {"application/zip": {}},
            "headers": {
                "Scalewise-Missing": {
                    "description": "The number of these jobs that have no result, and are left "
                    "out: unfinished, failed, deleted or unknown.",
                    "schema": {"type": "integer"},
                }
            },
        },
        **problems(404),
    },
)
async def results(id: Ids, queue: QueueDependency) -> Response:
    """Return finished results in one zip archive; a header counts the jobs that have none."""
    jobs = [job for job in map(queue.find, id) if job is not None]
    files = [
        (job.view.folder, job.view.result_name or job.view.id, job.result)
        for job in jobs
        if job.result is not None and job.result.is_file()
    ]
    if not files:
        raise HttpProblem(HTTPStatus.NOT_FOUND, "none of these jobs has a result")
    headers = {
        "Content-Disposition": 'attachment; filename="scalewise.zip"',
        "Scalewise-Missing": str(len(id) - len(files)),
    }
    return StreamingResponse(stream_zip(files), 200, headers, "application/zip")


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
async def limits(state: StateDependency) -> LimitsView:
    """Return the limits of the server.

    Clients ask for them first, so the models are warmed up for previews meanwhile.
    """
    state.start_warm_up()
    queue = state.queue
    formats = [
        FormatView.model_validate(each, from_attributes=True) for each in supported_formats()
    ]
    return LimitsView(
        **{name: getattr(queue.limits, name) for name in _LIMITS},
        formats=formats,
        version=version("scalewise-restoration"),
    )


def _accepted_size(upload: Upload, name: str, limits: Limits) -> tuple[int, int]:
    """Return width and height of an upload, if it is an image within the limits."""
    try:
        width, height = size_of_upload(upload)
    except ScalewiseError as error:
        detail = without_paths(str(error), {str(upload.path): name})
        raise HttpProblem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail) from None
    if width * height > limits.max_pixels:
        raise HttpProblem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"{name} has {width * height / 1e6:.1f} megapixels; the limit here is "
            f"{limits.max_pixels / 1e6:g}",
        )
    return width, height


def _check_result_size(restore_request: RestoreRequest, kept: KeptUpload, limits: Limits) -> None:
    height, width = restore_request.target.size(
        kept.height, kept.width, restore_request.native_scale
    )
    form = format_of(Path(restore_request.result_name)).name
    most = limits.max_result_pixels(form)
    if width * height > most:
        raise HttpProblem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the result would have {width * height / 1e6:.0f} megapixels; the limit here is "
            f"{most / 1e6:.3g} for {form}",
        )


async def _display_response(
    request: Request, state: AppState, key: str, source: _Source
) -> Response:
    """Return an image as it is if browsers show it so, and else as a PNG."""

    def make(check: Check) -> bytes:
        with source() as path:
            return preview(path, _PREVIEW_SIDE, check)

    try:
        as_it_is = await run_in_threadpool(_open_displayable, source)
    except (FileNotFoundError, ScalewiseError):
        raise HttpProblem(HTTPStatus.NOT_FOUND, "the image cannot be displayed") from None
    if as_it_is is None:
        return await png_response(request, state, key, make, state.displaying)
    file, kind = as_it_is
    headers = {"Content-Length": str(os.fstat(file.fileno()).st_size), **immutable_headers(key)}
    return StreamingResponse(_read_chunks(file), 200, headers, kind)


def _open_displayable(source: _Source) -> tuple[BinaryIO, str] | None:
    with source() as path:
        kind = kind_in_browsers(path, _PREVIEW_SIDE)
        return None if kind is None else (path.open("rb"), kind)


def _read_chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while content := file.read(_CHUNK_BYTES):
            yield content
