"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from scalewise.errors import ScalewiseError

SIZE, FILES, FOLDERS = "Size", "Files", "Folders"

PicturesArgument = Annotated[
    list[str],
    typer.Argument(metavar="IN...", help="Pictures, and folders of pictures; - is standard input."),
]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="A file for one picture, else a folder (sure to be one if it ends in /); - is "
        "standard output; beside each picture by default.",
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

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Of a checkpoint of other code: a setting that its weights do not tell, such as "
        "levels=3 for official SCN (default: 4). May be given again.",
    ),
]


def parse_settings(texts: list[str] | None) -> dict[str, Any]:
    """Settings of a network, each written NAME=VALUE.

    Raises:
        ScalewiseError: one does not read so.

    >>> parse_settings(["levels=3", "shared=false"])
    {'levels': 3, 'shared': False}
    """
    import yaml

    settings: dict[str, Any] = {}
    for text in texts or []:
        name, _, value = text.partition("=")
        if not name or not value:
            raise ScalewiseError(f"--set {text}: write NAME=VALUE, such as levels=3")
        try:
            settings[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ScalewiseError(f"--set {text}: the value cannot be read") from None
    return settings


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
        help="Only what matches, such as '*.jpg' or '2024/*', in upper or lower case; may be "
        "repeated.",
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
