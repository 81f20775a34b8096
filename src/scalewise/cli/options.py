"""Command-line options that several commands share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from scalewise.errors import ScalewiseError

SIZE, FILES, FOLDERS = "Size", "Files", "Folders"

ImagesArgument = Annotated[
    list[str],
    typer.Argument(metavar="IN...", help="Images, and folders of images; - is standard input."),
]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="File for one image, else a folder (end its name in / to be sure); - is standard "
        "output (default: the folder of each image).",
    ),
]
StrengthOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="How much to keep of what a model for noise, JPEG or photos changes; 0 is nothing "
        "(when enlarging, the result for clean images).",
    ),
]

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Set what the weights of a checkpoint of other code do not tell, such as levels=3 "
        "for official SCN (default: 4). May be repeated.",
    ),
]


def parse_settings(texts: list[str] | None) -> dict[str, Any]:
    """Return settings of a network, each written NAME=VALUE.

    Raises:
        ScalewiseError: one is not of that form.

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
        help="Format: png, tiff, jpeg, webp or avif (default: by the extension).",
        rich_help_panel=FILES,
    ),
]
QualityOption = Annotated[
    int | None,
    typer.Option(min=1, max=100, help="JPEG, WebP or AVIF quality, 1-100.", rich_help_panel=FILES),
]
LosslessOption = Annotated[
    bool,
    typer.Option(
        "--lossless", help="Write WebP and AVIF without loss, too.", rich_help_panel=FILES
    ),
]
StripOption = Annotated[
    bool,
    typer.Option(
        "--strip", help="Leave out all metadata except the colour profile.", rich_help_panel=FILES
    ),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace existing outputs.", rich_help_panel=FILES)
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
        help="Text before the extension of a result (default: such as _x2 in the folder of the "
        "image; nothing in another folder).",
        rich_help_panel=FOLDERS,
    ),
]
IncludeOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Take only images that match, such as '*.jpg' or '2024/*', in upper or lower case. "
        "May be repeated.",
        rich_help_panel=FOLDERS,
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(help="Leave out images that match. May be repeated.", rich_help_panel=FOLDERS),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        help="Take only the i-th of n parts, one for each machine.",
        rich_help_panel=FOLDERS,
    ),
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Run on the machines of a Ray cluster: auto, HOST:PORT, or local for one made of "
        "this machine.",
        rich_help_panel=FOLDERS,
    ),
]

TileOption = Annotated[
    int | None,
    typer.Option(
        min=32,
        help="Side of a tile in input pixels, 32 or more; smaller needs less memory (default: by "
        "the free memory).",
    ),
]
PrecisionOption = Annotated[
    Literal["f32", "bf16", "int8"],
    typer.Option(
        help="Number format to compute in; bf16 is faster where the CPU has it, int8 on every "
        "CPU, for photographs."
    ),
]
AutoPrecisionOption = Annotated[
    Literal["auto", "f32", "bf16", "int8"],
    typer.Option(
        help="Number format to compute in; auto takes bf16 where the device has it and it costs "
        "the model less than 0.01 dB, for images of 8 bits. int8 is faster on every CPU, for "
        "photographs."
    ),
]
DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option(help="Device to run on; cpu needs no PyTorch, the others do."),
]
ForceTilingOption = Annotated[
    bool,
    typer.Option(
        "--force-tiling",
        help="Cut images even for models that must see them whole; the result differs.",
    ),
]
EnsembleOption = Annotated[
    bool,
    typer.Option(
        "--ensemble",
        help="Average over eight views, flipped and turned (self-ensemble, x8): a little better, "
        "eight times as long.",
    ),
]
