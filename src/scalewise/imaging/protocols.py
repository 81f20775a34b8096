"""Evaluation protocols: what a network is given, and how its output is scored.

The same pixels give PSNRs more than a decibel apart by convention alone, so the conventions
live here and nowhere else, and every printed number carries its protocol's description.

``field`` is how the super-resolution literature measures, in the form toolkits have had since
2018: grey images take the way over RGB.  ``squash256`` is how the reproduced document
(M. Pratap, "Scale-wise Convolution for image restoration", Purdue) measures: every image is
squashed to one size first, whatever its shape.

Four more degrade their input.  Noise depends on the image's name alone, so that every model is
given the same one, in evaluation and in validation.

- :func:`denoising`: white Gaussian noise, as Zhang et al., "Beyond a Gaussian denoiser" (IEEE TIP
  2017) and "FFDNet" (2018) measure: neither clipped nor rounded; PSNR over RGB, or over grey.
- :func:`deblocking`: JPEG, as Dong et al., "Compression artifacts reduction by a deep
  convolutional network" (ICCV 2015) measure: PSNR, SSIM and PSNR-B over Y; grey is its own Y.
- :func:`photographs`: what comes out of a camera or a message: reduced, then noise, then JPEG.
- :func:`old_photographs`: blur, resizing, noise and JPEG, twice, at one fixed point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_flag, check_number
from scalewise.errors import ScalewiseError, TooSmall
from scalewise.imaging.colour import (
    BT601,
    FULL_RANGE_BT601,
    ROUNDED_BT601,
    LumaWeights,
    is_grey,
    luma_as_rgb,
    rgb_to_y,
    to_rgb,
)
from scalewise.imaging.data_range import check_uint8
from scalewise.imaging.degradations import (
    NUMPY_JPEG,
    Degradation,
    Degraded,
    JpegCodec,
    OwnDegradation,
    Subsampling,
    bicubic_down,
)
from scalewise.imaging.metric_registry import METRICS, Views
from scalewise.imaging.metrics import SSIM_WINDOW
from scalewise.imaging.resize import resize_like_pillow
from scalewise.imaging.second_order import FIXED_QUALITY, degrade_at_fixed_point


class Scores(NamedTuple):
    """The scores of one image: PSNR in dB over RGB and over Y, and SSIM over Y.

    Where the protocol measures it, also PSNR-B in dB over Y.
    """

    psnr: float
    psnr_y: float
    ssim: float
    psnr_b: float | None = None


class Case(NamedTuple):
    """A test image made ready: the network's input, the ground truth, and the input's file."""

    lr: NDArray[Any]
    truth: NDArray[np.uint8]
    encoded: bytes | None


Degrade = Callable[[NDArray[np.uint8], str], Degraded]
"""From a clean image (H, W, 1 or 3) and its name to a degraded one; the same for ever."""


@dataclass(frozen=True)
class Protocol:
    """A way to measure, as two pure functions: :meth:`prepare` and :meth:`score`.

    Attributes:
        name: what it is called on the command line, on cards and in files.
        description: one line, printed under every table of its numbers.
        luma: the luma weights.
        border: pixels left out on each side when scoring; None for as many as the scale.
        squash: side of the square that low-resolution images are squashed to, or None; see
            :func:`squashing`.
        only_scale: the one scale that it is for; None for any.
        degrade: degrades the network's input after it was reduced; grey images are
            degraded as grey.  None for nothing.
        to_grey: make all images grey first, by these weights, rounded to 8 bits; None to
            leave them as they are.
        grey_luma: the luma weights for grey images; None for ``luma``.
        blocks: whether to measure PSNR-B.
    """

    name: str
    description: str
    luma: LumaWeights
    border: int | None = None
    squash: int | None = None
    only_scale: int | None = None
    degrade: Degrade | None = None
    to_grey: LumaWeights | None = None
    grey_luma: LumaWeights | None = None
    blocks: bool = False

    def prepare(
        self, hr: NDArray[np.uint8], lr: NDArray[np.uint8] | None, scale: int, name: str = ""
    ) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        """Return the network's input and the ground truth of a test image.

        Args:
            hr: the image, (H, W) or (H, W, C), uint8.
            lr: its low-resolution version, (H // scale, W // scale); None to make it from
                ``hr``, cropped on the right and bottom to a multiple of ``scale``, by
                MATLAB's bicubic ``imresize``.
            scale: 1 or more; 2 where images are squashed.
            name: of the image, which decides about random faults.

        Returns:
            (lr, hr); ``hr`` cropped to a multiple of ``scale``, or squashed uncropped.  ``lr``
            is uint8, or where noise was added float64 in levels of 255, neither clipped nor
            rounded.  Both have the channels that they had.

        Raises:
            ScalewiseError: an ``lr`` of another size, an image smaller than ``scale``, or a
                scale that the protocol does not know.
        """
        case = self.case(hr, lr, scale, name)
        return case.lr, case.truth

    def case(
        self, hr: NDArray[np.uint8], lr: NDArray[np.uint8] | None, scale: int, name: str = ""
    ) -> Case:
        """Return what :meth:`prepare` returns, and the bytes of the file that the input was in."""
        truth = self.truth(hr, scale)
        height, width = hr.shape[0] // scale, hr.shape[1] // scale
        if lr is not None:
            check_uint8("lr", lr, (2, 3))
        if lr is not None and lr.shape[:2] != (height, width):
            raise ScalewiseError(
                f"the low-resolution image is {_size(lr)} where {width}x{height} belongs to a "
                f"{_size(hr)} one at x{scale}; is it of another scale?"
            )
        if self.to_grey is not None:
            lr = None if lr is None else luma_as_rgb(lr, self.to_grey)
        if lr is None:
            cropped = truth if self.squash is None else hr[: height * scale, : width * scale]
            lr = bicubic_down(cropped, scale) if scale > 1 else cropped
        if self.squash is not None:
            return Case(resize_like_pillow(lr, (self.squash, self.squash)), truth, None)
        if self.degrade is None:
            return Case(lr, truth, None)
        clean = lr[..., None] if lr.ndim == 2 else lr
        pixels, encoded = self.degrade(clean[..., :1] if is_grey(clean) else clean, name)
        return Case(np.broadcast_to(pixels, clean.shape).copy().reshape(lr.shape), truth, encoded)

    def truth(self, hr: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
        """Return the ground truth of a test image; see :meth:`prepare`."""
        check_uint8("hr", hr, (2, 3))
        height, width = hr.shape[0] // scale, hr.shape[1] // scale
        if min(height, width) < 1:
            raise TooSmall(f"a {_size(hr)} image is too small for x{scale}")
        if self.only_scale not in (None, scale):
            raise ScalewiseError(
                f"protocol {self.name} is for x{self.only_scale} only, not x{scale}"
            )
        if self.squash is not None:
            return resize_like_pillow(hr, (self.squash * scale, self.squash * scale))
        cropped = hr[: height * scale, : width * scale]
        return cropped if self.to_grey is None else luma_as_rgb(cropped, self.to_grey)

    def smallest(self, scale: int) -> int:
        """Return the side of the smallest image that :meth:`score` can compare, in pixels."""
        return SSIM_WINDOW + 2 * self.border_at(scale)

    def border_at(self, scale: int) -> int:
        """Return the pixels left out on each side when scoring at a scale."""
        return scale if self.border is None else self.border

    def luma_of(self, truth: NDArray[Any]) -> LumaWeights:
        """Return the luma weights for a test image, which may be grey."""
        return self.luma if self.grey_luma is None or not is_grey(truth) else self.grey_luma

    def score(self, restored: NDArray[Any], truth: NDArray[np.uint8], scale: int) -> Scores:
        """Score a restored image against the ground truth of :meth:`prepare`; see :meth:`views`."""
        views = self.views(restored, truth, scale)
        names = ("psnr", "psnr_y", "ssim", *["psnr_b"] * self.blocks)
        return Scores(*(METRICS[name].measure(views) for name in names))

    def views(self, restored: NDArray[Any], truth: NDArray[np.uint8], scale: int) -> Views:
        """Return what metrics compare: both images rounded, cropped, and as RGB and luma.

        Args:
            restored: (H, W) or (H, W, C), C 1 or 3, uint8 or floating in [0, 255]; clipped and
                rounded to 8 bits first.
            truth: (H, W) or (H, W, C), uint8; one may be grey and the other RGB.
            scale: the scale of the restoration.

        Raises:
            ScalewiseError: images of different sizes, or too small to leave an SSIM window
                within the border.
        """
        check_uint8("restored", restored, (2, 3), or_floating=True)
        check_uint8("truth", truth, (2, 3))
        smallest = self.smallest(scale)
        if min(truth.shape[:2]) < smallest:
            raise TooSmall(
                f"a {_size(truth)} image is too small to score at x{scale}: "
                f"at least {smallest}x{smallest} is needed"
            )
        border = self.border_at(scale)
        inside = slice(border, -border or None)
        image = to_rgb(np.rint(restored).clip(0, 255))
        reference = to_rgb(truth)
        if image.shape != reference.shape:
            raise ScalewiseError(
                f"restored image is {_size(image)}, the ground truth {_size(reference)}",
                arguments=["restored", "truth"],
            )
        luma = self.luma_of(reference)
        image, reference = image[inside, inside], reference[inside, inside]
        return Views(
            image.astype(np.float64),
            reference.astype(np.float64),
            rgb_to_y(image, luma),
            rgb_to_y(reference, luma),
            border,
        )


def _size(image: NDArray[Any]) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"


FIELD = Protocol(
    name="field",
    description=(
        "protocol field: output rounded to 8 bits, grey as RGB, border of scale pixels cropped; "
        "Y = BT.601 limited range; SSIM on Y, 11x11 Gaussian; mean over images"
    ),
    luma=BT601,
)


def squashing(side: int) -> Protocol:
    """Return the document's protocol: low-resolution images squashed to ``side`` x ``side``."""
    check_number("side", side, 1, 2**16, whole=True)
    return Protocol(
        name=f"squash{side}",
        description=(
            f"protocol squash{side}: input squashed to {side}x{side} and ground truth to "
            f"{2 * side}x{2 * side} (Pillow bilinear), "
            "output rounded to 8 bits, grey as RGB, border of 4 pixels cropped; "
            "Y = 0.257 R + 0.504 G + 0.098 B + 16; SSIM on Y, 11x11 Gaussian; mean over images"
        ),
        luma=ROUNDED_BT601,
        border=4,
        squash=side,
        only_scale=2,
    )


SQUASH256 = squashing(256)

PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in (FIELD, SQUASH256)}
"""The protocols of super-resolution by name."""


