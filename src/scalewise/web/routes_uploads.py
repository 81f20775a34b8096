"""HTTP endpoints of uploads: choices, previews, overviews."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from scalewise.arguments import LARGEST_SCALE
from scalewise.errors import ScalewiseError
from scalewise.restoring.crop import Box
from scalewise.restoring.sizes import Target
from scalewise.tasks import AUTO
from scalewise.web.choices import chain_of_request, upload_view
from scalewise.web.endpoints import (
    PNG_RESPONSES,
    AppState,
    QueueDependency,
    StateDependency,
    find_upload,
    png_response,
    problems,
)
from scalewise.web.interactive import Check
from scalewise.web.job_queue import JobQueue
from scalewise.web.messages import without_paths
from scalewise.web.previews import MAX_PREVIEW
from scalewise.web.problems import HttpProblem
from scalewise.web.regions import show_overview
from scalewise.web.restore_request import RestoreRequest, parse_request
from scalewise.web.routes import receive_image
from scalewise.web.routes_regions import OverviewSize, Place
from scalewise.web.schemas import ImageForm, RestoreForm, TaskName, UploadView
from scalewise.web.upload_store import KeptUpload

PreviewLength = Annotated[int, Query(ge=1, le=MAX_PREVIEW)]


router = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 421, 422))


@router.post(
    "/uploads",
    status_code=201,
    response_model=UploadView,
    responses=problems(408, 413, 415, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": ImageForm.model_json_schema()}},
        }
    },
)
async def create_upload(request: Request, state: StateDependency) -> Response:
    """Send an image, to see what can be done with it before it is done."""
    _, kept = await receive_image(request, state, ImageForm)
    try:
        kept.of_jobs = False
        view = await run_in_threadpool(_view, kept, state.queue)
    except BaseException:
        kept.upload.close()
        raise
    state.queue.uploads.add(kept)
    state.start_warm_up(view.choices[0].model if view.choices else "")
    where = {"Location": f"/v1/uploads/{kept.id}"}
    return JSONResponse(view.model_dump(), HTTPStatus.CREATED, where)


def _view(kept: KeptUpload, queue: JobQueue, target: Target | None = None) -> UploadView:
    try:
        return upload_view(kept, queue.catalogue, queue.speeds, queue.limits, target)
    except ScalewiseError as error:
        raise HttpProblem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, without_paths(str(error))) from None


@router.get("/uploads")
async def uploads(queue: QueueDependency) -> list[UploadView]:
    """Return the uploads that jobs can be made of, newest first."""
    kept = [each for each in queue.uploads.list() if "estimate" in vars(each)]
    return await run_in_threadpool(lambda: [_view(each, queue) for each in kept])


@router.get("/uploads/{id}", responses=problems(404, 415))
async def upload(
    id: str,
    queue: QueueDependency,
    scale: Annotated[float | None, Query(gt=0, le=LARGEST_SCALE)] = None,
    width: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
    height: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> UploadView:
    """Return an upload, with choices of this size, and the times that are known by now."""
    kept, target = find_upload(queue, id), Target(scale, width, height)
    target.size(kept.height, kept.width, 1)  # an error of the size is one of the request
    return await run_in_threadpool(_view, kept, queue, target)


@router.delete("/uploads/{id}", status_code=204, responses=problems(404))
async def delete_upload(id: str, queue: QueueDependency) -> Response:
    """Delete an upload; jobs that were made of it go on."""
    queue.uploads.delete(find_upload(queue, id))
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/uploads/{id}/overview", response_class=Response, responses=PNG_RESPONSES)
async def upload_overview(
    id: str, request: Request, state: StateDependency, size: OverviewSize = 1024
) -> Response:
    """Return the whole image in a small size."""
    kept = find_upload(state.queue, id)

    def make(check: Check) -> bytes:
        with state.rasters.use(id, kept.upload.keep_open) as raster:
            return show_overview(raster, size, check)

    return await png_response(request, state, f"{id}:overview:{size}", make)


@router.get("/uploads/{id}/preview", response_class=Response, responses=PNG_RESPONSES)
async def preview(
    id: str,
    request: Request,
    state: StateDependency,
    x: Place,
    y: Place,
    width: PreviewLength,
    height: PreviewLength,
    task: TaskName = AUTO,
    scale: Annotated[float | None, Query(gt=0, le=8)] = None,
    strength: Annotated[float, Query(ge=0, le=1)] = 1.0,
) -> Response:
    """Return a part of the image, restored as the whole would be; x to height in its pixels."""
    kept = find_upload(state.queue, id)
    if x >= kept.width or y >= kept.height:
        raise HttpProblem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"x and y: the image has {kept.width}x{kept.height} pixels, from 0",
        )
    box = x, y, min(width, kept.width - x), min(height, kept.height - y)
    form = RestoreForm(task=task, scale=scale, strength=strength)
    restore_request = parse_request(form, kept.given_name)
    make = partial(_preview, state, kept, restore_request, box)
    key = f"{id}:preview:{restore_request.model}:{scale}:{strength}:{box}"
    return await png_response(request, state, key, make, state.restoring)


def _preview(
    state: AppState,
    kept: KeptUpload,
    request: RestoreRequest,
    box: Box,
    check: Check,
) -> bytes:
    model = chain_of_request(request, kept, state.queue.catalogue).model
    check()
    with (
        state.queue.precedence.short_work(),
        state.rasters.use(kept.id, kept.upload.keep_open) as raster,
    ):
        return state.previewer.preview(
            raster,
            model,
            request.full_target,
            request.strength,
            box,
            check,
            content=kept.estimate.content,
        )
