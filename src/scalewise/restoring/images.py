"""Single images in Python: the body of :func:`scalewise.upscale` and :func:`scalewise.restore`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scalewise.errors import ScalewiseError, warn
from scalewise.files import check_target, copy_picture, format_of, require_folder, write
from scalewise.imaging.blind_estimation import estimate_degradation
from scalewise.restoring.cascade import CascadeStep, upscale_array
from scalewise.restoring.classical import load_classical, require_denoising
from scalewise.restoring.inputs import ImageInput, Pixels, path_of, read_input, samples_for_file
from scalewise.restoring.loading import LoadOptions
from scalewise.restoring.selection import cached_cascade, options_for, select_model
from scalewise.restoring.sizes import Target
from scalewise.tasks import AUTO, get_task
from scalewise.weights import Release, default_model, resolve


def upscale_image(
    image: Any,
    output: Any,
    model: str | Path | None,
    target: Target,
    options: LoadOptions,
    *,
    overwrite: bool,
) -> Any:
    """Enlarge an image; see :func:`scalewise.upscale`."""
    release = None if model is None else resolve(model)
    path = _checked_path(output, overwrite)
    given = read_input(image)
    if release is None:
        release, options = _select(given, options, enlarge=True)
    return _result(given, path, release, target, options, overwrite=overwrite)


def restore_image(
    image: Any,
    output: Any,
    task: str,
    method: str,
    sigma: float | None,
    target: Target,
    options: LoadOptions,
    *,
    overwrite: bool,
) -> Any:
    """Remove noise or JPEG artifacts from an image; see :func:`scalewise.restore`."""
    release = None if task == AUTO else resolve(_model_of(task))
    classical = None if method == "network" else _classical(task, method, sigma, options)
    if classical is None and sigma is not None:
        raise ScalewiseError(
            "sigma is for method nlm or wavelet; a network needs none", arguments=["sigma"]
        )
    if target != Target() and (release is None or classical or release.card.scale == 1):
        raise ScalewiseError(
            f"{target!r} is for tasks that change the size, such as photo; use upscale to enlarge"
        )
    path = _checked_path(output, overwrite)
    given = read_input(image)
    if release is None and classical is None:
        release, options = _select(given, options, enlarge=False)
    return _result(given, path, classical or release, target, options, overwrite=overwrite)


def _model_of(task: str) -> str:
    """Return the model of a task other than enlarging clean images."""
    if get_task(task).only_enlarges:
        raise ScalewiseError(f"task {task} only enlarges: call upscale", arguments=["task"])
    return default_model(task)


def _classical(
    task: str, method: Any, sigma: float | None, options: LoadOptions
) -> Sequence[CascadeStep]:
    """Return a classical denoiser."""
    classical = load_classical(method, sigma, options)
    require_denoising(method, task)
    return classical


def _select(
    given: ImageInput, options: LoadOptions, *, enlarge: bool
) -> tuple[Release | None, LoadOptions]:
    """Return the model that an image calls for, if any, and how to load it."""
    estimate = estimate_degradation(given.pixels, given.luma_table)
    model = select_model(estimate, enlarge=enlarge)
    if model is None:
        return None, options
    release = resolve(model)
    return release, options_for(release.card, options)


def _checked_path(output: Any, overwrite: bool) -> Path | None:
    """Return the path to write to, after all checks that need no image."""
    if output is None:
        return None
    path = path_of(output)
    check_target(path, 1, 1, overwrite=overwrite)
    require_folder(path)
    return path


def _result(
    given: ImageInput,
    path: Path | None,
    model: Release | Sequence[CascadeStep] | None,
    target: Target,
    options: LoadOptions,
    *,
    overwrite: bool,
) -> Any:
    """Return the result for the caller, and write it if there is a path.

    Args:
        model: what the image goes through; None for nothing.
    """
    height, width, _ = given.pixels.shape
    native = model.card.scale if isinstance(model, Release) else 1
    size = target.size(height, width, native)
    if path is not None:
        check_target(path, size[1], size[0], overwrite=overwrite)
    if model is None or (size == (height, width) and native > 1):
        if path is not None and not _copied(given, path, overwrite):
            _write(given, given.pixels, path, overwrite)
        return given.give_back(given.pixels.copy())
    if isinstance(model, Release) and options.tile_is_ignored(model.card):
        warn(f"{model.card.name} sees images whole: tile is ignored", arguments=["tile"])
    restorers: Sequence[CascadeStep] = (
        cached_cascade(model, options) if isinstance(model, Release) else model
    )
    result = upscale_array(given.pixels, restorers, target, separate=given.separate)
    if path is not None:
        _write(given, result, path, overwrite)
    return given.give_back(result)


def _copied(given: ImageInput, path: Path, overwrite: bool) -> bool:
    """Copy the file of an unchanged image if possible: encoding it again would degrade it."""
    return given.path is not None and copy_picture(given.path, path, overwrite=overwrite)


def _write(given: ImageInput, pixels: Pixels, path: Path, overwrite: bool) -> None:
    picture = given.to_picture(samples_for_file(pixels, format_of(path).deep))
    for line in write(path, picture, overwrite=overwrite):
        warn(line)
