"""Single images in Python: what :func:`scalewise.upscale` and :func:`scalewise.restore` do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scalewise.errors import ScalewiseError, warn
from scalewise.files import check_target, copy_picture, format_of, require_folder, write
from scalewise.imaging.blind_estimation import estimate_degradation
from scalewise.restoring.enlarging import enlarge
from scalewise.restoring.inputs import ImageInput, Pixels, path_of, read_input, samples_for_file
from scalewise.restoring.restorer import Restorer, check_strength
from scalewise.restoring.selection import cached_cascade, select_model
from scalewise.restoring.sizes import Target
from scalewise.tasks import AUTO, get_task
from scalewise.weights import default_model, find_release
from scalewise.weights.card import read_card


def upscale_image(
    image: Any, output: Any, model: str | Path | None, target: Target, *, overwrite: bool
) -> Any:
    """Enlarge an image; see :func:`scalewise.upscale`."""
    if model is not None:
        find_release(model)  # says which there are
    path = _checked_path(output, overwrite)
    given = read_input(image)
    if model is None:
        estimate = estimate_degradation(given.pixels, given.luma_table)
        model = select_model(estimate, enlarge=True)
    return _result(given, path, model, target, overwrite=overwrite)


def restore_image(image: Any, output: Any, task: str, strength: float, *, overwrite: bool) -> Any:
    """Take noise or JPEG's artifacts out of an image; see :func:`scalewise.restore`."""
    model = None if task == AUTO else _model_of(task)
    check_strength(strength)
    path = _checked_path(output, overwrite)
    given = read_input(image)
    if model is None:
        estimate = estimate_degradation(given.pixels, given.luma_table)
        model = select_model(estimate, enlarge=False)
    return _result(given, path, model, Target(), strength, overwrite=overwrite)


def _model_of(task: str) -> str:
    """Return the model of a task other than enlarging clean images."""
    if not get_task(task).is_degraded:
        raise ScalewiseError(f"task {task} only enlarges: call upscale")
    return default_model(task)


def _checked_path(output: Any, overwrite: bool) -> Path | None:
    """Where to write, with all that can be known of it before there is an image."""
    if output is None:
        return None
    path = path_of(output)
    check_target(path, 1, 1, overwrite=overwrite)
    require_folder(path)
    return path


def _result(
    given: ImageInput,
    path: Path | None,
    model: str | Path | None,
    target: Target,
    strength: float = 1.0,
    *,
    overwrite: bool,
) -> Any:
    """What the caller gets; it is written, too, if there is a path.

    Args:
        model: what the image goes through; None for nothing.
    """
    height, width, _ = given.pixels.shape
    native = 1 if model is None else read_card(find_release(model)).scale
    size = target.size(height, width, native)
    if path is not None:
        check_target(path, size[1], size[0], overwrite=overwrite)
    if model is None or (size == (height, width) and native > 1):
        if path is not None and not _copied(given, path, overwrite):
            _write(given, given.pixels, path, overwrite)
        return given.give_back(given.pixels.copy())
    restorers: Sequence[Restorer] = cached_cascade(model, strength)
    result = enlarge(given.pixels, restorers, target, separate=given.separate)
    if path is not None:
        _write(given, result, path, overwrite)
    return given.give_back(result)


def _copied(given: ImageInput, path: Path, overwrite: bool) -> bool:
    """Whether an unchanged picture's file could be copied: to encode it again would lose."""
    return given.path is not None and copy_picture(given.path, path, overwrite=overwrite)


def _write(given: ImageInput, pixels: Pixels, path: Path, overwrite: bool) -> None:
    picture = given.to_picture(samples_for_file(pixels, format_of(path).deep))
    for line in write(path, picture, overwrite=overwrite):
        warn(line)
