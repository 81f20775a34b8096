"""Definitions of the restoration tasks, each in one place.

Training, evaluation, the command line, the HTTP interface and the page read their tasks here.  To
add a task, give a :class:`Task` to :func:`register_task`, or enter one, by its own name, in the
entry point group ``scalewise.tasks``; nothing else has to change.

Importing this module is cheap: NumPy is loaded when a protocol is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from scalewise.arguments import listed, nearest_name, shown
from scalewise.errors import ScalewiseError
from scalewise.plugins import load_plugins, plugin_names
from scalewise.strengths import Strengths
from scalewise.visibility import (
    exceeds,
    has_artifacts,
    is_graphics,
    is_independent,
    is_noisy,
)

if TYPE_CHECKING:
    from scalewise.imaging.blind_estimation import Estimate
    from scalewise.imaging.degradations import OwnDegradation
    from scalewise.imaging.protocols import JpegCodec, Protocol

AUTO = "auto"
"""A word in place of a task's name: the task that an image calls for."""

ENTRY_POINTS = "scalewise.tasks"


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of ``scalewise evaluate`` and ``compare``: how a task is measured.

    Attributes:
        help: what it is, with its unit.
        default: its value where it is not given.
        smallest, largest: its range; None for no limit.
    """

    help: str
    default: Any
    smallest: float | None = None
    largest: float | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """Definition of a task: its training, its evaluation, and its texts for users.

    Attributes:
        name: on the command line, in recipes, on cards and in the HTTP interface.
        aliases: other names that are accepted.
        title: what the page calls it.
        description: which images it is for, one sentence.
        keeps_size: whether results are as large as inputs (scale 1); else they are larger.
        training: ranges of noise and JPEG in training; None for neither.
        degrade: a degradation of the task's own, before noise and JPEG, such as blur: a function
            of an image (H, W, C), uint8; of a strength in [0, 1], drawn in training and 0.5 in
            evaluation; and of a random generator.  It returns the same shape, uint8 or floating
            in levels of 255.
        margin: pixels around a patch that ``degrade`` looks at.
        second_order: whether :class:`~scalewise.imaging.second_order.SecondOrder` takes the place
            of ``degrade`` in training, in ranges that recipes may set.
        is_released: whether a model can be expected without training one; otherwise lists of what
            can be done with an image leave the task out.
        options: what may be chosen in evaluation, by name.
        protocol: makes the evaluation protocol, from ``codec``, some of ``options``, and the
            ``sigma`` and ``quality`` that are trained; by default one in the middle of all
            strengths, scored by PSNR and SSIM.
        baseline: what ``scalewise evaluate`` calls the input, or its bicubic enlargement.
        model: the released model, by name or folder, that is used where none is named; None for
            the one whose card says so.
        suits: whether ``auto`` chooses the task, by the blind estimate; None for never.
        only_if_suited: offer the task only where it suits, as those that only enlarge are.
    """

    name: str
    title: str
    description: str
    aliases: tuple[str, ...] = ()
    keeps_size: bool
    training: Strengths | None = None
    degrade: OwnDegradation | None = None
    margin: int = 0
    second_order: bool = False
    is_released: bool = True
    options: Mapping[str, Option] = field(default_factory=dict[str, Option])
    protocol: Callable[..., Protocol] | None = None
    baseline: str = "input"
    model: str | None = None
    suits: Callable[[Estimate], bool] | None = None
    only_if_suited: bool = False

    @property
    def is_degraded(self) -> bool:
        """True if inputs are degraded beyond their size."""
        return self.training is not None or self.degrade is not None or self.second_order

    def is_offered(self, estimate: Estimate) -> bool:
        """Return whether the task is offered for an image."""
        is_bound = self.only_if_suited or self.only_enlarges
        return not is_bound or self.suits is None or self.suits(estimate)

    @property
    def only_enlarges(self) -> bool:
        """True if the task is nothing but a change of size, so that flat areas stay flat."""
        return not self.is_degraded and not self.keeps_size

    def make_protocol(self, codec: JpegCodec | None = None, **options: Any) -> Protocol:
        """Make the task's evaluation protocol.

        Args:
            codec: what codes JPEG; :data:`scalewise.imaging.protocols.NUMPY_JPEG` by default.
            options: some of :attr:`options`.

        Raises:
            ScalewiseError: an option that the task does not have.
        """
        for name in options:
            if name not in self.options:
                having = [each for each in list_tasks() if name in TASKS[each].options]
                raise ScalewiseError(
                    f"{name} is for {listed(having)}, not for {self.name}", arguments=[name]
                )
        return self._protocol(codec, options)

    def make_validation_protocol(
        self, strengths: Strengths, codec: JpegCodec | None = None
    ) -> Protocol:
        """Make the protocol that a training run is validated by.

        It is the evaluation protocol in the middle of the ranges that the run trains with, at any
        scale; the same image gets the same noise in both.  JPEG is coded by NumPy, so that the
        scores of a run do not depend on the machine, and training needs no pyvips, unless
        ``codec`` does otherwise.
        """
        options = strengths.middle() | ({"sensor": strengths.sensor} if strengths.sensor else {})
        return replace(self._protocol(codec, options), only_scale=None)

    def _protocol(self, codec: JpegCodec | None, options: Mapping[str, Any]) -> Protocol:
        from scalewise.imaging.protocols import NUMPY_JPEG, degraded

        codec = codec or NUMPY_JPEG
        if self.protocol is not None:
            return self.protocol(codec=codec, **options)
        options = {**(self.training or Strengths()).middle(), **options}
        numbers = [each for each in self.options if each in options and each != "sensor"]
        chosen = [f"{options[each]:g}" for each in numbers]
        name = "-".join([self.name, *chosen])
        return degraded(name, self.degrade, codec, keeps_size=self.keeps_size, **options)


TASKS: dict[str, Task] = {}
"""The tasks by name, in the order in which ``auto`` asks them and the page lists them."""


def register_task(task: Task) -> Task:
    """Add a task to the registry, and return it.

    Raises:
        ScalewiseError: another task has the name, or there is none.
    """
    if not task.name:
        raise ScalewiseError("a task needs a name", arguments=["name"])
    if task.name == AUTO or TASKS.setdefault(task.name, task) is not task:
        raise ScalewiseError(f"there is a task '{task.name}' already", arguments=["name"])
    return task


def list_tasks() -> list[str]:
    """Return the names of all tasks."""
    _load_entry_points()
    return list(TASKS)


def task_names(*, released: bool = False) -> list[str]:
    """Return the names of all tasks, without importing the packages that others are in.

    Args:
        released: leave out the tasks without a model, as far as they are imported.
    """
    names = dict.fromkeys([*TASKS, *plugin_names(ENTRY_POINTS)])
    return [name for name in names if not released or name not in TASKS or TASKS[name].is_released]


def get_task(name: str) -> Task:
    """Return a task by its name.

    Raises:
        ScalewiseError: an unknown name; the message lists the known ones.
    """
    given: Any = name
    if not isinstance(given, str):
        raise ScalewiseError(f"a task is a name, not {shown(given)}", arguments=["task"])
    if name not in TASKS:
        _load_entry_points()
    for task in TASKS.values():
        if name == task.name or name in task.aliases:
            return task
    raise ScalewiseError(f"unknown task '{name}'; {nearest_name(name, TASKS)}", arguments=["task"])


def select_task(estimate: Estimate, *, enlarge: bool) -> Task | None:
    """Return the task that an image calls for; None where nothing has to be done.

    This is what ``auto`` means everywhere.  An image that is worse than what enlarging models are
    trained on is restored first, by a task that keeps the size, and enlarged afterwards.

    Args:
        estimate: noise, JPEG quality and content of the image.
        enlarge: whether the result is to be larger than the image.
    """
    for name in list_tasks():
        task = TASKS[name]
        if task.keeps_size != enlarge and task.suits is not None and task.suits(estimate):
            ranges = task.training or Strengths()
            if enlarge and exceeds(estimate, ranges.sigma, ranges.quality, ranges.sensor):
                return select_task(estimate, enlarge=False) or task
            return task
    return None


@cache
def _load_entry_points() -> None:
    load_plugins(ENTRY_POINTS, "task", lambda _, task: register_task(task))


def _field(*, codec: JpegCodec, protocol: str = "field") -> Protocol:
    from scalewise.imaging.protocols import PROTOCOLS

    return PROTOCOLS[protocol]


def _photo(**options: Any) -> Protocol:
    from scalewise.imaging.protocols import photographs

    return photographs(**options)


def _denoise(*, codec: JpegCodec, **options: Any) -> Protocol:
    from scalewise.imaging.protocols import denoising

    return denoising(**options)


def _dejpeg(**options: Any) -> Protocol:
    from scalewise.imaging.protocols import deblocking

    return deblocking(**options)


def _old_photo(*, codec: JpegCodec, **_: Any) -> Protocol:
    # One point whatever a run trains with, so that runs of different ranges can be compared.
    from scalewise.imaging.protocols import old_photographs

    return old_photographs(codec)


_QUALITY = Option(help="Compress with this JPEG quality", default=10, smallest=1, largest=100)
_GREY = Option(help="Make images grey first", default=False)

PHOTO = register_task(
    Task(
        name="photo",
        title="Enlarge a photo, remove noise and artifacts",
        description="For images from cameras, phones and messages.",
        keeps_size=False,
        training=Strengths(sigma=(0, 10), quality=(60, 95), clean=0.15),
        protocol=_photo,
        baseline="bicubic",
        suits=lambda estimate: (
            (is_noisy(estimate) or has_artifacts(estimate, enlarged=True))
            and not is_graphics(estimate)
        ),
    )
)

GRAPHICS_JPEG = register_task(
    Task(
        name="graphics-jpeg",
        title="Enlarge text or graphics, remove JPEG artifacts",
        description="For screenshots, charts and drawings that were saved as JPEG.",
        keeps_size=False,
        training=Strengths(quality=(30, 95), clean=0.05),
        options={"quality": replace(_QUALITY, default=62)},
        baseline="bicubic",
        suits=lambda estimate: is_graphics(estimate) and has_artifacts(estimate, enlarged=True),
        only_if_suited=True,
    )
)

_PROTOCOL = Option(help="Measure by this protocol: field or squash256", default="field")

GRAPHICS = register_task(
    Task(
        name="graphics",
        title="Enlarge text or graphics",
        description="For screenshots, text, charts and drawings.",
        keeps_size=False,
        options={"protocol": _PROTOCOL},
        protocol=_field,
        baseline="bicubic",
        suits=is_graphics,
    )
)

SUPER_RESOLUTION = register_task(
    Task(
        name="super-resolution",
        aliases=("upscale",),
        title="Enlarge a clean image",
        description="For sharp photographs and renderings without noise.",
        keeps_size=False,
        options={"protocol": _PROTOCOL},
        protocol=_field,
        baseline="bicubic",
        suits=lambda estimate: True,
    )
)

DENOISE = register_task(
    Task(
        name="denoise",
        title="Remove noise, keep the size",
        description="For grain and noise of dark images.",
        keeps_size=True,
        training=Strengths(sigma=(0, 50), grey=0.15),
        options={
            "sigma": Option(
                help="Add noise of this standard deviation, in levels of 255",
                default=25,
                smallest=0.1,
                largest=255,
            ),
            "grey": _GREY,
        },
        protocol=_denoise,
        baseline="noisy",
        suits=lambda estimate: is_noisy(estimate) and is_independent(estimate),
    )
)

NOISY_JPEG = register_task(
    Task(
        name="noisy-jpeg",
        title="Remove noise and JPEG artifacts, keep the size",
        description="For noisy photos of cameras, and those that were saved as JPEG.",
        keeps_size=True,
        training=Strengths(sigma=(0, 40), quality=(50, 98), clean=0.1, grey=0.15, sensor=0.4),
        options={
            "sigma": replace(DENOISE.options["sigma"], default=20),
            "quality": replace(_QUALITY, default=74),
            "sensor": Option(help="Add noise as of a sensor, shared by neighbours", default=False),
        },
        suits=is_noisy,
    )
)

DEJPEG = register_task(
    Task(
        name="dejpeg",
        title="Remove JPEG artifacts, keep the size",
        description="For blocks and rings around edges.",
        keeps_size=True,
        training=Strengths(quality=(10, 95), grey=0.15),
        options={
            "quality": _QUALITY,
            "subsampling": Option(help="Subsample JPEG chroma: 4:2:0 or 4:4:4", default="4:2:0"),
            "grey": _GREY,
        },
        protocol=_dejpeg,
        baseline="jpeg",
        suits=lambda estimate: has_artifacts(estimate, enlarged=False),
    )
)

OLD_PHOTO = register_task(
    Task(
        name="old-photo",
        aliases=("second-order",),
        title="Restore an old photo, keep the size",
        description="For soft, grainy scans, and images that were resized and saved many times.",
        keeps_size=True,
        training=Strengths(quality=(30, 95), clean=0.05, grey=0.15),
        margin=16,
        second_order=True,
        is_released=False,
        protocol=_old_photo,
    )
)
