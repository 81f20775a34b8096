"""Command-line options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from scalewise.cli.help import COMPUTE, INPUT, OUTPUT
from scalewise.cli.usage_errors import UsageError
from scalewise.errors import ScalewiseError


def parse_format(name: str | None) -> str | None:
    """Return a format's name as it was given; the callback of an option.

    Raises:
        typer.BadParameter: an unknown one; the message lists the known ones.
    """
    from scalewise.files.formats import get_format

    if name is not None:
        try:
            get_format(name)
        except ScalewiseError as error:
            raise typer.BadParameter(str(error)) from None
    return name


def parse_suffix(text: str | None) -> str | None:
    """Return the end of a result's name as it was given; the callback of an option."""
    if text and Path("a" + text).name != "a" + text:
        raise typer.BadParameter(f"'{text}' must be a part of a name, without separators")
    return text


ImagesArgument = Annotated[
    list[str],
    typer.Argument(metavar="IMAGE", help="Images, and folders of images; - is standard input."),
]
OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="Write to this file for one image, else to this folder; a name that ends in / is "
        "always a folder, and - is standard output (default: the folder of each image).",
    ),
]
StrengthOption = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        metavar="X",
        help="Keep this part of the changes, 0-1, for models that remove noise or artifacts; 0 "
        "keeps nothing of them, or when enlarging the result of the model for clean images.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Set what the weights of a foreign checkpoint do not state, such as levels=3 for "
        "official SCN (default: 4); repeat for several.",
    ),
]


def parse_settings(texts: list[str] | None) -> dict[str, Any]:
    """Return settings of a network, each written NAME=VALUE.

    Raises:
        UsageError: one is not of that form.

    >>> parse_settings(["levels=3", "shared=false"])
    {'levels': 3, 'shared': False}
    """
    import yaml

    settings: dict[str, Any] = {}
    for text in texts or []:
        name, _, value = text.partition("=")
        if not name or not value:
            raise UsageError(f"--set {text}: write NAME=VALUE, such as levels=3")
        try:
            settings[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UsageError(f"--set {text}: the value cannot be read") from None
    return settings


def parse_frame(text: str | None, flag: str) -> tuple[int, int] | None:
    """Return width and height of ``WxH``; None for None.

    Raises:
        UsageError: the text is not of that form.

    >>> parse_frame("3840x2160", "--fit")
    (3840, 2160)
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)[xX](\d+)", text)
    if match is None:
        raise UsageError(f"{flag} '{text}': write WxH, such as 3840x2160")
    return int(match[1]), int(match[2])


FormatOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        callback=parse_format,
        help="Write this format: png, tiff, jpeg, webp or avif (default: by the extension).",
        rich_help_panel=OUTPUT,
    ),
]
QualityOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=100,
        metavar="N",
        help="Set the JPEG, WebP or AVIF quality, 1-100, of results that are encoded; copies of "
        "images stay as they are (default: 95, of AVIF 90).",
        rich_help_panel=OUTPUT,
    ),
]
LosslessOption = Annotated[
    bool,
    typer.Option(
        "--lossless",
        help="Write WebP and AVIF without loss; without --quality, a WebP of a lossless WebP is.",
        rich_help_panel=OUTPUT,
    ),
]
StripOption = Annotated[
    bool,
    typer.Option(
        "--strip",
        help="Leave out all metadata except the colour profile.",
        rich_help_panel=OUTPUT,
    ),
]
OverwriteOption = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace existing results; by default they are skipped, and that of a single image is "
        "an error.",
        rich_help_panel=OUTPUT,
    ),
]
ReplaceOption = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace what is there already; by default that is an error."),
]
SuffixOption = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        callback=parse_suffix,
        help="Add this text to the names of results (default: such as _x2 in the folder of the "
        "image, nothing in another folder).",
        rich_help_panel=OUTPUT,
    ),
]
IncludeOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Take only images that match, such as '*.jpg' or '2024/*', in upper or lower case; "
        "repeat for several patterns.",
        rich_help_panel=INPUT,
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Leave out images that match; repeat for several patterns.",
        rich_help_panel=INPUT,
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        help="Take the i-th of n parts of the images, one part per machine.",
        rich_help_panel=INPUT,
    ),
]
MaxPixelsOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        help="Refuse larger images; 0 for no limit (default: 500 million).",
        rich_help_panel=INPUT,
    ),
]
DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option(
        metavar="DEVICE",
        help="Run on this device: auto, cpu, cuda or mps; only cpu needs no PyTorch.",
        rich_help_panel=COMPUTE,
    ),
]
PrecisionOption = Annotated[
    Literal["f32", "bf16", "int8"],
    typer.Option(
        metavar="TYPE",
        help="Compute in f32, bf16 or int8; bf16 is faster where the CPU has it, int8 on each CPU,"
        " for photographs.",
        rich_help_panel=COMPUTE,
    ),
]
AutoPrecisionOption = Annotated[
    Literal["auto", "f32", "bf16", "int8"],
    typer.Option(
        metavar="TYPE",
        help="Compute in auto, f32, bf16 or int8. auto takes int8 for photographs if that costs "
        "less than 0.02 dB, else bf16 if the device has it and that costs less than 0.01 dB.",
        rich_help_panel=COMPUTE,
    ),
]
TileOption = Annotated[
    int | None,
    typer.Option(
        min=32,
        metavar="PIXELS",
        help="Cut images into tiles of this side in input pixels, 32 or more; smaller tiles need "
        "less memory (default: by the free memory).",
        rich_help_panel=COMPUTE,
    ),
]
ForceTilingOption = Annotated[
    bool,
    typer.Option(
        "--force-tiling",
        help="Cut images into tiles even for models that need the whole image; results differ.",
        rich_help_panel=COMPUTE,
    ),
]
EnsembleOption = Annotated[
    bool,
    typer.Option(
        "--ensemble",
        help="Average over eight flips and rotations (self-ensemble, x8): slightly better, eight "
        "times as slow.",
        rich_help_panel=COMPUTE,
    ),
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Run on the machines of a Ray cluster: auto, HOST:PORT, or local for a test on this "
        "machine.",
        rich_help_panel=COMPUTE,
    ),
]
