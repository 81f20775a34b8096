"""HTTP endpoints of what a job looks like: regions and overviews, before and after."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from scalewise.web.endpoints import (
    PNG_RESPONSES,
    StateDependency,
    file_of,
    find_done_job,
    find_job,
    png_response,
    problems,
)
from scalewise.web.interactive import Check
from scalewise.web.job_queue import RestoreJob
from scalewise.web.problems import HttpProblem
from scalewise.web.regions import (
    MAX_REGION,
    Region,
    Resampler,
    show_enlarged,
    show_overview,
    show_region,
)

Side = Literal["before", "after"]
_SCALES = (1.0, 0.5, 0.25)
_MAX_SIDE = 1_000_000

Place = Annotated[int, Query(ge=0, le=_MAX_SIDE)]
Length = Annotated[int, Query(ge=1, le=_MAX_SIDE)]
OverviewSize = Annotated[int, Query(ge=16, le=2048, description="Pixels of the longest side.")]


router = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 421, 422))


@router.get("/jobs/{id}/region", response_class=Response, responses=PNG_RESPONSES)
async def region(
    id: str,
    request: Request,
    state: StateDependency,
    side: Side,
    x: Place,
    y: Place,
    width: Length,
    height: Length,
    scale: Annotated[float, Query(description="1, 0.5 or 0.25.")] = 1.0,
    resampler: Resampler = "bicubic",
) -> Response:
    """Return a part of the result, or of the image enlarged to its size, in the result's pixels."""
    if scale not in _SCALES:
        raise HttpProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "scale: must be 1, 0.5 or 0.25")
    if max(width, height) * scale > MAX_REGION:
        raise HttpProblem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"width and height: at most {MAX_REGION / scale:.0f} at scale {scale:g}",
        )
    job = find_done_job(state.queue, id)
    size = job.view.out_width or 0, job.view.out_height or 0
    wanted = Region(x, y, width, height, scale).within(*size)
    if wanted is None:
        raise HttpProblem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"x and y: the result has {size[0]}x{size[1]} pixels, from 0",
        )

    def make(check: Check) -> bytes:
        with state.rasters.use(raster_key(job, side), partial(open_side, job, side)) as raster:
            if side == "after":
                return show_region(raster, wanted, check)
            return show_enlarged(raster, size, wanted, resampler, check)

    how = resampler if side == "before" else ""
    return await png_response(request, state, f"{id}:{side}:{wanted}:{how}", make)


@router.get("/jobs/{id}/overview", response_class=Response, responses=PNG_RESPONSES)
async def job_overview(
    id: str, request: Request, state: StateDependency, side: Side, size: OverviewSize = 1024
) -> Response:
    """Return the whole result, or the image that it was made of, in a small size."""
    job = find_job(state.queue, id) if side == "before" else find_done_job(state.queue, id)

    def make(check: Check) -> bytes:
        with state.rasters.use(raster_key(job, side), partial(open_side, job, side)) as raster:
            return show_overview(raster, size, check)

    return await png_response(request, state, f"{id}:{side}:overview:{size}", make)


def raster_key(job: RestoreJob, side: Side) -> str:
    """Return the key of one side's decoded image; results of one upload share what was before."""
    return job.view.id if side == "after" else job.view.upload or f"{job.view.id}:before"


def open_side(job: RestoreJob, side: Side) -> AbstractContextManager[Path]:
    """Provide the path of one side's file.

    Raises:
        HttpProblem: it is gone.
    """
    if side == "after":
        assert job.result is not None
        return nullcontext(job.result)
    return file_of(job).keep_open()
