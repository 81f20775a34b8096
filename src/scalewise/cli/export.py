"""``scalewise export``: a network as an ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalewise.cli.options import SetOption, parse_settings


def export(
    model: Annotated[
        str,
        typer.Argument(
            help="A released model (its name, folder or weights.safetensors), a training run's "
            "folder, or a checkpoint (also official SCN)."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .onnx file to write.")],
    settings: SetOption = None,
    pad: Annotated[
        bool,
        typer.Option(
            "--pad/--no-pad",
            help="Pad inside the graph, so that it takes any size; or leave it to the caller, for "
            "tools that know no Pad of varying size.",
        ),
    ] = True,
) -> None:
    """Write a network as an ONNX graph that takes any image size."""
    from scalewise.errors import ScalewiseError
    from scalewise.files import require_folder
    from scalewise.models.export import export_onnx
    from scalewise.weights.release import load_network

    if output.suffix.lower() != ".onnx":
        raise ScalewiseError(f"{output}: an exported graph's name ends in .onnx")
    require_folder(output)
    network = load_network(model, **parse_settings(settings))
    export_onnx(network, output, any_size=pad)
    aligned = not pad and network.multiple > 1
    sizes = f"H and W multiples of {network.multiple}" if aligned else "H and W any size"
    typer.echo(
        f"{output}: image (N, {network.channels}, H, W) in [0, 1], {sizes}, to {network.scale} "
        "times that size"
    )