def denoising(sigma: float = 25, *, grey: bool = False) -> Protocol:
    """Make the protocol of one noise level, in colour (grey images as they are), or in grey."""
    check_number("sigma", sigma, 0, 255)
    check_flag("grey", grey)
    name = f"denoise{sigma:g}{'-grey' if grey else ''}"
    made_grey = "images made grey (0.299 R + 0.587 G + 0.114 B); " if grey else ""
    return Protocol(
        name=name,
        description=(
            f"protocol {name}: {made_grey}Gaussian noise of sigma {sigma:g}, seeded by the "
            f"image's name, input not clipped; {_WHOLE}; SSIM on Y, {_WINDOW}; mean over images"
        ),
        luma=BT601,
        border=0,
        only_scale=1,
        degrade=Degradation(sigma),
        to_grey=FULL_RANGE_BT601 if grey else None,
        grey_luma=FULL_RANGE_BT601,
    )


def deblocking(
    quality: int = 10,
    subsampling: Subsampling = "4:2:0",
    *,
    grey: bool = False,
    codec: JpegCodec = NUMPY_JPEG,
) -> Protocol:
    """Make the protocol of one JPEG quality, in colour (grey images as they are), or of Y alone."""
    check_number("quality", quality, 1, 100, whole=True)
    check_flag("grey", grey)
    degradation = Degradation(quality=quality, subsampling=subsampling, codec=codec)
    suffix = "-grey" if grey else "" if subsampling == "4:2:0" else "-444"
    name = f"jpeg{quality}{suffix}"
    made_grey = "images made grey (Y, rounded to 8 bits); " if grey else ""
    return Protocol(
        name=name,
        description=(
            f"protocol {name}: {made_grey}{degradation.describe_jpeg(chroma=not grey)}; {_WHOLE}; "
            f"SSIM, {_WINDOW}, and PSNR-B, blocks of 8, on Y; mean over images"
        ),
        luma=BT601,
        border=0,
        only_scale=1,
        degrade=degradation,
        to_grey=BT601 if grey else None,
        grey_luma=FULL_RANGE_BT601,
        blocks=True,
    )


