"""Experiments of the reproduced document: trainings, measurements and their report."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scalewise.experiments.data import Data, find_data
    from scalewise.experiments.report import write_report
    from scalewise.experiments.results import Results, load_results
    from scalewise.experiments.runner import ReproductionInterrupted, Request, reproduce

__all__ = [
    "Data",
    "ReproductionInterrupted",
    "Request",
    "Results",
    "find_data",
    "load_results",
    "reproduce",
    "write_report",
]

_MODULES = {
    "Data": "data",
    "ReproductionInterrupted": "runner",
    "Request": "runner",
    "Results": "results",
    "find_data": "data",
    "load_results": "results",
    "reproduce": "runner",
    "write_report": "report",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:  # on first use: the modules need PyTorch, Matplotlib and Jinja2
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
