"""Single images in Python: the body of :func:`scalewise.upscale` and :func:`scalewise.restore`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from scalewise.arguments import check_choice, naming_argument, path_of
from scalewise.errors import ScalewiseError, warn
from scalewise.files import check_target, copy_picture, format_of, write
from scalewise.files.formats import ignored_options
from scalewise.imaging.blind_estimation import estimate_content, estimate_degradation
from scalewise.restoring.cascade import CascadeStep, plan_cascade, upscale_array
from scalewise.restoring.classical import (
    Method,
    load_classical,
    require_denoising,
    warn_of_ignored,
)
from scalewise.restoring.file_pipeline import OutputOptions
from scalewise.restoring.inputs import (
    ImageInput,
    Pixels,
    read_input,
    samples_for_file,
)
from scalewise.restoring.jobs import require_other
from scalewise.restoring.loading import LoadOptions
from scalewise.restoring.precision import depends_on_content, for_content
from scalewise.restoring.selection import (
    AUTO_SCALE,
    automatic_options,
    cached_cascade,
    select_model,
)
from scalewise.tasks import AUTO, get_task
from scalewise.weights import Release, default_model, resolve


def upscale_image(
    image: Any,
    output: Any,
    model: str | Path | None,
    options: LoadOptions,
    output_options: OutputOptions,
) -> Any:
    """Enlarge an image; see :func:`scalewise.upscale`."""
    release = None if model is None else resolve(model)
    path = _checked_path(output, output_options)
    given = read_input(image)
    if release is None:
        release, options = _select(given, options, enlarge=True)
        output_options = replace(output_options, target=output_options.target.or_scale(AUTO_SCALE))
    return _result(given, path, release, options, output_options)


def restore_image(
    image: Any,
    output: Any,
    task: str,
    model: str | Path | None,
    method: str,
    sigma: float | None,
    options: LoadOptions,
    output_options: OutputOptions,
) -> Any:
    """Remove noise or JPEG artifacts from an image; see :func:`scalewise.restore`."""
    check_choice("method", method, get_args(Method))
    classical = None if method == "network" else _classical(task, model, method, sigma, options)
    release = _release_for(task, model)
    if classical is None and sigma is not None:
        raise ScalewiseError(
            "sigma is for method nlm or wavelet; a network needs none", arguments=["sigma"]
        )
    size = output_options.target.given
    if size and (release is None or classical or release.card.scale == 1):
        said = ", ".join(f"{name}={value}" for name, value in size.items())
        raise ScalewiseError(
            f"a size ({said}) is only for tasks that change it, such as photo; use upscale to "
            "enlarge",
            arguments=[*size],
        )
    path = _checked_path(output, output_options)
    given = read_input(image)
    if release is None and classical is None:
        release, options = _select(given, options, enlarge=False)
    return _result(given, path, classical or release, options, output_options)


def _release_for(task: Any, model: str | Path | None) -> Release | None:
    """Return the model that a caller has named, by itself or by its task."""
    is_auto = isinstance(task, str) and task == AUTO
    if model is not None:
        if not is_auto:
            raise ScalewiseError(
                "task and model exclude each other: a model has one task",
                arguments=["task", "model"],
            )
        return resolve(model)
    if is_auto:
        return None
    if get_task(task).only_enlarges:
        raise ScalewiseError(f"task {task} only enlarges: call upscale", arguments=["task"])
    return resolve(default_model(task))


def _classical(
    task: str, model: object, method: Any, sigma: float | None, options: LoadOptions
) -> Sequence[CascadeStep]:
    """Return a classical denoiser."""
    classical = load_classical(method, sigma, options)
    require_denoising(method, task, model)
    warn_of_ignored(method, options)
    return classical


def _select(
    given: ImageInput, options: LoadOptions, *, enlarge: bool
) -> tuple[Release | None, LoadOptions]:
    """Return the model that an image calls for, if any, and how to load it."""
    estimate = estimate_degradation(given.pixels, given.compression)
    model = select_model(estimate, enlarge=enlarge)
    if model is None:
        return None, options
    release = resolve(model)
    return release, automatic_options(release.card, options)


def _checked_path(output: Any, options: OutputOptions) -> Path | None:
    """Return the path to write to, after all checks that need no image."""
    if output is None:
        ignored = {"quality": options.quality is not None, "lossless": options.lossless}
        for name in (name for name, given in ignored.items() if given):
            warn(f"{name}= is ignored: there is no output", arguments=[name])
        return None
    path = path_of(output, "output")
    with naming_argument("output"):
        check_target(path, 1, 1, **options.writing)
    return path


def _result(
    given: ImageInput,
    path: Path | None,
    model: Release | Sequence[CascadeStep] | None,
    options: LoadOptions,
    output: OutputOptions,
) -> Any:
    """Return the result for the caller, and write it if there is a path.

    Args:
        given: the image.
        path: where to write the result.
        model: what the image goes through; None for nothing.
        options: how the model is loaded.
        output: size and format of the result.
    """
    height, width, _ = given.pixels.shape
    native = model.card.scale if isinstance(model, Release) else 1
    plan = plan_cascade(height, width, output.target, [native], options.strength)
    if path is not None:
        with naming_argument("output"):
            check_target(path, plan.width, plan.height, **output.writing)
            path.parent.mkdir(parents=True, exist_ok=True)
    if model is None or plan.keeps(height, width):
        if path is not None and not _copied(given, path, output):
            _write(given, given.pixels, path, output)
        return given.give_back(given.pixels.copy())
    if path is not None and given.path is not None:
        with naming_argument("output"):
            require_other(given.path, path)
    if isinstance(model, Release):
        options.warn_of_ignored_tile(model.card)
    restorers: Sequence[CascadeStep] = (
        cached_cascade(model, options) if isinstance(model, Release) else model
    )
    if given.pixels.dtype == np.uint8 and depends_on_content(restorers):
        restorers = for_content(restorers, estimate_content(given.pixels, given.compression))
    result = upscale_array(given.pixels, restorers, output.target, separate=given.separate)
    if path is not None:
        _write(given, result, path, output)
    return given.give_back(result)


def _copied(given: ImageInput, path: Path, output: OutputOptions) -> bool:
    """Copy the file of an unchanged image if possible: encoding it again would degrade it."""
    with naming_argument("output"):
        if given.path is None or not copy_picture(given.path, path, overwrite=output.overwrite):
            return False
    form = format_of(path)
    for line in ignored_options(form, output.quality, lossless=output.lossless, copied=True):
        warn(line)
    return True


def _write(given: ImageInput, pixels: Pixels, path: Path, output: OutputOptions) -> None:
    picture = given.to_picture(samples_for_file(pixels, format_of(path).deep))
    with naming_argument("output"):
        for line in write(path, picture, **output.writing):
            warn(line)
