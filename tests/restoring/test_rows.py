"""Rows that are read ahead: the same rows, their errors, and no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalewise.errors import ScalewiseError
from scalewise.restoring.rows import Prefetcher, Rows, rows_of, to_array
from tests.restoring.fakes import ArraySource

WIDE = 2**19  # a block of 64 such rows is as much as may wait


def test_the_same_rows() -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 5, 3), dtype=np.uint8)
    ahead = Prefetcher(rows_of(ArraySource(image)))
    np.testing.assert_array_equal(to_array(ahead.rows), image)
    ahead.close()


def test_it_starts_at_once_and_stops_where_enough_waits() -> None:
    taken: list[int] = []
    more = threading.Semaphore(0)

    def blocks() -> Iterator[NDArray[Any]]:
        for index in range(100):
            taken.append(index)
            more.release()
            yield np.full((64, 1, 1), index, np.uint8)

    ahead = Prefetcher(Rows(6400, WIDE, 1, np.dtype(np.uint8), blocks()))
    for _ in range(3):  # two that wait, one that finds no room
        assert more.acquire(timeout=5)
    assert not more.acquire(timeout=0.2)
    assert next(ahead)[0, 0, 0] == 0
    assert more.acquire(timeout=5)
    ahead.close()
    assert taken == [0, 1, 2, 3]


def test_an_error_comes_after_the_rows_before_it() -> None:
    def blocks() -> Iterator[NDArray[Any]]:
        yield np.zeros((64, 1, 1), np.uint8)
        raise ScalewiseError("damaged")

    ahead = Prefetcher(Rows(128, 1, 1, np.dtype(np.uint8), blocks()))
    assert next(ahead).shape == (64, 1, 1)
    with pytest.raises(ScalewiseError, match="damaged"):
        next(ahead)
    ahead.close()


def test_nothing_is_left_of_one_that_is_closed_early() -> None:
    before = threading.active_count()
    ahead = Prefetcher(rows_of(ArraySource(np.zeros((64 * 100, 2**16, 1), np.uint8))))
    next(ahead)
    assert threading.active_count() == before + 1
    ahead.close()
    assert threading.active_count() == before
