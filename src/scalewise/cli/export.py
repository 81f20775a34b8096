"""``scalewise export``: a network as an ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    model: Annotated[
        str,
        typer.Argument(
            help="A released model, a training run's folder, or a checkpoint (also official SCN)."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .onnx file to write.")],
) -> None:
    """Write a network as an ONNX graph that takes any image size."""
    from scalewise.errors import ScalewiseError
    from scalewise.models.export import export_onnx
    from scalewise.weights.release import load_network

    if output.suffix.lower() != ".onnx":
        raise ScalewiseError(f"{output}: an exported graph's name ends in .onnx")
    if not output.parent.is_dir():
        raise ScalewiseError(f"{output}: the folder {output.parent} does not exist; make it first")
    network = load_network(model)
    export_onnx(network, output)
    typer.echo(
        f"{output}: image (N, {network.channels}, H, W) in [0, 1], H and W multiples of "
        f"{network.multiple}, to {network.scale} times that size"
    )
