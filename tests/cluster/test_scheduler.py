"""Scheduler of a cluster run: workers and retries; no cluster is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scalewise.cluster.scheduler import RetryQueue, plan_workers
from scalewise.restoring.jobs import FileJob

A, B, C, D = (FileJob(Path(f"{name}.png"), Path(f"{name}_x2.png")) for name in "abcd")


def node(name: str, alive: bool = True, **resources: float) -> dict[str, Any]:
    return {
        "NodeID": name * 4,
        "Alive": alive,
        "NodeManagerHostname": name,
        "NodeManagerAddress": "10.0.0.1",
        "Resources": {"memory": 1e9, **resources},
    }


def test_a_worker_has_two_pictures_in_their_order() -> None:
    queue = RetryQueue([A, B, C])
    assert queue.take([]) is A
    assert queue.take([A]) is B
    assert queue.take([A, B]) is None
    assert queue.take([B]) is C
    assert queue.take([]) is None
    assert not queue


def test_what_a_worker_was_lost_over_is_tried_again_alone() -> None:
    queue = RetryQueue([A, B, C, D])
    taken = [queue.take([]), queue.take([A])]
    assert taken == [A, B]
    assert queue.lose(A)
    assert queue.lose(B)
    assert queue.take([D]) is None  # first, this one is to finish
    assert queue.take([]) is B
    assert queue.take([B]) is None
    assert queue.take([]) is A
    assert queue.take([A]) is None
    assert queue.take([]) is C
    assert queue.take([C]) is D


def test_a_picture_is_tried_three_times() -> None:
    queue = RetryQueue([A, B])
    for again in (True, True, False):
        assert queue.take([]) is A
        assert queue.lose(A) is again
    assert queue.take([]) is B


def test_a_loss_that_is_the_machines_is_not_counted() -> None:
    queue = RetryQueue([A, B])
    for _ in range(5):
        assert queue.take([]) is A
        assert queue.lose(A, count=False)
    assert queue.is_retry(A)
    assert not queue.is_retry(B)


def test_what_was_put_back_counts_as_not_tried() -> None:
    queue = RetryQueue([A, B])
    for _ in range(5):
        assert queue.take([]) is A
        queue.put_back(A)
    assert queue.take([B]) is A


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("auto", [("a", 8, 0), ("b", 4, 1), ("b", 4, 1), ("d", 0.5, 1), ("d", 0.5, 1)]),
        ("cpu", [("a", 8, 0), ("b", 9, 0), ("d", 1, 0)]),
        ("cuda", [("b", 4, 1), ("b", 4, 1), ("d", 0.5, 1), ("d", 0.5, 1)]),
    ],
)
def test_a_worker_for_every_machine_or_gpu(
    device: str, expected: list[tuple[str, float, int]]
) -> None:
    nodes = [
        node("a", CPU=8),
        node("b", CPU=9, GPU=2),
        node("c", alive=False, CPU=8),
        node("d", CPU=1, GPU=2),
        node("e"),
    ]
    specs = plan_workers(nodes, device)
    assert [(spec.machine[0], spec.cpus, spec.gpus) for spec in specs] == expected
    assert len(set(specs)) == len(specs)
    assert specs[0].machine.endswith(" (10.0.0.1)")
