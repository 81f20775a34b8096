"""Self-ensemble (x8): the mean of a network's results for the eight views of an image.

Timofte, Rothe, Van Gool, "Seven ways to improve example-based single image super resolution",
CVPR 2016, section 3.6; the literature marks such scores with a plus.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from scalewise.restoring.channels import Run
from scalewise.restoring.rows import FloatImage


class View(NamedTuple):
    """A view of an image: flipped upside down, mirrored, and after that transposed."""

    down: bool
    across: bool
    transposed: bool

    def of(self, image: FloatImage) -> FloatImage:
        """Return the view of (..., H, W)."""
        image = self._flipped(image)
        return np.ascontiguousarray(image.swapaxes(-1, -2) if self.transposed else image)

    def undone(self, image: FloatImage) -> FloatImage:
        """Return the image of which this is the view.

        >>> image = np.arange(6, dtype=np.float32).reshape(2, 3)
        >>> all((view.undone(view.of(image)) == image).all() for view in VIEWS)
        True
        """
        return self._flipped(image.swapaxes(-1, -2) if self.transposed else image)

    def _flipped(self, image: FloatImage) -> FloatImage:
        return image[..., :: -1 if self.down else 1, :: -1 if self.across else 1]


VIEWS = [View(*ways) for ways in product((False, True), repeat=3)]


def self_ensemble(run: Run) -> Run:
    """Return a network's self-ensemble, which takes eight times as long."""

    def mean(image: FloatImage) -> FloatImage:
        total = VIEWS[0].undone(run(VIEWS[0].of(image))).copy()
        for view in VIEWS[1:]:
            total += view.undone(run(view.of(image)))
        total /= len(VIEWS)
        return total

    return mean
