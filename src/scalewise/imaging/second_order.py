"""Second-order degradation: blur, resizing, noise and JPEG, twice, as old photographs have them.

Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data"
(ICCVW 2021): an image on the net was taken, saved, reduced, sent and saved again, so each fault
comes more than once.  Here the image keeps its size, so resizing takes pixels away and gives them
back.  The last JPEG is not in here: training and evaluation add it, as for every task.

:func:`draw_steps` draws the parameters of one image from :class:`SecondOrder`, a set of ranges, and
:func:`apply_steps` applies them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_array, check_number, check_range, is_list, shown
from scalewise.errors import ScalewiseError
from scalewise.imaging.colour import is_grey
from scalewise.imaging.data_range import check_uint8
from scalewise.imaging.jpeg_codec import RGB_TO_YCBCR, jpeg
from scalewise.imaging.resize import Kernel, imresize

Range = tuple[float, float]
Floats = NDArray[np.float32]

MARGIN = 16
"""Pixels around a patch that its degradation looks at; what is beyond is mirrored."""

_SINC_PAD = 32
"""Mirrored pixels around an image that a sinc filter is applied to, whose kernel has no end."""

SMALLEST_SIDE = 8
"""Smallest side in pixels that an image is reduced to."""

KERNELS: tuple[Kernel, ...] = ("cubic", "linear", "lanczos3")

GREY = RGB_TO_YCBCR[0].astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Blur:
    """A Gaussian blur: standard deviations in pixels along two axes, and their angle in radians."""

    along: float
    across: float
    angle: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Order:
    """Parameters of one order for one image, in the sequence in which they are applied.

    Attributes:
        blur: the blur; None for none.
        size: part of the image's sides that is left, or more than 1; 1 leaves them.
        kernel: kernel of this resizing.
        sigma: standard deviation of Gaussian noise, in levels of 255.
        poisson: strength of Poisson noise: its standard deviation is this times the root of the
            level; 0 for none.
        grey: whether the noise is the same in all channels.
        quality: JPEG quality; None for no JPEG.
    """

    blur: Blur | None = None
    size: float = 1.0
    kernel: Kernel = "cubic"
    sigma: float = 0.0
    poisson: float = 0.0
    grey: bool = False
    quality: int | None = None


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Parameters for one image: both orders, and the last steps.

    Attributes:
        orders: the first and the second order.
        sinc: cutoff of the last filter in radians per pixel, which leaves rings; None for none.
        kernel: kernel that brings the image back to its size.
    """

    orders: tuple[Order, Order]
    sinc: float | None = None
    kernel: Kernel = "cubic"


@dataclass(frozen=True, kw_only=True)
class SecondOrder:
    """Ranges of a second-order degradation; where there are two, one for each order.

    Attributes:
        blur: standard deviations of the Gaussian blur, in pixels.
        blurred: shares of images that are blurred.
        anisotropic: share of the blurs with different deviations along two axes, at any angle.
        resize: sizes in relation to the image's own.
        resized: shares of images that are made smaller, and that are made larger.
        noise: standard deviations of Gaussian noise, in levels of 255.
        poisson: strengths of Poisson noise; its standard deviation is this times the root of the
            level.
        poisson_share: share of the noise that is Poisson's; the rest is Gaussian.
        grey_noise: share of the noise that is the same in all channels.
        jpeg: lowest and highest quality of the first order's JPEG.
        sinc: share of images that a sinc filter leaves rings in, at the end.
    """

    blur: tuple[Range, Range] = ((0.2, 2.0), (0.2, 1.0))
    blurred: Range = (1.0, 0.8)
    anisotropic: float = 0.4
    resize: tuple[Range, Range] = ((0.4, 1.5), (0.6, 1.2))
    resized: Range = (0.7, 0.2)
    noise: tuple[Range, Range] = ((1, 20), (1, 15))
    poisson: tuple[Range, Range] = ((0.05, 2.0), (0.05, 1.5))
    poisson_share: float = 0.5
    grey_noise: float = 0.4
    jpeg: tuple[int, int] = (30, 95)
    sinc: float = 0.4
    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012

    def __post_init__(self) -> None:
        limits = {"blur": (0, 4), "resize": (0.1, 4), "noise": (0, 255), "poisson": (0, 100)}
        for name, (low, high) in limits.items():
            for each in _pair(name, getattr(self, name), "two ranges (least, largest)"):
                check_range(name, each, low, high)
        for name in ("blurred", "resized"):
            for each in _pair(name, getattr(self, name), "two shares from 0 to 1"):
                check_number(name, each, 0, 1)
        for name in ("anisotropic", "poisson_share", "grey_noise", "sinc"):
            check_number(name, getattr(self, name), 0, 1)
        check_range("jpeg", self.jpeg, 1, 100, whole=True)
        if sum(self.resized) > 1:
            raise ScalewiseError(
                f"resized must be two shares, at most 1 in all, not {shown(self.resized)}",
                arguments=["resized"],
            )

    def __call__(
        self, image: NDArray[np.uint8], strength: float, random: np.random.Generator
    ) -> Floats:
        """Degrade an image by steps drawn from the ranges, as a task's own degradation.

        Args:
            image: (H, W, C), uint8, C 1 or 3.
            strength: not used; every parameter has a range of its own.
            random: the generator that steps and noise are drawn from.

        Returns:
            The same shape, in levels of 255, neither clipped nor rounded.
        """
        check_uint8("image", image, (3,))
        return apply_steps(image, draw_steps(self, random, grey=is_grey(image)), random)


