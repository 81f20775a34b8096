"""The patch sampler: a step's batch is a function of (seed, step) and nothing else.

There is no state to save: a resumed run draws what the interrupted one would have drawn, and
each process of a distributed run takes its share of the batch that a single one would see.  The
same holds for the degradation of patches: it is a function of (seed, step, place in the whole
batch).
"""

from __future__ import annotations

import sys
from bisect import bisect
from collections.abc import Sequence
from copy import copy
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import check_number, check_seed
from scalewise.data.degrading import Floats, PatchDegradation
from scalewise.data.store import Store
from scalewise.errors import ScalewiseError
from scalewise.imaging.resize import contributions

Patches = NDArray[np.uint8]


class Place(NamedTuple):
    """The place of one patch: store, image, top left corner in LR pixels, and view.

    The view is one of eight (:func:`dihedral`).  Where patches are degraded, the patch includes
    the margin that they are degraded with.
    """

    store: Store
    picture: int
    top: int
    left: int
    view: int


class PatchSampler:
    """Random aligned LR and HR patches, flipped and transposed, from packed stores.

    Every position of every image is equally likely, unless stores have weights, or there are
    candidates: of these the patch is taken that bicubic enlargement restores worst.  Where the
    images are whole patches, every one is drawn once before any is drawn again, in an order
    shuffled each time.

    Args:
        stores: where the images are.
        scale: HR over LR size.
        patch: side of an LR patch, in pixels.
        batch: patches per step, over all processes.
        seed: the run's seed, from 0 to 2^63 - 1.
        rank: this process, of ``world`` processes.
        world: number of processes; must divide ``batch``.
        augment: flip and transpose patches.
        whole: the images are squares of the patch's size, to be taken as they are.
        degradation: degrades LR patches, after they were flipped; None for nothing.
        teacher: draw the teacher's patches too.
        clean_lr: draw the LR patches before their degradation too; needs one.
        candidates: places drawn for each patch, of which the one is taken where bicubic
            enlargement is farthest from the ground truth.  With weights, all are in one store.
        weights: for each store its share of the patches, in relation to the others; by default
            in proportion to its number of positions.

    Raises:
        ScalewiseError: no image is large enough, ``world`` does not divide ``batch``, the
            seed is out of its range, a store holds no teacher's images for this scale, candidates
            or weights where there is nothing to choose from, or not one weight per store.
    """

    def __init__(
        self,
        stores: Sequence[Store],
        scale: int,
        patch: int,
        batch: int,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        *,
        augment: bool = True,
        whole: bool = False,
        degradation: PatchDegradation | None = None,
        teacher: bool = False,
        clean_lr: bool = False,
        candidates: int = 1,
        weights: Sequence[float] | None = None,
    ) -> None:
        check_seed("seed", seed)
        sizes = {"scale": scale, "patch": patch, "batch": batch, "candidates": candidates}
        for name, value in {**sizes, "world": world}.items():
            check_number(name, value, 1, sys.maxsize, whole=True)
        check_number("rank", rank, 0, world - 1, whole=True)
        if candidates > 1 and (whole or scale == 1):
            raise ScalewiseError(
                "data.candidates is for patches that are cut out and enlarged; leave it out"
            )
        if batch % world:
            raise ScalewiseError(f"batch {batch} does not divide among {world} processes")
        self.stores = list(stores)
        self.scale, self.batch, self.seed = scale, batch, seed
        self.degradation = degradation
        self.teacher = teacher
        self._clean_lr = clean_lr
        self._candidates = candidates
        self._weights = weights
        self._rank, self._world = rank, world
        self._augment, self._whole = augment, whole
        self._lay_out(patch)

    def with_patch(self, patch: int) -> PatchSampler:
        """Return a sampler that draws patches of another side, and is the same in all else.

        Raises:
            ScalewiseError: no image is large enough.
        """
        check_number("patch", patch, 1, sys.maxsize, whole=True)
        other = copy(self)
        other._lay_out(patch)
        return other

    def _lay_out(self, patch: int) -> None:
        """Find the places of patches of a side in all images."""
        self.patch, scale = patch, self.scale
        self._side = side = self.degradation.side(patch) if self.degradation else patch
        pictures: list[tuple[Store, int]] = []
        positions: list[tuple[int, int]] = []
        for store in self.stores:
            if self.teacher:
                store.require_teacher(scale)
            for index, (height, width) in enumerate(store.lr_shapes(scale)):
                if min(height, width) >= side:
                    pictures.append((store, index))
                    positions.append((height - side + 1, width - side + 1))
        if not pictures:
            raise ScalewiseError(
                f"no image is large enough for patches of {side * scale} px; "
                "choose a smaller data.patch"
            )
        self._bicubic = bicubic_matrix(patch, scale)  # not earlier: too large a side fills memory
        self._pictures = pictures
        self._positions = positions
        counts = [rows * columns for rows, columns in positions]
        self._shares: list[float] | None = None  # where each store's part of [0, 1] ends
        if self._weights is not None:
            if self._whole:
                raise ScalewiseError("data.weights is for patches that are cut out; leave it out")
            stores_of = [self.stores.index(store) for store, _ in pictures]
            counts, self._shares = weighted(counts, stores_of, self._weights, len(self.stores))
        self._cumulative = list(accumulate(counts))

    def __len__(self) -> int:
        """Return the number of images that patches are drawn from."""
        return len(self._pictures)

    def draw(self, step: int) -> list[Place]:
        """Draw where this process's patches of a step lie."""
        if self._whole:
            return self._draw_whole(step)
        draw = self._random(step).random((self.batch, self._candidates, 4))
        places: list[Place] = []
        for candidates in draw[self._rank :: self._world].tolist():
            if self._shares:
                candidates = in_one_part(candidates, self._shares)
            drawn = [self._place(*numbers) for numbers in candidates]
            places.append(drawn[0] if len(drawn) == 1 else max(drawn, key=self._bicubic_error))
        return places

    def _place(self, where: float, down: float, across: float, turn: float) -> Place:
        picture = bisect(self._cumulative, where * self._cumulative[-1])
        rows, columns = self._positions[picture]
        store, index = self._pictures[picture]
        view = int(turn * 8) if self._augment else 0
        return Place(store, index, int(down * rows), int(across * columns), view)

    def _bicubic_error(self, place: Place) -> float:
        """Return the mean absolute error of bicubic enlargement, of the channels' mean."""
        side, scale = self.patch, self.scale
        top, left = place.top, place.left
        lr = place.store.lr(place.picture, scale)[top : top + side, left : left + side]
        top, left, side = top * scale, left * scale, side * scale
        hr = place.store.hr(place.picture)[top : top + side, left : left + side]
        enlarged = self._bicubic @ lr.mean(axis=2, dtype=np.float32) @ self._bicubic.T
        return float(np.abs(enlarged - hr.mean(axis=2, dtype=np.float32)).mean())

    def _draw_whole(self, step: int) -> list[Place]:
        first = step * self.batch
        orders: dict[int, NDArray[np.int64]] = {}
        places: list[Place] = []
        for draw in range(first + self._rank, first + self.batch, self._world):
            epoch, index = divmod(draw, len(self))
            if epoch not in orders:
                orders[epoch] = self._random(epoch).permutation(len(self))
            places.append(Place(*self._pictures[orders[epoch][index]], top=0, left=0, view=0))
        return places

    def _random(self, number: int, stream: int = 0) -> np.random.Generator:
        """Return a generator that depends on the seed, a number and a stream of it alone."""
        counter = [0, 0, 0, stream]  # its highest word: streams never meet
        return np.random.Generator(np.random.Philox(key=[self.seed, number], counter=counter))

    def sample(self, step: int) -> tuple[Patches | Floats, ...]:
        """Return this process's share of the batch of a step.

        Returns:
            LR (n, patch, patch, 3) and HR (n, scale patch, scale patch, 3), uint8; degraded LR as
            :meth:`PatchDegradation.degrade` returns it.  With a teacher, its patches come third, of
            HR's shape.  The clean LR, if it is drawn, comes last.
        """
        small, *large = self._cut(self.draw(step))
        if self.degradation is None:
            return small, *large
        mine = range(self._rank, self.batch, self._world)
        randoms = [self._random(step, stream=1 + index) for index in mine]
        hr, teacher = large[0], large[1] if self.teacher else None
        return self.degradation.degrade_pairs(
            small, hr, self.patch, randoms, teacher, self._clean_lr
        )

    def _cut(self, places: list[Place]) -> list[Patches]:
        """Cut the LR, HR and perhaps teacher's patches at places, margins included."""
        zooms = [1, self.scale, self.scale] if self.teacher else [1, self.scale]
        sides = [self._side * zoom for zoom in zooms]
        cut = [np.empty((len(places), side, side, 3), np.uint8) for side in sides]
        for n, (store, index, *corner, view) in enumerate(places):
            pictures = [store.lr(index, self.scale), store.hr(index)]
            if self.teacher:
                pictures.append(store.teacher(index))
            for patches, picture, zoom, side in zip(cut, pictures, zooms, sides, strict=True):
                top, left = (zoom * start for start in corner)
                patches[n] = dihedral(picture[top : top + side, left : left + side], view)
        return cut


