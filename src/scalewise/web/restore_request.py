"""Restoration requests: model, size, result name, and the equivalent command line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from scalewise.errors import ScalewiseError
from scalewise.files import IMAGE_SUFFIXES, READ_SUFFIXES, format_of
from scalewise.restoring.file_pipeline import OutputOptions
from scalewise.restoring.jobs import result_name
from scalewise.restoring.selection import AUTO_SCALE
from scalewise.restoring.sizes import Target
from scalewise.tasks import AUTO, get_task, list_tasks
from scalewise.web.names import clean_name, portable_folder, same_file, shell_words
from scalewise.web.schemas import RestoreForm, TaskView
from scalewise.weights import default_model, list_cards, resolve
from scalewise.weights.card import Card


@dataclass(frozen=True)
class RestoreRequest:
    """A checked request to restore one image.

    Attributes:
        name: the image's file name, cleaned.
        given_name: the same as the client's computer knows it.
        task: the name of a task, or ``auto``.
        model: a released model, by name or folder; None for automatic selection.
        native_scale: of the result where no size is chosen; 1 if the size stays.
        target: the size that is chosen.
        strength: part of the network's change that is kept, in [0, 1].
        format: format of the result; None for the image's own.
        quality: of the encoder; None for the default.
        output_name: file name of the result, cleaned; None for the command line's.
        folder: path of the image's folder in archives, cleaned.
    """

    name: str
    given_name: str
    task: str
    model: str | None
    native_scale: int
    target: Target
    strength: float
    format: str | None
    quality: int | None = None
    output_name: str | None = None
    folder: str = ""

    @property
    def enlarges(self) -> bool:
        """True if the result may have another size."""
        return self.native_scale > 1

    @property
    def full_target(self) -> Target:
        """The size of the result, chosen or not."""
        return self.target.or_scale(self.native_scale)

    @property
    def result_name(self) -> str:
        """File name of the result."""
        return self.output_name or self._default_name

    @property
    def _default_name(self) -> str:
        suffix = f"_{self.target.label(self.native_scale)}" if self.enlarges else "_restored"
        form = None if self.format is None else format_of(Path("a.png"), self.format)
        extension = None if form is None else form.suffixes[0]
        return result_name(Path(self.name), suffix, extension)

    @property
    def output_options(self) -> OutputOptions:
        """Size and format of the result."""
        return OutputOptions(
            self.full_target,
            format=self.format,
            quality=self.quality,
            overwrite=True,
            max_pixels=None,
        )

    @property
    def command(self) -> str:
        """The equivalent command line."""
        words = ["scalewise", "upscale" if self.enlarges else "restore", _path(self.given_name)]
        if self.output_name is not None:
            words += ["-o", _path(self.output_name)]
        if self.model is not None:
            is_task = self.model == _default_of(self.task) and not self.enlarges
            words += ["--task", self.task] if is_task else ["-m", self.model]
        options = {
            "scale": self.target.scale,
            "width": self.target.width,
            "height": self.target.height,
            "strength": None if self.strength == 1 else self.strength,
            "format": self.format,
            "quality": self.quality,
        }
        for option, value in options.items():
            words += [] if value is None else [f"--{option}", _option_value(value)]
        return shell_words(words)


def _path(name: str) -> str:
    """Return a file name as the command line takes it."""
    return f"./{name}" if name.startswith("-") else name


def _option_value(value: float | str) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def parse_request(form: RestoreForm, file_name: str) -> RestoreRequest:
    """Return a form as a checked request.

    Args:
        form: the settings.
        file_name: as :func:`~scalewise.web.names.decode_name` returns it.

    Raises:
        ScalewiseError: there is no such model, or options contradict each other.
    """
    if form.model is not None and form.task != AUTO:
        raise ScalewiseError("task and model exclude each other: a model has one task")
    model = form.model or _default_of(form.task)
    card = None if model is None else _card_of(form, model)
    native_scale = AUTO_SCALE if card is None else card.scale
    target = Target(form.scale, form.width, form.height)
    if native_scale == 1 and target != Target():
        if form.model is None:
            raise ScalewiseError(
                f"task {form.task} keeps the size: leave the size out; or name the model in its "
                f"place, model={model}, which others follow that enlarge",
                arguments=["task", "model"],
            )
        native_scale = AUTO_SCALE  # by the models that follow
    if form.strength < 1 and card is not None and not get_task(card.task).is_degraded:
        raise ScalewiseError(f"{card.name} only enlarges: it has no strength to choose")
    request = RestoreRequest(
        clean_name(file_name),
        file_name,
        form.task,
        model,
        native_scale,
        target,
        form.strength,
        form.format,
        form.quality,
        folder=portable_folder(form.folder),
    )
    if form.output_name is None or not form.output_name.strip():
        return request
    output_name = _output_name(form, request.result_name)
    if same_file(output_name, file_name):  # the command line refuses that, too
        raise ScalewiseError(
            f"output_name: {output_name} is the image's own name and would replace it; choose "
            f"another, such as {request.result_name}"
        )
    return replace(request, output_name=output_name)


def _output_name(form: RestoreForm, default: str) -> str:
    """Return a result's name with the extension of its format.

    An extension that the client gave decides the format, unless the format is given, too.
    """
    name, extension = clean_name(form.output_name or ""), Path(default).suffix
    given = Path(name).suffix.lower()
    if form.format is None and given in READ_SUFFIXES - IMAGE_SUFFIXES:
        format_of(Path(name))  # which says what can be written
    if given not in IMAGE_SUFFIXES:
        return name + extension
    if form.format is None or given in format_of(Path(default)).suffixes:
        return name
    return str(Path(name).with_suffix(extension))


def _default_of(task: str) -> str | None:
    """Return the default model of a task; None for automatic selection."""
    return None if task == AUTO else default_model(task)


def _card_of(form: RestoreForm, model: str) -> Card:
    """Return a model's card; clients may name only models that come with the package."""
    if form.model is None:
        return resolve(model).card
    cards = {card.name: card for card in list_cards()}
    if model not in cards:
        raise ScalewiseError(f"unknown model '{model}'; choose one of {', '.join(cards)}")
    return cards[model]


def task_views() -> list[TaskView]:
    """Return the tasks on the page: ``auto``, and every task that has a released model."""
    views = [
        TaskView(
            name=AUTO,
            title="Whatever suits the image",
            description="Enlarged; where noise or JPEG artifacts are seen, they are removed.",
            keeps_size=False,
            has_strength=True,
            model=None,
        )
    ]
    for task in map(get_task, list_tasks()):
        try:
            card = resolve(default_model(task.name)).card
        except ScalewiseError:  # no model of this installation has the task
            continue
        views.append(
            TaskView(
                name=task.name,
                title=task.title,
                description=task.description,
                keeps_size=task.keeps_size,
                has_strength=task.is_degraded,
                model=card.name,
            )
        )
    return views