def _pair(name: str, value: Any, what: str) -> list[Any]:
    """Return the two values of a setting, one for each order."""
    if not is_list(value, lambda _: True) or len(value) != 2:
        raise ScalewiseError(f"{name} must be {what}, not {shown(value)}", arguments=[name])
    return list(value)


FIXED_POINT = Steps(
    orders=(
        Order(blur=Blur(along=1.0, across=1.0), size=2 / 3, sigma=6, quality=70),
        Order(blur=Blur(along=0.6, across=0.6), kernel="linear", poisson=0.3, grey=True),
    )
)
"""The steps of evaluation and validation: the same for every image, but for the noise."""

FIXED_QUALITY = 75
"""Quality of the last JPEG of evaluation and validation."""


def degrade_at_fixed_point(
    image: NDArray[np.uint8], strength: float, random: np.random.Generator
) -> Floats:
    """Degrade an image by :data:`FIXED_POINT`; arguments as for :class:`SecondOrder`."""
    return apply_steps(image, FIXED_POINT, random)


def draw_steps(ranges: SecondOrder, random: np.random.Generator, *, grey: bool = False) -> Steps:
    """Draw the parameters of one image.

    Args:
        ranges: what they are drawn from, uniformly.
        random: the generator that they are drawn from.
        grey: whether the image is grey, so that its noise is grey in any case.

    Returns:
        The steps.  How many numbers are drawn does not depend on their values.
    """
    first, second = (_draw_order(ranges, index, random, grey) for index in range(2))
    has_sinc, cutoff, kernel = random.random(3).tolist()
    return Steps(
        orders=(first, replace(second, quality=None)),
        sinc=np.pi * (1 / 3 + 2 / 3 * cutoff) if has_sinc < ranges.sinc else None,
        kernel=_pick(kernel),
    )


def _draw_order(ranges: SecondOrder, index: int, random: np.random.Generator, grey: bool) -> Order:
    chance: list[float] = random.random(12).tolist()
    low, high = ranges.blur[index]
    along, across = (low + (high - low) * part for part in chance[:2])
    is_round = chance[2] >= ranges.anisotropic
    blur = Blur(
        along=along,
        across=along if is_round else across,
        angle=0.0 if is_round else np.pi * chance[3],
    )
    is_poisson, has_grey = chance[8] < ranges.poisson_share, chance[9] < ranges.grey_noise
    return Order(
        blur=blur if chance[4] < ranges.blurred[index] else None,
        size=_size(ranges.resize[index], ranges.resized, *chance[5:7]),
        kernel=_pick(chance[7]),
        sigma=0.0 if is_poisson else _between(ranges.noise[index], chance[10]),
        poisson=_between(ranges.poisson[index], chance[10]) if is_poisson else 0.0,
        grey=grey or has_grey,
        quality=int(_between((ranges.jpeg[0], ranges.jpeg[1] + 0.999), chance[11])),
    )


def _size(ends: Range, shares: Range, which: float, where: float) -> float:
    """Return a size: smaller, larger or the same, by shares."""
    smaller, larger = shares
    if which < smaller:
        return _between((min(ends[0], 1.0), min(ends[1], 1.0)), where)
    if which < smaller + larger:
        return _between((max(ends[0], 1.0), max(ends[1], 1.0)), where)
    return 1.0


