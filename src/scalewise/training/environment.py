"""What a run was trained with: versions, machine, precision; a file in the run's folder."""

from __future__ import annotations

import dataclasses
import json
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

from scalewise.atomic import write_atomic

ENVIRONMENT_FILE = "environment.json"
"""The file's name in a run's folder."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What a run was trained with.

    Attributes:
        scalewise, python, torch, numpy: versions.
        system: operating system and architecture.
        processor: its name.
        device: what trained, such as ``cpu``.
        precision: what it computed in.
        threads: of the CPU.
    """

    scalewise: str
    python: str
    torch: str
    numpy: str
    system: str
    processor: str
    device: str
    precision: str
    threads: int


def describe_environment(device: torch.device, dtype: torch.dtype) -> Environment:
    """This process's environment, for a training on a device in a precision."""
    on_gpu = device.type == "cuda"
    return Environment(
        scalewise=_version_of("scalewise-restoration"),
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        system=f"{platform.system()} {platform.machine()}",
        processor=torch.cuda.get_device_name(device) if on_gpu else processor_name(),
        device=str(device),
        precision=str(dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
    )


def write_environment(environment: Environment, run: Path) -> None:
    """Write it into a run's folder, whole; where a run goes on elsewhere, the last one stays."""
    text = json.dumps(dataclasses.asdict(environment), indent=2) + "\n"
    write_atomic(run / ENVIRONMENT_FILE, text.encode())


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name, as far as the system tells."""
    try:
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a copy of the sources
        return "not installed"
