"""Datasets: layouts on disk, checks, the packed store and the patch sampler.

The names are imported when they are used: training from a packed store needs NumPy alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalewise.lazy import lazy_names

if TYPE_CHECKING:
    from scalewise.data.benchmarks import BENCHMARKS, Benchmark, fetch_benchmark
    from scalewise.data.check import Problem, Report, check_dataset
    from scalewise.data.degrading import PatchDegradation
    from scalewise.data.layouts import (
        Dataset,
        Item,
        display_names,
        find_dataset,
        pair_folders,
    )
    from scalewise.data.packing import PackSummary, Teacher, pack
    from scalewise.data.reading import read_lr, read_own_lr, read_rgb
    from scalewise.data.sampler import PatchSampler, dihedral
    from scalewise.data.store import Store, TeacherInfo
    from scalewise.data.teacher import TeacherFolder, TeacherModel

__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "Dataset",
    "Item",
    "PackSummary",
    "PatchDegradation",
    "PatchSampler",
    "Problem",
    "Report",
    "Store",
    "Teacher",
    "TeacherFolder",
    "TeacherInfo",
    "TeacherModel",
    "check_dataset",
    "dihedral",
    "display_names",
    "fetch_benchmark",
    "find_dataset",
    "pack",
    "pair_folders",
    "read_lr",
    "read_own_lr",
    "read_rgb",
]

__getattr__ = lazy_names(
    __name__,
    {
        "benchmarks": ("BENCHMARKS", "Benchmark", "fetch_benchmark"),
        "check": ("Problem", "Report", "check_dataset"),
        "degrading": ("PatchDegradation",),
        "layouts": ("Dataset", "Item", "display_names", "find_dataset", "pair_folders"),
        "reading": ("read_lr", "read_own_lr", "read_rgb"),
        "sampler": ("PatchSampler", "dihedral"),
        "packing": ("PackSummary", "Teacher", "pack"),
        "store": ("Store", "TeacherInfo"),
        "teacher": ("TeacherFolder", "TeacherModel"),
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