def photographs(sigma: float = 5, quality: int = 77, codec: JpegCodec = NUMPY_JPEG) -> Protocol:
    """Make the protocol of halved, noisy JPEGs; by default in the middle of photo's ranges."""
    check_number("quality", quality, 1, 100, whole=True)
    degradation = Degradation(sigma, quality, codec=codec)
    name = "photo" if (sigma, quality) == (5, 77) else f"photo{sigma:g}-{quality}"
    return Protocol(
        name=name,
        description=(
            f"protocol {name}: input reduced (bicubic), then Gaussian noise of sigma {sigma:g}, "
            f"seeded by the image's name, rounded to 8 bits, then {degradation.describe_jpeg()}; "
            f"scored as {FIELD.description.removeprefix('protocol ')}"
        ),
        luma=FIELD.luma,
        only_scale=2,
        degrade=degradation,
    )


def old_photographs(codec: JpegCodec = NUMPY_JPEG) -> Protocol:
    """Make the protocol of old photographs: a second-order degradation at one fixed point."""
    degradation = Degradation(quality=FIXED_QUALITY, codec=codec, own=degrade_at_fixed_point)
    return Protocol(
        name="old-photo",
        description=(
            "protocol old-photo: blur (sigma 1 px), reduced to 2/3 (bicubic), Gaussian noise of "
            "sigma 6, JPEG quality 70 by NumPy; blur (sigma 0.6 px), grey Poisson noise of 0.3 "
            "times the root of the level, enlarged to its size (bicubic), "
            f"{degradation.describe_jpeg()}; noise seeded by the image's name; {_WHOLE}; SSIM on "
            f"Y, {_WINDOW}; mean over images"
        ),
        luma=BT601,
        border=0,
        only_scale=1,
        degrade=degradation,
        grey_luma=FULL_RANGE_BT601,
    )


