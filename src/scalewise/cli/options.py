"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from scalewise import DEFAULT_MODEL

__all__ = [
    "DEFAULT_MODEL",
    "AllowLocalOption",
    "AutoPrecisionOption",
    "DeviceOption",
    "ModelOption",
    "PrecisionOption",
    "TileOption",
]

ModelOption = Annotated[
    str, typer.Option("--model", "-m", help="A released model's name or folder.")
]
TileOption = Annotated[
    int | None,
    typer.Option(
        min=32,
        help="Side of a tile in input pixels; smaller needs less memory (default: by what is "
        "free).",
    ),
]
PrecisionOption = Annotated[
    Literal["f32", "bf16"],
    typer.Option(help="What to compute in; bf16 is faster where the CPU has it."),
]
AutoPrecisionOption = Annotated[
    Literal["auto", "f32", "bf16"],
    typer.Option(
        help="What to compute in; auto takes bf16 where the device has it and it costs the model "
        "less than 0.01 dB, for pictures of 8 bits."
    ),
]
DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option(help="Where to run: cpu needs no PyTorch, the others do."),
]
AllowLocalOption = Annotated[
    bool,
    typer.Option(
        "--allow-local",
        help="Cut pictures even for models that must see them whole; the result is another one.",
    ),
]
