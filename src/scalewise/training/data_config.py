"""Typed settings of the training and validation data: the keys under ``data`` of a recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from scalewise.data.degrading import PatchDegradation
from scalewise.imaging.second_order import SecondOrder
from scalewise.tasks import Strengths, get_task
from scalewise.training.config_checks import (
    DERIVED,
    STRICT,
    Settings,
    derive,
    require,
    require_above_zero,
    require_part,
    require_range,
    task_of,
)


@dataclass(frozen=True, kw_only=True, repr=False)
class DataConfig(Settings):
    """Settings of the training and validation data.

    Attributes:
        train: packed stores (``scalewise data pack``), or folders of images in any known
            layout, which are packed first.
        weights: share of the patches from each training set, in relation to the others; by
            default in proportion to the positions of a patch in it.
        valid: a folder of images, or a packed store, for validation; or a list of them.  All are
            scored, and the first one alone decides which checkpoint is the best.
        valid_images: number of images to validate on, the first ones of each set; all by default.
        patch: side of an LR patch in pixels; 48 by default.
        progressive: sides of an LR patch over the budget, in place of one: ``[[0, 32], [0.5, 48]]``
            takes patches of 32 pixels up to half of the budget, and of 48 from then on.  A stage
            begins by progress, as the learning rate does, so under a budget of time it depends on
            the clock; a step's patches are a function of seed, step, rank and side.
        batch: patches per step.
        candidates: positions drawn for each patch.  The one that bicubic enlargement restores
            worst is taken; 1 draws uniformly.  Patches are chosen on the CPU.
        epoch: steps per epoch; by default enough to draw one patch per image.
        augment: flip and transpose patches; true by default.
        squash: side of the square that whole LR images are squashed to (and HR ones to twice
            that), as the reproduced document does.  Then a patch is a whole image, patches are
            not flipped, and every image is drawn once before any is drawn again.
        task: the task, a name of :func:`scalewise.tasks.list_tasks`; its ``training`` has the
            defaults of the seven settings below.
        sigma: smallest and largest standard deviation of the noise, in levels of 255.
        quality: lowest and highest quality of the JPEG.
        clean: share of patches that are not degraded.
        grey: share of patches that are made grey, with grey noise.
        sensor: share of patches whose noise is that of a camera's sensor, which neighbours share.
        webp, avif: shares of the compressed patches that are WebP and AVIF in place of JPEG, in
            qualities whose artifacts are about as visible; none by default.  They need pyvips.
        second_order: ranges of blur, resizing, noise and the first JPEG of ``old-photo``; see
            :class:`scalewise.imaging.second_order.SecondOrder`.
    """

    train: list[str]
    weights: list[float] | None = None
    valid: str | list[str] | None = None
    valid_images: int | None = None
    patch: int = DERIVED
    progressive: list[tuple[float, int]] | None = None
    batch: int = 16
    candidates: int = 1
    epoch: int | None = None
    augment: bool = DERIVED
    squash: int | None = None
    task: str = "super-resolution"
    sigma: tuple[float, float] | None = DERIVED
    quality: tuple[int, int] | None = DERIVED
    clean: float = DERIVED
    grey: float = DERIVED
    sensor: float = DERIVED
    webp: float = DERIVED
    avif: float = DERIVED
    second_order: SecondOrder | None = DERIVED
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        task = task_of("data.task", self.task)
        usual = task.training or Strengths()
        last = self.progressive[-1][1] if self.progressive else 48
        derive(self, patch=self.squash or last, augment=self.squash is None)
        derive(self, sigma=usual.sigma, quality=usual.quality)
        derive(self, clean=usual.clean, grey=usual.grey, sensor=usual.sensor)
        derive(self, webp=usual.webp, avif=usual.avif)
        derive(self, second_order=SecondOrder() if task.second_order else None)
        require(bool(self.train), "data.train must name a packed store or a folder of images")
        require(self.valid != [], "data.valid must name a set, or be left out")
        self._check_weights(self.weights)
        for name in ("squash", "patch", "batch", "candidates", "valid_images", "epoch"):
            require_above_zero(f"data.{name}", getattr(self, name))
        require(
            self.squash in (None, self.patch) and not (self.squash and self.augment),
            "with data.squash a patch is a whole image, as it is: leave out data.patch and "
            f"data.augment, or let them be {self.squash} and false",
        )
        if self.progressive is not None:
            self._check_progressive(self.progressive)
        for key, chosen, needed in (
            ("squash", self.squash, not task.is_degraded),
            ("sigma", self.sigma, usual.sigma),
            ("quality", self.quality, usual.quality),
            ("clean", self.clean, task.is_degraded),
            ("grey", self.grey, task.is_degraded),
            ("sensor", self.sensor, "sensor" in task.options),
            ("webp", self.webp, usual.quality),
            ("avif", self.avif, usual.quality),
            ("second_order", self.second_order, task.second_order),
        ):
            require(not chosen or bool(needed), f"data.{key} is not for {self.task}: leave it out")
        require_range("data.sigma", self.sigma, 0, 255)
        require_range("data.quality", self.quality, 1, 100)
        require_part("data.clean", self.clean)
        require_part("data.grey", self.grey)
        require_part("data.sensor", self.sensor)
        require(
            0 <= self.webp <= 1 and 0 <= self.avif <= 1 and self.webp + self.avif <= 1,
            "data.webp and data.avif are shares of the compressed patches, from 0 to 1 together, "
            f"not {self.webp:g} and {self.avif:g}",
        )

    def _check_weights(self, weights: list[float] | None) -> None:
        if weights is None:
            return
        sets = len(self.train)
        require(
            len(weights) == sets,
            f"data.weights needs one number for each of data.train, {sets}, not {len(weights)}",
        )
        for weight in weights:
            require(0 <= weight < math.inf, f"data.weights must be 0 or more, not {weight:g}")
        require(any(weights), "data.weights cannot all be 0")

    def _check_progressive(self, stages: list[tuple[float, int]]) -> None:
        parts, sides = [part for part, _ in stages], [side for _, side in stages]
        require(
            parts[:1] == [0] and parts == sorted(set(parts)) and parts[-1] < 1,
            "data.progressive must be a list of [part, side], the parts rising from 0 and below "
            f"1, not {[list(each) for each in stages]}",
        )
        for side in sides:
            require_above_zero("data.progressive: a side", side)
        require(
            self.squash is None and self.patch == sides[-1],
            "data.progressive has sides of its own: leave out data.patch and data.squash "
            "(data.patch=null data.squash=null on the command line)",
        )

    def patch_at(self, progress: float) -> int:
        """Return the side of an LR patch at a completed part of the budget."""
        if self.progressive is None:
            return self.patch
        return [side for part, side in self.progressive if part <= progress][-1]

    @property
    def valid_sets(self) -> list[str]:
        """Paths of the validation sets; the first one decides."""
        if self.valid is None:
            return []
        return [self.valid] if isinstance(self.valid, str) else self.valid

    @property
    def valid_names(self) -> list[str]:
        """Names of the validation sets, for logs: the last parts of their paths, made unique."""
        names: list[str] = []
        for path in self.valid_sets:
            name = Path(path).resolve().name.removesuffix(".pack")
            unique, number = name, 1
            while unique in names:
                number += 1
                unique = f"{name}-{number}"
            names.append(unique)
        return names

    @property
    def strengths(self) -> Strengths:
        """Strengths of the degradation of LR patches."""
        return Strengths(
            sigma=self.sigma,
            quality=self.quality,
            clean=self.clean,
            grey=self.grey,
            sensor=self.sensor,
            webp=self.webp,
            avif=self.avif,
        )

    @property
    def degradation(self) -> PatchDegradation | None:
        """Degradation of LR patches; None for clean patches."""
        task = get_task(self.task)
        if not task.is_degraded:
            return None
        return PatchDegradation.of(task, self.strengths, self.second_order)
