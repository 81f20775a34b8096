"""Rows that are read while those before them are worked on."""

from __future__ import annotations

from dataclasses import replace
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalewise.restoring.rows import BLOCK, Rows

_MOST = 2**25
"""Bytes that may wait: all of a picture of 11 megapixels."""
_PATIENCE = 0.05  # seconds after which a thread looks whether it is still needed


class Prefetcher:
    """The blocks of some rows, fetched by a thread, from now on.

    An iterator; what fetching raises is raised to whom takes the blocks.

    Args:
        rows: whose blocks to fetch.
    """

    def __init__(self, rows: Rows) -> None:
        self._blocks = rows.blocks
        size = BLOCK * rows.width * rows.channels * rows.dtype.itemsize
        self._queue: Queue[NDArray[Any] | Exception | None] = Queue(max(2, _MOST // size))
        self._stopped = Event()
        self._thread = Thread(target=self._fetch, daemon=True)
        self._thread.start()
        self.rows = replace(rows, blocks=self)

    def __iter__(self) -> Prefetcher:
        return self

    def __next__(self) -> NDArray[Any]:
        while True:
            try:
                item = self._queue.get(timeout=_PATIENCE)
                break
            except Empty:
                if self._stopped.is_set():
                    raise StopIteration from None
        if isinstance(item, np.ndarray):
            return item
        self._stopped.set()
        if item is None:
            raise StopIteration
        raise item

    def close(self) -> None:
        """Stop fetching, and wait until that is so."""
        self._stopped.set()
        self._thread.join()

    def _fetch(self) -> None:
        try:
            for block in self._blocks:
                if not self._put(block):
                    return
            self._put(None)
        except Exception as error:
            self._put(error)

    def _put(self, item: NDArray[Any] | Exception | None) -> bool:
        """Whether it was put, rather than not needed any more."""
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=_PATIENCE)
            except Full:
                continue
            return True
        return False
