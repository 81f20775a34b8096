"""Typed training settings: the keys of a recipe file and their meaning.

Plain dataclasses, so that the training loop needs nothing beyond PyTorch and NumPy;
:mod:`scalewise.training.recipe` reads them from YAML and rejects what does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from scalewise.arguments import check_seed
from scalewise.training.config_checks import (
    STRICT,
    Settings,
    require,
    require_above_zero,
    require_part,
)
from scalewise.training.data_config import DataConfig

CompileMode = Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"]
"""Modes of ``torch.compile``; the two in the middle make CUDA graphs of their own."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ModelConfig(Settings):
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
class LossConfig(Settings):
    """Settings of the loss, a weighted sum, and of the losses of a cleaning.

    Images are in [0, 1].  With a teacher the loss is ``(1 - teacher)`` times the loss against the
    ground truth plus ``teacher`` times the loss against the teacher's image.  The losses are
    defined in :mod:`scalewise.training.losses`.

    Attributes:
        l1: weight of the mean absolute error (alpha; with ``denoised`` the document's gamma).
        smooth_l1: weight of the smooth L1 loss (beta).
        charbonnier: weight of the Charbonnier loss, a mean absolute error that is smooth at 0.
        fft: weight of the mean absolute error of the Fourier coefficients; 0.05 next to
            ``l1: 1`` is usual.
        psnr: weight of the patches' decibels below 60 dB; ``l1: 0, psnr: 7e-4`` has the size of
            L1 alone.
        denoised: weight of the mean squared error of a denoising block's image against the clean
            input (delta).
        artifact_map: weight of the mean absolute error of an artifact module's map.
        teacher: weight of the teacher's images (``scalewise data pack --teacher``), 0 to 1.
        teacher_until: part of the budget after which the ground truth is the only target.
    """

    l1: float = 1.0
    smooth_l1: float = 0.0
    charbonnier: float = 0.0
    fft: float = 0.0
    psnr: float = 0.0
    denoised: float = 0.0
    artifact_map: float = 0.0
    teacher: float = 0.0
    teacher_until: float = 1.0
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        weights = (self.l1, self.smooth_l1, self.charbonnier, self.fft, self.psnr)
        names = "loss.l1, smooth_l1, charbonnier, fft and psnr"
        require(min(weights) >= 0 < max(weights), f"{names} cannot be negative, nor all 0")
        fits = min(self.denoised, self.artifact_map) >= 0
        require(fits, "loss.denoised and loss.artifact_map cannot be negative")
        require(0 <= self.teacher <= 1, f"loss.teacher must be from 0 to 1, not {self.teacher:g}")
        fits = 0 <= self.teacher_until <= 1
        require(fits, f"loss.teacher_until must be from 0 to 1, not {self.teacher_until:g}")

    @property
    def asks_of_cleaning(self) -> bool:
        """True if the loss needs the output of a cleaning, too."""
        return self.denoised > 0 or self.artifact_map > 0


@dataclass(frozen=True, kw_only=True, repr=False)
class OptimizerConfig(Settings):
    """Settings of the optimizer.

    Attributes:
        kind: ``adam``, or ``muon``, which learns faster (:mod:`scalewise.training.optimization`).
        rate: the highest learning rate.
        betas: Adam's decay rates of the two moments.
        clip: the gradient's largest norm; none by default.
        accumulate: number of parts that a batch is computed in, one after the other, with the
            gradient of the whole: for batches that do not fit into memory.
        ema: decay per step of the averaged weights, which are validated and released.  It has a
            warm-up, so short runs average over fewer steps.
    """

    kind: Literal["adam", "muon"] = "adam"
    rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float | None = None
    accumulate: int = 1
    ema: float = 0.999
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        require_above_zero("optimizer.rate", self.rate)
        require_above_zero("optimizer.clip", self.clip)
        require_above_zero("optimizer.accumulate", self.accumulate)
        require_part("optimizer.betas", *self.betas)
        require_part("optimizer.ema", self.ema)


@dataclass(frozen=True, kw_only=True, repr=False)
class ScheduleConfig(Settings):
    """Settings of the learning rate schedule; see :mod:`scalewise.training.optimization`.

    Attributes:
        kind: ``fixed``, ``cosine``, ``multistep`` or ``wsd`` (warm-up, stable, decay).
        min_rate: the final rate of cosine and wsd, from 0 to ``optimizer.rate``.
        milestones: parts of the budget, in (0, 1), at which multistep multiplies the rate.
        gamma: multistep's factor, above 0 and at most 1.
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
        require(self.min_rate >= 0, f"schedule.min_rate must be 0 or more, not {self.min_rate:g}")
        fits = 0 < self.gamma <= 1
        require(fits, f"schedule.gamma must be above 0 and at most 1, not {self.gamma:g}")
        require_part("schedule.warmup", self.warmup)
        fits = 0 <= self.decay <= 1
        require(fits, f"schedule.decay must be from 0 to 1, not {self.decay:g}")
        require_part("schedule.milestones", *self.milestones)


@dataclass(frozen=True, kw_only=True, repr=False)
class BudgetConfig(Settings):
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
            require_above_zero(f"budget.{name}", getattr(self, name))


@dataclass(frozen=True, kw_only=True, repr=False)
class Recipe(Settings):
    """Settings of one training run.

    Attributes:
        seed: random seed of the weights and of the patches, from 0 to 2^63 - 1.
        precision: ``auto`` computes in bfloat16 if the machine is fast at it.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        validate_every: time between validations: seconds, ``10m``, ``500 steps``, ``1 epoch``.
        checkpoint_every: time between checkpoints, likewise.
        deterministic: make weights and log depend on the recipe alone, not on the clock.  Budget
            and intervals must be in steps or epochs, and the log has no seconds.
        compile: compile the network, which is faster on a GPU and needs a C++ compiler.  True
            selects the mode of ``torch.compile`` for the device; a text names a mode.
        crops: number of validation images whose centres are saved as PNG files, in ``crops/`` of
            the run's folder: bicubic, restored and true.  Intervals grow with the steps.
        tensorboard: also write TensorBoard logs.
        wandb: also send numbers and crops to Weights & Biases.
        mlflow: also send numbers and crops to MLflow.
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
    crops: int = 0
    tensorboard: bool = False
    wandb: bool = False
    mlflow: bool = False
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        check_seed("seed", self.seed)
        require(self.crops >= 0, f"crops must be 0 or more, not {self.crops}")
        has_images = bool(self.data.valid_sets) or not self.crops
        require(has_images, "crops are made of data.valid: name a set there, or leave crops out")
        batch, parts = self.data.batch, self.optimizer.accumulate
        require(
            batch % parts == 0,
            f"optimizer.accumulate must divide data.batch ({batch}), not be {parts}",
        )
        rate, least = self.optimizer.rate, self.schedule.min_rate
        require(
            least <= rate or self.schedule.kind not in ("cosine", "wsd"),
            f"schedule.min_rate must be at most optimizer.rate ({rate:g}), not {least:g}",
        )
