"""Options of evaluation protocols: the task, and how strongly images are degraded first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scalewise.arguments import listed, nearest_name
from scalewise.cli.help import DEGRADATION
from scalewise.cli.usage_errors import UsageError, refusing_usage
from scalewise.errors import ScalewiseError
from scalewise.tasks import AUTO, DENOISE, SUPER_RESOLUTION, TASKS, get_task, list_tasks, task_names

if TYPE_CHECKING:
    from scalewise.imaging.degradations import Subsampling
    from scalewise.imaging.protocols import Protocol


def parse_task(name: str | None) -> str | None:
    """Return the name of a task for a name or alias; the callback of an option.

    Raises:
        typer.BadParameter: an unknown one; the message lists the known ones.
    """
    if name is None:
        return None
    try:
        return get_task(name).name
    except ScalewiseError as error:
        raise typer.BadParameter(str(error)) from None


def parse_restoring_task(name: str) -> str:
    """Return the name of a task that keeps its input's content, or ``auto``; as a callback."""
    try:
        task = name if name == AUTO else get_task(name).name
    except ScalewiseError:
        hint = nearest_name(name, _restoring_tasks())
        raise typer.BadParameter(f"unknown task '{name}'; {hint}") from None
    if task != AUTO and get_task(task).only_enlarges:
        raise typer.BadParameter(f"{task} only enlarges: use 'scalewise upscale'")
    if task != AUTO and not get_task(task).is_released:
        raise typer.BadParameter(f"{task} has no released model; train one, and give --model")
    return task


TASK_NAMES = ", ".join(task_names())


def _restoring_tasks() -> list[str]:
    """Return what ``restore`` takes for a task, as far as the tasks' packages are imported."""
    enlarging = {name for name, task in TASKS.items() if task.only_enlarges}
    return [AUTO, *(name for name in task_names(released=True) if name not in enlarging)]


RESTORING_TASK_NAMES = ", ".join(_restoring_tasks())
DOUBLING_TASK_NAMES = listed(
    [name for name in _restoring_tasks() if name in TASKS and not TASKS[name].keeps_size]
)


def _option(name: str, metavar: str, *flags: str) -> Any:
    """Return an option of protocols, with its range, its default and the tasks that it is for."""
    having = {each: task.options[name] for each, task in TASKS.items() if name in task.options}
    known = next(iter(having.values()))
    low, high = known.smallest, known.largest
    limits = "" if low is None or high is None else f", {low:g}-{high:g}"
    tasks = f"for {listed([*having])}"
    if known.default is not False:
        defaults = (f"for {each}: {option.default}" for each, option in having.items())
        tasks = f"default {', '.join(defaults)}"
    return typer.Option(
        *flags,
        metavar=metavar,
        min=low,
        max=high,
        help=f"{known.help}{limits} ({tasks}).",
        rich_help_panel=DEGRADATION,
    )


TaskOption = Annotated[
    str | None,
    typer.Option(
        metavar="TASK",
        callback=parse_task,
        help=f"Degrade the images as for this task: {TASK_NAMES} (default: the model's task).",
        rich_help_panel=DEGRADATION,
    ),
]
SigmaOption = Annotated[float | None, _option("sigma", "LEVELS")]
QualityOption = Annotated[int | None, _option("quality", "N")]
SubsamplingOption = Annotated[Literal["4:2:0", "4:4:4"] | None, _option("subsampling", "RATIO")]
GreyOption = Annotated[bool, _option("grey", "", "--grey")]
SensorOption = Annotated[bool, _option("sensor", "", "--sensor")]
ProtocolOption = Annotated[Literal["field", "squash256"] | None, _option("protocol", "NAME")]


def baselines() -> dict[str, list[str]]:
    """Return the baselines that need no network, each with its tasks."""
    found: dict[str, list[str]] = {}
    for name in list_tasks():
        found.setdefault(TASKS[name].baseline, []).append(name)
    return found


def task_of(model: str) -> str:
    """Return the task of a model or baseline; of several, the most general without degradation."""
    from scalewise.restoring.classical import CLASSICAL
    from scalewise.weights import is_release, resolve

    if model in CLASSICAL:
        return DENOISE.name
    tasks = baselines().get(model)
    if tasks is not None:
        general = SUPER_RESOLUTION.name
        return min(tasks, key=lambda name: (get_task(name).is_degraded, name != general))
    return resolve(model).card.task if is_release(model) else SUPER_RESOLUTION.name


def chosen_protocol(
    task: str,
    sigma: float | None,
    quality: int | None,
    subsampling: Subsampling | None,
    grey: bool,
    sensor: bool,
    protocol: str | None = None,
) -> Protocol:
    """Return the protocol that a task and the options given with it name.

    Raises:
        UsageError: an option belongs to another task, or contradicts another one.
    """
    from scalewise.evaluating.task_protocols import evaluation_protocol

    given = {
        "sigma": sigma,
        "quality": quality,
        "subsampling": subsampling,
        "grey": grey,
        "sensor": sensor,
        "protocol": protocol,
    }
    with refusing_usage():
        chosen = evaluation_protocol(task, **{name: each for name, each in given.items() if each})
    if grey and subsampling:
        raise UsageError("--subsampling is for colour; with --grey there is no chroma")
    return chosen


def check_scale(name: str, scale: int, task: str, protocol: Protocol) -> None:
    """Refuse to measure a network at a task that is for another scale."""
    if scale == 1 and not get_task(task).is_degraded:
        raise ScalewiseError(f"{name} does not enlarge; name its task with --task")
    if protocol.only_scale not in (None, scale):
        raise ScalewiseError(
            f"{name} is for x{scale}, and protocol {protocol.name} for x{protocol.only_scale} only"
        )