def _between(ends: Range, chance: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * chance


def _pick(chance: float) -> Kernel:
    return KERNELS[int(chance * len(KERNELS))]


def apply_steps(image: NDArray[np.uint8], steps: Steps, random: np.random.Generator) -> Floats:
    """Degrade an image by given steps, and bring it back to its size.

    Args:
        image: (H, W, C), uint8, C 1 or 3.
        steps: what is done.
        random: the generator that noise is drawn from.

    Returns:
        The same shape, in levels of 255, neither clipped nor rounded.

    Raises:
        ScalewiseError: another shape.
    """
    check_array("image", image, (3,))
    pixels = image.astype(np.float32)
    for order in steps.orders:
        pixels = _apply_order(pixels, image.shape[:2], order, random)
    if pixels.shape != image.shape:
        pixels = imresize(pixels, size=image.shape[:2], kernel=steps.kernel).astype(np.float32)
    return pixels if steps.sinc is None else low_pass(pixels, steps.sinc)


def _apply_order(
    pixels: Floats, full: tuple[int, int], order: Order, random: np.random.Generator
) -> Floats:
    if order.blur is not None:
        pixels = gaussian_blur(pixels, order.blur)
    if order.size != 1:
        height, width = (max(SMALLEST_SIDE, round(side * order.size)) for side in full)
        size = (height, width)
        pixels = imresize(pixels, size=size, kernel=order.kernel).astype(np.float32)
    pixels = _with_noise(pixels, order, random)
    if order.quality is None:
        return pixels
    coded = np.rint(pixels).clip(0, 255).astype(np.uint8)
    return jpeg(coded, order.quality).astype(np.float32)


def _with_noise(pixels: Floats, order: Order, random: np.random.Generator) -> Floats:
    """Add Gaussian and Poisson noise, in colour or in grey."""
    pixels = pixels.copy()
    height, width, channels = pixels.shape
    channels = 1 if order.grey else channels
    if order.sigma:
        noise = random.standard_normal((height, width, channels), np.float32)
        pixels += np.float32(order.sigma) * noise
    if order.poisson:
        is_luma = order.grey and pixels.shape[2] == 3
        levels = (pixels @ GREY)[..., None] if is_luma else pixels[..., :channels]
        levels = levels.clip(0, None)
        noise = random.poisson(levels) - levels
        pixels += np.float32(order.poisson) * noise.astype(np.float32)
    return pixels


def gaussian_blur(image: NDArray[Any], blur: Blur) -> Floats:
    """Return an image blurred by a Gaussian, round or elongated; edges are mirrored.

    Args:
        image: (H, W, C), in any range.
        blur: the two standard deviations in pixels, and the angle of the first one from the rows'
            direction, towards the columns'.

    Returns:
        The same shape, float32.
    """
    along, across = blur.along**2, blur.across**2
    cos, sin = np.cos(blur.angle), np.sin(blur.angle)
    xx, yy = along * cos**2 + across * sin**2, along * sin**2 + across * cos**2
    xy = (along - across) * cos * sin

    def response(down: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
        return np.exp(-0.5 * (xx * right**2 + yy * down**2) - xy * right * down)

    return _filtered(image, response, pad=int(np.ceil(4 * max(blur.along, blur.across))))


def low_pass(image: NDArray[Any], cutoff: float) -> Floats:
    """Return an image without the frequencies above a cutoff, which leaves rings at edges.

    Args:
        image: (H, W, C), in any range.
        cutoff: radians per pixel, up to pi for the highest frequency of an axis.

    Returns:
        The same shape, float32.
    """

    def response(down: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
        return (down**2 + right**2 <= cutoff**2).astype(np.float32)

    return _filtered(image, response, _SINC_PAD)


def _filtered(
    image: NDArray[Any],
    response: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]],
    pad: int,
) -> Floats:
    """Filter an image (H, W, C) by a response to frequencies in radians per pixel."""
    pads = [(pad, _odd_and_smooth(side + 2 * pad) - side - pad) for side in image.shape[:2]]
    planes = np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)
    padded = np.pad(planes, [(0, 0), *pads], mode="symmetric")
    height, width = padded.shape[1:]
    down = 2 * np.pi * np.fft.fftfreq(height)[:, None]
    right = 2 * np.pi * np.fft.rfftfreq(width)[None, :]
    spectrum = np.fft.rfft2(padded)
    spectrum *= response(down, right)
    whole = np.fft.irfft2(spectrum, s=(height, width))
    inside = whole[:, pad : pad + image.shape[0], pad : pad + image.shape[1]]
    return np.ascontiguousarray(inside.transpose(1, 2, 0), np.float32)


def _odd_and_smooth(least: int) -> int:
    """Return the next odd number of factors up to 11.

    Odd sides have no frequency that is its own negative, so that any response gives real values.
    Transforms of large prime factors are slow.
    """
    number = least | 1
    while True:
        rest = number
        for factor in (3, 5, 7, 11):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return number
        number += 2
