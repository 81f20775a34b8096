"""scalewise: restore images with scale-wise convolutional networks.

The front door; nothing here needs PyTorch, and nothing heavy is imported before it is used.

>>> "scn_x2" in [card.name for card in list_models()]
True
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scalewise.restoring.restorer import Restorer
    from scalewise.weights.card import Card

__all__ = ["list_models", "load", "upscale"]

DEFAULT_MODEL = "scn_x2"


def list_models() -> list[Card]:
    """The cards of the released models that come with the package."""
    from scalewise.weights import list_cards

    return list_cards()


def load(
    model: str | Path = DEFAULT_MODEL,
    *,
    precision: Literal["f32", "bf16"] = "f32",
    tile: int | None = 256,
) -> Restorer:
    """Load a released model once, to restore many images.

    Args:
        model: a name of :func:`list_models`, or the folder of a released model.
        precision: what to compute in; ``bf16`` is faster where the CPU has it.
        tile: side of a tile in input pixels, which bounds memory; None runs images whole.

    Raises:
        ScalewiseError: no such model, or its files are damaged.
    """
    from scalewise.restoring.restorer import load

    return load(model, precision=precision, tile=tile)


def upscale(
    image: NDArray[Any] | str | Path,
    output: str | Path | None = None,
    *,
    model: str | Path = DEFAULT_MODEL,
) -> NDArray[Any]:
    """Enlarge an image.

    Args:
        image: an array (H, W), (H, W, 1) or (H, W, 3), uint8, uint16 or floating in [0, 1];
            or the path of a picture.
        output: where to write the result, with the picture's profile and Exif; the format is
            the suffix's.
        model: a released model's name or folder.

    Returns:
        The enlarged image as an array: of the input's kind, or the picture's (H, W, C).

    Raises:
        ScalewiseError: an unreadable picture, an unwritable output, or no such model.
    """
    from scalewise.files import Picture, read, write

    restorer = load(model)
    if not isinstance(image, str | Path):
        restored = restorer.restore(image)
        if output is not None:
            write(output, Picture(restored if restored.ndim == 3 else restored[..., None]))
        return restored
    picture = restorer.upscale(read(image))
    if output is not None:
        write(output, picture)
    return picture.pixels