def degraded(
    name: str,
    own: OwnDegradation | None,
    codec: JpegCodec = NUMPY_JPEG,
    *,
    keeps_size: bool,
    sigma: float = 0.0,
    quality: int | None = None,
    sensor: float = 0.0,
) -> Protocol:
    """Make the protocol of a task that has none of its own, by its degradation."""
    degradation = Degradation(sigma, quality, codec=codec, own=own, sensor=float(sensor))
    name += {0.0: "", 1.0: "-sensor"}.get(sensor, f"-sensor{sensor:g}")
    parts = [f"degraded as {name} says, at half its strength"] * (own is not None)
    kind = {0.0: "Gaussian", 1.0: "sensor"}.get(sensor, f"sensor ({sensor:.0%}) or Gaussian")
    parts += [f"{kind} noise of sigma {sigma:g}"] * (sigma > 0)
    parts += [degradation.describe_jpeg()] * (quality is not None)
    scored = f"{_WHOLE}; SSIM on Y, {_WINDOW}; mean over images"
    return Protocol(
        name=name,
        description=(
            f"protocol {name}: input {', then '.join(parts)}, seeded by the image's name; "
            + (scored if keeps_size else f"scored as {FIELD.description.removeprefix('protocol ')}")
        ),
        luma=BT601,
        border=0 if keeps_size else None,
        only_scale=1 if keeps_size else None,
        degrade=degradation,
        grey_luma=FULL_RANGE_BT601 if keeps_size else None,
    )


_WINDOW = "11x11 Gaussian"
_WHOLE = "output rounded to 8 bits, no border cropped; Y = BT.601 limited range, grey is its own Y"
