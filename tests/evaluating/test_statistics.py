"""Standard errors and the paired test, beside scipy's."""

from __future__ import annotations

import numpy as np
import pytest

from scalewise.evaluating.statistics import paired_test, standard_error


def draws(count: int, shift: float) -> tuple[list[float], list[float]]:
    random = np.random.default_rng(count)
    first = random.normal(30, 3, count)
    return (first + random.normal(shift, 0.2, count)).tolist(), first.tolist()


@pytest.mark.parametrize(("count", "shift"), [(2, 1), (5, 0.1), (9, 0.0), (12, 0.08)])
def test_the_exact_test_is_scipys(count: int, shift: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    first, second = draws(count, shift)
    expected = stats.permutation_test(
        (np.array(first), np.array(second)),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert paired_test(first, second).p == pytest.approx(expected.pvalue)
    assert standard_error(first) == pytest.approx(stats.sem(first))


def test_many_images_are_sampled_the_same_each_time() -> None:
    stats = pytest.importorskip("scipy.stats")
    first, second = draws(30, 0.07)
    test = paired_test(first, second)
    assert test == paired_test(first, second)
    assert test.p == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=0.01)
    assert 0.005 < test.p < 0.2
    assert paired_test(*draws(30, 1)).p == pytest.approx(1 / 100_001)


def test_five_images_cannot_be_significant() -> None:
    test = paired_test([1.02, 2.02, 3.02, 4.02, 5.02], [1, 2, 3, 4, 5])
    assert (test.p, test.least_p, test.higher, test.images) == (0.0625, 0.0625, 5, 5)
    assert not test.is_significant
    assert paired_test([1.0] * 6, [0.0] * 6).is_significant


def test_values_that_are_not_finite_or_alone() -> None:
    infinite = float("inf")
    assert np.isnan(paired_test([infinite, 1], [2, 1]).p)
    same = paired_test([infinite, 1.0], [infinite, 1.0])
    assert (same.difference, same.p) == (0, 1)
    assert np.isnan(standard_error([3.0]))
    assert np.isnan(standard_error([3.0, infinite]))
    assert paired_test([2.0], [1.0]).p == 1
