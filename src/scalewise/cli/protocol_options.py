"""What is done to pictures before a network is measured on them: the options that say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from scalewise.imaging.degradations import Subsampling
    from scalewise.imaging.protocols import Protocol
    from scalewise.weights.card import Task

TaskOption = Annotated[
    Literal["super-resolution", "denoise", "dejpeg", "photo"] | None,
    typer.Option(help="What is done to the pictures first (default: what the model is for)."),
]
SigmaOption = Annotated[
    float | None,
    typer.Option(min=0.1, max=255, help="Of denoise: how strong the noise is (default: 25)."),
]
QualityOption = Annotated[
    int | None, typer.Option(min=1, max=100, help="Of dejpeg: the JPEG's (default: 10).")
]
SubsamplingOption = Annotated[
    Literal["4:2:0", "4:4:4"] | None,
    typer.Option(help="Of dejpeg: the chroma's (default: 4:2:0)."),
]
GreyOption = Annotated[
    bool, typer.Option("--grey", help="Of denoise and dejpeg: make the pictures grey first.")
]

BASELINES: dict[str, Task] = {
    "bicubic": "super-resolution",
    "noisy": "denoise",
    "jpeg": "dejpeg",
}
"""What may be evaluated without a network, and the task that it is the baseline of."""

_OPTIONS: dict[Task, set[str]] = {
    "super-resolution": {"protocol"},
    "denoise": {"sigma", "grey"},
    "dejpeg": {"quality", "subsampling", "grey"},
    "photo": set(),
}
"""The options that say how a task is measured."""


def task_of(model: str) -> Task:
    """What a model, or a baseline, is for."""
    from scalewise.weights import find_release, is_release
    from scalewise.weights.card import read_card

    if model in BASELINES:
        return BASELINES[model]
    return read_card(find_release(model)).task if is_release(model) else "super-resolution"


def protocol_of(
    task: Task,
    sigma: float | None,
    quality: int | None,
    subsampling: Subsampling | None,
    grey: bool,
    protocol: str | None = None,
) -> Protocol:
    """The protocol that a task and the options given with it name."""
    from scalewise.errors import ScalewiseError
    from scalewise.evaluating.protocols import PHOTO, deblocking, denoising
    from scalewise.imaging.protocols import PROTOCOLS

    given = {
        "sigma": sigma,
        "quality": quality,
        "subsampling": subsampling,
        "grey": grey,
        "protocol": protocol,
    }
    for option, value in given.items():
        if value and option not in _OPTIONS[task]:
            right = " and ".join(name for name, known in _OPTIONS.items() if option in known)
            raise ScalewiseError(f"--{option} is for {right}, not for {task}")
    if grey and subsampling:
        raise ScalewiseError("--subsampling is for colour; with --grey there is no chroma")
    if task == "denoise":
        return denoising(sigma or 25, grey=grey)
    if task == "dejpeg":
        return deblocking(quality or 10, subsampling or "4:2:0", grey=grey)
    return PHOTO if task == "photo" else PROTOCOLS[protocol or "field"]


def baseline_of(task: Task) -> str:
    """What the networks of a task are compared with; photos grow, too."""
    return next((name for name, of in BASELINES.items() if of == task), "bicubic")


def check_scale(name: str, scale: int, task: Task, protocol: Protocol) -> None:
    """Refuse to measure a network at a task that is for another scale."""
    from scalewise.errors import ScalewiseError

    if task == "super-resolution" and scale == 1:
        raise ScalewiseError(f"{name} enlarges nothing; say what it is for with --task")
    if protocol.only_scale not in (None, scale):
        raise ScalewiseError(
            f"{name} is for x{scale}, and protocol {protocol.name} for x{protocol.only_scale} only"
        )
