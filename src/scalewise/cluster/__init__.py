"""Cluster runs: many images on the machines of a Ray cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalewise.lazy import lazy_names

if TYPE_CHECKING:
    from scalewise.cluster.pool import restore_on_cluster

__all__ = ["restore_on_cluster"]

__getattr__ = lazy_names(__name__, {"pool": __all__})
