"""Networks that are compared with each other, group by group; plan.py makes their recipes.

Within a group all have the same data, patches, optimizer, batch and time, and are validated after
the same numbers of steps.  The learning rate is constant and the weights are averaged, so that one
training gives both results: after equal steps, in its middle, and after equal time, at its end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from scalewise.training.config import LossConfig, OptimizerConfig, ScheduleConfig

Settings = dict[str, Any]

SEEDS = (0, 1, 2)
"""Seeds of the runs that judge a claim."""

WARM_UP = 0.02
"""Fraction of a comparison's training over which its learning rate rises."""

AVERAGED = ScheduleConfig(kind="fixed", warmup=WARM_UP)
"""Schedule of the comparisons, with averaged weights."""

RESIDUAL: Settings = {"global_residual": True}
NO_RESIDUAL: Settings = {"global_residual": False}
L1 = LossConfig()
"""The document's first loss."""

BOTH_LOSSES = LossConfig(smooth_l1=0.5)
"""The document's second loss."""

CLEANER: Settings = {"scale": 1, "shrink": 2}
ENLARGER: Settings = {"scale": 2}

WITH_TEACHER = ", with a teacher"
"""End of the title of a run that learns from a teacher."""

Task = Literal["super-resolution", "denoise", "dejpeg", "photo"]


@dataclass(frozen=True)
class Compared:
    """A network of a comparison.

    Attributes:
        title: for people.
        architecture: its name in the registry.
        settings: of the architecture, besides those of Original in the same recipes.
        loss: of the training.
        schedule: of the learning rate.
        optimizer: in place of the recipes' own.
        task: that it is trained for.
        seeds: of its runs.
    """

    title: str
    architecture: str
    settings: Settings
    loss: LossConfig = L1
    schedule: ScheduleConfig = AVERAGED
    optimizer: OptimizerConfig | None = None
    task: Task = "super-resolution"
    seeds: tuple[int, ...] = (0,)

    @property
    def taught(self) -> Compared:
        """The same network, which learns half from the ground truth and half from a teacher."""
        title, loss = f"{self.title}{WITH_TEACHER}", LossConfig(teacher=0.5)
        return replace(self, title=title, loss=loss, seeds=(0,))


def _corner(title: str, architecture: str, settings: Settings) -> Compared:
    return Compared(title, architecture, {**RESIDUAL, **settings}, seeds=SEEDS)


ABLATION: dict[str, Compared] = {
    "sum": _corner("sum over scales (Original)", "original", {}),
    "sum_norm": _corner("sum, InstanceNorm", "adaptive", {"attention": "none"}),
    "attention": _corner("attention", "adaptive", {"norm": False}),
    "attention_norm": _corner("attention, InstanceNorm (Adaptive)", "adaptive", {}),
    "sum_no_residual": Compared("Original without global residual", "original", NO_RESIDUAL),
    "attention_norm_no_residual": Compared(
        "Adaptive without global residual", "adaptive", NO_RESIDUAL
    ),
}
"""The document's comparison of its networks: sum or attention, with or without normalisation."""

DOCUMENT_IMAGES = 800
"""Images of the document's epoch."""

BASE = "sum"
"""The run that the ablation compares all others with."""

ATTENTION = "Attention in place of the sum"

GLOBAL_RESIDUAL = "The global residual"

FACTORS = {
    "InstanceNorm": [
        ("sum_norm", "sum", "with the sum"),
        ("attention_norm", "attention", "with attention"),
    ],
    ATTENTION: [
        ("attention", "sum", "without InstanceNorm"),
        ("attention_norm", "sum_norm", "with InstanceNorm"),
    ],
    GLOBAL_RESIDUAL: [
        ("sum", "sum_no_residual", "in Original"),
        ("attention_norm", "attention_norm_no_residual", "in Adaptive"),
    ],
}
"""Factors of the ablation: runs with and without each, and where."""

_DOCUMENTS_ADAM = OptimizerConfig(kind="adam", rate=1e-3, ema=0)
"""Without averaging, which would replace most of what a falling rate does."""


def _adaptive_by(title: str, loss: LossConfig, kind: Literal["fixed", "cosine"]) -> Compared:
    return Compared(
        f"Adaptive, {title}",
        "adaptive",
        NO_RESIDUAL,
        loss=loss,
        schedule=ScheduleConfig(kind=kind),
        optimizer=_DOCUMENTS_ADAM,
        seeds=SEEDS,
    )


