"""Typed training settings: the keys of a recipe file and their meaning.

Plain dataclasses, so that the training loop needs nothing beyond PyTorch and NumPy;
:mod:`scalewise.training.recipe` reads them from YAML and rejects what does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from scalewise.data.degrading import PatchDegradation
from scalewise.errors import ScalewiseError
from scalewise.short_repr import short_repr
from scalewise.tasks import Strengths, Task, get_task

DERIVED: Any = None
"""Default of a setting that depends on others; it is always replaced."""

CompileMode = Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"]
"""Modes of ``torch.compile``; the two in the middle make CUDA graphs of their own."""

STRICT = {"extra": "forbid", "strict": True}
"""Pydantic's settings for every part of a recipe: unknown keys and wrong types are errors."""


class _Settings:
    """Settings whose ``repr`` leaves out default values."""

    def __repr__(self) -> str:
        return short_repr(self)


@dataclass(frozen=True, kw_only=True, repr=False)
class ModelConfig(_Settings):
    """Settings of the network.

    Attributes:
        name: an architecture of the registry.
        settings: its constructor's arguments.
        init: initial weights: a released model's name or a checkpoint's path.
        init_partial: load only the weights that fit, and draw the others at random: for the body
            of a network of another scale.
    """

    name: str
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    init: str | None = None
    init_partial: bool = False
    __pydantic_config__ = STRICT


@dataclass(frozen=True, kw_only=True, repr=False)
class DataConfig(_Settings):
    """Settings of the training and validation data.

    Attributes:
        train: packed stores (``scalewise data pack``), or folders of images in any known
            layout, which are packed first.
        weights: share of the patches from each training set, in relation to the others; by
            default in proportion to the positions of a patch in it.
        valid: a folder of images, or a packed store, for validation.
        valid_images: number of images to validate on, the first ones; all by default.
        patch: side of an LR patch in pixels; 48 by default.
        batch: patches per step.
        candidates: positions drawn for each patch.  The one that bicubic enlargement restores
            worst is taken; 1 draws uniformly.  Patches are chosen on the CPU.
        epoch: steps per epoch; by default enough to draw one patch per image.
        augment: flip and transpose patches; true by default.
        squash: side of the square that whole LR images are squashed to (and HR ones to twice
            that), as the reproduced document does.  Then a patch is a whole image, patches are
            not flipped, and every image is drawn once before any is drawn again.
        task: the task, a name of :func:`scalewise.tasks.list_tasks`; its ``training`` has the
            defaults of the four settings below.
        sigma: smallest and largest standard deviation of the noise, in levels of 255.
        quality: lowest and highest quality of the JPEG.
        clean: share of patches that are not degraded.
        grey: share of patches that are made grey, with grey noise.
    """

    train: list[str]
    weights: list[float] | None = None
    valid: str | None = None
    valid_images: int | None = None
    patch: int = DERIVED
    batch: int = 16
    candidates: int = 1
    epoch: int | None = None
    augment: bool = DERIVED
    squash: int | None = None
    task: str = "super-resolution"
    sigma: tuple[float, float] | None = DERIVED
    quality: tuple[int, int] | None = DERIVED
    clean: float = DERIVED
    grey: float = DERIVED
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        task = _task_of("data.task", self.task)
        usual = task.training or Strengths()
        _derive(self, patch=self.squash or 48, augment=self.squash is None)
        _derive(self, sigma=usual.sigma, quality=usual.quality)
        _derive(self, clean=usual.clean, grey=usual.grey)
        _require(bool(self.train), "data.train must name a packed store or a folder of pictures")
        for name in ("squash", "patch", "batch", "candidates", "valid_images", "epoch"):
            _require_above_zero(f"data.{name}", getattr(self, name))
        _require(
            self.squash in (None, self.patch) and not (self.squash and self.augment),
            "with data.squash a patch is a whole picture, as it is: leave out data.patch and "
            f"data.augment, or let them be {self.squash} and false",
        )
        for key, chosen, needed in (
            ("squash", self.squash, not task.is_degraded),
            ("sigma", self.sigma, usual.sigma),
            ("quality", self.quality, usual.quality),
            ("clean", self.clean, task.is_degraded),
            ("grey", self.grey, task.is_degraded),
        ):
            _require(not chosen or bool(needed), f"data.{key} is not for {self.task}: leave it out")
        _require_range("data.sigma", self.sigma, 0, 255)
        _require_range("data.quality", self.quality, 1, 100)
        _require_part("data.clean", self.clean)
        _require_part("data.grey", self.grey)

    @property
    def strengths(self) -> Strengths:
        """Strengths of the degradation of LR patches."""
        return Strengths(sigma=self.sigma, quality=self.quality, clean=self.clean, grey=self.grey)

    @property
    def degradation(self) -> PatchDegradation | None:
        """Degradation of LR patches; None for clean patches."""
        task = get_task(self.task)
        return PatchDegradation.of(task, self.strengths) if task.is_degraded else None


