"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

SIZE, FILES, FOLDERS = "Size", "Files", "Folders"

PicturesArgument = Annotated[
    list[Path], typer.Argument(metavar="IN...", help="Pictures, and folders of pictures.")
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="A file for one picture, else a folder; beside each picture by default.",
    ),
]
StrengthOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="Of models for noise, JPEG and photos: how much to keep of what they change; 0 is "
        "nothing (when enlarging, the result for clean pictures).",
    ),
]

FormatOption = Annotated[
    str | None,
    typer.Option(
        help="png, tiff, jpeg, webp or avif; by the extension by default.", rich_help_panel=FILES
    ),
]
QualityOption = Annotated[
    int | None,
    typer.Option(min=1, max=100, help="Of JPEG, WebP and AVIF.", rich_help_panel=FILES),
]
LosslessOption = Annotated[
    bool, typer.Option("--lossless", help="Of WebP and AVIF, too.", rich_help_panel=FILES)
]
StripOption = Annotated[
    bool,
    typer.Option(
        "--strip", help="Leave out all metadata but the colour profile.", rich_help_panel=FILES
    ),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace outputs that exist.", rich_help_panel=FILES)
]
MaxPixelsOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Refuse larger inputs (default: 500 million; 0: no limit).",
        rich_help_panel=FILES,
    ),
]

SuffixOption = Annotated[
    str | None,
    typer.Option(
        help="Before the extension of a result (default: what was done, such as _x2, beside the "
        "picture; nothing in a folder).",
        rich_help_panel=FOLDERS,
    ),
]
IncludeOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Only what matches, such as '*.jpg' or '2024/*'; may be repeated.",
        rich_help_panel=FOLDERS,
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(help="Not what matches; may be repeated.", rich_help_panel=FOLDERS),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        metavar="I/N", help="Only the i-th of n parts, one a machine.", rich_help_panel=FOLDERS
    ),
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="On the machines of a Ray cluster: auto, HOST:PORT, or local for one made of this "
        "machine.",
        rich_help_panel=FOLDERS,
    ),
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
    Literal["f32", "bf16", "int8"],
    typer.Option(
        help="What to compute in; bf16 is faster where the CPU has it, int8 on every CPU, for "
        "photographs."
    ),
]
AutoPrecisionOption = Annotated[
    Literal["auto", "f32", "bf16", "int8"],
    typer.Option(
        help="What to compute in; auto takes bf16 where the device has it and it costs the model "
        "less than 0.01 dB, for pictures of 8 bits. int8 is faster on every CPU, for photographs."
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
EnsembleOption = Annotated[
    bool,
    typer.Option(
        "--ensemble",
        help="The mean over eight views, flipped and turned: a little better, eight times as long.",
    ),
]
