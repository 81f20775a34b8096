"""Cluster runs: many images on the machines of a Ray cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scalewise.cluster.pool import restore_on_cluster

__all__ = ["restore_on_cluster"]


def __getattr__(name: str) -> Any:
    """Import the worker pool when it is used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from scalewise.cluster import pool

    return getattr(pool, name)
