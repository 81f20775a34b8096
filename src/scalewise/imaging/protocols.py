"""The evaluation protocols: what a network is given, and how its output is scored.

The same pixels give PSNRs more than a decibel apart by convention alone, so the conventions
live here and nowhere else, and every printed number carries its protocol's description.

``field`` is how the super-resolution literature measures, in the form toolkits have had since
2018: grey pictures take the way over RGB.  ``squash256`` is how the reproduced document
(M. Pratap, "Scale-wise Convolution for image restoration", Purdue) measures: every picture is
squashed to one size first, whatever its shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.imaging.colour import BT601, ROUNDED_BT601, LumaWeights, rgb_to_y, to_rgb
from scalewise.imaging.degradations import bicubic_down
from scalewise.imaging.metrics import psnr, ssim
from scalewise.imaging.resize import resize_like_pillow

SSIM_WINDOW = 11


class Scores(NamedTuple):
    """What one picture scored: PSNR in dB over RGB and over Y, SSIM over Y."""

    psnr: float
    psnr_y: float
    ssim: float


@dataclass(frozen=True)
class Protocol:
    """A way to measure, as two pure functions: :meth:`prepare` and :meth:`score`.

    Attributes:
        name: what it is called on the command line.
        description: one line, printed under every table of its numbers.
        luma: the luma weights.
        border: pixels left out on each side when scoring; None for as many as the scale.
        squash: side of the square that low-resolution pictures are squashed to, or None; see
            :func:`squashing`.
    """

    name: str
    description: str
    luma: LumaWeights
    border: int | None = None
    squash: int | None = None

    def prepare(
        self, hr: NDArray[np.uint8], lr: NDArray[np.uint8] | None, scale: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The network's input and the truth, from a test picture.

        Args:
            hr: the picture, (H, W) or (H, W, C), uint8.
            lr: its low-resolution version, (H // scale, W // scale); None to make it from
                ``hr``, cropped on the right and bottom to a multiple of ``scale``, by
                MATLAB's bicubic ``imresize``.
            scale: 1 or more; 2 where pictures are squashed.

        Returns:
            (lr, hr); ``hr`` cropped to a multiple of ``scale``, or squashed uncropped.

        Raises:
            ScalewiseError: an ``lr`` of another size, a picture smaller than ``scale``, or a
                scale that the protocol does not know.
        """
        height, width = hr.shape[0] // scale, hr.shape[1] // scale
        if min(height, width) < 1:
            raise ScalewiseError(f"a {_size(hr)} picture is too small for x{scale}")
        cropped = hr[: height * scale, : width * scale]
        if lr is None:
            lr = bicubic_down(cropped, scale)
        elif lr.shape[:2] != (height, width):
            raise ScalewiseError(
                f"the low-resolution picture is {_size(lr)} where {width}x{height} belongs to a "
                f"{_size(hr)} one at x{scale}; is it of another scale?"
            )
        if self.squash is None:
            return lr, cropped
        if scale != 2:
            raise ScalewiseError(f"protocol {self.name} is for x2 only, not x{scale}")
        side = self.squash
        return (
            resize_like_pillow(lr, (side, side)),
            resize_like_pillow(hr, (side * scale, side * scale)),
        )

    def smallest(self, scale: int) -> int:
        """Side of the smallest picture that :meth:`score` can compare, in pixels."""
        return SSIM_WINDOW + 2 * self._border(scale)

    def _border(self, scale: int) -> int:
        return scale if self.border is None else self.border

    def score(self, restored: NDArray[Any], truth: NDArray[np.uint8], scale: int) -> Scores:
        """Compare a restored picture with the truth from :meth:`prepare`.

        Args:
            restored: (H, W) or (H, W, C), C 1 or 3, uint8 or floating in [0, 255]; clipped and
                rounded to 8 bits first.
            truth: (H, W) or (H, W, C), uint8; grey in one and RGB in the other is no obstacle.
            scale: the scale of the restoration.

        Raises:
            ValueError: pictures of different sizes.
            ScalewiseError: a picture too small to leave an SSIM window within the border.
        """
        smallest = self.smallest(scale)
        if min(truth.shape[:2]) < smallest:
            raise ScalewiseError(
                f"a {_size(truth)} picture is too small to score at x{scale}: "
                f"at least {smallest}x{smallest} is needed"
            )
        border = self._border(scale)
        inside = slice(border, -border or None)
        image = to_rgb(np.rint(restored).clip(0, 255))
        reference = to_rgb(truth)
        if image.shape != reference.shape:
            raise ValueError(f"restored picture is {_size(image)}, the truth {_size(reference)}")
        image, reference = image[inside, inside], reference[inside, inside]
        image_y, reference_y = rgb_to_y(image, self.luma), rgb_to_y(reference, self.luma)
        return Scores(
            psnr(image, reference), psnr(image_y, reference_y), ssim(image_y, reference_y)
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
    """The document's protocol, with low-resolution pictures squashed to ``side`` x ``side``."""
    return Protocol(
        name=f"squash{side}",
        description=(
            f"protocol squash{side}: input squashed to {side}x{side} and truth to "
            f"{2 * side}x{2 * side} (Pillow bilinear), "
            "output rounded to 8 bits, grey as RGB, border of 4 pixels cropped; "
            "Y = 0.257 R + 0.504 G + 0.098 B + 16; SSIM on Y, 11x11 Gaussian; mean over images"
        ),
        luma=ROUNDED_BT601,
        border=4,
        squash=side,
    )


SQUASH256 = squashing(256)

PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in (FIELD, SQUASH256)}
"""Every protocol by name."""
