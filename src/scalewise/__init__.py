"""scalewise: restore images with scale-wise convolutional networks.

The front door; nothing here needs PyTorch, and nothing heavy is imported before it is used.

>>> "scn_x2" in [card.name for card in list_models()]
True
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scalewise.restoring.sizes import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scalewise.restoring.restorer import Restorer
    from scalewise.weights.card import Card

__all__ = ["Target", "list_models", "load", "restore", "upscale"]

DEFAULT_MODEL = "scn_x2"


def list_models() -> list[Card]:
    """The cards of the released models that come with the package."""
    from scalewise.weights import list_cards

    return list_cards()


def load(
    model: str | Path = DEFAULT_MODEL,
    *,
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    precision: Literal["auto", "f32", "bf16", "int8"] = "auto",
    tile: int | Literal["auto"] | None = "auto",
) -> Restorer:
    """Load a released model once, to restore many images; threads may share it.

    Args:
        model: a name of :func:`list_models`, or the folder of a released model.
        device: where to run; ``auto`` takes a GPU that PyTorch can use, else the CPU.
        precision: what to compute in; ``bf16`` is faster where the device has it, and ``auto``
            takes it where the model's card tells that it costs less than 0.01 dB.  ``int8`` is
            faster on every CPU, for photographs: drawings and noise it spoils.
        tile: input pixels used of a tile along either axis, which bounds memory; ``auto`` goes
            by what is free; None runs images whole.

    Raises:
        ScalewiseError: no such model or device, or the model's files are damaged.
    """
    from scalewise.restoring.restorer import load

    return load(model, device=device, precision=precision, tile=tile)


def upscale(
    image: NDArray[Any] | str | Path,
    output: str | Path | None = None,
    *,
    model: str | Path | None = None,
    target: Target | None = None,
) -> NDArray[Any]:
    """Enlarge an image.

    Args:
        image: an array (H, W) or (H, W, C) with C 1 (grey), 2 (grey, alpha), 3 (RGB) or 4
            (RGB, alpha), uint8, uint16 or floating in [0, 1]; or the path of a picture.
        output: where to write the result, with the picture's profile and Exif; the format is
            the suffix's.
        model: a released model's name or folder; None for ``photo_x2`` if the picture is a JPEG
            file, and else ``scn_x2``.
        target: the size to reach, such as ``Target(scale=3)`` or ``Target(width=3840)``; None
            for the model's own scale.

    Returns:
        The enlarged image as an array: of the input's kind, or the picture's (H, W, C).

    Raises:
        ScalewiseError: an unreadable picture, an unwritable output, no such model, or a size
            that is out of reach.
    """
    from scalewise.restoring.choosing import for_upscaling
    from scalewise.restoring.enlarging import enlarge, load_series

    if isinstance(image, str | Path) and model is None:
        restorers = for_upscaling().choose(Path(image)).restorers
    else:
        restorers = load_series(DEFAULT_MODEL if model is None else model)
    return _from_image_to_file(
        image, output, lambda pixels, apart: enlarge(pixels, restorers, target, separate=apart)
    )


def restore(
    image: NDArray[Any] | str | Path,
    output: str | Path | None = None,
    *,
    task: Literal["auto", "denoise", "dejpeg", "photo"] = "auto",
    strength: float = 1.0,
) -> NDArray[Any]:
    """Take noise or JPEG's artifacts out of an image.

    Args:
        image: as for :func:`upscale`.
        output: where to write the result, likewise.
        task: ``denoise``, ``dejpeg``, or ``photo``, which takes out both and doubles the size;
            ``auto`` takes out what is worse, if either is there to be seen.
        strength: how much is kept of what the network changes, in [0, 1].

    Returns:
        The restored image as an array: of the input's kind, or the picture's (H, W, C).

    Raises:
        ScalewiseError: an unreadable picture, an unwritable output, no such task, or a strength
            beyond its range.
    """
    from scalewise.restoring.choosing import diagnosed_task, load_task
    from scalewise.restoring.enlarging import enlarge

    chosen = diagnosed_task(image) if task == "auto" else task
    if chosen is None:
        return _from_image_to_file(image, output, lambda pixels, apart: pixels)
    restorers = load_task(chosen, strength=strength)
    return _from_image_to_file(
        image, output, lambda pixels, apart: enlarge(pixels, restorers, separate=apart)
    )


def _from_image_to_file(
    image: NDArray[Any] | str | Path,
    output: str | Path | None,
    change: Callable[[NDArray[Any], bool], NDArray[Any]],
) -> NDArray[Any]:
    """An image, or a picture's pixels, changed; and written, if it shall be.

    Args:
        image, output: as for :func:`upscale`.
        change: takes an array, and whether each of its bands stands for itself.
    """
    from scalewise.files import Picture, read, write

    if isinstance(image, str | Path):
        picture = read(image)
        picture = picture.with_pixels(change(picture.pixels, picture.bands is not None))
        changed = picture.pixels
    else:
        changed = change(image, False)
        picture = Picture(changed if changed.ndim == 3 else changed[..., None])
    if output is not None:
        write(output, picture)
    return changed
