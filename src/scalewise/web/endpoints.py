"""Parts that all endpoints share: state, checks of queries, finding jobs and uploads, problems."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, get_origin

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from scalewise.arguments import shown
from scalewise.errors import ScalewiseError
from scalewise.web.delivery import is_known
from scalewise.web.interactive import Check, ClientLeft, Interactive
from scalewise.web.job_events import JobEvents
from scalewise.web.job_queue import JobQueue, RestoreJob
from scalewise.web.limits import ServerBusy
from scalewise.web.messages import without_paths
from scalewise.web.parameters import check_names
from scalewise.web.previews import Previewer
from scalewise.web.problems import HttpProblem
from scalewise.web.regions import AnswerCache, Rasters
from scalewise.web.schemas import ProblemDetails
from scalewise.web.upload_store import KeptUpload
from scalewise.web.uploads import Upload, drain
from scalewise.web.warm_up import WarmUp

RESULT_DELETED = "the result was deleted; send the image again"
_IMMUTABLE = "private, max-age=31536000, immutable"

_PROBLEM: dict[str, Any] = {
    "model": ProblemDetails,
    "content": {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the description of error statuses for OpenAPI."""
    return {status: {**_PROBLEM, "description": HTTPStatus(status).phrase} for status in statuses}


PNG_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The pixels.", "content": {"image/png": {}}},
    304: {"description": "The client has them already."},
    **problems(404, 409, 422),
}


@dataclass
class AppState:
    """State that all endpoints of one server share.

    Attributes:
        queue: the job queue.
        warms_up: prepare all models as soon as the page is opened.
        uploads: the number of uploads in progress.
        streams: the number of open event streams.
        interactive: threads for work that clients wait for.
        restoring: one for previews, which use all cores.
        displaying: one for whole images, which may need much memory.
        rasters: decoded images.
        answers: encoded regions.
        previewer: networks for previews.
        events: changes of all jobs.
    """

    queue: JobQueue
    warms_up: bool = True
    uploads: int = 0
    streams: int = 0
    interactive: Interactive = field(default_factory=lambda: Interactive(2))
    restoring: Interactive = field(default_factory=lambda: Interactive(1))
    displaying: Interactive = field(default_factory=lambda: Interactive(1))

    def __post_init__(self) -> None:
        self.events = JobEvents(self.queue)
        self.rasters = Rasters(self.queue.folder)
        self.answers = AnswerCache()
        self.previewer = Previewer(self.queue.speeds)
        self._warm_up = WarmUp(self.previewer, self.restoring, self.queue.precedence)
        self.queue.on_delete = self._forget
        self.queue.uploads.on_delete = self._forget

    def start_warm_up(self, first: str = "") -> None:
        """Prepare the models for previews in the background, unless the server is not to.

        Args:
            first: the name of the model that is needed first; ``""`` if nobody knows.
        """
        if self.warms_up:
            self._warm_up.start(first)

    def close(self) -> None:
        """Stop all work, and close the queue."""
        self._warm_up.close()
        self.interactive.close()
        self.restoring.close()
        self.displaying.close()
        self.queue.close()
        self.rasters.close()

    def _forget(self, id: str) -> None:
        self.rasters.drop(id)
        self.answers.drop(id)


async def _get_state(request: Request) -> AppState:
    return request.app.state.shared


StateDependency = Annotated[AppState, Depends(_get_state)]


async def _get_queue(state: StateDependency) -> JobQueue:
    return state.queue


QueueDependency = Annotated[JobQueue, Depends(_get_queue)]


async def check_query(request: Request) -> None:
    """Check the names of a request's query parameters by what its endpoint declares.

    Raises:
        HttpProblem: as :func:`check_names`.
    """
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    fields = {field.alias: field.field_info.annotation for field in route.dependant.query_params}
    lists = [name for name, annotation in fields.items() if get_origin(annotation) is list]
    names = [name for name, _ in request.query_params.multi_items()]
    try:
        check_names("query parameter", names, fields, lists)
    except HttpProblem:
        await drain(request)
        raise


def find_job(queue: JobQueue, id: str) -> RestoreJob:
    """Return a job, or raise a 404 problem."""
    job = queue.find(id)
    if job is None:
        raise HttpProblem(
            HTTPStatus.NOT_FOUND,
            f"there is no job {shown(id)}: it was deleted, its time is over, or it never was there",
        )
    return job


def find_done_job(queue: JobQueue, id: str) -> RestoreJob:
    """Return a job whose result is there, or raise a 404 or 409 problem."""
    job = find_job(queue, id)
    if job.result is not None and not job.result.is_file():
        raise HttpProblem(HTTPStatus.NOT_FOUND, RESULT_DELETED)
    if job.result is None:
        state = job.view.state
        raise HttpProblem(
            HTTPStatus.CONFLICT, job.view.problem or f"the job is {state}; it has no result"
        )
    return job


def file_of(job: RestoreJob) -> Upload:
    """Return the image that a job is made of, or raise a 404 problem."""
    if job.upload is None:
        raise HttpProblem(
            HTTPStatus.NOT_FOUND, "the server was restarted, and no longer has the image"
        )
    return job.upload


def find_upload(queue: JobQueue, id: str) -> KeptUpload:
    """Return an upload, or raise a 404 problem."""
    kept = queue.uploads.find(id)
    if kept is None:
        raise HttpProblem(
            HTTPStatus.NOT_FOUND, "the server no longer has this image; send it again"
        )
    return kept


def busy_problem(busy: ServerBusy) -> HttpProblem:
    """Return a refusal as a 503 problem."""
    return HttpProblem(HTTPStatus.SERVICE_UNAVAILABLE, str(busy), busy.seconds)


def immutable_headers(key: str) -> dict[str, str]:
    """Return the headers of an answer that is always the same for a key."""
    tag = f'"{hashlib.sha256(key.encode()).hexdigest()[:24]}"'
    return {"ETag": tag, "Cache-Control": _IMMUTABLE}


async def png_response(
    request: Request,
    state: AppState,
    key: str,
    make: Callable[[Check], bytes],
    workers: Interactive | None = None,
) -> Response:
    """Return a PNG that never changes: cached here and by clients, and made while one waits.

    Args:
        request: of the client.
        state: of the server.
        key: of the answer; it begins with the id of what it shows.
        make: encodes the answer.
        workers: the threads to make it in; the interactive ones by default.
    """
    headers = immutable_headers(key)
    if is_known(headers["ETag"], request.headers.get("if-none-match")):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    answer = state.answers.get(key)
    if answer is None:
        try:
            answer = await (workers or state.interactive).run(request, make)
        except ClientLeft:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        except (FileNotFoundError, ScalewiseError) as error:
            detail = str(error) if isinstance(error, ScalewiseError) else "it was deleted"
            raise HttpProblem(
                HTTPStatus.NOT_FOUND, f"the image cannot be shown: {_without_path(detail)}"
            ) from None
        state.answers.put(key, answer)
    return Response(answer, 200, headers, "image/png")


def _without_path(detail: str) -> str:
    """Return what is said of a file, without the path that only this server knows."""
    path, separator, reason = detail.partition(": ")
    return without_paths(reason if separator and "/" in path else detail)
