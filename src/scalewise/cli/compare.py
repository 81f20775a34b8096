"""``scalewise compare``: an image degraded, restored, and compared with its ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalewise import DEFAULT_MODEL
from scalewise.cli.model_names import require_model
from scalewise.cli.outputs import check_output_folder
from scalewise.cli.protocol_options import (
    GreyOption,
    QualityOption,
    SigmaOption,
    SubsamplingOption,
    TaskOption,
    check_scale,
    chosen_protocol,
    task_of,
)


def compare(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="Ground truth: an image of good quality.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Write the results to this folder."),
    ] = Path("comparison"),
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="Use this model, a name, folder, .onnx or checkpoint; repeat for several "
            f"(default: {DEFAULT_MODEL}).",
        ),
    ] = None,
    task: TaskOption = None,
    sigma: SigmaOption = None,
    quality: QualityOption = None,
    subsampling: SubsamplingOption = None,
    grey: GreyOption = False,
    errors: Annotated[
        bool,
        typer.Option("--errors", help="Add maps of each result's error to the sheet."),
    ] = False,
) -> None:
    """Degrade an image, restore it, and score each result.

    The image is reduced in size, or gets noise or JPEG artifacts: whatever the model's task is.
    Bicubic interpolation, or the degraded image itself, is scored for comparison.

    Examples:
        # Reduce an image to half its size and enlarge it again
        scalewise compare photo.png

        # Compare two models, with maps of their errors
        scalewise compare photo.png -m scn_x2 -m scn_fast_x2 --errors

        # Add noise with a standard deviation of 50 and remove it
        scalewise compare photo.png -m denoise --sigma 50 -o noise/
    """
    from scalewise.errors import ScalewiseError
    from scalewise.evaluating.compare import compare
    from scalewise.evaluating.evaluate import baseline, restoration
    from scalewise.files import Picture, write
    from scalewise.restoring.loading import load
    from scalewise.tasks import get_task

    names = model or [DEFAULT_MODEL]
    for name in names:
        require_model(name)
    check_output_folder(output, "--output")
    task = task or task_of(names[0])
    protocol = chosen_protocol(task, sigma, quality, subsampling, grey)
    restorers = [load(name) for name in names]
    scale = restorers[0].scale
    if any(restorer.scale != scale for restorer in restorers):
        raise ScalewiseError("the models have different scales; compare them one by one")
    check_scale(restorers[0].name, scale, task, protocol)
    methods = [(get_task(task).baseline, baseline(scale))]
    methods += [(restorer.name, restoration(restorer)) for restorer in restorers]
    comparison = compare(image, methods, scale, protocol)
    output.mkdir(parents=True, exist_ok=True)
    if scale > 1:
        write(output / f"{image.stem}_low.png", Picture(comparison.lr))
    write(output / f"{image.stem}_sheet.png", Picture(comparison.sheet(errors)))
    height, width = comparison.truth.shape[:2]
    done = f"reduced by {scale} and restored" if scale > 1 else "restored"
    typer.echo(f"{image}: {width}x{height}, {done}")
    for each in comparison.contenders:
        path = output / f"{image.stem}_{each.name}.png"
        write(path, Picture(each.image))
        typer.echo(
            f"  {each.name:12} PSNR {each.scores.psnr:.2f} dB  PSNR-Y {each.scores.psnr_y:.2f} dB  "
            f"SSIM {each.scores.ssim:.4f}  {each.seconds:.2f} s  {path}"
        )
    typer.echo(f"side by side: {output / f'{image.stem}_sheet.png'}")
    typer.echo(protocol.description)