LOSSES: dict[str, Compared] = {
    "loss_l1_fixed": _adaptive_by("L1, fixed rate", L1, "fixed"),
    "loss_l1_cosine": _adaptive_by("L1, cosine annealing", L1, "cosine"),
    "loss_mixed_fixed": _adaptive_by("L1 + 0.5 SmoothL1, fixed rate", BOTH_LOSSES, "fixed"),
    "loss_mixed_cosine": _adaptive_by("L1 + 0.5 SmoothL1, cosine annealing", BOTH_LOSSES, "cosine"),
}
"""The document's second training, taken apart: its loss and its rate, on equal steps."""

COMPARATORS: dict[str, Compared] = {
    "original": Compared("Original", "original", RESIDUAL, seeds=SEEDS),
    "shared_levels": Compared(
        "Original, one convolution for all levels (SiCNN's idea)",
        "original",
        {**RESIDUAL, "shared_levels": True},
    ),
    "plain": Compared(
        "plain residual network of the same cost",
        "plain",
        {"width": 64, "convolutions": 20},
        seeds=SEEDS,
    ),
    "scn": Compared("SCN", "scn", {}),
    "unet": Compared("U-Net", "unet", {}),
    "fpn": Compared("FPN", "fpn", {}),
    "dbpn": Compared(
        "DBPN of 1 M parameters",
        "dbpn",
        {**RESIDUAL, "features": 128, "width": 32, "stages": 5},
    ),
    "dsrn": Compared("DSRN of 1 M parameters", "dsrn", {"width": 144}),
}
"""Systems that the document names, beside Original; two of them judge a claim."""


RELATED_BASE = "original"
"""The related network whose curves all others are plotted against."""

RELATED_PAIRS = {"plain": ("original", "plain"), "scn": ("scn", "original")}
"""Pairs of related networks that a claim compares: the first is to be better."""


def taught_name(name: str) -> str:
    """Return the name of a comparator's run with a teacher."""
    return f"{name}_taught"


def base_name(name: str) -> str:
    """Return the name of a comparator, whether its run learns from a teacher or not.

    >>> base_name("unet_taught"), base_name("unet")
    ('unet', 'unet')
    """
    return name.removesuffix(taught_name(""))


def seed_name(name: str, seed: int) -> str:
    """Return the name of a run with another seed.

    >>> seed_name("sum", 0), seed_name("sum", 2)
    ('sum', 'sum_seed2')
    """
    return f"{name}_seed{seed}" if seed else name


def _cleaning(
    title: str, task: Task, network: Settings, part: Settings, loss: LossConfig
) -> Compared:
    return Compared(title, "scn_exact", {**network, **part}, loss=loss, task=task, seeds=SEEDS)


_BLOCK: Settings = {"denoise": 4}
_MODULE: Settings = {"artifacts": 4}
_JOINT = LossConfig(denoised=10.0)
_WITH_MAP = LossConfig(smooth_l1=0.5, artifact_map=0.1)

CLEANING: dict[str, Compared] = {
    "noise_plain": _cleaning("without denoising block", "denoise", CLEANER, {}, L1),
    "noise_block": _cleaning("with denoising block", "denoise", CLEANER, _BLOCK, _JOINT),
    "jpeg_plain": _cleaning("without artifact module", "dejpeg", CLEANER, {}, BOTH_LOSSES),
    "jpeg_module": _cleaning("with artifact module", "dejpeg", CLEANER, _MODULE, _WITH_MAP),
    "photo_plain": _cleaning("x2, without either", "photo", ENLARGER, {}, L1),
    "photo_block": _cleaning("x2, with denoising block", "photo", ENLARGER, _BLOCK, _JOINT),
    "photo_module": _cleaning(
        "x2, with artifact module", "photo", ENLARGER, _MODULE, LossConfig(artifact_map=0.1)
    ),
}
"""The document's future directions: its joint loss (9) and its artifact module, at both scales.

Trained on patches, so in the modern form only: the document gives no recipe for these.
"""


class Part(NamedTuple):
    """A cleaning module of the ablation: runs without and with it, and how they are compared."""

    name: str
    task: str
    without: str
    with_it: str
    value: Literal["psnr", "psnr_y"]


PARTS = (
    Part("denoising block", "denoise", "noise_plain", "noise_block", "psnr"),
    Part("artifact module", "dejpeg", "jpeg_plain", "jpeg_module", "psnr_y"),
    Part("denoising block at scale 2", "photo", "photo_plain", "photo_block", "psnr_y"),
    Part("artifact module at scale 2", "photo", "photo_plain", "photo_module", "psnr_y"),
)
