"""Image inputs: array-likes, PIL images and paths as arrays; results in the same kind."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import naming_argument, path_of
from scalewise.errors import ScalewiseError, warn
from scalewise.files import Metadata, Picture, open_picture
from scalewise.files.metadata.exif import upright_exif
from scalewise.files.metadata.xmp import upright_xmp
from scalewise.imaging.blind_estimation import Compression, estimate_jpeg_quality
from scalewise.imaging.data_range import check_finite, check_unit_range, scaling_of
from scalewise.restoring.look import stated_compression

Pixels = NDArray[Any]

_PIL_MODES = {
    **{mode: mode for mode in ("L", "LA", "RGB", "RGBA", "I", "F")},
    **{mode: mode for mode in ("I;16", "I;16L", "I;16B", "I;16N")},
    **{"1": "L", "P": "RGB", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB"},
    **{"La": "LA", "PA": "RGBA", "RGBa": "RGBA"},
}
"""Modes of PIL, and the mode that each is converted to; others are refused."""
_STATED_IN_FILES = "WEBP", "AVIF"
"""Formats whose compression PIL does not tell."""
_WITH_ALPHA = {"L": "LA", "RGB": "RGBA"}
_ORIENTATION = 0x0112
_TURNED = range(2, 9)
_AS_ARRAY = "np.asarray(image)"


@dataclass(frozen=True)
class ImageInput:
    """An image that a caller has given.

    Attributes:
        pixels: (H, W, C) with C 1 to 4, uint8, uint16 or floating.
        give_back: converts a result, also (H, W, C), to the kind that the caller gave.
        to_picture: converts a result of 8 or 16 bits to a :class:`Picture` to be written.
        path: the file that it is from, if any.
        compression: that its file states; None if there is none.
        separate: whether every channel stands for itself, and none is alpha; C may be more than 4.
    """

    pixels: Pixels
    give_back: Callable[[Pixels], Any]
    to_picture: Callable[[Pixels], Picture]
    path: Path | None = None
    compression: Compression | None = None
    separate: bool = False


def read_input(image: Any) -> ImageInput:
    """Take an image in any form.

    Args:
        image: a path (text, bytes or path-like), a :class:`Picture`, an image of PIL, or what
            :func:`numpy.asarray` takes: (H, W) or (H, W, C) with C 1 (grey), 2 (grey, alpha),
            3 (RGB) or 4 (RGB, alpha), uint8, uint16, boolean, or floating in [0, 1].  Lists of
            whole numbers are taken for 8 bits.

    Raises:
        ScalewiseError: an unreadable file, something else than an image, samples whose white
            is not known, or values that are not finite or clearly not in [0, 1].
    """
    with naming_argument("image"):
        return _read(image)


def _read(image: Any) -> ImageInput:
    if isinstance(image, str | bytes | os.PathLike):
        return _of_file(path_of(image))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(image, Picture):
        separate = image.metadata.bands is not None
        return ImageInput(image.pixels, image.with_pixels, image.with_pixels, separate=separate)
    pil = sys.modules.get("PIL.Image")  # imported already if the image is one of PIL's
    if pil is not None and isinstance(image, pil.Image):
        return _of_pil(image)
    return _of_array(image, "image" if isinstance(image, np.ndarray) else _AS_ARRAY)


def samples_for_file(pixels: Pixels, deep: bool) -> Pixels:
    """Return samples that a file can hold: floating ones become integers of 16 bits, or of 8.

    >>> samples_for_file(np.array([0.5, 1]), deep=True).tolist()
    [32768, 65535]
    """
    if pixels.dtype.kind != "f":
        return pixels
    kind = np.uint16 if deep else np.uint8
    return np.rint(pixels.clip(0, 1).astype(np.float64) * np.iinfo(kind).max).astype(kind)


def _of_file(path: Path) -> ImageInput:
    with open_picture(path) as reader:
        picture = reader.read()
        for line in reader.warnings:
            warn(line)
    separate = picture.metadata.bands is not None
    compression = stated_compression(path)
    return ImageInput(picture.pixels, _same, picture.with_pixels, path, compression, separate)


def _of_array(image: Any, name: str) -> ImageInput:
    """Take an array-like.

    Args:
        image: the array-like.
        name: the expression for it as an array, for errors.
    """
    array = _as_array(image, name)
    if array.dtype.kind == "f":
        check_finite(array)
        check_unit_range(array, name)
    _check_shape(array, name)
    give_back: Callable[[Pixels], Pixels] = _same
    if array.ndim == 2:
        array, give_back = array[..., None], _without_channels
    return ImageInput(array, give_back, Picture)


def _as_array(image: Any, name: str) -> Pixels:
    """Return an array of samples whose white is known."""
    if np.ma.is_masked(image):
        raise ScalewiseError("the array has masked values; fill them first: image.filled(0)")
    try:
        array: Pixels = np.asarray(image)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ScalewiseError(f"{type(image).__name__} cannot become an array: {reason}") from None
    kind = array.dtype
    if kind == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if kind.name in ("uint8", "uint16") or kind.kind == "f":
        return array
    if kind.kind not in "iu":
        given = type(image).__name__
        raise ScalewiseError(
            f"an image is a path, an image of PIL, or an array of uint8, uint16 or floating "
            f"numbers, not {given if array.ndim == 0 else f'of {kind}'}"
        )
    _check_shape(array, name)
    low, high = array.min(), array.max()
    if isinstance(image, list | tuple) and low >= 0 and high <= 255:
        return array.astype(np.uint8)  # nobody has chosen the integers' size
    raise ScalewiseError(
        f"an image is uint8, uint16 or floating, not {kind}, which does not define white; values "
        f"from {low} to {high} can be given as {scaling_of(array, name)}"
    )


def _check_shape(array: Pixels, name: str) -> None:
    shape = array.shape
    if 0 not in shape and (array.ndim == 2 or (array.ndim == 3 and shape[2] in (1, 2, 3, 4))):
        return
    hint = ""
    if array.ndim == 3 and shape[0] in (1, 2, 3, 4):
        hint = f"; channels come last: np.moveaxis({name}, 0, -1)"
    elif array.ndim == 4:
        hint = "; give the images of a batch one by one"
    raise ScalewiseError(f"an image is (H, W) or (H, W, C) with C 1 to 4, not {shape}{hint}")


def _of_pil(image: Any) -> ImageInput:
    from PIL import Image  # the caller has it

    if image.mode not in _PIL_MODES:
        raise ScalewiseError(
            f"an image of PIL of mode {image.mode} does not define its colours; convert it first, "
            "such as by image.convert('RGB')"
        )
    mode = _PIL_MODES[image.mode]
    if image.mode == "P" and getattr(image.palette, "mode", "RGB") != "RGB":
        mode = "RGBA"
    if "transparency" in image.info:
        mode = _WITH_ALPHA.get(mode, mode)
    try:
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise ScalewiseError(f"the image of PIL cannot be read: {error}") from None
    upright, info = _upright(image)
    converted = upright if mode == upright.mode else upright.convert(mode)
    given = _of_array(np.asarray(converted), _AS_ARRAY)

    def give_back(result: Pixels) -> Any:
        native = result.astype(result.dtype.newbyteorder("="), copy=False)
        made = Image.fromarray(given.give_back(native))
        made.info = dict(info)  # as those of Image.resize: profile, Exif and the like
        return made

    def to_picture(result: Pixels) -> Picture:
        exif, xmp, dpi = info.get("exif"), info.get("xmp"), info.get("dpi")
        return Picture(
            result,
            Metadata(
                icc=info.get("icc_profile") or None,
                exif=upright_exif(exif, 1) if exif else None,
                xmp=xmp if isinstance(xmp, bytes) else None,
                dpi=(float(dpi[0]), float(dpi[1])) if dpi and all(dpi) else None,
                size=upright.size,
            ),
        )

    return ImageInput(given.pixels, give_back, to_picture, compression=_compression_of_pil(image))


def _upright(image: Any) -> tuple[Any, dict[Any, Any]]:
    """Return an image of PIL as it is displayed, as those of files are, and its information."""
    from PIL import ImageOps

    orientation = image.getexif().get(_ORIENTATION, 1)
    turned: Any = ImageOps.exif_transpose(image) if orientation in _TURNED else image
    info = {name: value for name, value in turned.info.items() if name != "transparency"}
    exif, xmp = image.info.get("exif"), image.info.get("xmp")
    if turned is not image and exif:
        info["exif"] = upright_exif(exif, orientation)  # PIL would lose what it does not know
    if turned is not image and isinstance(xmp, bytes):
        info["xmp"] = upright_xmp(xmp)
    return turned, info


def _compression_of_pil(image: Any) -> Compression | None:
    """Return that of a file that PIL has opened, of an image that nobody has changed since."""
    if image.format in _STATED_IN_FILES:
        path = Path(getattr(image, "filename", ""))
        return stated_compression(path) if path.is_file() else None
    table = getattr(image, "quantization", None) if image.format == "JPEG" else None
    if not table or 0 not in table:
        return None
    quality = estimate_jpeg_quality(np.reshape(table[0], (8, 8)).astype(np.int64))
    return Compression("JPEG", quality)


def _same(pixels: Pixels) -> Pixels:
    return pixels


def _without_channels(pixels: Pixels) -> Pixels:
    return pixels[..., 0]