def weighted(
    counts: Sequence[int], stores: Sequence[int], weights: Sequence[float], number: int
) -> tuple[list[float], list[float]]:
    """Return the images' counts so that the stores' sums are their weights, and shares.

    Args:
        counts: positions in each image.
        stores: index of each image's store.
        weights: of the stores.
        number: of stores.

    Returns:
        For each image its count, and for each store the end of its part of [0, 1].
    """
    if len(weights) != number:
        raise ScalewiseError(
            f"data.weights needs one number for each of the {number} training sets, "
            f"not {len(weights)}",
            arguments=["weights"],
        )
    for weight in weights:
        check_number("weights", weight, 0, sys.maxsize)
    totals = [0] * number
    for count, store in zip(counts, stores, strict=True):
        totals[store] += count
    for store, (total, weight) in enumerate(zip(totals, weights, strict=True)):
        if weight > 0 and not total:
            raise ScalewiseError(
                f"training set {store + 1} has a weight, and no image that is large enough",
                arguments=["weights"],
            )
    if not sum(weights):
        raise ScalewiseError("data.weights cannot all be 0", arguments=["weights"])
    pairs = zip(counts, stores, strict=True)
    shares = [weight / sum(weights) for weight in weights]
    return [shares[store] * count / totals[store] for count, store in pairs], [*accumulate(shares)]


def in_one_part(candidates: list[list[float]], ends: Sequence[float]) -> list[list[float]]:
    """Move the first number of all candidates to the part of [0, 1] where the first one's lies.

    Otherwise a store whose patches are easy would lose to the others, and not get its share.
    """
    part = min(bisect(ends, candidates[0][0]), len(ends) - 1)
    start = ends[part - 1] if part else 0.0
    rest = [[start + where * (ends[part] - start), *others] for where, *others in candidates[1:]]
    return [candidates[0], *rest]


def bicubic_matrix(side: int, scale: int) -> NDArray[np.float32]:
    """Return the matrix (scale side, side) that enlarges one axis bicubically."""
    indices, weights = contributions(side, side * scale, scale)
    matrix = np.zeros((side * scale, side), np.float32)
    np.add.at(matrix, (np.arange(side * scale)[:, None], indices), weights.astype(np.float32))
    return matrix


def dihedral(image: NDArray[np.uint8], view: int) -> NDArray[np.uint8]:
    """Return one of the eight flips and transposes of (H, W, C), ``view`` from 0 (as is) to 7."""
    if view & 1:
        image = image[:, ::-1]
    if view & 2:
        image = image[::-1]
    return image.swapaxes(0, 1) if view & 4 else image
