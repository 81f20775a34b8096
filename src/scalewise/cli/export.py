"""``scalewise export``: a network written as an ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalewise.cli.model_names import require_model
from scalewise.cli.options import SetOption, parse_settings
from scalewise.cli.outputs import check_output_file
from scalewise.cli.usage_errors import UsageError


def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A released model (its name, folder or weights.safetensors), the folder of a "
            "training run, or a checkpoint (official SCN ones too).",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Write this file, an .onnx.")
    ],
    settings: SetOption = None,
    pad: Annotated[
        bool,
        typer.Option(
            "--pad/--no-pad",
            help="Pad inside the graph, so that it takes any size; or leave padding to the caller, "
            "for tools without a Pad operator of variable size (default: pad).",
        ),
    ] = True,
) -> None:
    """Write a network as an ONNX graph for other runtimes.

    The graph takes batches of images of any size, with values in [0, 1].

    Examples:
        # Export a released model
        scalewise export scn_x2 -o scn_x2.onnx

        # Export the best weights of a training run
        scalewise export runs/tiny -o tiny.onnx

        # Export an official SCN checkpoint with three levels, without padding
        scalewise export scn.pth -o scn.onnx --set levels=3 --no-pad
    """
    from scalewise.files import require_folder
    from scalewise.models.export import export_onnx
    from scalewise.weights import is_release
    from scalewise.weights.release import load_network

    known = parse_settings(settings)
    if known and is_release(model):
        raise UsageError(f"{model}: its card states its settings; leave out --set")
    check_output_file(output, "--output", (".onnx",))
    require_folder(output)
    require_model(model, trained=True)
    network = load_network(model, **known)
    export_onnx(network, output, any_size=pad)
    aligned = not pad and network.multiple > 1
    sizes = f"H and W multiples of {network.multiple}" if aligned else "H and W any size"
    typer.echo(
        f"{output}: image (N, {network.channels}, H, W) in [0, 1], {sizes}, to {network.scale} "
        "times that size"
    )
