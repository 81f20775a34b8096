"""Experiments of the reproduced document: trainings, measurements and their report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalewise.lazy import lazy_names

if TYPE_CHECKING:
    from scalewise.experiments.data import Data, find_data
    from scalewise.experiments.report import write_report
    from scalewise.experiments.results import Results, load_results
    from scalewise.experiments.runner import Request, reproduce

__all__ = [
    "Data",
    "Request",
    "Results",
    "find_data",
    "load_results",
    "reproduce",
    "write_report",
]

__getattr__ = lazy_names(
    __name__,
    {
        "data": (
            "Data",
            "find_data",
        ),
        "report": ("write_report",),
        "results": (
            "Results",
            "load_results",
        ),
        "runner": (
            "Request",
            "reproduce",
        ),
    },
)