@dataclass(frozen=True, kw_only=True, repr=False)
class LossConfig(_Settings):
    """Settings of the loss ``l1 * L1 + smooth_l1 * SmoothL1``, and of the losses of a cleaning.

    Images are in [0, 1].  With a teacher the loss is ``(1 - teacher)`` times the loss against the
    ground truth plus ``teacher`` times the loss against the teacher's image.

    Attributes:
        l1: weight of the mean absolute error (alpha; with ``denoised`` the document's gamma).
        smooth_l1: weight of the smooth L1 loss (beta).
        denoised: weight of the mean squared error of a denoising block's image against the clean
            input (delta).
        artifact_map: weight of the mean absolute error of an artifact module's map.
        teacher: weight of the teacher's images (``scalewise data pack --teacher``), 0 to 1.
        teacher_until: part of the budget after which the ground truth is the only target.
    """

    l1: float = 1.0
    smooth_l1: float = 0.0
    denoised: float = 0.0
    artifact_map: float = 0.0
    teacher: float = 0.0
    teacher_until: float = 1.0
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        fits = min(self.l1, self.smooth_l1) >= 0 and self.l1 + self.smooth_l1 > 0
        _require(fits, "loss.l1 and loss.smooth_l1 cannot be negative, nor both 0")
        fits = min(self.denoised, self.artifact_map) >= 0
        _require(fits, "loss.denoised and loss.artifact_map cannot be negative")
        _require(0 <= self.teacher <= 1, f"loss.teacher must be from 0 to 1, not {self.teacher:g}")
        fits = 0 <= self.teacher_until <= 1
        _require(fits, f"loss.teacher_until must be from 0 to 1, not {self.teacher_until:g}")

    @property
    def asks_of_cleaning(self) -> bool:
        """True if the loss needs the output of a cleaning, too."""
        return self.denoised > 0 or self.artifact_map > 0


@dataclass(frozen=True, kw_only=True, repr=False)
class OptimizerConfig(_Settings):
    """Settings of the optimizer.

    Attributes:
        kind: ``adam``, or ``muon``, which learns faster (:mod:`scalewise.training.optimization`).
        rate: the highest learning rate.
        betas: Adam's decay rates of the two moments.
        clip: the gradient's largest norm; none by default.
        ema: decay per step of the averaged weights, which are validated and released.  It has a
            warm-up, so short runs average over fewer steps.
    """

    kind: Literal["adam", "muon"] = "adam"
    rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float | None = None
    ema: float = 0.999
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        _require_above_zero("optimizer.rate", self.rate)
        _require_above_zero("optimizer.clip", self.clip)
        _require_part("optimizer.betas", *self.betas)
        _require_part("optimizer.ema", self.ema)


