"""Confidence in mean scores: standard errors, and a paired permutation test of two methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalewise.arguments import shown
from scalewise.errors import ScalewiseError

EXACT_UP_TO = 16
"""Most images for which all sign assignments are tried; beyond, they are sampled."""

SAMPLES = 100_000
"""Sign assignments that are sampled, with a fixed seed."""

SIGNIFICANT = 0.05
"""The p-value below which a difference is called one."""

TEST = (
    "two-sided paired sign-flip permutation test over images "
    f"(exact up to {EXACT_UP_TO} images, else {SAMPLES} samples, seed 0); "
    "p is not adjusted for the number of comparisons"
)
"""Description of the test, for notes of tables."""

_CHUNK = 10_000


@dataclass(frozen=True)
class Paired:
    """The paired difference of two methods on the same images.

    Attributes:
        difference: mean of the differences, image by image; nan where one is not finite.
        error: its standard error; nan for a single image.
        higher: the number of images on which the first one is higher.
        images: the number of images.
        p: two-sided p-value; nan where a difference is not finite.
        least_p: the smallest p-value that so many images can have.
    """

    difference: float
    error: float
    higher: int
    images: int
    p: float
    least_p: float

    @property
    def is_significant(self) -> bool:
        """True if the p-value is below :data:`SIGNIFICANT`."""
        return self.p < SIGNIFICANT


def mean_of(values: Sequence[float]) -> float:
    """Return the mean; infinite if a value is, such as the PSNR of an image without an error."""
    return float(np.mean(values))


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of a mean: the sample deviation over the root of the number.

    Returns:
        nan for fewer than two values, or where one is not finite.

    Raises:
        ScalewiseError: something else than numbers.

    >>> standard_error([1.0, 3.0])
    1.0
    """
    array = _numbers("values", values)
    if array.size < 2 or not np.isfinite(array).all():
        return float("nan")
    return float(array.std(ddof=1) / np.sqrt(array.size))


def paired_test(first: Sequence[float], second: Sequence[float]) -> Paired:
    """Test whether two methods differ on the same images.

    If they did not differ, each image's difference would have had either sign with equal chance.
    The p-value is the share of all assignments of signs whose mean is at least as far from 0 as the
    one observed (Fisher 1935; Good, "Permutation, parametric and bootstrap tests of hypotheses",
    2005).  It needs no normal distribution.  Five images cannot give less than 2/32 = 0.0625.

    Args:
        first, second: scores of the same images in the same order, at least one.

    Returns:
        The test; two equal infinite scores differ by 0.

    Raises:
        ScalewiseError: no scores, not as many of both, or something else than numbers.

    >>> test = paired_test([1.0, 2.0, 3.0, 4.0, 5.0], [0.9, 1.8, 2.9, 3.7, 4.9])
    >>> round(test.difference, 2), test.higher, test.p
    (0.16, 5, 0.0625)
    """
    a, b = _numbers("first", first), _numbers("second", second)
    if not a.size or a.size != b.size:
        raise ScalewiseError(
            f"first and second must be scores of the same images, at least one, not {a.size} and "
            f"{b.size}",
            arguments=["first", "second"],
        )
    with np.errstate(invalid="ignore"):
        differences = np.where(a == b, 0.0, a - b)
    count = differences.size
    higher = int((differences > 0).sum())
    exact = count <= EXACT_UP_TO
    least = 2.0 ** (1 - count) if exact else 1 / (SAMPLES + 1)
    if not np.isfinite(differences).all():
        nan = float("nan")
        return Paired(nan, nan, higher, count, nan, least)
    p = _exact(differences) if exact else _sampled(differences)
    error = standard_error(differences.tolist())
    return Paired(float(differences.mean()), error, higher, count, p, least)


def _numbers(name: str, values: Sequence[float]) -> NDArray[np.float64]:
    """Return an argument as an array, once it is sure to be a list of numbers."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists of several lengths
        array = np.empty((0, 0))
    if array.ndim != 1 or (array.size and array.dtype.kind not in "uif"):
        raise ScalewiseError(
            f"{name} must be a list of numbers, not {shown(values)}", arguments=[name]
        )
    return array.astype(np.float64)


def _exact(differences: NDArray[np.float64]) -> float:
    """Try all signs; that of the last image stays, because the other half mirrors this one."""
    free = differences.size - 1
    numbers: NDArray[np.int64] = np.arange(2**free, dtype=np.int64)
    bits = (numbers[:, None] >> np.arange(free)) & 1
    signs = (1 - 2 * bits).astype(np.float64)
    sums: NDArray[np.float64] = signs @ differences[:-1] + differences[-1]
    return float(_at_least(sums, differences).mean())


def _sampled(differences: NDArray[np.float64]) -> float:
    """Sample signs; the assignment that was observed counts as one, so p is never 0."""
    random = np.random.default_rng(0)
    found = 0
    for _ in range(SAMPLES // _CHUNK):
        signs = random.integers(0, 2, (_CHUNK, differences.size), np.int8) * 2 - 1
        found += int(_at_least(signs @ differences, differences).sum())
    return (found + 1) / (SAMPLES + 1)


def _at_least(sums: NDArray[np.float64], differences: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which sums are as far from 0 as that observed, but for rounding."""
    tolerance = 1e-12 * np.abs(differences).sum()
    return np.abs(sums) >= abs(differences.sum()) - tolerance
