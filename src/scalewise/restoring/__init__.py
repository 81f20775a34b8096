"""Restoration of images by released models: arrays, files, folders, without PyTorch on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalewise.lazy import lazy_names
from scalewise.restoring.sizes import Target

if TYPE_CHECKING:
    from scalewise.restoring.batch import JobResult, ProgressCallback, restore_files
    from scalewise.restoring.cascade import upscale_array
    from scalewise.restoring.file_pipeline import OutputOptions, RestoredFile, restore_file
    from scalewise.restoring.filters import Selection
    from scalewise.restoring.jobs import FileJob, plan_jobs
    from scalewise.restoring.loading import LoadOptions, load, load_trained
    from scalewise.restoring.restorer import Restorer
    from scalewise.restoring.rows import Progress, RowSink, RowSource
    from scalewise.restoring.selection import (
        AutoSelector,
        load_cascade,
        load_networks,
        select_for_restoring,
        select_for_upscaling,
    )

__all__ = [
    "AutoSelector",
    "FileJob",
    "JobResult",
    "LoadOptions",
    "OutputOptions",
    "Progress",
    "ProgressCallback",
    "RestoredFile",
    "Restorer",
    "RowSink",
    "RowSource",
    "Selection",
    "Target",
    "load",
    "load_cascade",
    "load_networks",
    "load_trained",
    "plan_jobs",
    "restore_file",
    "restore_files",
    "select_for_restoring",
    "select_for_upscaling",
    "upscale_array",
]

__getattr__ = lazy_names(
    __name__,
    {
        "batch": ("JobResult", "ProgressCallback", "restore_files"),
        "cascade": ("upscale_array",),
        "file_pipeline": ("OutputOptions", "RestoredFile", "restore_file"),
        "filters": ("Selection",),
        "jobs": ("FileJob", "plan_jobs"),
        "loading": ("LoadOptions", "load", "load_trained"),
        "restorer": ("Restorer",),
        "rows": ("Progress", "RowSink", "RowSource"),
        "selection": (
            "AutoSelector",
            "load_cascade",
            "load_networks",
            "select_for_restoring",
            "select_for_upscaling",
        ),
    },
)
