"""Degradation of training patches, a whole batch at once: noise, JPEG, or a task's own.

How a patch is degraded is a function of its pixels and of a random generator of its own, so that it
does not depend on the rest of the batch.  JPEG is :mod:`scalewise.imaging.jpeg_codec`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_number
from scalewise.imaging.colour import to_rgb
from scalewise.imaging.degradations import (
    NUMPY_JPEG,
    Degraded,
    JpegCodec,
    OwnDegradation,
    Subsampling,
    sensor_noise,
)
from scalewise.imaging.jpeg_codec import GRID, RGB_TO_YCBCR, jpeg_batch, round_to_levels
from scalewise.imaging.second_order import SecondOrder
from scalewise.tasks import Strengths, Task
from scalewise.visibility import as_visible_as_jpeg

if TYPE_CHECKING:
    from scalewise.files.coding import LossyCodec
    from scalewise.imaging.blind_estimation import Codec

MAX_MARGIN = 4096

Patches = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class PatchDegradation(Strengths):
    """Degradation of patches, in strengths that are drawn for each of them.

    Sigma is drawn uniformly.  JPEG rounds by steps that are as 1 / quality, so of quality it is
    the logarithm that is: steps twice as coarse are as likely wherever they are in the range.

    Half of the patches with noise and JPEG get the noise first, as a camera adds it; the others
    get it on top of the JPEG.  Half of the JPEGs have their chroma halved (4:2:0), the others have
    it whole (4:4:4).

    A patch is cut from an image that was compressed whole, so it may begin anywhere in an 8x8
    block.  Patches are therefore degraded with a margin of real pixels around them, in whole units
    of the grid, and cut out at a random place of it: blocks at a patch's edge are coded with all
    the pixels that they would have had.

    WebP and AVIF take the place of some of the JPEGs.  Their qualities are drawn uniformly from
    what is as visible as JPEG of the range; their chroma is halved.  They need pyvips.

    The noise of patches that are made grey is the same in all three channels.  That of a sensor
    comes before the JPEG, with a gain of red and blue from 1 to 2 and any blur.

    Attributes:
        own: a task's own degradation, which comes first; see :class:`scalewise.tasks.Task`.
        margin: pixels around a patch that ``own`` looks at.
    """

    own: OwnDegradation | None = None
    margin: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("margin", self.margin, 0, MAX_MARGIN, whole=True)

    @classmethod
    def of(
        cls, task: Task, strengths: Strengths | None = None, own: OwnDegradation | None = None
    ) -> PatchDegradation:
        """Make a task's degradation, in its own strengths and ranges where none are given."""
        drawn = strengths or task.training or Strengths()
        usual = SecondOrder() if task.second_order else task.degrade
        return cls(**vars(drawn), own=own or usual, margin=task.margin)

    def side(self, patch: int) -> int:
        """Return the side of what must be degraded to cut patches of a side from it, in pixels."""
        side = patch + 2 * self.margin
        return side if self.quality is None else -(-(side + GRID - 1) // GRID) * GRID

    def degrade_pairs(
        self,
        small: Patches,
        large: Patches,
        patch: int,
        randoms: Sequence[np.random.Generator],
        teacher: Patches | None = None,
        clean_lr: bool = False,
    ) -> tuple[Patches | Floats, ...]:
        """Degrade LR patches, and cut them and their HR patches to size at the same place.

        Args:
            small: LR, (n, s, s, 3), uint8, s being :meth:`side` of ``patch``.
            large: HR, (n, scale s, scale s, 3), uint8.
            patch: side of the LR patches that are wanted.
            randoms: a generator for each patch.
            teacher: what a teacher made of the clean LR, of HR's shape; cut as HR is.
            clean_lr: whether to return the LR patches before their degradation, too.

        Returns:
            LR (n, patch, patch, 3), as :meth:`degrade` returns it, HR (n, scale patch,
            scale patch, 3), the teacher's patches where they were given, and the clean LR where
            it is wanted.
        """
        grey = np.array([self.grey > 0 and random.random() < self.grey for random in randoms])
        small = _made_grey(small, grey)
        targets = [_made_grey(each, grey) for each in (large, teacher) if each is not None]
        targets += [small] if clean_lr else []
        degraded = self.degrade(small, randoms, grey)
        if self.quality is None and not self.margin:
            return degraded, *targets
        places = np.full((len(small), 2), self.margin)
        if self.quality is not None:
            places += np.array([random.integers(GRID, size=2) for random in randoms])
        zooms = [each.shape[1] // small.shape[1] for each in targets]
        cut = [
            _cut(each, places * zoom, patch * zoom)
            for each, zoom in zip(targets, zooms, strict=True)
        ]
        return _cut(degraded, places, patch), *cut

    def degrade(
        self,
        patches: Patches,
        randoms: Sequence[np.random.Generator],
        grey: NDArray[np.bool_] | None = None,
    ) -> Patches | Floats:
        """Degrade patches, whose first pixel is the first of a JPEG block.

        Args:
            patches: (n, H, W, 3), uint8; where there is JPEG, H and W multiples of ``GRID``.
            randoms: a generator for each patch.
            grey: (n,), whose noise is to be the same in all channels; by default no one's.

        Returns:
            The same shape; with JPEG uint8, as files have it, and else float32 in levels of 255,
            neither clipped nor rounded.
        """
        chances = np.array([random.random(5) for random in randoms]).T
        dirty = chances[0] >= self.clean
        sigma = (_between(*(self.sigma or (0, 0)), chances[1]) * dirty).astype(np.float32)
        grey = np.zeros(len(patches), np.bool_) if grey is None else grey
        sensor = np.array([self.sensor > 0 and random.random() < self.sensor for random in randoms])
        noise = _Noise(sigma, sensor, grey, randoms)
        given = patches if self.own is None else self._degraded_by_own(patches, dirty, randoms)
        if self.quality is None:
            return noise.added_to(given)
        given = round_to_levels(given.astype(np.float32)).astype(np.uint8) if self.own else patches
        lowest, highest = self.quality
        quality = np.exp(_between(np.log(lowest), np.log(highest + 1), chances[2]))
        quality = quality.astype(np.int64).clip(lowest, highest)
        noise_first, halved = (chances[3] < 0.5) | sensor, chances[4] < 0.5

        degraded = noise.added_in_8_bit(given, noise_first)
        is_jpeg = dirty & ~self._coded_otherwise(degraded, dirty, randoms)
        degraded[is_jpeg] = jpeg_batch(degraded[is_jpeg], quality[is_jpeg], halved[is_jpeg])
        return noise.added_in_8_bit(degraded, ~noise_first)

    def _coded_otherwise(
        self, patches: Patches, dirty: NDArray[np.bool_], randoms: Sequence[np.random.Generator]
    ) -> NDArray[np.bool_]:
        """Code some of the ``dirty`` patches in place as WebP or AVIF, and return which."""
        done = np.zeros(len(patches), np.bool_)
        if not self.webp + self.avif:
            return done
        assert self.quality is not None
        for n in np.flatnonzero(dirty).tolist():
            kind, where = randoms[n].random(2).tolist()
            codec = _codec_at(self, kind)
            if codec != "JPEG":
                lowest, highest = (as_visible_as_jpeg(codec, each) for each in self.quality)
                quality = lowest + (highest - lowest) * where
                patches[n], done[n] = _coded(patches[n], codec, quality), True
        return done

    def _degraded_by_own(
        self, patches: Patches, dirty: NDArray[np.bool_], randoms: Sequence[np.random.Generator]
    ) -> Floats:
        """Apply the task's own degradation, in strengths drawn from 0 to 1, where ``dirty``."""
        assert self.own is not None
        made: list[NDArray[Any]] = list(patches)
        for n in np.flatnonzero(dirty).tolist():
            made[n] = self.own(patches[n], randoms[n].random(), randoms[n])
        return np.stack(made).astype(np.float32)


def mixed_codec(strengths: Strengths) -> JpegCodec:
    """Return a codec that codes shares of the images as WebP and AVIF, and the others as JPEG.

    Their quality is as visible as the JPEG's; an image's own pixels decide which of them it is.
    """

    def code(pixels: Patches, quality: int, subsampling: Subsampling) -> Degraded:
        codec = _codec_at(strengths, zlib.crc32(pixels.tobytes()) / 2**32)
        if codec == "JPEG":
            return NUMPY_JPEG.code(pixels, quality, subsampling)
        coded = _coded(to_rgb(pixels), codec, as_visible_as_jpeg(codec, quality))
        return Degraded(coded[..., : pixels.shape[2]])

    shares = f"{strengths.webp:.0%} as WebP and {strengths.avif:.0%} as AVIF, no less visible"
    return JpegCodec(f"{NUMPY_JPEG.encoder} ({shares})", code)


def _codec_at(strengths: Strengths, where: float) -> Codec:
    """Return the codec whose share of [0, 1) a number is in: WebP, AVIF, and JPEG for the rest."""
    if where < strengths.webp:
        return "WebP"
    return "AVIF" if where < strengths.webp + strengths.avif else "JPEG"


def _coded(pixels: Patches, codec: LossyCodec, quality: float) -> Patches:
    """Code an image (H, W, 3) by the next whole quality that there is, and decode it."""
    from scalewise.files.coding import code_and_decode  # only here does training need pyvips

    return code_and_decode(pixels, codec, max(1, round(quality)))


def _made_grey(patches: Patches, chosen: NDArray[np.bool_]) -> Patches:
    """Replace the channels of the chosen patches (n, H, W, 3) by their luma."""
    luma = round_to_levels(patches[chosen] @ RGB_TO_YCBCR[0])
    made = patches.copy()
    made[chosen] = luma[..., None]
    return made


@dataclass(frozen=True)
class _Noise:
    """Noise of n patches: its sigma, whether it is a sensor's, and the same in all channels."""

    sigma: Floats
    sensor: NDArray[np.bool_]
    grey: NDArray[np.bool_]
    randoms: Sequence[np.random.Generator]

    def added_to(self, patches: Patches | Floats) -> Floats:
        """Add the noise to patches (n, H, W, 3), neither clipped nor rounded."""
        noisy = patches.astype(np.float32)
        for n in range(len(noisy)):
            noisy[n] += self._of(n, *patches.shape[1:3])
        return noisy

    def added_in_8_bit(self, patches: Patches, chosen: NDArray[np.bool_]) -> Patches:
        """Add it to the chosen patches, and round; without noise no generator is asked."""
        noisy = patches.copy()
        for n in np.flatnonzero(chosen & (self.sigma > 0)).tolist():
            with_noise = patches[n] + self._of(n, *patches.shape[1:3])
            noisy[n] = round_to_levels(with_noise).astype(np.uint8)
        return noisy

    def _of(self, n: int, height: int, width: int) -> Floats:
        random, sigma = self.randoms[n], self.sigma[n]
        if not self.sensor[n]:
            channels = 1 if self.grey[n] else 3
            return sigma * random.standard_normal((height, width, channels), np.float32)
        gain, blur = random.random(2).tolist()
        noise = sensor_noise(height, width, float(sigma), random, gain=1 + gain, blur=blur)
        return noise[..., :1] if self.grey[n] else noise


def _between(low: float, high: float, chances: NDArray[np.float64]) -> NDArray[np.float64]:
    return low + (high - low) * chances


def _cut(patches: NDArray[Any], places: NDArray[np.int64], side: int) -> NDArray[Any]:
    """Cut squares of a side from patches (n, H, W, C), their corners at places (n, 2)."""
    return np.stack(
        [
            patch[top : top + side, left : left + side]
            for patch, (top, left) in zip(patches, places.tolist(), strict=True)
        ]
    )
