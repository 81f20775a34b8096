"""scalewise: restore images with scale-wise convolutional networks.

The public interface: nothing here needs PyTorch, and heavy packages are imported on use.

>>> "scn_x2" in [card.name for card in list_models()]
True
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

from scalewise.errors import ScalewiseError, ScalewiseWarning
from scalewise.restoring.sizes import Target, target_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scalewise.models import RestorationNetwork
    from scalewise.restoring.classical import Method
    from scalewise.restoring.loading import Device
    from scalewise.restoring.precision import PrecisionChoice
    from scalewise.restoring.restorer import Restorer
    from scalewise.weights.card import Card

    __version__: str

__all__ = [
    "ScalewiseError",
    "ScalewiseWarning",
    "Target",
    "__version__",
    "create_model",
    "list_models",
    "load",
    "restore",
    "upscale",
]

DEFAULT_MODEL = "scn_x2"


def list_models(task: str | None = None, scale: int | None = None) -> list[Card]:
    """Return the cards of the released models that come with the package, sorted by name.

    Args:
        task: only those for a task, such as ``denoise``; see :func:`scalewise.tasks.list_tasks`.
        scale: only those whose output is so many times as large as the input.

    Raises:
        ScalewiseError: no such task, or a scale that is not a number from 1 to 64.

    >>> [card.name for card in list_models(task="super-resolution", scale=4)]
    ['scn_x4']
    """
    from scalewise.arguments import LARGEST_SCALE, check_number
    from scalewise.tasks import get_task
    from scalewise.weights import list_cards

    wanted = None if task is None else get_task(task).name
    if scale is not None:
        check_number("scale", scale, 1, LARGEST_SCALE)
    cards = [card for card in list_cards() if wanted in (None, card.task)]
    return [card for card in cards if scale in (None, card.scale)]


def load(
    model: str | Path = DEFAULT_MODEL,
    *,
    device: Device = "auto",
    precision: PrecisionChoice = "auto",
    tile: int | Literal["auto"] | None = "auto",
) -> Restorer:
    """Load a released model once, to restore many images; threads may share it.

    Args:
        model: a name of :func:`list_models`, the folder of a released model, or
            ``hf-hub:owner/name`` (perhaps with ``@revision``): one on the Hugging Face Hub.
        device: where to run; ``auto`` takes a GPU that PyTorch can use, else the CPU.
        precision: ``bf16`` is faster than ``f32`` where the device has it, and ``int8`` is faster
            still, for photographs; it degrades drawings and noise.  ``auto`` takes ``int8`` for
            photographs where the model's card says that it costs less than 0.02 dB, and else
            ``bf16`` where that costs less than 0.01 dB.
        tile: input pixels used of a tile along either axis, which bounds memory; ``auto`` goes
            by the free memory; None runs images whole.

    Raises:
        ScalewiseError: no such model or device, or the model's files are damaged.
    """
    from scalewise.restoring.loading import LoadOptions, load
    from scalewise.weights import resolve

    options = LoadOptions(device=device, precision=precision, tile=tile)
    release = resolve(model)
    options.warn_of_ignored_tile(release.card)
    return load(release, options)


class ImageOptions(TypedDict, total=False):
    """Options that :func:`upscale` and :func:`restore` share."""

    scale: float | None
    width: int | None
    height: int | None
    fit: tuple[int, int] | None
    max_megapixels: float | None
    device: Device
    precision: PrecisionChoice
    tile: int | Literal["auto"] | None
    strength: float
    ensemble: bool
    quality: int | None
    lossless: bool
    overwrite: bool


def create_model(name: str | Path, pretrained: bool = False, **settings: Any) -> RestorationNetwork:
    """Return a network as a PyTorch module, with released weights or fresh ones.

    Args:
        name: with ``pretrained`` a released model, by what :func:`load` takes: a name of
            :func:`list_models`, a folder or ``hf-hub:owner/name``.  Without, an architecture of
            :func:`scalewise.models.list_architectures`.
        pretrained: load the model's weights; the network is then in evaluation mode.
        settings: the architecture's arguments; a released model has its own.

    Raises:
        ScalewiseError: no such model or architecture; an architecture's name with
            ``pretrained``, with the models that have it; or settings beside ``pretrained``.
    """
    from scalewise.errors import requiring

    with requiring("torch", "a network as a PyTorch module"):
        from scalewise.weights.release import create_model
    return create_model(name, pretrained, **settings)


@overload
def upscale(
    image: NDArray[Any] | str | bytes | PathLike[Any],
    output: str | bytes | PathLike[Any] | None = None,
    *,
    model: str | Path | None = None,
    target: Target | None = None,
    **options: Unpack[ImageOptions],
) -> NDArray[Any]: ...


@overload
def upscale(
    image: Any,
    output: str | bytes | PathLike[Any] | None = None,
    *,
    model: str | Path | None = None,
    target: Target | None = None,
    **options: Unpack[ImageOptions],
) -> Any: ...


def upscale(
    image: Any,
    output: str | bytes | PathLike[Any] | None = None,
    *,
    model: str | Path | None = None,
    target: Target | None = None,
    scale: float | None = None,
    width: int | None = None,
    height: int | None = None,
    fit: tuple[int, int] | None = None,
    max_megapixels: float | None = None,
    device: Device = "auto",
    precision: PrecisionChoice = "auto",
    tile: int | Literal["auto"] | None = "auto",
    strength: float = 1.0,
    ensemble: bool = False,
    quality: int | None = None,
    lossless: bool = False,
    overwrite: bool = False,
) -> Any:
    """Enlarge an image.  The model is kept in memory for the next call.

    Args:
        image: the path of an image; an image of PIL; or whatever :func:`numpy.asarray` takes:
            (H, W) or (H, W, C) with C 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha),
            uint8, uint16, boolean, or floating in [0, 1].  Lists of whole numbers have 8 bits.
        output: the file for the result, with the image's profile and Exif; the format is the
            suffix's.  Floating values are written with 16 bits where the format has them.
        model: a released model's name or folder; None for ``photo_x2`` if the image has visible
            noise or JPEG artifacts, for one that :func:`restore` would choose and then ``scn_x2``
            if these are strong, for ``graphics_x2`` or ``graphics_jpeg_x2`` if it shows text or
            graphics, and else ``scn_x2``.
        target: the size of the result, such as ``Target(scale=3)``.
        scale, width, height, fit, max_megapixels: the same without :class:`Target`, such as
            ``width=3840``; the model's own scale if nothing is given.
        device, precision, tile: as for :func:`load`.
        strength: how much is kept of what a model for photographs changes, in [0, 1]; the rest
            is the result of the model for clean images.
        ensemble: average over eight flips and rotations (self-ensemble, x8): slightly better,
            eight times as slow.
        quality: JPEG, WebP or AVIF quality of the output, 1 to 100; 95 by default, of AVIF 90.
        lossless: write WebP and AVIF without loss.
        overwrite: replace an existing file; if False, that is an error.

    Returns:
        The enlarged image: an image of PIL for an image of PIL (upright; in colour where it had a
        palette, grey where it had one bit); else an array of the input's dtype and number of
        axes, for a file (H, W, C).  Values are clipped to the range.

    Raises:
        ScalewiseError: an unreadable image, an output that cannot be written or exists already,
            no such model or device, or a size that is out of reach.  The output is checked
            before the model is loaded.
    """
    from scalewise.restoring.file_pipeline import OutputOptions
    from scalewise.restoring.images import upscale_image
    from scalewise.restoring.loading import LoadOptions

    sizes = {"scale": scale, "width": width, "height": height, "fit": fit}
    size = target_of(target, **sizes, max_megapixels=max_megapixels)
    options = LoadOptions(
        device=device, precision=precision, tile=tile, strength=strength, ensemble=ensemble
    )
    writing = OutputOptions(size, quality=quality, lossless=lossless, overwrite=overwrite)
    return upscale_image(image, output, model, options, writing)


@overload
def restore(
    image: NDArray[Any] | str | bytes | PathLike[Any],
    output: str | bytes | PathLike[Any] | None = None,
    *,
    task: str = "auto",
    model: str | Path | None = None,
    method: Method = "network",
    sigma: float | None = None,
    **options: Unpack[ImageOptions],
) -> NDArray[Any]: ...


@overload
def restore(
    image: Any,
    output: str | bytes | PathLike[Any] | None = None,
    *,
    task: str = "auto",
    model: str | Path | None = None,
    method: Method = "network",
    sigma: float | None = None,
    **options: Unpack[ImageOptions],
) -> Any: ...


def restore(
    image: Any,
    output: str | bytes | PathLike[Any] | None = None,
    *,
    task: str = "auto",
    model: str | Path | None = None,
    method: Method = "network",
    sigma: float | None = None,
    scale: float | None = None,
    width: int | None = None,
    height: int | None = None,
    fit: tuple[int, int] | None = None,
    max_megapixels: float | None = None,
    device: Device = "auto",
    precision: PrecisionChoice = "auto",
    tile: int | Literal["auto"] | None = "auto",
    strength: float = 1.0,
    ensemble: bool = False,
    quality: int | None = None,
    lossless: bool = False,
    overwrite: bool = False,
) -> Any:
    """Remove noise or JPEG artifacts from an image.  Models are kept for the next call.

    Args:
        image: as for :func:`upscale`.
        output: likewise.  An image that needs nothing is copied there byte by byte, or converted
            if the suffix is of another format.
        task: a name of :func:`scalewise.tasks.list_tasks` that is not about size alone, such as
            ``denoise``; ``auto`` removes noise, JPEG artifacts or both, if they can be seen.
        model: a released model's name or folder, in place of the task's.
        method: ``network``; or, for noise alone, ``nlm`` (non-local means) or ``wavelet``
            (BayesShrink), which need the extra ``[classical]`` and no device.
        sigma: for ``nlm`` and ``wavelet``: standard deviation of the noise in levels of 255;
            estimated by default.
        scale, width, height, fit, max_megapixels: the size, for a task that changes it, such as
            ``photo``.
        device, precision, tile: as for :func:`load`.
        strength: how much is kept of what the network changes, in [0, 1].
        ensemble, quality, lossless: as for :func:`upscale`.
        overwrite: replace an existing file; if False, that is an error.

    Returns:
        The restored image, in the kind that :func:`upscale` returns.

    Raises:
        ScalewiseError: an unreadable image, an output that cannot be written or exists already,
            no such task, method or device, a size for a task that keeps it, or a strength
            outside its range.
    """
    from scalewise.restoring.file_pipeline import OutputOptions
    from scalewise.restoring.images import restore_image
    from scalewise.restoring.loading import LoadOptions

    sizes = {"scale": scale, "width": width, "height": height, "fit": fit}
    size = target_of(None, **sizes, max_megapixels=max_megapixels)
    options = LoadOptions(
        device=device, precision=precision, tile=tile, strength=strength, ensemble=ensemble
    )
    writing = OutputOptions(size, quality=quality, lossless=lossless, overwrite=overwrite)
    return restore_image(image, output, task, model, method, sigma, options, writing)


def __getattr__(name: str) -> str:
    """Return the version, which is looked up only when it is used."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("scalewise-restoration")