@dataclass(frozen=True, kw_only=True, repr=False)
class ScheduleConfig(_Settings):
    """Settings of the learning rate schedule; see :mod:`scalewise.training.optimization`.

    Attributes:
        kind: ``fixed``, ``cosine``, ``multistep`` or ``wsd`` (warm-up, stable, decay).
        min_rate: the final rate of cosine and wsd.
        milestones: parts of the budget, in (0, 1), at which multistep multiplies the rate.
        gamma: multistep's factor.
        warmup: part of the budget over which the rate rises linearly from zero.
        decay: part of the budget, at its end, over which wsd's rate falls.  It is 0 for a trunk,
            whose decayed copies are separate runs (``scalewise train --from``).
    """

    kind: Literal["fixed", "cosine", "multistep", "wsd"] = "cosine"
    min_rate: float = 0.0
    milestones: list[float] = field(default_factory=lambda: [0.5, 0.75, 0.9])
    gamma: float = 0.5
    warmup: float = 0.0
    decay: float = 0.2
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        _require_part("schedule.warmup", self.warmup)
        fits = 0 <= self.decay <= 1
        _require(fits, f"schedule.decay must be from 0 to 1, not {self.decay:g}")
        _require_part("schedule.milestones", *self.milestones)


@dataclass(frozen=True, kw_only=True, repr=False)
class BudgetConfig(_Settings):
    """Settings of the budget; exactly one of the three is given.

    Attributes:
        steps: optimizer steps.
        epochs: epochs; see :class:`DataConfig`.
        time: seconds of training, or a text such as ``90s``, ``45m``, ``2h`` or ``1h30m``.
            The schedule follows the clock.
    """

    steps: int | None = None
    epochs: int | None = None
    time: float | str | None = None
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        for name in ("steps", "epochs"):
            _require_above_zero(f"budget.{name}", getattr(self, name))


@dataclass(frozen=True, kw_only=True, repr=False)
class Recipe(_Settings):
    """Settings of one training run.

    Attributes:
        seed: random seed of the weights and of the patches.
        precision: ``auto`` computes in bfloat16 if the machine is fast at it.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        validate_every: time between validations: seconds, ``10m``, ``500 steps``, ``1 epoch``.
        checkpoint_every: time between checkpoints, likewise.
        deterministic: make weights and log depend on the recipe alone, not on the clock.  Budget
            and intervals must be in steps or epochs, and the log has no seconds.
        compile: compile the network, which is faster on a GPU and needs a C++ compiler.  True
            selects the mode of ``torch.compile`` for the device; a text names a mode.
        tensorboard: also write TensorBoard logs.
    """

    model: ModelConfig
    data: DataConfig
    budget: BudgetConfig
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    seed: int = 0
    precision: Literal["auto", "f32", "bf16"] = "auto"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    validate_every: float | str = 600.0
    checkpoint_every: float | str = 120.0
    deterministic: bool = False
    compile: bool | CompileMode = False
    tensorboard: bool = False
    __pydantic_config__ = STRICT


def _derive(config: object, **defaults: Any) -> None:
    """Fill in settings that are not given."""
    for name, value in defaults.items():
        if getattr(config, name) is DERIVED:
            object.__setattr__(config, name, value)  # the dataclass is frozen


def _task_of(key: str, name: str) -> Task:
    try:
        return get_task(name)
    except ScalewiseError as error:
        raise ScalewiseError(f"{key}: {error}") from None


def _require(fits: bool, message: str) -> None:
    if not fits:
        raise ScalewiseError(message)


def _require_above_zero(key: str, value: float | None) -> None:
    _require(value is None or value > 0, f"{key} must be above 0, not {value}")


def _require_range(key: str, ends: tuple[float, float] | None, lowest: int, highest: int) -> None:
    if ends is not None:
        least, largest = ends
        _require(
            lowest <= least <= largest <= highest,
            f"{key} must be [least, largest], from {lowest} to {highest}, "
            f"not [{least:g}, {largest:g}]",
        )


def _require_part(key: str, *values: float) -> None:
    for value in values:
        _require(0 <= value < 1, f"{key} must be at least 0 and below 1, not {value}")
