"""Tables of measurements, and a description of the machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch

from scalewise.training.machine import pick_device, pick_dtype


@dataclass(frozen=True)
class Machine:
    """The machine of a measurement.

    Attributes:
        processor: the CPU's model, and the GPU's if that is where training runs.
        cores: CPU cores that the process may use.
        threads: that PyTorch computes with.
        bf16: whether bfloat16 is native, so that ``precision: auto`` computes in it.
        load: processes that wanted a core in the minute before; near 0 on a free machine.
        torch: PyTorch's version.
        scalewise: this package's version.
        system: operating system and Python.
    """

    processor: str
    cores: int
    threads: int
    bf16: bool
    load: float
    torch: str
    scalewise: str
    system: str

    @classmethod
    def this(cls, device: str, threads: int | None) -> Machine:
        """Describe the machine that this runs on."""
        picked = pick_device(device)
        gpu = f"{torch.cuda.get_device_name(picked)}; " if picked.type == "cuda" else ""
        affinity = getattr(os, "sched_getaffinity", None)
        return cls(
            processor=gpu + _cpu_model(),
            cores=len(affinity(0)) if affinity else os.cpu_count() or 1,
            threads=threads or torch.get_num_threads(),
            bf16=pick_dtype("auto", picked) == torch.bfloat16,
            load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0,
            torch=torch.__version__,
            scalewise=version("scalewise-restoration"),
            system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        )

    def lines(self) -> list[str]:
        """Return the lines above a table."""
        native = "native" if self.bf16 else "not native"
        return [
            f"{self.processor}; cores {self.cores}, threads {self.threads}; bfloat16 is {native}",
            f"scalewise {self.scalewise}, PyTorch {self.torch}, {self.system}",
            f"load average when it began: {self.load:.2f}",
        ]


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> list[str]:
    """Return a Markdown table that is aligned as plain text, too.

    Args:
        columns: the headings.
        rows: the cells.
        texts: how many of the first columns are text; the others are aligned right.
    """
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if index < texts else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * width if index < texts else "-" * (width - 1) + ":"
        for index, width in enumerate(widths)
    ]
    return [line(columns), line(rule), *map(line, rows)]


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
