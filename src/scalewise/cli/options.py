"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from scalewise import DEFAULT_MODEL

__all__ = ["DEFAULT_MODEL", "ModelOption", "PrecisionOption", "TileOption"]

ModelOption = Annotated[
    str, typer.Option("--model", "-m", help="A released model's name or folder.")
]
TileOption = Annotated[
    int | None,
    typer.Option(min=32, help="Side of a tile in input pixels; smaller needs less memory. [256]"),
]
PrecisionOption = Annotated[
    Literal["f32", "bf16"],
    typer.Option(help="What to compute in; bf16 is faster where the CPU has it."),
]
