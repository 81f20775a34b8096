"""Schemas of the HTTP interface: its forms and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import File, UploadFile
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from scalewise.arguments import LARGEST_SCALE
from scalewise.files.formats import FORMATS, get_format
from scalewise.imaging.blind_estimation import Codec
from scalewise.tasks import AUTO, get_task, list_tasks


def _canonical_task(name: str) -> str:
    """Return a task's own name for one that a client sent, which may be an alias."""
    if name not in (known := _task_names()):
        raise ValueError(f"unknown task '{name}'; known: {', '.join(known)}")
    return name if name == AUTO else get_task(name).name


def _task_names() -> list[str]:
    """Return all names that a client may send."""
    tasks = [task for task in map(get_task, list_tasks()) if task.is_released]
    return [AUTO, *(each for task in tasks for each in (task.name, *task.aliases))]


TaskName = Annotated[
    str, AfterValidator(_canonical_task), WithJsonSchema({"type": "string", "enum": _task_names()})
]


def _canonical_format(name: str) -> str:
    """Return a format's own name for one that a client sent."""
    return get_format(name).name


FormatName = Annotated[
    str,
    AfterValidator(_canonical_format),
    WithJsonSchema({"type": "string", "enum": [form.name for form in FORMATS]}),
]
_FileName = Annotated[
    str | None,
    Field(
        max_length=4096,
        description="The file's name, percent-encoded, in place of the one that comes with it: "
        "that of a form cannot tell a quote or a line break from their escapes.",
    ),
]
JobState = Literal["waiting", "running", "done", "failed", "cancelled", "lost"]
FINAL_STATES: frozenset[JobState] = frozenset({"done", "failed", "cancelled", "lost"})


class RestoreForm(BaseModel):
    """Settings of a restoration."""

    model_config = ConfigDict(extra="forbid")

    task: TaskName = Field(
        default=AUTO,
        description="What to do, a name of GET /v1/tasks; auto enlarges, with the model that the "
        "image calls for.",
    )
    scale: float | None = Field(
        default=None,
        gt=0,
        le=LARGEST_SCALE,
        description="Times the size, for tasks that enlarge; 2 by default.",
    )
    width: int | None = Field(
        default=None, ge=1, le=1_000_000, description="In pixels, in place of scale."
    )
    height: int | None = Field(
        default=None, ge=1, le=1_000_000, description="In pixels, in place of scale."
    )
    strength: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="How much to keep of what the model changes, for tasks that have a strength.",
    )
    model: str | None = Field(
        default=None,
        max_length=100,
        description="A name of GET /v1/models, in place of the task's.",
    )
    format: FormatName | None = Field(
        default=None,
        description="Of the result; the image's own by default, PNG where that is not written.",
    )
    quality: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="JPEG, WebP or AVIF quality of the result; 95 by default, of AVIF 90.",
    )
    output_name: str | None = Field(
        default=None,
        max_length=200,
        description="File name of the result, letter for letter: nothing in braces is replaced. "
        "The command line's by default.",
    )
    folder: str = Field(
        default="",
        max_length=4096,
        description="Path of the image's folder, with slashes; results.zip has it, too.",
    )
    wait: bool = Field(default=False, description="Answer with the restored image itself.")
    file_name: _FileName = None
    upload: str | None = Field(
        default=None, max_length=100, description="The id of an upload, in place of a file."
    )


class UploadForm(RestoreForm):
    """Settings of a restoration and the image file, as a client sends them."""

    file: Annotated[UploadFile | None, File(description="The image.")] = None


class ImageForm(BaseModel):
    """An image file alone, as a client sends it."""

    file_name: _FileName = None
    file: Annotated[UploadFile, File(description="The image.")]


class EstimateView(BaseModel):
    """Estimated degradation of an image."""

    sigma: float = Field(description="Standard deviation of its noise, in levels of 255.")
    has_pattern: bool = Field(description="Whether that is a pattern instead, as of dithering.")
    codec: Codec | None = Field(description="What compressed it; null where nothing tells of it.")
    quality: int | None = Field(description="0 to 100, as that codec's usual encoder counts.")
    jpeg_quality: int | None = Field(description="The same of a JPEG alone.", deprecated=True)


class Choice(BaseModel):
    """A suitable setting for an upload, at the default size."""

    task: str = Field(description="To ask for; auto for what is restored and then enlarged.")
    title: str
    model: str = Field(description="The first that the image goes through.")
    scale: int = Field(description="Times the size, by default.")
    out_width: int
    out_height: int
    seconds: float | None = Field(
        description="Estimated time of the whole image; null until the model was measured here."
    )
    exceeds_limit: bool = Field(
        description="The estimated time is longer than the server allows for an image."
    )
    recommended: bool = Field(description="This is what auto would do.")
    explanation: str


class UploadView(BaseModel):
    """An upload, of which jobs and previews can be made."""

    id: str
    name: str
    width: int
    height: int
    format: str = Field(description="By its content, such as JPEG.")
    created: float = Field(description="Unix time.")
    estimate: EstimateView
    choices: list[Choice] = Field(description="The recommended one comes first.")


class JobView(BaseModel):
    """State of a job."""

    id: str
    state: JobState
    ahead: int = Field(default=0, description="Jobs that come before it.")
    done: float = Field(default=0.0, ge=0, le=1, description="The part that is done.")
    seconds_left: float | None = Field(
        default=None, description="Estimated; null while nobody knows."
    )
    name: str = Field(default="image", description="The image's name.")
    folder: str = Field(default="", description="Its folder in results.zip.")
    width: int | None = None
    height: int | None = None
    out_width: int | None = None
    out_height: int | None = None
    task: str = AUTO
    model: str | None = Field(default=None, description="The networks that it went through.")
    reason: str = Field(default="", description="Why through these.")
    command: str = Field(default="", description="The command line that does the same.")
    warnings: list[str] = []
    problem: str | None = Field(default=None, description="Why there is no result, in a sentence.")
    format: str | None = None
    result_bytes: int | None = None
    result_name: str | None = None
    seconds: float | None = Field(default=None, description="That it took.")
    upload: str | None = Field(default=None, description="The upload that it is made of.")
    created: float = Field(default=0.0, description="Unix time.")
    options: dict[str, Any] = Field(
        default={}, description="The fields of the form that were sent."
    )
    explanation: str = Field(default="", description="What is done and why, in plain words.")
    quality: int | None = Field(default=None, description="Of the encoder, where it was chosen.")


class ScoreView(BaseModel):
    """A measured score; PSNR in dB."""

    dataset: str
    protocol: str
    precision: str
    psnr: float
    psnr_y: float
    ssim: float


class ModelView(BaseModel):
    """A released model."""

    name: str
    summary: str
    task: str
    scale: int
    parameters: int
    scores: list[ScoreView]


class TaskView(BaseModel):
    """A task that has a released model; or auto, which comes first."""

    name: str
    title: str
    description: str
    keeps_size: bool = Field(description="Results are as large as images: there is no scale.")
    has_strength: bool
    model: str | None = Field(description="The model used by default; null where it varies.")


class FormatView(BaseModel):
    """A format, as this installation can read and write it."""

    name: str
    suffixes: list[str] = Field(description="In lower case, with a dot.")
    reads: bool
    writes: bool
    quality: int | None = Field(description="The default; null for a lossless format.")


class LimitsView(BaseModel):
    """Limits of the server, its formats and its version."""

    max_bytes: int
    max_pixels: int
    max_waiting: int
    max_seconds: float
    keep_seconds: float
    formats: list[FormatView]
    version: str


class ProblemDetails(BaseModel):
    """An error, in the form of RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
