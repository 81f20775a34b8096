"""``scalewise convert``: a model written as another kind of file, and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalewise.cli.model_names import require_model
from scalewise.cli.options import ReplaceOption, SetOption, parse_frame, parse_settings
from scalewise.cli.outputs import check_output_file
from scalewise.cli.usage_errors import UsageError


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A released model (its name, folder or weights.safetensors), the folder of a "
            "training run, a checkpoint (.pth, .safetensors; official SCN ones too), or an .onnx.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write this file: .pth (as BasicSR), .safetensors, .onnx, .xml (OpenVINO) or "
            ".param (ncnn, which needs the extra [ncnn]); the last two with a .bin.",
        ),
    ],
    settings: SetOption = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH",
            help="Make a graph that takes images of this size alone, such as 256x256 (default: "
            "any size).",
        ),
    ] = None,
    pad: Annotated[
        bool,
        typer.Option(
            "--pad/--no-pad",
            help="Pad inside the graph, so that it takes any size; or leave padding to the caller, "
            "for tools without a Pad operator of variable size (default: pad; never for .param).",
        ),
    ] = True,
    overwrite: ReplaceOption = False,
) -> None:
    """Write a model as another kind of file, for other programs.

    Both are then run on odd sizes, and the largest difference is printed. A result that differs is
    not kept. The source itself is never replaced. PyTorch is needed: the extra [train].

    Examples:
        # Write a released model as ONNX, for images of any size
        scalewise convert scn_x2 -o scn_x2.onnx

        # Write the best weights of a training run as BasicSR does
        scalewise convert runs/tiny -o tiny.pth

        # Write an official SCN checkpoint with three levels for ncnn
        scalewise convert scn.pth -o scn.param --set levels=3
    """
    from scalewise.converting import SUFFIXES, convert
    from scalewise.weights import is_release

    known = parse_settings(settings)
    if known and is_release(source):
        raise UsageError(f"{source}: its card states its settings; leave out --set")
    check_output_file(output, "--output", SUFFIXES)
    frame = parse_frame(size, "--size")
    require_model(source)
    done = convert(
        source,
        output,
        size=frame and (frame[1], frame[0]),
        pad=pad,
        settings=known,
        overwrite=overwrite,
    )
    sizes = "H and W any size"
    if done.size is not None:
        sizes = f"H {done.size[0]}, W {done.size[1]}"
    elif done.multiple > 1:
        sizes = f"H and W multiples of {done.multiple}"
    names = " and ".join(map(str, done.files))
    typer.echo(
        f"{names}: image (N, {done.channels}, H, W) in [0, {done.white:g}], {sizes}, to "
        f"{done.scale} times that size"
    )
    typer.echo(f"largest difference from {source}: {done.difference:.1e} of white, {done.checked}")
