"""Devices, precision, process settings and memory of a training run, and their record."""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import platform
import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

from scalewise.atomic import write_atomic
from scalewise.errors import ScalewiseError

ENVIRONMENT_FILE = "environment.json"
"""The record's name in a run's folder."""

MALLOC_DEFAULTS = {
    "MALLOC_MMAP_MAX_": 65536,
    "MALLOC_TRIM_THRESHOLD_": 128 * 1024,
    "MALLOC_TOP_PAD_": 128 * 1024,
}
"""glibc's default settings, by the environment variables that override them."""

NEVER = -1
"""Threshold of free memory above which glibc returns it: none; larger than any other ``int``."""


def pick_device(device: str, index: int = 0) -> torch.device:
    """Return the device that a recipe names; ``auto`` prefers CUDA, then Apple's MPS.

    Args:
        device: ``auto``, ``cuda``, ``mps`` or ``cpu``.
        index: number of the GPU.

    Raises:
        ScalewiseError: PyTorch does not find such a device.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        device = next(kind for kind in there if there[kind])
    if not there[device]:
        raise ScalewiseError(f"device: PyTorch finds no {device} here; choose auto or cpu")
    return torch.device(device, index) if device == "cuda" else torch.device(device)


def pick_dtype(precision: str, device: torch.device) -> torch.dtype:
    """Return the type to compute in; ``auto`` is bfloat16 on devices with native support.

    It is never float16: it overflows on some content and gives black images.
    """
    if precision != "auto":
        return torch.bfloat16 if precision == "bf16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float32
    if device.type == "cpu":
        native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
        return torch.bfloat16 if native else torch.float32
    return torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """Compute in ``dtype`` where it is safe, with float32 weights."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype)


@contextmanager
def process_settings(deterministic: bool) -> Generator[None, None, None]:
    """Apply the process settings of training, and restore the old ones afterwards.

    cuDNN chooses its algorithms by timing, and freed memory is kept.  The caller's setting of
    deterministic algorithms stays, unless ``deterministic``.

    Args:
        deterministic: allow only deterministic algorithms, and choose none by timing.
    """
    algorithms = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    if deterministic:
        torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = not deterministic  # has an effect on a GPU only
    keep_freed_memory()
    try:
        yield
    finally:
        return_freed_memory()
        torch.backends.cudnn.benchmark = benchmark
        torch.use_deterministic_algorithms(algorithms, warn_only=warn_only)


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory instead of returning it to the system.

    A training step frees and allocates the same hundreds of megabytes, or gigabytes; without this
    a fifth to a half of its time goes into page faults.  On other systems this does nothing.
    """
    _set_malloc(mmap_max=0, trim_threshold=NEVER, top_pad=256 * 2**20)


def return_freed_memory() -> None:
    """Undo :func:`keep_freed_memory`, and return free memory to the system.

    glibc's current settings cannot be read, so its defaults are restored.
    """
    mmap_max, trim_threshold, top_pad = (
        int(os.environ.get(name, "")) if os.environ.get(name, "").isdigit() else default
        for name, default in MALLOC_DEFAULTS.items()
    )
    if _set_malloc(mmap_max, trim_threshold, top_pad):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _set_malloc(mmap_max: int, trim_threshold: int, top_pad: int) -> bool:
    """Change glibc's settings; return False for another C library."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library
        return False
    for number, value in ((-4, mmap_max), (-1, trim_threshold), (-2, top_pad)):
        mallopt(number, value)
    return True


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Versions, machine and precision of a training run.

    Attributes:
        scalewise, python, torch, numpy: versions.
        system: operating system and architecture.
        processor: name of the processor.
        device: device of the training, such as ``cpu``.
        precision: number format of the computation.
        threads: number of CPU threads.
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
    """Describe this process for training on a device in a precision."""
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
    """Write the record into a run's folder; it replaces that of an earlier machine."""
    text = json.dumps(dataclasses.asdict(environment), indent=2) + "\n"
    write_atomic(run / ENVIRONMENT_FILE, text.encode())


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name, as far as the system reports it."""
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
